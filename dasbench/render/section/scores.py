"""The table of scores as a paper prints it: bold what tests resolved."""

from collections.abc import Iterator, Sequence

from dasbench.analysis.families import RankInterval
from dasbench.render.board_columns import LineField, board_columns, has_ranks, has_spread
from dasbench.render.board_notes import (
    AGAIN,
    DIFFERENT_SEEDS,
    INTERVALS,
    NO_TRIAL,
    cost_note,
    rank_notes,
    trial_notes,
)
from dasbench.render.section.words import (
    MOST_LINES,
    enumerate_names,
    first_lines_note,
    shortened,
)
from dasbench.render.tables.table import Column, Table, table_of
from dasbench.render.text.words import counted
from dasbench.render.verdicts import looked_at_note
from dasbench.views.board import Board
from dasbench.views.evidence import Evidence
from dasbench.views.lines import Line

COLUMNS = ("score", "rank", "validation", "n", "failed", "stopped", "params", "macs")
"""The columns of a leaderboard that a page has room for."""


VARIANT = LineField(
    Column(key="variant", title="variant", is_text=True), lambda line: shortened(line.entry.label)
)


def board_table(evidence: Evidence) -> Table:
    """The variants with their scores and costs, the best first."""
    board = evidence.board
    bold: list[int] = []
    if evidence.tests_hold and not board.looked_at_before:
        bold = resolved_best(board.lines)
    notes = list(_notes(board, has_bold=bool(bold)))
    return table_of(
        [VARIANT, *_columns(board)],
        board.lines[:MOST_LINES],
        title=evidence.selection.question,
        notes=[*notes, *first_lines_note(len(board.lines), "scores")],
        bold=set(bold).intersection(range(MOST_LINES)),
    )


def resolved_best(lines: Sequence[Line]) -> list[int]:
    """The places of the best and of what ties with it and is better than as many others.

    Nothing where no variant is significantly worse than the best, and where the best mean is one of
    a single seed.
    """
    best = _best_rank(lines)
    if best is None:
        return []
    places, is_any_worse = [], False
    for place, line in enumerate(lines):
        rank = line.rank
        if rank is None:
            continue
        if not rank.ties_with_best:
            is_any_worse = True
        elif rank.high <= best.high:
            places.append(place)
    if not is_any_worse:
        return []
    return places


def _best_rank(lines: Sequence[Line]) -> RankInterval | None:
    """The ranks that the best mean may hold, None where it has none."""
    for line in lines:
        if line.rank is not None and line.rank.best:
            return line.rank
    return None


def _columns(board: Board) -> list[LineField]:
    """The columns of the leaderboard that are printed; that of failures only if there are some."""
    keys = set(COLUMNS)
    if not _num_failed(board):
        keys.remove("failed")
    return [field for field in board_columns(board, board.lines) if field.column.key in keys]


def _notes(board: Board, *, has_bold: bool) -> Iterator[str]:
    """How the table is to be read, and what restricts it."""
    if not board.lines:
        yield NO_TRIAL
        return
    failed = _num_failed(board)
    if failed:
        lost = counted(failed, "failed trial")
        yield f"{lost}: means are over the seeds that ended with a score."
    if has_spread(board, board.lines):
        yield INTERVALS
    if has_ranks(board, board.lines):
        yield from rank_notes(board)
        yield from _bold_note(board, has_bold=has_bold)
    if board.has_different_seeds:
        yield DIFFERENT_SEEDS
    yield from trial_notes(board.lines)
    yield from _again_note(board.lines)
    yield cost_note(board)


def _num_failed(board: Board) -> int:
    """How many trials of all variants failed."""
    return sum(line.entry.failed for line in board.lines)


def _bold_note(board: Board, *, has_bold: bool) -> Iterator[str]:
    """What is bold, or why nothing is."""
    if has_bold:
        yield (
            "Bold: the best mean, which tests place above others, "
            "and what ties with it and is above as many as it is."
        )
    elif board.looked_at_before:
        yield f"{looked_at_note(board.looked_at_before)} So nothing is bold."
    else:
        yield "Nothing is bold: tests place the best mean above no other."


def _again_note(lines: Sequence[Line]) -> Iterator[str]:
    """Which variants have trials that were trained again, as a sentence; nothing where none has."""
    names = []
    for line in lines:
        entry = line.entry
        if entry.repeats:
            names.append(f"{shortened(entry.label)} ({entry.repeats} of {entry.planned})")
    if names:
        yield f"{AGAIN}: {enumerate_names(names)}."
