"""Everything that is known of one trial, and what differs between two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite, nan
from typing import Any

from dasbench.confusion import Confusion
from dasbench.records import Cost, Epoch
from dasbench.results.answers import TrialRecord
from dasbench.results.reading import read_store
from dasbench.spec.plain import Record
from dasbench.views.fields import flat_fields
from dasbench.views.variants import first_cost, known_counts

FactName = tuple[str, str]
"""The part that a fact belongs to, and its field."""


@dataclass(frozen=True)
class Fact:
    """One thing that is known of a trial.

    Args:
        part: what it belongs to: `state`, `spec`, `metrics`, `costs`, `resources` or `environment`.
        field: its name, dotted.
        value: plain data.
    """

    part: str
    field: str
    value: Any


@dataclass(frozen=True)
class Difference:
    """One thing in which two trials differ.

    Args:
        part: as in `Fact`.
        field: as in `Fact`.
        first: its value in the first trial, None where it has none.
        second: its value in the second.
        difference: the second minus the first, None unless both are finite numbers.
    """

    part: str
    field: str
    first: Any
    second: Any
    difference: float | None


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A result that was replaced when the trial was trained again.

    Args:
        attempt: number of the attempt whose result it was.
        status: how that attempt ended, as in `Outcome`.
        metrics: every metric then and now.
    """

    attempt: int
    status: str
    metrics: Sequence[Difference]


def read_trial(db: str, key: str) -> TrialRecord:
    """A trial by its key or the first digits of it.

    Raises:
        UsageError: if no trial, or more than one, begins so; the message names the nearest.
        StoreError: if there is no database.
    """
    with read_store(db) as reader:
        return reader.trial(key)


def cost_of(trial: TrialRecord) -> Cost | None:
    """What its model costs, None as long as that was not counted."""
    if trial.outcome and trial.outcome.cost:
        return trial.outcome.cost
    return first_cost(trial.rows)


def confusion_of(trial: TrialRecord) -> Confusion | None:
    """Which classes of the test part it took for which, None if it did not say."""
    if trial.outcome is None or not trial.outcome.confusion:
        return None
    return Confusion.from_text(trial.outcome.confusion)


def facts(trial: TrialRecord) -> list[Fact]:
    """What is known of a trial, flat: all but its curve, its attempts and its error."""
    outcome, cost = trial.outcome, cost_of(trial)
    known: dict[str, Mapping[str, Any]] = {
        "state": {
            "state": trial.state.state,
            "reason": trial.state.reason,
            "attempt": trial.state.attempt,
        },
        "spec": flat_fields(trial.spec),
    }
    if outcome:
        known["metrics"] = outcome.metrics
    if cost:
        known["costs"] = _cost_fields(cost)
    if outcome:
        known["resources"] = {
            "seconds": outcome.seconds,
            "peak_memory": outcome.peak_memory,
            "device": outcome.device,
        }
        known["environment"] = flat_fields(outcome.environment)
    found: list[Fact] = []
    for part, fields in known.items():
        for field, value in fields.items():
            found.append(Fact(part, field, value))
    return found


def _cost_fields(cost: Cost) -> Record:
    """What is known of a cost, flat."""
    fields: Record = dict(known_counts(cost))
    fields["input_size"] = "x".join(map(str, cost.input_size))
    for name, calls in cost.uncounted.items():
        fields[f"uncounted.{name}"] = calls
    return fields


def differences(first: TrialRecord, second: TrialRecord) -> list[Difference]:
    """What differs between two trials, in the order in which it is known of them."""
    one, other = _values(first), _values(second)
    found = []
    for name in _in_order(one, other):
        first_value, second_value = one.get(name), other.get(name)
        if _text(first_value) != _text(second_value):
            found.append(_difference(name, first_value, second_value))
    return found


def _difference(name: FactName, first: Any, second: Any) -> Difference:
    return Difference(*name, first, second, _minus(second, first))


def _values(trial: TrialRecord) -> dict[FactName, Any]:
    """The facts by part and field."""
    return {(fact.part, fact.field): fact.value for fact in facts(trial)}


def repeats(trial: TrialRecord) -> list[Repeat]:
    """What came out before the trial was trained again, the last first, and what differs now."""
    now: Mapping[str, float] = {}
    if trial.outcome:
        now = trial.outcome.metrics
    found = []
    for attempt in reversed(trial.attempts):
        if replaced := attempt.outcome:
            metrics = _metric_differences(replaced.metrics, now)
            found.append(Repeat(attempt=attempt.attempt, status=replaced.status, metrics=metrics))
    return found


def _metric_differences(before: Mapping[str, float], now: Mapping[str, float]) -> list[Difference]:
    names = dict.fromkeys([*before, *now])
    return [_difference(("metrics", name), before.get(name), now.get(name)) for name in names]


def _in_order(one: Mapping[FactName, Any], other: Mapping[FactName, Any]) -> list[FactName]:
    """All names, part by part."""
    names = dict.fromkeys([*one, *other])
    parts = list(dict.fromkeys(part for part, _ in names))
    return sorted(names, key=lambda name: parts.index(name[0]))


def _text(value: Any) -> str:
    """A value for comparing: NaN equals NaN, and 1 does not equal True."""
    return repr(value)


def _minus(left: Any, right: Any) -> float | None:
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
    difference: float = left - right
    return difference


def curves(epochs: Sequence[Epoch]) -> dict[str, list[float]]:
    """The value of each metric after each epoch, NaN where it is missing.

    Example:
        >>> curves([Epoch(1, {"loss": 2.0}), Epoch(2, {"loss": 1.0, "top1": 60.0})])
        {'loss': [2.0, 1.0], 'top1': [nan, 60.0]}
    """
    names = dict.fromkeys(chain.from_iterable(epoch.metrics for epoch in epochs))
    values = {}
    for name in names:
        values[name] = [epoch.metrics.get(name, nan) for epoch in epochs]
    return values
