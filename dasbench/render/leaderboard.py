"""How a leaderboard is shown: tables for people, records for programs, and the sentences below."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import floor, log10
from typing import Any

from dasbench.analysis.families import RankInterval
from dasbench.analysis.stats import Summary
from dasbench.records import COST_FIELDS
from dasbench.render.questions import question_title
from dasbench.render.tables.table import Column, Table
from dasbench.render.verdicts import averaged_sentence, one_seed_note
from dasbench.results.answers import LookRecord
from dasbench.views.board import Board
from dasbench.views.lines import Line, summary_values
from dasbench.views.units import Unit, count_unit, difference_unit
from dasbench.views.variants import is_cost

REASONS = {
    "nan": "diverged",
    "oom": "out of memory",
    "killed": "killed",
    "timeout": "timed out",
    "error": "error",
    "failed": "failed",
}
"""Class of a failure -> what a reader is told."""

MIB = 2**20
SMALLEST = 1e-4
"""Scores below it are written with an exponent."""

CONFIRMED = "Confirmed on fresh seeds:"
TRIED = "Tried, not confirmed:"
RUNNING = ("done", "stopped", "pending", "running")
OTHER_PARTS = ("val_", "train_")
"""How metrics begin that are not of the test part."""

NO_SCORE = Summary(n=0, failed=0, mean=None, sd=None, half_width=None, worst=None)

Cells = tuple[Column, Callable[[Line], str]]
"""A column, and what it says of a line."""


def board_records(board: Board) -> list[dict[str, Any]]:
    """Flat plain data, as JSON and CSV show it."""
    return [_record(line) for line in board.lines]


def board_tables(board: Board) -> list[Table]:
    """A leaderboard; what a search tried and did not confirm is a table of its own, without ranks."""
    title = question_title(board.question, probe=board.probe)
    standing, tried = board.standing, board.tried
    if not board.lines:
        where = [f"Only what passes: {board.where}"] if board.where else []
        return [_table(board, [], title=title, notes=[*where, "There is no trial to show."])]
    if not tried:
        return [_table(board, standing, title=title, notes=[*_notes(board, standing), *_scope(board)])]
    if not standing:
        return [_table(board, tried, title=f"{title} {TRIED}", notes=[*_notes(board, tried), *_scope(board)])]
    heading = f"{title} {CONFIRMED}" if all(line.entry.confirmed for line in standing) else title
    return [
        _table(board, standing, title=heading, notes=[*_notes(board, standing)]),
        _table(board, tried, title=TRIED, notes=[*_notes(board, tried), *_scope(board)]),
    ]


def noise_note(board: Board) -> str:
    """What is said of single seeds, with the planning floor of the best score if the size of the test part is known."""
    return one_seed_note(board.floor, difference_unit(board.unit))


def _record(line: Line) -> dict[str, Any]:
    entry, rank = line.entry, line.rank
    record: dict[str, Any] = {"variant": dict(entry.variant), "label": entry.label, "study": entry.study}
    record |= {"n": entry.num_done, "failed": entry.failed, "planned": entry.planned}
    record |= {"stopped": entry.states.get("stopped", 0), "seeds": sorted(entry.scores.get(entry.metric, ()))}
    record |= {"rank_low": rank and rank.low, "rank_high": rank and rank.high, "best": rank and rank.best}
    record |= {"ties_with_best": rank and rank.ties_with_best}
    for metric, summary in line.summaries.items():
        record |= summary_values(metric, summary)
    record |= {f"{metric}_selected": value for metric, value in entry.selected.items()}
    record |= {name: getattr(entry.cost, name) if entry.cost else None for name in COST_FIELDS}
    record["uncounted"] = dict(entry.cost.uncounted) if entry.cost else None
    record["input_size"] = list(entry.cost.input_size) if entry.cost else None
    record |= {"seconds_mean": entry.seconds, "peak_memory": entry.peak_memory, "repeats": entry.repeats}
    record |= {"states": dict(entry.states), "probe": entry.probe, "keys": list(entry.keys)}
    return record | {"confirmed": entry.confirmed}


def _table(board: Board, lines: Sequence[Line], *, title: str, notes: Sequence[str]) -> Table:
    """Lay out lines of a leaderboard; the best and all that ties with it are bold together."""
    marked = _has_marks(board)
    cells = [*_score_cells(board, lines, marked=marked), *_trial_cells(lines), *_cost_cells(board)]
    ties = [place for place, line in enumerate(lines) if line.rank and line.rank.ties_with_best]
    return Table(
        title=title,
        columns=[column for column, _ in cells],
        rows=[[cell(line) for _, cell in cells] for line in lines],
        notes=notes,
        bold=ties if marked else [],
    )


def _has_marks(board: Board) -> bool:
    """Whether ties with the best are marked: not where a single seed has the best mean."""
    cut = len(board.lines) < board.num_variants
    return cut or any(line.rank and line.rank.best for line in board.lines)


def _has_ranks(board: Board, lines: Sequence[Line]) -> bool:
    """Whether there are ranks to show: a variant alone has none."""
    return board.num_ranked > 1 and any(line.rank for line in lines)


def _has_spread(lines: Sequence[Line], metric: str) -> bool:
    """Whether any variant has the seeds that an interval takes."""
    return any(_summary(line, metric).half_width is not None for line in lines)


def _score_cells(board: Board, lines: Sequence[Line], *, marked: bool) -> Iterator[Cells]:
    """The variant and its scores; of a cost that ranks there is no spread, it is a column further on."""
    metric, validation = board.metric, f"val_{board.metric}"
    yield Column(key="variant", title="variant", is_text=True), lambda line: line.entry.label
    if is_cost(metric):
        return
    part = "" if metric.startswith(OTHER_PARTS) else "test "
    unit = board.unit
    in_unit = f" ({unit})" if unit else ""
    spread = _has_spread(lines, metric)
    interval = " ± 95 %" if spread else ""
    column = Column(key="score", title=f"{part}{metric}{in_unit}{interval}")
    yield column, lambda line: _score(_summary(line, metric), unit)
    if _has_ranks(board, lines):
        yield Column(key="rank", title="rank"), lambda line: _rank(line.rank, marked=marked)
    if any(metric in line.entry.selected for line in lines):
        column = Column(key="selected", title="when selected", priority=3)
        yield column, lambda line: _number(line.entry.selected.get(metric), unit)
    if spread:
        yield Column(key="sd", title="sd", priority=4), lambda line: _number(_summary(line, metric).sd, unit)
        yield Column(key="worst", title="worst", priority=3), lambda line: _number(_summary(line, metric).worst, unit)
    if any(validation in line.summaries and line.summaries[validation].n for line in lines):
        column = Column(key="validation", title="validation", priority=3)
        yield column, lambda line: _number(_summary(line, validation).mean, unit)


def _trial_cells(lines: Sequence[Line]) -> Iterator[Cells]:
    """How many trials have a score, and why the others have none."""
    yield Column(key="n", title="n"), lambda line: f"{line.entry.num_done}/{line.entry.planned}"
    has_failures = any(line.entry.failed for line in lines)
    yield Column(key="failed", title="failed", priority=0 if has_failures else 6), _failures
    if any(line.entry.states.get("stopped") for line in lines):
        column = Column(key="stopped", title="stopped", priority=2)
        yield column, lambda line: str(line.entry.states.get("stopped", 0))


def _cost_cells(board: Board) -> Iterator[Cells]:
    """What a variant costs."""
    for kind in ("params", "macs"):
        field = f"{kind}_{board.convention}"
        costs = [line.entry.cost for line in board.lines if line.entry.cost]
        unit = count_unit(kind, [getattr(cost, field) for cost in costs])
        yield Column(key=kind, title=unit.title, priority=1), partial(_scaled, field=field, unit=unit)
    yield Column(key="memory", title="peak memory (MiB)", priority=5), _memory
    yield Column(key="time", title="seconds per trial", priority=5), _seconds


def _notes(board: Board, lines: Sequence[Line]) -> Iterator[str]:
    """How the numbers of some lines are to be read."""
    if not is_cost(board.metric):
        yield from _statistics(board, lines)
    if any(line.entry.states.get("stopped") for line in lines):
        yield "Stopped trials were ended by a scheduler; they are counted and give no score."
    if any(line.entry.selected for line in lines):
        yield "What a search picked was trained again: its scores are those of fresh seeds."
    if any(line.entry.confirmed is False for line in lines):
        yield "A search chose by the scores of what it tried, which flatters the best of them: they carry no ranks."
    again = [line.entry for line in lines if line.entry.repeats]
    if again:
        counts = "; ".join(f"{entry.label} ({entry.repeats} of {entry.planned})" for entry in again)
        yield f"Trained again, the last result counts: {counts}. `dasbench show KEY` has the former."


def _statistics(board: Board, lines: Sequence[Line]) -> Iterator[str]:
    if _has_spread(lines, board.metric):
        yield "±: half of the 95 % t interval of the mean over n seeds."
    yield "Only trials that are done give scores."
    if _has_ranks(board, lines):
        tested = f"Holm over all pairs of {board.num_ranked} variants"
        if not board.has_all_pairs:
            tested = f"Bonferroni over all pairs of {board.num_ranked:,} variants; only the first lines were tested"
        yield (
            f"Rank: the ranks that paired t tests over common seeds leave open ({tested}). "
            "≈: not distinguishable from the best."
        )
    scored = [line.entry.num_done for line in lines if line.entry.num_done]
    if 1 in scored:
        yield f"{noise_note(board)}." if {*scored} == {1} else f"Variants of {noise_note(board)}."
    if board.has_different_seeds and lines == board.standing:
        yield "The variants have different seeds: any two are compared over the seeds that both have."
    if board.looks and _has_ranks(board, lines):
        yield "The ranks know nothing of the looks."


def _scope(board: Board) -> Iterator[str]:
    """What the whole leaderboard is about, and what restricts it."""
    if board.looks:
        yield _looks(board.looks, board)
    if board.where:
        yield f"Only what passes: {board.where}"
    if board.group_by:
        averaged = "Averaged over the variants of each group."
        yield averaged_sentence(board.averaged) if board.averaged else averaged
        yield "Costs, seconds and memory are means over the variants of a group; failures are counted in trials."
    if len(board.lines) < board.num_variants:
        yield f"{len(board.lines)} of {board.num_variants:,} variants; --top {board.num_variants} shows all."
    yield f"FLOPs: a multiply-add counts once. Costs in the '{board.convention}' convention."


def _looks(looks: Sequence[LookRecord], board: Board) -> str:
    """How the comparisons of a study that replicates until resolved stand, by the procedure of its plan."""
    last, plan = looks[-1], ", ".join(map(str, looks[-1].plan))
    spent = sum(look.level for look in looks if look.plan == last.plan)
    stand = "; ".join(f"{label}: {state}" for label, state in last.states.items())
    effect = ""
    if board.min_effect is not None:
        amount = f"{board.min_effect:g} {difference_unit(board.unit)}".rstrip()
        effect = f" The smallest difference that matters is {amount}."
    doubt = " Exploratory: earlier looks followed another plan." if last.exploratory else ""
    return (
        f"Looks at {plan} seeds: {last.number} taken, {spent:.3g} of the error rate of 0.05 spent. {stand}.{effect}"
        f"{doubt} `dasbench compare` gives the same verdicts with their numbers."
    )


def _summary(line: Line, metric: str) -> Summary:
    return line.summaries.get(metric, NO_SCORE)


def _score(summary: Summary, unit: str) -> str:
    """A mean and half of its interval, where a spread is known, both with as many decimals."""
    mean, half = summary.mean, summary.half_width
    if half is None:
        return _number(mean, unit)
    if mean is not None and unit != "%" and abs(mean) >= SMALLEST and half >= SMALLEST:
        decimals = max(_decimals(mean, digits=4), _decimals(half, digits=2))
        return f"{mean:.{decimals}f} ± {half:.{decimals}f}"
    return f"{_number(mean, unit)} ± {_number(half, unit)}"


def _decimals(value: float, *, digits: int) -> int:
    """Decimals that show so many digits of a number."""
    return max(0, digits - 1 - floor(log10(abs(value))))


def _number(value: float | None, unit: str) -> str:
    """Percentages with two decimals, other scores with four digits."""
    if value is None:
        return "-"
    return f"{value:.2f}" if unit == "%" else f"{value:#.4g}".removesuffix(".")


def _rank(rank: RankInterval | None, *, marked: bool) -> str:
    if rank is None:
        return "-"
    span = str(rank.low) if rank.low == rank.high else f"{rank.low}-{rank.high}"
    return f"{span} ≈" if rank.ties_with_best and marked else span


def _failures(line: Line) -> str:
    """`0`, or how many failed for which reason: `2 diverged, 1 killed`."""
    states = {name: count for name, count in line.entry.states.items() if name not in RUNNING}
    return ", ".join(f"{count} {REASONS.get(name, name)}" for name, count in states.items()) or "0"


def _scaled(line: Line, *, field: str, unit: Unit) -> str:
    return f"{getattr(line.entry.cost, field) / unit.size:.3f}" if line.entry.cost else "-"


def _memory(line: Line) -> str:
    return f"{line.entry.peak_memory / MIB:.0f}" if line.entry.peak_memory else "-"


def _seconds(line: Line) -> str:
    return f"{line.entry.seconds:.1f}" if line.entry.num_done else "-"
