"""The table of differences from the baseline; after looks the verdicts are those of the looks."""

from collections.abc import Iterator, Mapping, Sequence

from dasbench.render.comparison import (
    AnswerField,
    answer_word,
    comparison_columns,
    comparison_record,
    how_to_read,
    more_seeds_text,
)
from dasbench.render.comparison_notes import ADDING_SEEDS, asks_for_seeds, unplanned_looks_note
from dasbench.render.section.words import (
    MOST_LINES,
    enumerate_names,
    first_lines_note,
    shortened,
)
from dasbench.render.tables.table import Column, Table, table_of
from dasbench.render.text.numbers import NOTHING, with_unit
from dasbench.spec.plain import Record
from dasbench.views.comparisons.comparison import Answer
from dasbench.views.evidence import Evidence

COLUMNS = ("difference", "p", "p_holm", "seeds", "verdict", "more_seeds", "detectable")
"""The columns of a comparison that a page has room for, in their order there."""

VARIANT = AnswerField(
    Column(key="variant", title="variant", is_text=True), lambda answer: shortened(answer.a)
)

RESOLVED = ("resolved", "resolved, but equivalent")
"""Verdicts of what is bold."""


def comparison_table(evidence: Evidence) -> Table:
    """Every variant against the baseline, the best difference first."""
    answers = evidence.answers[:MOST_LINES]
    plans = set(map(more_seeds_text, answers)) - {NOTHING}
    has_plans = evidence.tests_hold and bool(plans)
    bold = []
    for place, answer in enumerate(answers):
        if verdict_of(answer, evidence) in RESOLVED:
            bold.append(place)
    notes = list(_notes(evidence, has_plans=has_plans))
    if bold:
        notes.append("Bold: resolved.")
    return table_of(
        [VARIANT, *_columns(evidence, has_plans=has_plans)],
        answers,
        title=f"Every variant against {shortened(answers[0].b)}.",
        notes=[*notes, *first_lines_note(len(evidence.answers), "comparisons")],
        bold=bold,
    )


def evidence_records(evidence: Evidence) -> list[Record]:
    """Every number behind the table, and the verdicts that hold."""
    records = []
    for answer in evidence.answers:
        record = comparison_record(answer)
        if not evidence.tests_hold:
            del record["resolved"], record["equivalent"]
            record["verdict"] = verdict_of(answer, evidence)
            record["notes"] = [*record["notes"], _why_no_tests(evidence)]
        records.append(record)
    return records


def verdict_of(answer: Answer, evidence: Evidence) -> str:
    """What a comparison amounts to: by its tests, or where these do not hold by the last look."""
    if evidence.tests_hold:
        return answer_word(answer)
    states = _last_states(evidence)
    is_other = evidence.selection.metric != evidence.study_metric or _has_other_baseline(evidence)
    if is_other or answer.a not in states:
        return "no verdict"
    if evidence.is_exploratory:
        return f"{states[answer.a]} (exploratory)"
    return states[answer.a]


def _columns(evidence: Evidence, *, has_plans: bool) -> list[AnswerField]:
    """The columns that are printed, with the verdicts that hold."""
    fields = comparison_columns(evidence.answers[0].question)
    known = {field.column.key: field for field in fields}
    heading = known["verdict"].column
    known["verdict"] = AnswerField(heading, lambda answer: verdict_of(answer, evidence))
    return [known[key] for key in COLUMNS if has_plans or key != "more_seeds"]


def _notes(evidence: Evidence, *, has_plans: bool) -> Iterator[str]:
    """How the table is to be read, which seeds are missing, and why tests may not hold."""
    first = evidence.answers[0]
    question = first.question
    yield from how_to_read(first)
    if has_plans:
        size = "this size"
        if question.min_effect is not None:
            size = with_unit(f"{question.min_effect:g}", question.unit)
        yield f"More seeds: for a difference of {size} to be resolved, 80 % power."
    if has_plans and any(map(asks_for_seeds, evidence.answers)):
        yield ADDING_SEEDS
    yield from unplanned_looks_note(evidence.answers)
    lost = _failures_by_variant(evidence.answers)
    if lost:
        yield f"Failed trials give no score ({enumerate_names(lost)})."
    if not evidence.tests_hold:
        yield _why_no_tests(evidence)


def _failures_by_variant(answers: Sequence[Answer]) -> list[str]:
    """Each variant that lost seeds with their number, the baseline last."""
    failed = {answer.a: answer.failed[0] for answer in answers}
    failed[answers[0].b] = answers[0].failed[1]
    texts = []
    for name, count in failed.items():
        if count:
            texts.append(f"{shortened(name)}: {count} failed")
    return texts


def other_metric_note(evidence: Evidence) -> str:
    """Why there is no verdict on a metric that the looks did not compare."""
    compared, shown = evidence.study_metric, evidence.selection.metric
    return f"The looks compared {compared}; there is no verdict on {shown}."


def _has_other_baseline(evidence: Evidence) -> bool:
    """Whether the looks had another baseline than the table: the baseline alone has no state."""
    return evidence.answers[0].b in _last_states(evidence)


def _last_states(evidence: Evidence) -> Mapping[str, str]:
    """Where the last look left each variant; nothing without looks."""
    if not evidence.looks:
        return {}
    return evidence.looks[-1].states


def _why_no_tests(evidence: Evidence) -> str:
    """Why tests at a fixed level give no verdict here."""
    if not evidence.is_sequential:
        return (
            "No verdicts: a search chose these variants by their scores, "
            "and no winner was trained on fresh seeds."
        )
    if evidence.selection.metric != evidence.study_metric:
        return other_metric_note(evidence)
    if _has_other_baseline(evidence):
        return "The looks compared with another baseline: there is no verdict on these differences."
    return "Verdicts are those of the looks; intervals and p values do not correct for the looks."
