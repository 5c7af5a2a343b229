"""The columns of a leaderboard, from which each table takes those that it has room for."""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from dasbench.analysis.families import RankInterval
from dasbench.analysis.stats import SeedSummary
from dasbench.render.tables.table import Column, Field
from dasbench.render.text.failures import failures_text
from dasbench.render.text.numbers import MIB, NOTHING, count_text, mean_text, score_text
from dasbench.render.units import count_unit, metric_title
from dasbench.views.board import Board
from dasbench.views.lines import Line
from dasbench.views.variants import is_cost

OTHER_PARTS = ("val_", "train_")
"""How metrics begin that are not of the test part."""

NO_SCORE = SeedSummary(n=0, failed=0, mean=None, sd=None, half_width=None, worst=None)

LineField = Field[Line]
"""A column, and what it says of a line."""


def board_columns(
    board: Board, lines: Sequence[Line], *, marked: bool = False
) -> Iterator[LineField]:
    """Every column that says something of some lines, but for the first, which names them.

    Args:
        board: whose lines they are.
        lines: what the table shows.
        marked: ties with the best have a mark beside their rank.
    """
    if not is_cost(board.metric):  # which has no spread, and a column further on
        yield from _score_columns(board, lines, marked=marked)
    yield from _trial_columns(lines)
    yield from _cost_columns(board)


def has_spread(board: Board, lines: Sequence[Line]) -> bool:
    """Whether any of the lines has the seeds that an interval takes."""
    return any(_summary(line, board.metric).half_width is not None for line in lines)


def has_ranks(board: Board, lines: Sequence[Line]) -> bool:
    """Whether there are ranks to show: a variant alone has none."""
    return board.num_ranked > 1 and any(line.rank for line in lines)


def _score_columns(board: Board, lines: Sequence[Line], *, marked: bool) -> Iterator[LineField]:
    """The scores, and the ranks that they leave open."""
    metric, validation, unit = board.metric, f"val_{board.metric}", board.unit
    spread = has_spread(board, lines)
    column = Column(key="score", title=_score_title(board, spread=spread))
    yield Field(column, lambda line: mean_text(_summary(line, metric), unit))
    if has_ranks(board, lines):
        column = Column(key="rank", title="rank")
        yield Field(column, lambda line: _rank_text(line.rank, marked=marked))
    if any(metric in line.entry.selected for line in lines):
        column = Column(key="selected", title="when selected", priority=3)
        yield Field(column, lambda line: score_text(line.entry.selected.get(metric), unit))
    if spread:
        column = Column(key="sd", title="sd", priority=4)
        yield Field(column, lambda line: score_text(_summary(line, metric).sd, unit))
        column = Column(key="worst", title="worst", priority=3)
        yield Field(column, lambda line: score_text(_summary(line, metric).worst, unit))
    if any(_summary(line, validation).n for line in lines):
        column = Column(key="validation", title="validation", priority=3)
        yield Field(column, lambda line: score_text(_summary(line, validation).mean, unit))


def _score_title(board: Board, *, spread: bool) -> str:
    """The metric with its part of the data, its unit, and what the intervals are."""
    title = metric_title(board.metric, board.unit)
    if not board.metric.startswith(OTHER_PARTS):
        title = f"test {title}"
    if spread:
        title = f"{title} ± 95 %"
    return title


def _trial_columns(lines: Sequence[Line]) -> Iterator[LineField]:
    """How many trials have a score, and why the others have none."""
    column = Column(key="n", title="n")
    yield Field(column, lambda line: f"{line.entry.num_done}/{line.entry.planned}")
    priority = 6
    if any(line.entry.failed for line in lines):
        priority = 0
    column = Column(key="failed", title="failed", priority=priority)
    yield Field(column, lambda line: failures_text(line.entry.states) or "0")
    if any(map(num_stopped, lines)):
        column = Column(key="stopped", title="stopped", priority=2)
        yield Field(column, lambda line: str(num_stopped(line)))


def num_stopped(line: Line) -> int:
    """Trials of a variant that a scheduler ended."""
    return line.entry.states.get("stopped", 0)


def _cost_columns(board: Board) -> Iterator[LineField]:
    """What a variant costs."""
    for kind in ("params", "macs"):
        yield _count_column(board, kind)
    yield Field(Column(key="memory", title="peak memory (MiB)", priority=5), _memory_text)
    yield Field(Column(key="time", title="seconds per trial", priority=5), _seconds_text)


def _count_column(board: Board, kind: str) -> LineField:
    """The `params` or `macs` of a variant, in the unit that suits those of the leaderboard."""
    count_of = attrgetter(f"{kind}_{board.convention}")
    unit = count_unit(kind, [count_of(line.entry.cost) for line in board.lines if line.entry.cost])

    def text(line: Line) -> str:
        if line.entry.cost is None:
            return NOTHING
        return count_text(count_of(line.entry.cost), unit.size)

    return Field(Column(key=kind, title=unit.title, priority=1), text)


def _summary(line: Line, metric: str) -> SeedSummary:
    return line.summaries.get(metric, NO_SCORE)


def _rank_text(rank: RankInterval | None, *, marked: bool) -> str:
    if rank is None:
        return NOTHING
    span = f"{rank.low}"
    if rank.high > rank.low:
        span += f"-{rank.high}"
    if rank.ties_with_best and marked:
        span += " ≈"
    return span


def _memory_text(line: Line) -> str:
    memory = line.entry.peak_memory
    if not memory:
        return NOTHING
    return f"{memory / MIB:.0f}"


def _seconds_text(line: Line) -> str:
    if not line.entry.num_done:
        return NOTHING
    return f"{line.entry.seconds:.1f}"
