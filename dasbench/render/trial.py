"""A trial as pages of tables for people: what was asked, what came out, how it ran; two trials side by side."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from rich.text import Text

from dasbench.analysis.stats import Direction
from dasbench.confusion import Confusion
from dasbench.render.formats import Grid, console, print_grid
from dasbench.render.plain import shown
from dasbench.render.records import to_json
from dasbench.results.answers import TrialRecord
from dasbench.views.classes import class_scores, mistakes
from dasbench.views.trial import Difference, Fact, confusion_of, curves, facts, repeats, sparkline
from dasbench.views.units import better_direction, known_metrics

TITLES = {
    "spec": "Asked for",
    "metrics": "Came out",
    "costs": "Cost",
    "resources": "Took",
    "environment": "Environment",
}
"""Part of a trial's facts -> the heading of its table."""

MOST_CLASSES = 12
"""Classes, and pairs of classes that were mistaken for each other, that a page shows."""

_LONGEST_NAME = 20  # characters of a class


def print_trial(trial: TrialRecord) -> None:
    """Print all that is known of a trial; whatever it holds is shown as text."""
    state = trial.state
    reason = f" ({state.reason})" if state.reason else ""
    _say(f"Trial {trial.key}: {state.state}{reason}, planned {trial.created}")
    _print("Listed by", ("study", "variant", "seed", "role", "first trained for"), _studies(trial), left=2)
    known = facts(trial)
    for part, title in TITLES.items():
        rows = [(fact.field, _value(fact)) for fact in known if fact.part == part]
        _print(title, ("field", "value"), rows, left=2)
    _print("Learning curve", ("metric", "curve", "first", "last", "best"), _curves(trial), left=2)
    if confusion := confusion_of(trial):
        _print_classes(confusion)
    _print("Attempts", ("number", "study", "started", "ended", "how", "host", "device"), _attempts(trial), left=7)
    _print("Trained again", ("former result", "metric", "then", "now", "difference"), _repeats(trial), left=2)
    if trial.outcome and trial.outcome.error:
        _say("Why it failed")
        for line in trial.outcome.error.rstrip().splitlines():
            _say(f"  {shown(line)}")


def print_differences(first: TrialRecord, second: TrialRecord, found: Sequence[Difference]) -> None:
    """Print what differs between two trials side by side."""
    names = [f"{trial.key} {trial.rows[0].label if trial.rows else ''}".strip() for trial in (first, second)]
    rows = [
        (
            one.part,
            one.field,
            _cell(one.first),
            _cell(one.second),
            _change(one.difference),
        )
        for one in found
    ]
    if rows:
        _print("What differs", ("part", "field", *names, "difference"), rows, left=4)
    else:
        _say(f"{first.key} and {second.key} differ in nothing.")


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> None:
    if rows:
        print_grid(Grid(title=title, columns=columns, rows=rows, left=left), format_="table")


def _say(line: str) -> None:
    console().print(Text(line), soft_wrap=True)


def _studies(trial: TrialRecord) -> list[tuple[str, ...]]:
    return [
        (row.study, row.label or "(the base)", str(row.seed), row.role, (trial.first_study or "") if row.reused else "")
        for row in trial.rows
    ]


def _curves(trial: TrialRecord) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    metrics = known_metrics([trial.metrics])
    for name, values in curves(trial.epochs).items():
        known = [value for value in values if isfinite(value)]
        best = _best(known, better_direction(name, known=metrics))
        rows.append((name, sparkline(values), _cell(values[0]), _cell(values[-1]), best))
    return rows


def _best(values: Sequence[float], direction: Direction | None) -> str:
    """The best of some values; none where nobody said what is better."""
    if not values or direction is None:
        return ""
    return _cell(max(values) if direction == "max" else min(values))


def _print_classes(confusion: Confusion) -> None:
    """Print the worst classes of the test part, and what was most often taken for something else."""
    scores = class_scores(confusion)
    rows = [
        (_name(score.name), _name(score.taken_for), _share(score.accuracy), f"{score.right:,}", f"{score.number:,}")
        for score in scores[:MOST_CLASSES]
    ]
    left_out = len(scores) - len(rows)
    lines = [f"{left_out:,} more classes, all as good or better: --json has every one"] if left_out else []
    columns = ("class", "wrongly taken for", "accuracy (%)", "right", "of")
    print_grid(Grid(title="Classes of the test part, the worst first", columns=columns, rows=rows, lines=lines, left=2),
               format_="table")  # fmt: skip
    worst = [
        (_name(each.name), _name(each.taken_for), f"{each.number:,}", _share(each.share))
        for each in mistakes(confusion)[:MOST_CLASSES]
    ]
    _print("Most often taken for another class", ("class", "taken for", "number", "of the class (%)"), worst, left=2)


def _name(name: str) -> str:
    """The name of a class, as long as a table can hold it."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _share(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.1f}"


def _attempts(trial: TrialRecord) -> list[tuple[str, ...]]:
    return [
        (str(start.attempt), start.study, start.started, start.ended or "-",
         (start.how or "runs") + (f" ({start.reason})" if start.reason else ""), start.host, start.device)
        for start in trial.attempts
    ]  # fmt: skip


def _repeats(trial: TrialRecord) -> list[tuple[str, ...]]:
    return [
        (each.part, each.field, _cell(each.first), _cell(each.second), _change(each.difference))
        for each in repeats(trial)
    ]


def _value(fact: Fact) -> str:
    if fact.field == "peak_memory":
        return f"{fact.value / 2**20:.1f} MiB"
    if fact.field == "seconds" and fact.part == "resources":
        return f"{fact.value:.1f} s"
    return _cell(fact.value)


def _change(difference: float | None) -> str:
    return "" if difference is None else f"{difference:+.6g}"


def _cell(value: Any) -> str:
    """A value as text: counts with their digits in threes, other numbers with six digits."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else to_json(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
