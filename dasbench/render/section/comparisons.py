"""The table of differences from the baseline; after looks the verdicts are those of the looks."""

from collections.abc import Callable, Iterator, Mapping
from math import floor, log10
from typing import Any

from dasbench.render.comparison import answer_word, comparison_record
from dasbench.render.section.words import MOST_LINES, left_out, listed, shortened
from dasbench.render.tables.table import Column, Table
from dasbench.views.comparison import Answer, Question
from dasbench.views.evidence import Evidence

Cells = tuple[Column, Callable[[Answer], str]]
"""A column, and what stands in it of a comparison."""

RESOLVED = ("resolved", "resolved, but equivalent")
"""Verdicts of what is bold."""


def comparison_table(evidence: Evidence) -> Table:
    """Every variant against the baseline, the best difference first."""
    answers = evidence.answers[:MOST_LINES]
    verdicts = {answer.a: verdict_of(answer, evidence) for answer in answers}
    question, baseline = answers[0].question, answers[0].b
    has_plans = evidence.tests_hold and any(_needs(answer) != "-" for answer in answers)
    columns = list(_columns(question, verdicts, has_plans=has_plans))
    bold = [place for place, answer in enumerate(answers) if verdicts[answer.a] in RESOLVED]
    return Table(
        title=f"Every variant against {shortened(baseline)}.",
        columns=[Column(key="variant", title="variant", is_text=True), *(column for column, _ in columns)],
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
    compared_others = evidence.selection.metric != evidence.study_metric or _has_other_baseline(evidence)
    if not evidence.looks or compared_others or answer.a not in evidence.looks[-1].states:
        return "no verdict"
    exploratory = " (exploratory)" if any(look.exploratory for look in evidence.looks) else ""
    return f"{evidence.looks[-1].states[answer.a]}{exploratory}"


def _columns(question: Question, verdicts: Mapping[str, str], *, has_plans: bool) -> Iterator[Cells]:
    unit = f" ({question.unit})" if question.unit else ""
    yield Column(key="difference", title=f"difference{unit}, ± 95 %"), _difference
    yield Column(key="p", title="p"), lambda answer: _p_text(answer.comparison.p)
    yield Column(key="p_holm", title="p Holm"), lambda answer: _p_text(answer.comparison.p_holm)
    yield Column(key="n", title="seeds"), lambda answer: str(answer.comparison.n)
    yield Column(key="verdict", title="verdict", is_text=True), lambda answer: verdicts[answer.a]
    if has_plans:
        yield Column(key="more_seeds", title="more seeds"), _needs
    yield Column(key="detectable", title=f"detectable{unit}"), lambda answer: _number(answer.comparison.detectable)


def _notes(evidence: Evidence, *, has_plans: bool) -> Iterator[str]:
    """How the table is to be read, which seeds are missing, and why tests may not hold."""
    first = evidence.answers[0]
    question = first.question
    better = "larger" if question.direction == "max" else "smaller"
    yield f"Differences of {question.metric} from {first.b}, paired over common seeds; {better} is better."
    yield "±: half of the 95 % t interval of the difference. Holm: corrected for all comparisons of the table."
    if has_plans:
        size = "this size" if question.min_effect is None else f"{question.min_effect:g} {question.unit}".strip()
        yield f"More seeds: for a difference of {size} to be resolved, 80 % power."
    failed = {answer.a: answer.failed[0] for answer in evidence.answers} | {first.b: first.failed[1]}
    if lost := [f"{shortened(name)}: {count} failed" for name, count in failed.items() if count]:
        yield f"Failed trials give no score ({listed(lost)})."
    if not evidence.tests_hold:
        yield _why_no_tests(evidence)


def _has_other_baseline(evidence: Evidence) -> bool:
    """Whether the looks compared the baseline of the table with another one, which alone has no state."""
    return bool(evidence.looks) and evidence.answers[0].b in evidence.looks[-1].states


def _why_no_tests(evidence: Evidence) -> str:
    """Why tests at a fixed level give no verdict here."""
    if not evidence.is_sequential:
        return "No verdicts: a search chose these variants by their scores, and no winner was trained on fresh seeds."
    if evidence.selection.metric != evidence.study_metric:
        return f"The looks compared {evidence.study_metric}: there is no verdict on another metric."
    if _has_other_baseline(evidence):
        return "The looks compared with another baseline: there is no verdict on these differences."
    return "Verdicts are those of the looks; intervals and p values do not correct for the looks."


def _difference(answer: Answer) -> str:
    """A difference with half of its interval, both with the same decimals."""
    difference, half = answer.comparison.difference, answer.comparison.half_width
    if difference is None:
        return "-"
    decimals = _decimals(difference if half is None else half)
    sign = "+" if difference > 0 else ""
    return f"{sign}{difference:.{decimals}f}" + ("" if half is None else f" ± {half:.{decimals}f}")


def _needs(answer: Answer) -> str:
    found = answer.comparison
    return "-" if found.resolved or found.equivalent or found.more_seeds is None else str(found.more_seeds)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    """Decimals that show two digits of a number, at least two."""
    return 2 if value == 0 else max(2, 1 - floor(log10(abs(value))))


def _p_text(p: float | None) -> str:
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
