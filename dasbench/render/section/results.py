"""What the results say, in sentences: never an order that the seeds do not carry."""

from collections.abc import Iterator, Sequence
from typing import get_args

from dasbench.analysis.looks import State
from dasbench.render.board_notes import noise_note
from dasbench.render.comparison import answer_verdict
from dasbench.render.section.comparisons import other_metric_note
from dasbench.render.section.words import counted, listed, shortened
from dasbench.render.text.failures import failures_text
from dasbench.render.text.numbers import mean_text, score_text
from dasbench.results.answers import LookRecord
from dasbench.views.board import Board
from dasbench.views.evidence import Evidence
from dasbench.views.lines import Line
from dasbench.views.variants import is_cost

MOST_VERDICTS = 12
"""Comparisons that are written out in a sentence each; the table has all that fit a page."""


def results(evidence: Evidence) -> str:
    """The paragraph."""
    return " ".join(
        [*_best(evidence), *_losses(evidence), *_after_search(evidence), *_after_looks(evidence)]
    )


def verdicts(evidence: Evidence) -> list[str]:
    """One sentence for each comparison with the baseline, the best difference first."""
    if not evidence.tests_hold:
        return []
    answers = evidence.answers
    more = len(answers) - MOST_VERDICTS
    said = [answer_verdict(answer) for answer in answers[:MOST_VERDICTS]]
    return (
        [*said, f"{counted(more, 'more comparison')}: see tables/comparisons.csv."]
        if more > 0
        else said
    )


def _best(evidence: Evidence) -> Iterator[str]:
    board = evidence.board
    lines = [line for line in board.lines if line.entry.num_done]
    if not lines:
        yield "No trial has a score yet, so nothing can be said."
    elif is_cost(board.metric):
        yield f"The variants are ranked by {board.metric}, which is counted exactly."
    elif len(lines) == 1:
        yield f"One variant has a score: {_mean(lines[0], board)}."
    elif evidence.is_searched and not evidence.is_confirmed:
        yield (
            f"The best mean, {_mean(lines[0], board)}, is that of a selection among "
            f"{counted(len(lines), 'variant')} and flatters it: no winner was trained again on fresh seeds, so there "
            "is no verdict."
        )
    else:
        yield from _order(evidence, lines)


def _order(evidence: Evidence, lines: Sequence[Line]) -> Iterator[str]:
    """The best mean, and what the tests leave beside it."""
    which = "highest" if evidence.selection.direction == "max" else "lowest"
    yield f"The {which} mean is {_mean(lines[0], evidence.board)}."
    if evidence.tests_hold:
        yield from _ties(lines)
    if any(line.entry.num_done == 1 for line in lines):
        yield f"{noise_note(evidence.board)}."


def _ties(lines: Sequence[Line]) -> Iterator[str]:
    """What ties with the best, as far as tests can tell."""
    ranked = [(line, line.rank) for line in lines if line.rank]
    best = next((line for line, rank in ranked if rank.best), None)
    if best is None:
        yield "The seeds carry no order of the variants."
        return
    ties, num_worse = [], 0
    for line, rank in ranked:
        if not rank.ties_with_best:
            num_worse += 1
        elif line is not best:
            ties.append(shortened(line.entry.label))
    if ties:
        yield f"Not distinguishable from it: {listed(ties)}."
    if num_worse:
        yield f"{counted(num_worse, 'variant')} {'is' if num_worse == 1 else 'are'} significantly worse."


def _mean(line: Line, board: Board) -> str:
    """A variant with its mean, interval and number of seeds."""
    return f"{shortened(line.entry.label)} with {_score(line, board)}"


def _score(line: Line, board: Board) -> str:
    """A mean with its interval, as the table has it, and its number of seeds."""
    score = mean_text(line.summaries[board.metric], board.unit)
    return f"{_in_unit(score, board)} ({counted(line.entry.num_done, 'seed')})"


def _in_unit(number: str, board: Board) -> str:
    return f"{number} {board.unit}".rstrip()


def _losses(evidence: Evidence) -> Iterator[str]:
    """Failures are results; so is what has not ended yet."""
    lost = []
    for line in evidence.board.lines:
        why = failures_text(line.entry.states)
        if why:
            lost.append(
                f"{shortened(line.entry.label)} ({why}, of {counted(line.entry.planned, 'seed')})"
            )
    if lost:
        yield f"Trials failed of {listed(lost)}: a mean is over the seeds that are left."
    waiting = sum(not row.state.ended for row in evidence.selection.rows)
    if waiting:
        yield f"{counted(waiting, 'trial')} {'has' if waiting == 1 else 'have'} not ended: the numbers may change."


def _after_search(evidence: Evidence) -> Iterator[str]:
    board = evidence.board
    picked = [line for line in board.lines if board.metric in line.entry.selected]
    for line in picked[:MOST_VERDICTS]:
        before = _in_unit(score_text(line.entry.selected[board.metric], board.unit), board)
        fresh = _score(line, board)
        yield f"{shortened(line.entry.label)} scored {before} when it was selected; on fresh seeds, {fresh}."


def _after_looks(evidence: Evidence) -> Iterator[str]:
    """Where the variants stood after the last look."""
    if not evidence.is_sequential:
        return
    if not evidence.looks:
        yield "No look has been taken yet, so there is no verdict."
    elif evidence.selection.metric != evidence.study_metric:
        yield other_metric_note(evidence)
    else:
        is_exploratory = any(look.exploratory for look in evidence.looks)
        kind = "exploratory, without an error rate" if is_exploratory else "planned"
        look = evidence.looks[-1]
        stand = _standings(look) or "nothing to compare"
        yield f"After look {look.number} ({kind}) against the baseline, {stand}."


def _standings(look: LookRecord) -> str:
    """The variants in each state; `""` without any."""
    found = []
    for state in get_args(State):
        names = [name for name, own in look.states.items() if own == state]
        if names:
            found.append(f"{state}: {listed(map(shortened, names))}")
    return "; ".join(found)
