"""How comparisons are shown: a verdict in words, a table for a family, and records for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import floor, log10
from typing import Any

import click

from dasbench.analysis.stats import Comparison
from dasbench.render.records import to_json
from dasbench.render.tables.printing import print_found, print_table
from dasbench.render.tables.table import Column, Layout, Table
from dasbench.render.verdicts import averaged_sentence, verdict
from dasbench.views.comparison import Answer, Question
from dasbench.views.lines import interval_ends

FRACTIONS = "Scores were fractions; here they are in percent, differences and --min-effect in percentage points (pp)."

PROBE = "Probe: scores are a formula's, nothing was trained."

MOST_NAMED = 6
"""Variants that a note names; of more it says how many they are."""


SMALLEST = 1e-4
"""Half-widths below it are written with an exponent."""


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
    print_found(layout, tables=lambda: comparison_tables(answers), records=lambda: comparison_records(answers))


def comparison_records(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Flat plain data, as JSON and CSV show it."""
    return [comparison_record(answer) for answer in answers]


def comparison_record(answer: Answer) -> dict[str, Any]:
    """One comparison as flat plain data."""
    asked = answer.question
    half = answer.comparison.half_width
    low, high = interval_ends(answer.comparison.difference, half)
    record: dict[str, Any] = {"a": answer.a, "b": answer.b, "source": asked.source, "metric": asked.metric}
    record |= {"unit": asked.unit, "direction": asked.direction}
    record |= {"mean_a": answer.means[0], "mean_b": answer.means[1]}
    record |= {"n_a": len(answer.scores[0]), "n_b": len(answer.scores[1])}
    record |= {"failed_a": answer.failed[0], "failed_b": answer.failed[1]}
    record |= asdict(answer.comparison)
    record |= {"ci95": half, "low": low, "high": high}
    record |= {"verdict": answer_verdict(answer), "notes": answer_notes(answer)}
    record |= {"look_state": answer.look_state}
    return record | {"confirmed_a": answer.confirmed[0], "confirmed_b": answer.confirmed[1]}


def answer_verdict(answer: Answer) -> str:
    """What may be said of a comparison, in one sentence."""
    asked = answer.question
    return verdict(
        answer.a,
        answer.b,
        answer.comparison,
        asked.unit,
        direction=asked.direction,
        floor=answer.floor,
        exploratory=_why_exploratory(answer),
    )


def answer_notes(answer: Answer) -> list[str]:
    """What has to be said below a comparison."""
    return [*_notes(answer), *_failures_note([answer]), *_tried_note(answer.tried)]


def _notes(answer: Answer) -> Iterator[str]:
    asked = answer.question
    if answer.is_probe:
        yield PROBE
    if answer.averaged is not None:
        yield averaged_sentence(answer.averaged)
    if asked.was_fraction:
        yield FRACTIONS
    if asked.direction_is_assumed:
        yield f"Larger is taken as better, whatever {asked.metric} is; --direction min says otherwise."
    if asked.look is not None:
        yield f"Judged at {asked.alpha:.3g}, the level of look {asked.look.number}."
    if answer.look_state is not None:
        yield "Against the baseline of the looks, the verdict is that of the last look."
    if asked.min_effect is not None and asked.min_effect == asked.look_min_effect:
        unit = f" {asked.unit}" if asked.unit else ""
        yield f"The study names {asked.min_effect:g}{unit} as the smallest difference that matters."


def _failures_note(answers: Sequence[Answer]) -> list[str]:
    """How many trials failed, each variant once."""
    failed: dict[str, int] = {}
    for answer in answers:
        failed |= dict(zip((answer.a, answer.b), answer.failed, strict=True))
    named = [f"{name}: {count} failed" for name, count in failed.items() if count]
    if len(named) > MOST_NAMED:
        named = [f"{sum(failed.values()):,} failed of {len(named):,} variants"]
    return [f"Failed trials give no score ({'; '.join(named)})."] if named else []


