"""How a leaderboard is shown: as a table, Markdown, LaTeX, JSON or CSV."""

from collections.abc import Sequence

from dasbench.analysis.families import RankInterval
from dasbench.analysis.stats import Summary
from dasbench.records import Cost
from dasbench.render.formats import Grid, print_grid
from dasbench.render.records import print_records
from dasbench.views.board import Board, Line
from dasbench.views.quantities import score_title
from dasbench.views.units import Unit, count_unit

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
RUNNING = ("done", "stopped", "pending", "running")


def print_board(board: Board, *, format_: str) -> None:
    """Print a leaderboard as `table`, `md`, `latex`, `json` or `csv`."""
    if format_ in ("json", "csv"):
        print_records([line.as_record() for line in board.lines], format_=format_)
    else:
        print_grid(make_grid(board), format_=format_)


def make_grid(board: Board) -> Grid:
    """Lay out a leaderboard; in LaTeX the best and all that ties with it are bold together."""
    validation = f"val_{board.metric}"
    with_validation = any(validation in line.entry.scores for line in board.lines)
    with_stopped = any(line.entry.states.get("stopped") for line in board.lines)
    units = {kind: count_unit(kind, _counts(board, kind)) for kind in ("params", "macs")}
    columns = ["variant", f"test {score_title(board.metric, board.unit)}", "± 95 %", "sd", "worst", "rank"]
    columns += ["validation"] if with_validation else []
    columns += ["n", "failed", *(["stopped"] if with_stopped else [])]
    columns += [units["params"].title, units["macs"].title, "MiB", "s/trial"]
    cut = len(board.lines) < board.num_variants
    marked = cut or any(line.rank and line.rank.best for line in board.lines)  # else a single seed has the best mean
    rows = []
    for line in board.lines:
        entry = line.entry
        cells = [entry.label, *_scores(line.summaries.get(board.metric), board.unit), _rank(line.rank, marked=marked)]
        cells += [_number(line.summaries[validation].mean, board.unit)] if with_validation else []
        cells += [f"{entry.num_done}/{entry.planned}", _failures(line)]
        cells += [str(entry.states.get("stopped", 0))] if with_stopped else []
        cells += [_scaled(entry.cost, f"{kind}_{board.convention}", unit) for kind, unit in units.items()]
        cells += [f"{entry.peak_memory / MIB:.0f}" if entry.peak_memory else "-"]
        rows.append([*cells, f"{entry.seconds:.1f}" if entry.num_done else "-"])
    ties = [number for number, line in enumerate(board.lines) if line.rank and line.rank.ties_with_best]
    bold = ties if marked else []
    costs = f"FLOPs: a multiply-add counts once. Costs in the '{board.convention}' convention."
    return Grid(title=board.question, columns=columns, rows=rows, lines=[*board.notes, costs], bold=bold)


def _scores(summary: Summary | None, unit: str) -> Sequence[str]:
    if summary is None:
        return ["-"] * 4
    return [_number(value, unit) for value in (summary.mean, summary.half_width, summary.sd, summary.worst)]


def _number(value: float | None, unit: str) -> str:
    """Percentages with two decimals, other scores with four digits."""
    if value is None:
        return "-"
    return f"{value:.2f}" if unit == "%" else f"{value:#.4g}"


def _rank(rank: RankInterval | None, *, marked: bool) -> str:
    if rank is None:
        return "-"
    span = str(rank.low) if rank.low == rank.high else f"{rank.low}-{rank.high}"
    return f"{span} ≈" if rank.ties_with_best and marked else span


def _failures(line: Line) -> str:
    """`0`, or how many failed for which reason: `2 diverged, 1 killed`."""
    states = {name: count for name, count in line.entry.states.items() if name not in RUNNING}
    return ", ".join(f"{count} {REASONS.get(name, name)}" for name, count in states.items()) or "0"


def _counts(board: Board, kind: str) -> list[int]:
    return [getattr(line.entry.cost, f"{kind}_{board.convention}") for line in board.lines if line.entry.cost]


def _scaled(cost: Cost | None, name: str, unit: Unit) -> str:
    return f"{getattr(cost, name) / unit.size:.3f}" if cost else "-"
