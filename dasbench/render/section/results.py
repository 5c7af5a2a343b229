"""What the results say, in sentences: never an order that the seeds do not carry."""

from collections.abc import Iterator, Sequence
from typing import get_args

from dasbench.analysis.looks import State
from dasbench.render.board_notes import noise_note
from dasbench.render.comparison import answer_verdict
from dasbench.render.section.comparisons import other_metric_note
from dasbench.render.section.words import enumerate_names, shortened
from dasbench.render.text.failures import failures_text
from dasbench.render.text.numbers import mean_text, score_text, with_unit
from dasbench.render.text.words import agreeing, counted
from dasbench.render.verdicts import looked_at_note
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
        [*_best(evidence), *_losses(evidence), *_fresh_scores(evidence), *_last_look(evidence)]
    )


def verdicts(evidence: Evidence) -> list[str]:
    """One sentence for each comparison with the baseline, the best difference first."""
    if not evidence.tests_hold:
        return []
    answers = evidence.answers
    more = len(answers) - MOST_VERDICTS
    sentences = list(map(answer_verdict, answers[:MOST_VERDICTS]))
    if more > 0:
        sentences.append(f"{counted(more, 'more comparison')}: see tables/comparisons.csv.")
    return sentences


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
            f"{counted(len(lines), 'variant')} and flatters it: no winner was trained again on "
            "fresh seeds, so there is no verdict."
        )
    else:
        yield from _order(evidence, lines)


def _order(evidence: Evidence, lines: Sequence[Line]) -> Iterator[str]:
    """The best mean, and what the tests leave beside it."""
    which = {"max": "highest", "min": "lowest"}[evidence.selection.direction]
    yield f"The {which} mean is {_mean(lines[0], evidence.board)}."
    if evidence.tests_hold:
        yield from _ties(lines)
        if evidence.board.looked_at_before:
            yield looked_at_note(evidence.board.looked_at_before)
    if any(line.entry.num_done == 1 for line in lines):
        yield f"{noise_note(evidence.board)}."


def _ties(lines: Sequence[Line]) -> Iterator[str]:
    """What ties with the best, as far as tests can tell."""
    best, ties, num_worse = None, [], 0
    for line in lines:
        rank = line.rank
        if rank is None:
            continue
        if best is None and rank.best:
            best = line
        elif rank.ties_with_best:
            ties.append(shortened(line.entry.label))
        else:
            num_worse += 1
    if best is None:
        yield "The seeds carry no order of the variants."
        return
    if ties:
        yield f"Not distinguishable from it: {enumerate_names(ties)}."
    if num_worse:
        verb = agreeing(num_worse, "is", "are")
        yield f"{counted(num_worse, 'variant')} {verb} significantly worse."


def _mean(line: Line, board: Board) -> str:
    """A variant with its mean, interval and number of seeds."""
    return f"{shortened(line.entry.label)} with {_score(line, board)}"


def _score(line: Line, board: Board) -> str:
    """A mean with its interval, as the table has it, and its number of seeds."""
    score = mean_text(line.summaries[board.metric], board.unit)
    return f"{with_unit(score, board.unit)} ({counted(line.entry.num_done, 'seed')})"


def _losses(evidence: Evidence) -> Iterator[str]:
    """Failures are results; so is what has not ended yet."""
    lost = []
    for line in evidence.board.lines:
        entry = line.entry
        why = failures_text(entry.states)
        if why:
            lost.append(f"{shortened(entry.label)} ({why}, of {counted(entry.planned, 'seed')})")
    if lost:
        yield f"Trials failed of {enumerate_names(lost)}: a mean is over the seeds that are left."
    waiting = len(evidence.selection.rows) - evidence.num_ended
    if waiting:
        verb = agreeing(waiting, "has", "have")
        yield f"{counted(waiting, 'trial')} {verb} not ended: the numbers may change."


def _fresh_scores(evidence: Evidence) -> Iterator[str]:
    """What a search selected scored then, and on fresh seeds."""
    board = evidence.board
    picked = [line for line in board.lines if board.metric in line.entry.selected]
    for line in picked[:MOST_VERDICTS]:
        name, fresh = shortened(line.entry.label), _score(line, board)
        score = score_text(line.entry.selected[board.metric], board.unit)
        before = with_unit(score, board.unit)
        yield f"{name} scored {before} when it was selected; on fresh seeds, {fresh}."


def _last_look(evidence: Evidence) -> Iterator[str]:
    """Where the variants stood after the last look."""
    if not evidence.is_sequential:
        return
    if not evidence.looks:
        yield "No look has been taken yet, so there is no verdict."
    elif evidence.selection.metric != evidence.study_metric:
        yield other_metric_note(evidence)
    else:
        kind = "planned"
        if evidence.is_exploratory:
            kind = "exploratory, without an error rate"
        look = evidence.looks[-1]
        stand = _standings(look) or "nothing to compare"
        yield f"After look {look.number} ({kind}) against the baseline, {stand}."


def _standings(look: LookRecord) -> str:
    """The variants in each state; `""` without any."""
    texts = []
    for state in get_args(State):
        names = [shortened(name) for name, own in look.states.items() if own == state]
        if names:
            texts.append(f"{state}: {enumerate_names(names)}")
    return "; ".join(texts)
