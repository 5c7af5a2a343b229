"""How comparisons are shown: a verdict in words, a table for a family, and records for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain

import click

from dasbench.analysis.stats import Comparison, Direction
from dasbench.render.tables.printing import print_found, print_table
from dasbench.render.tables.table import Column, Field, Layout, Table, table_of
from dasbench.render.text.numbers import NOTHING, difference_text, p_text, size_text, with_unit
from dasbench.render.text.records import to_json
from dasbench.render.text.words import in_brackets
from dasbench.render.verdicts import averaged_sentence, looked_at_note, looked_at_words, verdict
from dasbench.spec.plain import Record
from dasbench.views.comparison import Answer
from dasbench.views.lines import interval_ends
from dasbench.views.question import Question

FRACTIONS = (
    "Scores were fractions; here they are in percent, "
    "differences and `min_effect` in percentage points (pp)."
)

MORE_SEEDS = (
    "More seeds: for a difference of this size (or of `min_effect`) to be resolved, 80 % power."
)

ADDING_SEEDS = (
    "`seeds: {until: resolved}` in a study adds seeds and keeps the error rate; "
    "adding some and testing again does not."
)

AnswerField = Field[Answer]
"""A column, and what it says of a comparison."""

VARIANT = AnswerField(Column(key="variant", title="variant", is_text=True), lambda answer: answer.a)

PROBE = "Probe: scores are a formula's, nothing was trained."

MOST_NAMED = 6
"""Variants that a note names; of more it says how many they are."""


def print_answer(answer: Answer, layout: Layout) -> None:
    """Print the comparison of a pair: its verdict and notes, or one record."""
    if layout.format_ == "json":
        click.echo(to_json(comparison_record(answer), indent=2))
    elif layout.format_ == "table" and not layout.columns:
        text = [answer_verdict(answer), *answer_notes(answer)]
        print_table(Table(title="", columns=[], rows=[], notes=text), layout)
    else:
        print_family([answer], layout)


def print_family(answers: Sequence[Answer], layout: Layout) -> None:
    """Print every variant against the baseline."""
    print_found(
        layout,
        tables=lambda: comparison_tables(answers),
        records=lambda: comparison_records(answers),
    )


def comparison_records(answers: Sequence[Answer]) -> list[Record]:
    """Flat plain data, as JSON and CSV show it."""
    return list(map(comparison_record, answers))


def comparison_record(answer: Answer) -> Record:
    """One comparison as flat plain data."""
    asked = answer.question
    half = answer.comparison.half_width
    low, high = interval_ends(answer.comparison.difference, half)
    record: Record = {"a": answer.a, "b": answer.b}
    record |= {"source": asked.source, "metric": asked.metric}
    record |= {"unit": asked.unit, "direction": asked.direction}
    record |= {"mean_a": answer.means[0], "mean_b": answer.means[1]}
    record |= {"n_a": len(answer.scores[0]), "n_b": len(answer.scores[1])}
    record |= {"failed_a": answer.failed[0], "failed_b": answer.failed[1]}
    record |= asdict(answer.comparison)
    record |= {"ci95": half, "low": low, "high": high}
    record |= {"verdict": answer_verdict(answer), "notes": answer_notes(answer)}
    record |= {"look_state": answer.look_state}
    record |= {"looked_at_before": list(answer.looked_at_before)}
    return record | {"confirmed_a": answer.confirmed[0], "confirmed_b": answer.confirmed[1]}


def answer_verdict(answer: Answer) -> str:
    """What may be said of a comparison, in one sentence."""
    asked = answer.question
    direction: Direction | None = asked.direction
    if asked.direction_is_assumed:
        direction = None
    return verdict(
        answer.a,
        answer.b,
        answer.comparison,
        asked.unit,
        direction=direction,
        floor=answer.floor,
        exploratory=_why_exploratory(answer),
    )


def answer_notes(answer: Answer) -> list[str]:
    """What has to be said below a comparison."""
    notes = [*_notes(answer), *unplanned_looks_note([answer])]
    return [*notes, *_failures_note([answer]), *_tried_note(answer.tried)]


def _notes(answer: Answer) -> Iterator[str]:
    asked = answer.question
    if answer.is_probe:
        yield PROBE
    if answer.averaged is not None:
        yield averaged_sentence(answer.averaged)
    if asked.was_fraction:
        yield FRACTIONS
    if asked.direction_is_assumed:
        taken = f"Larger is taken as better, whatever {asked.metric} is"
        yield f"{taken}; `direction` min says otherwise."
    yield from _look_notes(answer)
    if asks_for_seeds(answer):
        yield ADDING_SEEDS


def _look_notes(answer: Answer) -> Iterator[str]:
    """What the study's looks at its scores mean for the comparison."""
    asked = answer.question
    if asked.look is not None:
        yield f"Judged at {asked.alpha:.3g}, the level of look {asked.look.number}."
    if answer.look_state is not None:
        yield "Against the baseline of the looks, the verdict is that of the last look."
    if asked.min_effect is not None and asked.min_effect == asked.look_min_effect:
        effect = with_unit(f"{asked.min_effect:g}", asked.unit)
        yield f"The study names {effect} as the smallest difference that matters."


def _failures_note(answers: Sequence[Answer]) -> list[str]:
    """How many trials failed, each variant once."""
    failed: dict[str, int] = {}
    for answer in answers:
        failed |= dict(zip((answer.a, answer.b), answer.failed, strict=True))
    counts = [f"{name}: {count} failed" for name, count in failed.items() if count]
    if not counts:
        return []
    if len(counts) > MOST_NAMED:
        counts = [f"{sum(failed.values()):,} failed of {len(counts):,} variants"]
    return [f"Failed trials give no score ({'; '.join(counts)})."]


