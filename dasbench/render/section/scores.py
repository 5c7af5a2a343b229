"""The table of scores as a paper prints it: a score with its interval in one column, bold what tests resolved."""

from collections.abc import Callable, Iterator, Sequence

from dasbench.analysis.families import RankInterval
from dasbench.analysis.stats import Summary
from dasbench.render.leaderboard import REASONS, RUNNING
from dasbench.render.section.words import MOST_LINES, counted, left_out, listed, shortened
from dasbench.render.tables.table import Column, Table
from dasbench.views.board import Board
from dasbench.views.evidence import Evidence
from dasbench.views.lines import Line
from dasbench.views.ranks import ALL_PAIRS_UP_TO
from dasbench.views.units import count_unit
from dasbench.views.variants import is_cost

Cells = tuple[Column, Callable[[Line], str]]
"""A column, and what stands in it of a line."""

_OTHER_PARTS = ("val_", "train_")


def score_table(evidence: Evidence) -> Table:
    """The variants with their scores and costs, the best first."""
    board = evidence.board
    lines = board.lines[:MOST_LINES]
    bold = resolved_best(board.lines) if evidence.tests_hold else []
    columns = [*_score_columns(board), *_trial_columns(board.lines), *_cost_columns(board)]
    return Table(
        title=evidence.selection.question,
        columns=[Column(key="variant", title="variant", is_text=True), *(column for column, _ in columns)],
        rows=[[shortened(line.entry.label), *(cell(line) for _, cell in columns)] for line in lines],
        notes=[*_notes(board, has_bold=bool(bold)), *left_out(len(board.lines), "scores")],
        bold=[place for place in bold if place < MOST_LINES],
    )


def resolved_best(lines: Sequence[Line]) -> list[int]:
    """The places of the best and of what ties with it, each as far as it is significantly better than as many others.

    Nothing where no variant is significantly worse than the best, and where the best mean is one of a single seed.
    """
    best = next((line.rank for line in lines if line.rank and line.rank.best), None)
    if best is None or all(line.rank.ties_with_best for line in lines if line.rank):
        return []
    return [place for place, line in enumerate(lines) if _stands_beside(line.rank, best)]


def is_ranked(board: Board) -> bool:
    """Whether tests rank the variants: one alone has nothing to be ranked against."""
    return sum(line.rank is not None for line in board.lines) > 1


def score_text(summary: Summary | None, unit: str) -> str:
    """A mean with half of its interval: percentages with two decimals, other scores with four digits."""
    if summary is None or summary.mean is None:
        return "-"
    spread = "" if summary.half_width is None else f" ± {number_text(summary.half_width, unit)}"
    return f"{number_text(summary.mean, unit)}{spread}"


def number_text(value: float, unit: str) -> str:
    """A score: percentages with two decimals, others with four digits.

    Example:
        >>> number_text(99.9, "%"), number_text(0.25, "")
        ('99.90', '0.2500')
    """
    return f"{value:.2f}" if unit == "%" else f"{value:#.4g}"


def _stands_beside(rank: RankInterval | None, best: RankInterval) -> bool:
    return rank is not None and rank.ties_with_best and rank.high <= best.high


def _score_columns(board: Board) -> Iterator[Cells]:
    metric, validation = board.metric, f"val_{board.metric}"
    if not is_cost(metric):
        title = metric if metric.startswith(_OTHER_PARTS) else f"test {metric}"
        in_unit = f" ({board.unit})" if board.unit else ""
        yield (
            Column(key="score", title=f"{title}{in_unit}{', ± 95 %' if _has_spread(board) else ''}"),
            lambda line: score_text(line.summaries.get(metric), board.unit),
        )
    if is_ranked(board):
        yield Column(key="rank", title="rank"), lambda line: _rank_text(line.rank)
    if any(validation in line.entry.scores for line in board.lines):
        yield (
            Column(key="validation", title="validation"),
            lambda line: _mean_text(line.summaries[validation], board.unit),
        )


def _trial_columns(lines: Sequence[Line]) -> Iterator[Cells]:
    yield Column(key="n", title="n"), lambda line: f"{line.entry.num_done}/{line.entry.planned}"
    if any(_failures(line) for line in lines):
        yield Column(key="failed", title="failed"), lambda line: _failures(line) or "0"
    if any(line.entry.states.get("stopped") for line in lines):
        yield Column(key="stopped", title="stopped"), lambda line: str(line.entry.states.get("stopped", 0))


def _cost_columns(board: Board) -> Iterator[Cells]:
    for kind in ("params", "macs"):
        field = f"{kind}_{board.convention}"
        unit = count_unit(kind, [getattr(line.entry.cost, field) for line in board.lines if line.entry.cost])

        def cell(line: Line, field: str = field, size: float = unit.size) -> str:
            return f"{getattr(line.entry.cost, field) / size:.3f}" if line.entry.cost else "-"

        yield Column(key=kind, title=unit.title), cell


def _has_spread(board: Board) -> bool:
    summaries = [line.summaries.get(board.metric) for line in board.lines]
    return any(summary and summary.half_width is not None for summary in summaries)


def _mean_text(summary: Summary, unit: str) -> str:
    return "-" if summary.mean is None else number_text(summary.mean, unit)


def _rank_text(rank: RankInterval | None) -> str:
    if rank is None:
        return "-"
    return str(rank.low) if rank.low == rank.high else f"{rank.low}-{rank.high}"


def _failures(line: Line) -> str:
    """How many trials failed for which reason: `2 diverged, 1 killed`; `""` if none did."""
    states = {name: count for name, count in line.entry.states.items() if name not in RUNNING}
    return ", ".join(f"{count} {REASONS.get(name, name)}" for name, count in states.items())


def _notes(board: Board, *, has_bold: bool) -> Iterator[str]:
    """How the table is to be read, and what restricts it."""
    entries = [line.entry for line in board.lines]
    if not entries:
        yield "There is no trial to show."
        return
    if failed := sum(entry.failed for entry in entries):
        yield f"{counted(failed, 'failed trial')}: means are over the seeds that ended with a score."
    if _has_spread(board):
        yield "±: half of the 95 % t interval of the mean over n seeds."
    if is_ranked(board):
        yield from _rank_notes(board, has_bold=has_bold)
    if len({tuple(sorted(entry.scores.get(board.metric, ()))) for entry in entries if entry.num_done}) > 1:
        yield "The variants have different seeds: any two are compared over the seeds that both have."
    if any(entry.states.get("stopped") for entry in entries):
        yield "Stopped trials were ended by a scheduler; they are counted and give no score."
    if any(entry.selected for entry in entries):
        yield "What a search picked was trained again: its scores are those of fresh seeds."
    if again := [
        f"{shortened(entry.label)} ({entry.repeats} of {entry.planned})" for entry in entries if entry.repeats
    ]:
        yield f"Trained again, the last result counts: {listed(again)}."
    yield f"FLOPs: a multiply-add counts once. Costs in the '{board.convention}' convention."


def _rank_notes(board: Board, *, has_bold: bool) -> Iterator[str]:
    tested = f"Holm over all pairs of {board.num_variants} variants"
    if board.num_variants > ALL_PAIRS_UP_TO:
        tested = f"Bonferroni over all pairs of {board.num_variants:,} variants"
    yield f"Rank: the ranks that paired t tests over common seeds leave open ({tested})."
    if has_bold:
        yield (
            "Bold: the best mean, which tests place above others, and what ties with it and is above as many as it is."
        )
    else:
        yield "Nothing is bold: tests place the best mean above no other."
