"""The table of scores as a paper prints it: a score with its interval in one column, bold what tests resolved."""

from collections.abc import Iterator, Sequence

from dasbench.analysis.families import RankInterval
from dasbench.render.board_columns import Cells, board_columns, has_ranks, has_spread
from dasbench.render.board_notes import (
    AGAIN,
    DIFFERENT_SEEDS,
    INTERVALS,
    NO_TRIAL,
    cost_note,
    rank_note,
    trial_notes,
)
from dasbench.render.section.words import MOST_LINES, counted, left_out, listed, shortened
from dasbench.render.tables.table import Column, Table
from dasbench.views.board import Board
from dasbench.views.evidence import Evidence
from dasbench.views.lines import Line

COLUMNS = ("score", "rank", "validation", "n", "failed", "stopped", "params", "macs")
"""The columns of a leaderboard that a page has room for."""


def score_table(evidence: Evidence) -> Table:
    """The variants with their scores and costs, the best first."""
    board = evidence.board
    lines = board.lines[:MOST_LINES]
    bold = resolved_best(board.lines) if evidence.tests_hold else []
    columns = _columns(board)
    return Table(
        title=evidence.selection.question,
        columns=[
            Column(key="variant", title="variant", is_text=True),
            *(column for column, _ in columns),
        ],
        rows=[
            [shortened(line.entry.label), *(cell(line) for _, cell in columns)] for line in lines
        ],
        notes=[*_notes(board, has_bold=bool(bold)), *left_out(len(board.lines), "scores")],
        bold=[place for place in bold if place < MOST_LINES],
    )


def resolved_best(lines: Sequence[Line]) -> list[int]:
    """The places of the best and of what ties with it, each as far as it is significantly better than as many others.

    Nothing where no variant is significantly worse than the best, and where the best mean is one of
    a single seed.
    """
    best = next((line.rank for line in lines if line.rank and line.rank.best), None)
    if best is None or all(line.rank.ties_with_best for line in lines if line.rank):
        return []
    return [place for place, line in enumerate(lines) if _stands_beside(line.rank, best)]


def _stands_beside(rank: RankInterval | None, best: RankInterval) -> bool:
    return rank is not None and rank.ties_with_best and rank.high <= best.high


def _columns(board: Board) -> list[Cells]:
    """The columns of the leaderboard that are printed; that of failures only where there are some."""
    keys = set(COLUMNS)
    if not any(line.entry.failed for line in board.lines):
        keys.remove("failed")
    return [
        (column, cell) for column, cell in board_columns(board, board.lines) if column.key in keys
    ]


def _notes(board: Board, *, has_bold: bool) -> Iterator[str]:
    """How the table is to be read, and what restricts it."""
    if not board.lines:
        yield NO_TRIAL
        return
    failed = sum(line.entry.failed for line in board.lines)
    if failed:
        yield f"{counted(failed, 'failed trial')}: means are over the seeds that ended with a score."
    if has_spread(board, board.lines):
        yield INTERVALS
    if has_ranks(board, board.lines):
        yield rank_note(board)
        yield _bold_note(has_bold=has_bold)
    if board.has_different_seeds:
        yield DIFFERENT_SEEDS
    yield from trial_notes(board.lines)
    yield from _again_note(board.lines)
    yield cost_note(board)


def _bold_note(*, has_bold: bool) -> str:
    if has_bold:
        return "Bold: the best mean, which tests place above others, and what ties with it and is above as many as it is."
    return "Nothing is bold: tests place the best mean above no other."


def _again_note(lines: Sequence[Line]) -> list[str]:
    """Which variants have trials that were trained again, as a sentence; nothing where none has."""
    again = [line.entry for line in lines if line.entry.repeats]
    names = [f"{shortened(entry.label)} ({entry.repeats} of {entry.planned})" for entry in again]
    return [f"{AGAIN}: {listed(names)}."] if names else []
