"""The table of differences from the baseline; after looks the verdicts are those of the looks."""

from collections.abc import Iterator
from typing import Any

from dasbench.render.comparison import (
    Cells,
    answer_word,
    comparison_columns,
    comparison_record,
    how_to_read,
    more_seeds,
)
from dasbench.render.section.words import MOST_LINES, left_out, listed, shortened
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import NOTHING
from dasbench.views.comparison import Answer
from dasbench.views.evidence import Evidence

COLUMNS = ("difference", "p", "p_holm", "seeds", "verdict", "more_seeds", "detectable")
"""The columns of a comparison that a page has room for, in their order there."""

RESOLVED = ("resolved", "resolved, but equivalent")
"""Verdicts of what is bold."""


def comparison_table(evidence: Evidence) -> Table:
    """Every variant against the baseline, the best difference first."""
    answers = evidence.answers[:MOST_LINES]
    verdicts = {answer.a: verdict_of(answer, evidence) for answer in answers}
    has_plans = evidence.tests_hold and any(more_seeds(answer) != NOTHING for answer in answers)
    columns = _columns(evidence, has_plans=has_plans)
    bold = [place for place, answer in enumerate(answers) if verdicts[answer.a] in RESOLVED]
    return Table(
        title=f"Every variant against {shortened(answers[0].b)}.",
        columns=[
            Column(key="variant", title="variant", is_text=True),
            *(column for column, _ in columns),
        ],
        rows=[[shortened(answer.a), *(cell(answer) for _, cell in columns)] for answer in answers],
        notes=[
            *_notes(evidence, has_plans=has_plans),
            *(["Bold: resolved."] if bold else []),
            *left_out(len(evidence.answers), "comparisons"),
        ],
        bold=bold,
    )


def comparison_records(evidence: Evidence) -> list[dict[str, Any]]:
    """Every number behind the table, and the verdicts that hold."""
    records = [comparison_record(answer) for answer in evidence.answers]
    if evidence.tests_hold:
        return records
    why = _why_no_tests(evidence)
    return [
        {name: value for name, value in record.items() if name not in ("resolved", "equivalent")}
        | {"verdict": verdict_of(answer, evidence), "notes": [*record["notes"], why]}
        for record, answer in zip(records, evidence.answers, strict=True)
    ]


def verdict_of(answer: Answer, evidence: Evidence) -> str:
    """What a comparison amounts to: by its tests, or where these do not hold by the last look, if that compared it."""
    if evidence.tests_hold:
        return answer_word(answer)
    compared_others = evidence.selection.metric != evidence.study_metric or _has_other_baseline(
        evidence
    )
    if not evidence.looks or compared_others or answer.a not in evidence.looks[-1].states:
        return "no verdict"
    exploratory = " (exploratory)" if any(look.exploratory for look in evidence.looks) else ""
    return f"{evidence.looks[-1].states[answer.a]}{exploratory}"


def _columns(evidence: Evidence, *, has_plans: bool) -> list[Cells]:
    """The columns that are printed, with the verdicts that hold."""
    known = {
        column.key: (column, cell)
        for column, cell in comparison_columns(evidence.answers[0].question)
    }
    verdict, _ = known["verdict"]
    known["verdict"] = (verdict, lambda answer: verdict_of(answer, evidence))
    return [known[key] for key in COLUMNS if has_plans or key != "more_seeds"]


def _notes(evidence: Evidence, *, has_plans: bool) -> Iterator[str]:
    """How the table is to be read, which seeds are missing, and why tests may not hold."""
    first = evidence.answers[0]
    question = first.question
    yield from how_to_read(first)
    if has_plans:
        size = (
            "this size"
            if question.min_effect is None
            else f"{question.min_effect:g} {question.unit}".strip()
        )
        yield f"More seeds: for a difference of {size} to be resolved, 80 % power."
    failed = {answer.a: answer.failed[0] for answer in evidence.answers} | {
        first.b: first.failed[1]
    }
    lost = [f"{shortened(name)}: {count} failed" for name, count in failed.items() if count]
    if lost:
        yield f"Failed trials give no score ({listed(lost)})."
    if not evidence.tests_hold:
        yield _why_no_tests(evidence)


def other_metric_note(evidence: Evidence) -> str:
    """Why there is no verdict on a metric that the looks did not compare."""
    return f"The looks compared {evidence.study_metric}; there is no verdict on {evidence.selection.metric}."


def _has_other_baseline(evidence: Evidence) -> bool:
    """Whether the looks compared the baseline of the table with another one, which alone has no state."""
    return bool(evidence.looks) and evidence.answers[0].b in evidence.looks[-1].states


def _why_no_tests(evidence: Evidence) -> str:
    """Why tests at a fixed level give no verdict here."""
    if not evidence.is_sequential:
        return "No verdicts: a search chose these variants by their scores, and no winner was trained on fresh seeds."
    if evidence.selection.metric != evidence.study_metric:
        return other_metric_note(evidence)
    if _has_other_baseline(evidence):
        return "The looks compared with another baseline: there is no verdict on these differences."
    return "Verdicts are those of the looks; intervals and p values do not correct for the looks."
