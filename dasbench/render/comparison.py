"""How comparisons are shown: a verdict in words, a table for a family, JSON, CSV, Markdown or LaTeX."""

from collections.abc import Sequence

import click

from dasbench.analysis.stats import Comparison
from dasbench.render.formats import Grid, print_grid
from dasbench.render.plain import shown
from dasbench.render.records import print_records, to_json
from dasbench.views.comparison import Answer, Question


def print_answer(answer: Answer, *, format_: str) -> None:
    """Print the comparison of a pair: its verdict and notes, or one record."""
    if format_ == "json":
        click.echo(to_json(answer.as_record(), indent=2))
    elif format_ == "csv":
        print_records([answer.as_record()], format_=format_)
    elif format_ == "table":
        click.echo(
            "\n".join(shown(line) for line in (answer.verdict, *answer.notes, *direction_notes(answer.question)))
        )
    else:
        print_grid(make_grid([answer]), format_=format_)


def print_family(answers: Sequence[Answer], *, format_: str) -> None:
    """Print every variant against the baseline."""
    if format_ in ("json", "csv"):
        print_records([answer.as_record() for answer in answers], format_=format_)
    else:
        print_grid(make_grid(answers), format_=format_)


def make_grid(answers: Sequence[Answer]) -> Grid:
    """Lay out comparisons: one line each, the verdict in a word."""
    if not answers:
        return Grid(title="There is nothing to compare with the baseline.", columns=["variant"], rows=[])
    first = answers[0]
    unit = f" ({first.question.unit})" if first.question.unit else ""
    columns = ["variant", f"difference{unit}", "± 95 %", "p", "p Holm", "p sign flip", "seeds", "verdict"]
    columns += ["more seeds", f"detectable{unit}"]
    rows = [[answer.a, *_cells(answer.comparison)] for answer in answers]
    better = "larger" if first.question.direction == "max" else "smaller"
    lines = [
        f"Differences of {first.question.metric} from {first.b}, paired over common seeds; {better} is better.",
        "±: half of the 95 % t interval of the difference. Holm: corrected for all comparisons of the table.",
        "More seeds: for a difference of this size (or of --min-effect) to be resolved, 80 % power.",
    ]
    return Grid(
        title=f"{first.question.source}: against {first.b}",
        columns=columns,
        rows=rows,
        lines=[*lines, *direction_notes(first.question), *dict.fromkeys(n for answer in answers for n in answer.notes)],
        bold=[number for number, answer in enumerate(answers) if answer.comparison.resolved],
    )


def direction_notes(question: Question) -> list[str]:
    """Which scores are taken as better, where nobody said so."""
    if not question.direction_is_assumed:
        return []
    return [f"Larger is taken as better, whatever {question.metric} is; --direction min says otherwise."]


def word(c: Comparison) -> str:
    """What a comparison amounts to, in a word or two; `verdict` says it in a sentence."""
    if c.n < 2:
        return "no shared seed" if c.n == 0 else "1 seed"
    if c.resolved:
        return "resolved, but equivalent" if c.equivalent else "resolved"
    return "equivalent" if c.equivalent else "not resolved"


def _cells(c: Comparison) -> list[str]:
    needs = "-" if c.resolved or c.equivalent or c.more_seeds is None else str(c.more_seeds)
    numbers = [_number(c.difference, signed=True), _number(c.half_width)]
    return [*numbers, *map(_p, (c.p, c.p_holm, c.p_sign_flip)), str(c.n), word(c), needs, _number(c.detectable)]


def _number(value: float | None, *, signed: bool = False) -> str:
    """Two decimals, or three digits of what is smaller than 0.1."""
    if value is None:
        return "-"
    form = ".3g" if abs(value) < 0.1 else ".2f"
    return f"{value:{'+' if signed and value else ''}{form}}"


def _p(p: float | None) -> str:
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
