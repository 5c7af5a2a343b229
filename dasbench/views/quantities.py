"""What variants are compared by: measured metrics over seeds, counted costs, time and memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS, Row
from dasbench.spec.study import SHORT_NAMES, Objective
from dasbench.views.selection import Selection, refuse_empty_filter
from dasbench.views.units import DIRECTIONS, better_direction
from dasbench.views.variants import VariantScores, known_counts

COSTS = ("macs", "params", "latency", "memory", "seconds")
"""What may stand on the axis of costs."""

LATENCY = SHORT_NAMES["latency"]
"""The metric that `latency` means."""


def with_metric(selection: Selection, metric: str | None) -> Selection:
    """The selection, ranked by another metric; by its own if `metric` is None.

    One of which nobody said what is better can be shown; who ranks by it is refused
    (`Selection.direction`).

    Raises:
        UsageError: if no trial has a value of it; the message names those that there are.
    """
    if metric is None or metric == selection.metric:
        return selection
    check_measured(metric, selection.rows)
    direction = better_direction(metric, selection.objectives, selection.metrics)
    maximise = None
    if direction is not None:
        maximise = direction == "max"
    return replace(selection, metric=metric, maximise=maximise)


def refuse_without_results(selection: Selection) -> None:
    """Refuse what holds no score yet.

    Raises:
        UsageError: saying how many trials there are, and in which state.
    """
    if any(row.is_done and selection.metric in row.metrics for row in selection.rows):
        return
    refuse_empty_filter(selection)
    measured = measured_names(selection.rows)
    if measured:
        raise UsageError(
            f"study '{selection.name}': no trial has a '{selection.metric}'; "
            f"`metric` takes {', '.join(measured)}"
        )
    states = Counter(row.state for row in selection.rows)
    listed = ", ".join(f"{count} {state}" for state, count in states.items()) or "none at all"
    raise UsageError(
        f"study '{selection.name}' has no result yet; its trials: {listed}. "
        "`dasbench run` trains what is missing."
    )


def measured_names(rows: Sequence[Row]) -> list[str]:
    """Every metric that some finished trial has."""
    names: set[str] = set()
    for row in rows:
        if row.is_done:
            names.update(row.metrics)
    return sorted(names)


def check_measured(metric: str, rows: Sequence[Row]) -> None:
    """Refuse a metric that no trial has.

    Raises:
        UsageError: naming the nearest.
    """
    if metric not in (known := measured_names(rows)):
        raise UsageError(unknown_name("metric", metric, known))


def is_cost_name(name: str) -> bool:
    """Whether it stands for a cost: counted, or time or memory.

    Example:
        >>> is_cost_name("macs_full"), is_cost_name("latency_ms"), is_cost_name("top1")
        (True, True, False)
    """
    return name in COST_FIELDS or name in COSTS or name == LATENCY


def read_objective(text: str, selection: Selection, *, convention: str) -> Objective:
    """An objective as it is written: `top1:max`, `macs:min`, `params_paper:min`, `seconds:min`.

    Raises:
        UsageError: if the direction is missing or wrong, or nothing of that name is known of the
            trials.
    """
    metric, _, word = text.rpartition(":")
    direction = DIRECTIONS.get(word)
    if direction is None or not metric:
        raise UsageError(
            f"`objective` {text}: write METRIC:max or METRIC:min, as in top1:max or macs:min"
        )
    name = quantity(metric, selection, convention=convention)
    return Objective(metric=name, direction=direction)


def quantity(name: str, selection: Selection, *, convention: str) -> str:
    """The full name of what is meant.

    `macs` is a count in one convention, `latency` a metric that tasks may return.

    Raises:
        UsageError: if nothing of that name is known of the trials.
    """
    if name in ("macs", "params"):
        return f"{name}_{convention}"
    if name in COST_FIELDS or name in ("memory", "seconds"):
        return name
    measured = measured_names(selection.rows)
    if name == "latency":
        if LATENCY not in measured:
            raise UsageError(
                "no trial holds a latency: training does not measure it. "
                "`dasbench cost STUDY --latency` measures it on this machine; "
                f"a task that returns a metric '{LATENCY}' puts it beside the scores."
            )
        return LATENCY
    if name not in measured:
        raise UsageError(unknown_name("metric", name, [*measured, *COST_FIELDS, *COSTS]))
    return name


def values_of(entries: Sequence[VariantScores], name: str) -> list[float | None]:
    """Each variant's value: a count, bytes, seconds, or the mean over seeds; None if unknown."""
    return [_value_of(entry, name) for entry in entries]


def _value_of(entry: VariantScores, name: str) -> float | None:
    if name in COST_FIELDS:
        return known_counts(entry.cost).get(name)
    if name == "memory":
        return entry.peak_memory or None
    if name == "seconds":
        if not entry.num_done:
            return None
        return entry.seconds
    scores = entry.scores_of(name).values()
    if not scores:
        return None
    return sum(scores) / len(scores)
