"""How a leaderboard is shown: tables for people, records for programs, and the sentences below."""

from collections.abc import Iterator, Sequence

from dasbench.records import COST_FIELDS, Cost
from dasbench.render.board_columns import (
    LineField,
    board_columns,
    has_ranks,
    has_spread,
    num_stopped,
)
from dasbench.render.board_notes import (
    AGAIN,
    DIFFERENT_SEEDS,
    INTERVALS,
    NO_TRIAL,
    cost_note,
    noise_note,
    rank_notes,
    trial_notes,
)
from dasbench.render.noise import noise_values
from dasbench.render.questions import question_title
from dasbench.render.tables.table import Column, Table, table_of
from dasbench.render.text.numbers import with_unit
from dasbench.render.verdicts import averaged_sentence, looked_at_note
from dasbench.results.answers import LookRecord, alpha_spent
from dasbench.spec.plain import Record
from dasbench.views.board import Board
from dasbench.views.lines import Line, rank_values, summary_values
from dasbench.views.units import difference_unit
from dasbench.views.variants import is_cost

CONFIRMED = "Confirmed on fresh seeds:"
TRIED = "Tried, not confirmed:"
TRIED_NOTE = (
    "A search chose by the scores of what it tried, which flatters the best of them: "
    "they carry no ranks."
)
GROUPED_NOTE = (
    "Costs, seconds and memory are means over the variants of a group; "
    "failures are counted in trials."
)

VARIANT = LineField(
    Column(key="variant", title="variant", is_text=True), lambda line: line.entry.label
)


def board_records(board: Board) -> list[Record]:
    """Flat plain data, as JSON and CSV show it."""
    return list(map(_record, board.lines))


def board_tables(board: Board) -> list[Table]:
    """A leaderboard; what a search did not confirm is a table of its own, without ranks."""
    title = question_title(board.question, probe=board.probe)
    standing, tried = board.standing, board.tried
    if not board.lines:
        return [_table(board, [], title=title, notes=[*_filter_note(board), NO_TRIAL])]
    scope = list(_scope(board))
    if not tried:
        return [_table(board, standing, title=title, notes=[*_notes(board, standing), *scope])]
    if not standing:
        return [
            _table(board, tried, title=f"{title} {TRIED}", notes=[*_notes(board, tried), *scope])
        ]
    if all(line.entry.confirmed for line in standing):
        title = f"{title} {CONFIRMED}"
    return [
        _table(board, standing, title=title, notes=list(_notes(board, standing))),
        _table(board, tried, title=TRIED, notes=[*_notes(board, tried), *scope]),
    ]


def _record(line: Line) -> Record:
    entry = line.entry
    variant = dict(entry.variant)
    record: Record = {"variant": variant, "label": entry.label, "study": entry.study}
    record |= {"n": entry.num_done, "failed": entry.failed, "planned": entry.planned}
    record |= {"stopped": num_stopped(line)}
    record |= {"seeds": sorted(entry.scores.get(entry.metric, ()))}
    record |= rank_values(line.rank) | noise_values(line.noise)
    for metric, summary in line.summaries.items():
        record |= summary_values(metric, summary)
    record |= {f"{metric}_selected": value for metric, value in entry.selected.items()}
    record |= _cost_record(entry.cost)
    record |= {
        "seconds_mean": entry.seconds,
        "peak_memory": entry.peak_memory,
        "repeats": entry.repeats,
    }
    record |= {"states": dict(entry.states), "probe": entry.probe, "keys": list(entry.keys)}
    record |= {"looked_at_before": sorted(entry.looked_at_before)}
    return record | {"confirmed": entry.confirmed}


def _cost_record(cost: Cost | None) -> Record:
    if cost is None:
        return dict.fromkeys((*COST_FIELDS, "uncounted", "input_size"))
    record: Record = {**cost.counts, "uncounted": dict(cost.uncounted)}
    return record | {"input_size": list(cost.input_size)}


def _table(board: Board, lines: Sequence[Line], *, title: str, notes: Sequence[str]) -> Table:
    """Lay out lines of a leaderboard; the best and all that ties with it are bold together."""
    marked = _has_marks(board)
    fields = [VARIANT, *board_columns(board, lines, marked=marked)]
    ties = []
    if marked:
        ties = [row for row, line in enumerate(lines) if line.rank and line.rank.ties_with_best]
    return table_of(fields, lines, title=title, notes=notes, bold=ties)


def _has_marks(board: Board) -> bool:
    """Whether ties with the best are marked: not where a single seed has the best mean."""
    cut = len(board.lines) < board.num_variants
    return cut or any(line.rank and line.rank.best for line in board.lines)


def _notes(board: Board, lines: Sequence[Line]) -> Iterator[str]:
    """How the numbers of some lines are to be read."""
    if not is_cost(board.metric):
        yield from _score_notes(board, lines)
    yield from trial_notes(lines)
    if any(line.entry.confirmed is False for line in lines):
        yield TRIED_NOTE
    again = []
    for line in lines:
        entry = line.entry
        if entry.repeats:
            again.append(f"{entry.label} ({entry.repeats} of {entry.planned})")
    if again:
        yield f"{AGAIN}: {'; '.join(again)}. `dasbench show KEY` has the former."


def _score_notes(board: Board, lines: Sequence[Line]) -> Iterator[str]:
    """Which scores are there, and what intervals and ranks are."""
    ranked = has_ranks(board, lines)
    if has_spread(board, lines):
        yield INTERVALS
    yield "Only trials that are done give scores."
    if ranked:
        yield from rank_notes(board)
        yield "≈: not distinguishable from the best."
    seeds = {line.entry.num_done for line in lines} - {0}
    if seeds == {1}:
        yield f"{noise_note(board)}."
    elif 1 in seeds:
        yield f"Variants of {noise_note(board)}."
    if board.has_different_seeds and lines == board.standing:
        yield DIFFERENT_SEEDS
    if board.looks and ranked:
        yield "The ranks know nothing of the looks."
    if board.looked_at_before and ranked:
        yield looked_at_note(board.looked_at_before)


def _scope(board: Board) -> Iterator[str]:
    """What the whole leaderboard is about, and what restricts it."""
    if board.looks:
        yield " ".join(_look_sentences(board.looks, board))
    yield from _filter_note(board)
    if board.group_by:
        if board.averaged:
            yield averaged_sentence(board.averaged)
        else:
            yield "Averaged over the variants of each group."
        yield GROUPED_NOTE
    shown, every = len(board.lines), board.num_variants
    if shown < every:
        yield f"{shown} of {every:,} variants; `top` {every} shows all."
    yield cost_note(board)


def _filter_note(board: Board) -> Iterator[str]:
    """What lets variants into the leaderboard; nothing where all are in it."""
    if board.where:
        yield f"Only what passes: {board.where}"


def _look_sentences(looks: Sequence[LookRecord], board: Board) -> Iterator[str]:
    """How the comparisons of a study that replicates until resolved stand, by its plan."""
    last, plan = looks[-1], ", ".join(map(str, looks[-1].plan))
    yield f"Looks at {plan} seeds: {last.number} taken,"
    yield f"{alpha_spent(looks):.3g} of the error rate of {last.alpha:g} spent."
    yield f"{'; '.join(f'{label}: {state}' for label, state in last.states.items())}."
    if board.min_effect is not None:
        amount = with_unit(f"{board.min_effect:g}", difference_unit(board.unit))
        yield f"The smallest difference that matters is {amount}."
    if last.exploratory:
        yield "Exploratory: earlier looks followed another plan, or come out otherwise by now."
    yield "`dasbench compare` gives the same verdicts with their numbers."
