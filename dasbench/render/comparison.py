"""How comparisons are shown: a verdict in words, a table for a family, and records for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from dasbench.analysis.stats import Comparison, Direction
from dasbench.render.comparison_notes import (
    answer_notes,
    family_notes,
    why_exploratory,
)
from dasbench.render.new_images import (
    HOW_TO_READ,
    new_images_columns,
    new_images_record,
)
from dasbench.render.noise import notes_on_noise, prior_values
from dasbench.render.tables.printing import print_found, print_table
from dasbench.render.tables.table import Column, Field, Layout, Table, table_of
from dasbench.render.text.numbers import NOTHING, difference_text, p_text, size_text
from dasbench.render.text.records import to_json
from dasbench.render.text.words import in_brackets
from dasbench.render.verdicts import verdict
from dasbench.spec.plain import Record
from dasbench.views.comparisons.comparison import Answer
from dasbench.views.comparisons.question import Question
from dasbench.views.lines import interval_ends

MORE_SEEDS = (
    "More seeds: for a difference of this size (or of `min_effect`) to be resolved, 80 % power."
)

AnswerField = Field[Answer]
"""A column, and what it says of a comparison."""

VARIANT = AnswerField(Column(key="variant", title="variant", is_text=True), lambda answer: answer.a)


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
    record |= prior_values(answer.noise)
    record |= {"ci95": half, "low": low, "high": high}
    record |= {"verdict": answer_verdict(answer), "notes": answer_notes(answer)}
    record |= {"look_state": answer.look_state}
    record |= {"looked_at_before": list(answer.looked_at_before)}
    if answer.images is not None:
        record |= {"images": new_images_record(answer.images)}
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
        exploratory=why_exploratory(answer),
    )


def comparison_tables(answers: Sequence[Answer]) -> list[Table]:
    """One table of all comparisons, the verdict in a word; what was resolved is bold."""
    if not answers:
        title = "There is nothing to compare with the baseline."
        return [table_of([VARIANT], answers, title=title)]
    first = answers[0]
    columns, reading = list(comparison_columns(first.question)), how_to_read(first)
    if first.images is not None:
        columns += new_images_columns(first.question.unit)
        reading.append(HOW_TO_READ)
    table = table_of(
        [VARIANT, *columns],
        answers,
        title=f"{first.question.source}: against {first.b}",
        notes=[*reading, MORE_SEEDS, *notes_on_noise(answers), *family_notes(answers)],
        bold=[place for place, answer in enumerate(answers) if is_resolved(answer)],
    )
    return [table]


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