def _tried_note(tried: Sequence[str]) -> list[str]:
    """That a test on scores which took part in a choice does not keep its level."""
    if not tried:
        return []
    names = "; ".join(tried)
    if len(tried) > MOST_NAMED:
        names = f"{len(tried):,} variants"
    return [
        f"Tried, not confirmed: {names}. A search chose by these scores, "
        "so no test on them keeps its level; "
        "`confirm` in the study trains winners on fresh seeds."
    ]


def _why_exploratory(answer: Answer) -> str:
    """Why a verdict carries no error rate; empty if it carries one."""
    look = answer.question.look
    if look is not None and look.exploratory:
        return "a look that was not planned"
    if answer.looked_at_before:
        return looked_at_words(answer.looked_at_before)
    if not answer.tried:
        return ""
    if len(answer.tried) == 1:
        return f"a search chose by the score of {answer.tried[0]}"
    return "a search chose by these scores"


def comparison_tables(answers: Sequence[Answer]) -> list[Table]:
    """One table of all comparisons, the verdict in a word; what was resolved is bold."""
    if not answers:
        title = "There is nothing to compare with the baseline."
        return [table_of([VARIANT], answers, title=title)]
    first = answers[0]
    table = table_of(
        [VARIANT, *comparison_columns(first.question)],
        answers,
        title=f"{first.question.source}: against {first.b}",
        notes=[*how_to_read(first), MORE_SEEDS, *_family_notes(answers)],
        bold=[place for place, answer in enumerate(answers) if is_resolved(answer)],
    )
    return [table]


def _family_notes(answers: Sequence[Answer]) -> list[str]:
    """What has to be said below any of some comparisons, once."""
    notes: list[str] = []
    tried: list[str] = []
    for answer in answers:
        notes += _notes(answer)
        tried += answer.tried
    once = list(dict.fromkeys([*notes, *unplanned_looks_note(answers)]))
    return [*once, *_failures_note(answers), *_tried_note(list(dict.fromkeys(tried)))]


def unplanned_looks_note(answers: Sequence[Answer]) -> list[str]:
    """That comparisons were looked at before with fewer seeds, once for all of them."""
    looks = set(chain.from_iterable(answer.looked_at_before for answer in answers))
    if not looks:
        return []
    return [looked_at_note(sorted(looks))]


def is_resolved(answer: Answer) -> bool:
    """Whether a difference was resolved by a test that keeps its level."""
    return answer.comparison.resolved and not answer.is_exploratory


def answer_word(answer: Answer) -> str:
    """What a comparison amounts to, in a few words; `answer_verdict` says it in a sentence.

    What the last look found of it comes before what a test of now would say.
    """
    word = _word(answer.comparison)
    if answer.look_state is not None and not answer.comparison.resolved:
        word = answer.look_state
    if answer.is_exploratory and answer.comparison.n > 1:
        return f"{word} (exploratory)"
    return word


def comparison_columns(question: Question) -> Iterator[AnswerField]:
    """Every column but the first, which names the variant."""
    unit = in_brackets(question.unit)
    column = Column(key="difference", title=f"difference{unit} ± 95 %")
    yield Field(column, lambda answer: difference_text(answer.comparison))
    yield Field(Column(key="verdict", title="verdict", is_text=True), answer_word)
    column = Column(key="p_holm", title="p Holm", priority=1)
    yield Field(column, lambda answer: p_text(answer.comparison.p_holm))
    column = Column(key="seeds", title="seeds", priority=1)
    yield Field(column, lambda answer: str(answer.comparison.n))
    column = Column(key="p", title="p", priority=3)
    yield Field(column, lambda answer: p_text(answer.comparison.p))
    column = Column(key="p_sign_flip", title="p sign flip", priority=4)
    yield Field(column, lambda answer: p_text(answer.comparison.p_sign_flip))
    yield Field(Column(key="more_seeds", title="more seeds", priority=2), more_seeds_text)
    column = Column(key="detectable", title=f"detectable{unit}", priority=2)
    yield Field(column, lambda answer: size_text(answer.comparison.detectable))


def more_seeds_text(answer: Answer) -> str:
    """How many more seeds would resolve the difference; a dash where that is settled or unknown."""
    found = answer.comparison
    is_settled = found.resolved or found.equivalent or found.more_seeds is None
    if is_settled:
        return NOTHING
    return str(found.more_seeds)


def asks_for_seeds(answer: Answer) -> bool:
    """Whether somebody may now add seeds to a study that takes no looks, and test again."""
    is_planned = answer.question.look is not None or answer.confirmed != (None, None)
    can_be_planned = not is_planned and not answer.is_exploratory
    return can_be_planned and more_seeds_text(answer) not in (NOTHING, "0")


def how_to_read(first: Answer) -> list[str]:
    """What the differences of a table are, and what is meant by ± and Holm."""
    asked = first.question
    better = "larger" if asked.direction == "max" else "smaller"
    return [
        f"Differences of {asked.metric} from {first.b}, "
        f"paired over common seeds; {better} is better.",
        "±: half of the 95 % t interval of the difference. "
        "Holm: corrected for all comparisons of the table.",
    ]


def _word(c: Comparison) -> str:
    if c.n == 0:
        return "no shared seed"
    if c.n == 1:
        return "1 seed"
    if c.resolved and c.equivalent:
        return "resolved, but equivalent"
    if c.resolved:
        return "resolved"
    if c.equivalent:
        return "equivalent"
    return "not resolved"
