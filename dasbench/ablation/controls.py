"""Controls: gates of the size of another, so that capacity is not taken for mechanism."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from dasbench.ablation.traits import capacity
from dasbench.ablation.variants import Composed, acts
from dasbench.counting import count_cost
from dasbench.errors import ModelError
from dasbench.spec.trial import Choice, Trial

TOLERANCE = 0.02
"""The largest share of a gate's parameters by which a control that counts as matched differs."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A gate whose capacity was set so that it is as large as another.

    Args:
        trial: the control, resolved.
        changed: which parameter was set, and to what: `alpha 0.231`.
        of_removal: whether the removal was brought to the full gate's size, or the full gate to the
            removal's.
        params: parameters of its network.
        target: parameters of the network that it was to be as large as.
        gates: how many of the target's parameters are its gates'.
    """

    trial: Trial
    changed: str
    of_removal: bool
    params: int
    target: int
    gates: int

    @property
    def difference(self) -> float:
        """By which share of the target's gates the control is larger; of nothing, infinitely."""
        surplus = self.params - self.target
        if self.gates:
            return surplus / self.gates
        if not surplus:
            return 0.0
        return math.copysign(math.inf, surplus)

    @property
    def matched(self) -> bool:
        """Whether it is of the same size but for the tolerance."""
        return abs(self.difference) <= TOLERANCE


def num_params(trial: Trial) -> int:
    """Parameters of a resolved trial's network, all of them counted."""
    return count_cost(trial).params_full


def control_of(composed: Composed, removal: Trial) -> Control | None:
    """The removal at the full gate's size, or the full gate at its size where that comes nearer.

    Returns:
        None if no parameter of either brings their sizes nearer to each other.
    """
    gap = abs(num_params(removal) - num_params(composed.full))
    nearer: list[Control] = []
    for of_removal in (True, False):
        control = _control(composed, of_removal=of_removal, removal=removal)
        if control and abs(control.params - control.target) < gap:
            if control.matched:
                return control
            nearer.append(control)
    return min(nearer, key=lambda control: abs(control.difference), default=None)


def _control(composed: Composed, *, of_removal: bool, removal: Trial) -> Control | None:
    """One of the two resized to the size of the other."""
    own, other = composed.full, removal
    if of_removal:
        own, other = removal, composed.full
    target = num_params(other)
    found = _closest(composed, own.gate, target)
    if found is None:
        return None
    plain = num_params(composed.with_gate({"name": "none"}))
    return Control(
        trial=found.trial,
        changed=found.changed,
        of_removal=of_removal,
        params=num_params(found.trial),
        target=target,
        gates=target - plain,
    )


@dataclass(frozen=True)
class _Resized:
    changed: str
    trial: Trial


def _closest(composed: Composed, gate: Choice, target: int) -> _Resized | None:
    """A gate with one capacity parameter set so that the network comes nearest to a target."""
    found: list[_Resized] = []
    for parameter, values in capacity(gate.name).items():
        if acts(composed, gate, parameter, values):
            at = partial(_resize, composed, gate, parameter)
            value = nearest(values, partial(_count_at, at), target)
            if value is not None:
                found.append(at(value))
    return min(found, key=lambda resized: abs(num_params(resized.trial) - target), default=None)


def _count_at(resize: Callable[[Any], _Resized], value: Any) -> int:
    return num_params(resize(value).trial)


def _resize(composed: Composed, gate: Choice, parameter: str, value: Any) -> _Resized:
    return _Resized(f"{parameter} {value}", composed.changed(gate, {parameter: value}))


def nearest(values: Sequence[Any], count: Callable[[Any], int], target: int) -> Any:
    """The value whose count comes nearest to a target; None if no value can be counted.

    Args:
        values: ordered so that the count only grows, or only shrinks.
        count: what is to be near the target; a value for which it raises `ModelError` is passed
            over.
        target: the count that is wanted.

    Example:
        >>> nearest(range(1, 100), lambda value: value * value, 50)
        7
        >>> nearest([8, 4, 2, 1], lambda value: 100 // value, 1_000)
        1
    """
    left = list(values)

    def count_or_remove(value: Any) -> int:
        try:
            return count(value)
        except ModelError:
            left.remove(value)
            raise

    while left:
        candidates = tuple(left)
        with suppress(ModelError):
            return candidates[_search(candidates, count_or_remove, target)]
    return None


def _search(values: Sequence[Any], count: Callable[[Any], int], target: int) -> int:
    """Close in on the target from both ends, by interpolation and bisection in turn.

    Counting builds a model each time.
    """
    low, high = 0, len(values) - 1
    at = {low: count(values[low]), high: count(values[high])}
    while high - low > 1 and min(at[low], at[high]) < target < max(at[low], at[high]):
        share = 0.5
        if len(at) % 2 == 0:
            share = (target - at[low]) / (at[high] - at[low])
        middle = min(max(low + round(share * (high - low)), low + 1), high - 1)
        at[middle] = count(values[middle])
        if at[middle] == target:
            return middle
        if (at[middle] < target) == (at[low] < target):
            low = middle
        else:
            high = middle
    return min(at, key=lambda index: (abs(at[index] - target), index))