def _tried_note(tried: Sequence[str]) -> list[str]:
    """That a test on scores which took part in a choice does not keep its level."""
    if not tried:
        return []
    named = "; ".join(tried) if len(tried) <= MOST_NAMED else f"{len(tried):,} variants"
    return [
        f"Tried, not confirmed: {named}. A search chose by these scores, so no test on them keeps its level; "
        "`confirm` in the study trains winners on fresh seeds."
    ]


def _why_exploratory(answer: Answer) -> str:
    """Why a verdict carries no error rate; empty if it carries one."""
    look = answer.question.look
    if look is not None and look.exploratory:
        return "a look that was not planned"
    if len(answer.tried) == 1:
        return f"a search chose by the score of {answer.tried[0]}"
    return "a search chose by these scores" if answer.tried else ""


def comparison_tables(answers: Sequence[Answer]) -> list[Table]:
    """One table of all comparisons, the verdict in a word; what was resolved is bold."""
    if not answers:
        column = Column(key="variant", title="variant", is_text=True)
        return [Table(title="There is nothing to compare with the baseline.", columns=[column], rows=[])]
    first = answers[0]
    notes = dict.fromkeys(note for answer in answers for note in _notes(answer))
    tried = dict.fromkeys(name for answer in answers for name in answer.tried)
    table = Table(
        title=f"{first.question.source}: against {first.b}",
        columns=_columns(first.question),
        rows=[[answer.a, *_cells(answer)] for answer in answers],
        notes=[*_how_to_read(first), *notes, *_failures_note(answers), *_tried_note([*tried])],
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
    return f"{word} (exploratory)" if answer.is_exploratory and answer.comparison.n > 1 else word


def _columns(question: Question) -> list[Column]:
    unit = f" ({question.unit})" if question.unit else ""
    return [
        Column(key="variant", title="variant", is_text=True),
        Column(key="difference", title=f"difference{unit} ± 95 %"),
        Column(key="verdict", title="verdict", is_text=True),
        Column(key="p_holm", title="p Holm", priority=1),
        Column(key="seeds", title="seeds", priority=1),
        Column(key="p", title="p", priority=3),
        Column(key="p_sign_flip", title="p sign flip", priority=4),
        Column(key="more_seeds", title="more seeds", priority=2),
        Column(key="detectable", title=f"detectable{unit}", priority=2),
    ]


def _cells(answer: Answer) -> list[str]:
    c = answer.comparison
    settled = c.resolved or c.equivalent or c.more_seeds is None
    needs = "-" if settled else str(c.more_seeds)
    seeds = [_p(c.p_holm), str(c.n), _p(c.p), _p(c.p_sign_flip)]
    return [_difference(c), answer_word(answer), *seeds, needs, _number(c.detectable)]


def _how_to_read(first: Answer) -> list[str]:
    asked = first.question
    better = "larger" if asked.direction == "max" else "smaller"
    return [
        f"Differences of {asked.metric} from {first.b}, paired over common seeds; {better} is better.",
        "±: half of the 95 % t interval of the difference. Holm: corrected for all comparisons of the table.",
        "More seeds: for a difference of this size (or of --min-effect) to be resolved, 80 % power.",
    ]


def _word(c: Comparison) -> str:
    if c.n < 2:
        return "no shared seed" if c.n == 0 else "1 seed"
    if c.resolved:
        return "resolved, but equivalent" if c.equivalent else "resolved"
    return "equivalent" if c.equivalent else "not resolved"


def _difference(c: Comparison) -> str:
    """The difference with its sign, as exact as half of its interval is, where a spread is known."""
    if c.difference is None:
        return "-"
    sign = "+" if c.difference > 0 else ""
    if c.half_width is None:
        return f"{sign}{_number(c.difference)}"
    if 0 < c.half_width < SMALLEST:
        return f"{sign}{_number(c.difference)} ± {_number(c.half_width)}"
    decimals = 2 if c.half_width == 0 or c.half_width >= 0.1 else 2 - floor(log10(c.half_width))
    return f"{sign}{c.difference:z.{decimals}f} ± {c.half_width:.{decimals}f}"


def _number(value: float | None) -> str:
    """Two decimals, or three digits of what is smaller than 0.1."""
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 0.1 else f"{value:.2f}"


def _p(p: float | None) -> str:
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
