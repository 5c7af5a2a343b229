"""Axes of a study: which fields of a trial vary, over what, and when."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from dasbench.spec.trial import Frozen

MAX_VALUES = 10_000
"""The most values that one axis may list."""


class Axis(Frozen):
    """One field that varies.

    Args:
        key: dotted field of the trial (`gate.alpha`, `backbone`, `training.lr`).
        values: what it takes, or
        low, high: a range, both ends included, with
        step: the distance of its points (then it can be enumerated), and
        log: whether it is sampled on a logarithmic scale.
        when: other fields and the value (or list of values) that each must have for this axis to apply.

    Example:
        >>> Axis(key="gate.alpha", low=0.1, high=0.3, step=0.1).points()
        (0.1, 0.2, 0.3)
    """

    key: str = Field(min_length=1)
    values: tuple[JsonValue, ...] | None = Field(default=None, max_length=MAX_VALUES)
    low: float | None = None
    high: float | None = None
    step: float | None = Field(default=None, gt=0)
    log: bool = False
    when: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        given = [name for name in ("low", "high", "step") if getattr(self, name) is not None]
        if (self.values is None) == (not given):
            raise ValueError("give either 'values' or 'low' and 'high'")
        if self.values is not None:
            if not self.values:
                raise ValueError("has no values")
            duplicates = [value for index, value in enumerate(self.values) if value in self.values[:index]]
            if duplicates:
                raise ValueError(f"holds {duplicates[0]!r} twice")
            return self
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("needs 'low' below 'high'")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("'log' needs a positive 'low' and no 'step'")
        if self.step is not None and (self.high - self.low) / self.step > MAX_VALUES:
            raise ValueError(f"has more than {MAX_VALUES:,} values")
        return self

    def points(self) -> tuple[Any, ...] | None:
        """All values of the axis, or None for a continuous range."""
        if self.values is not None:
            return self.values
        if self.step is None or self.low is None or self.high is None:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return tuple(_round(self.low + index * self.step) for index in range(count))

    def applies(self, assigned: Mapping[str, Any]) -> bool:
        """Whether every condition of `when` holds for the values assigned so far."""
        return all(_matches(assigned.get(key), wanted) for key, wanted in self.when.items())


def enumerate_axes(axes: Sequence[Axis], base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All combinations of the axes' values, the last axis varying fastest.

    Args:
        axes: axes that can be enumerated.
        base: dotted fields that hold before any axis does, for `when`.

    Example:
        >>> gate = Axis(key="gate", values=("none", "das"))
        >>> alpha = Axis(key="gate.alpha", values=(0.1, 0.2), when={"gate": "das"})
        >>> list(enumerate_axes([gate, alpha], {}))
        [{'gate': 'none'}, {'gate': 'das', 'gate.alpha': 0.1}, {'gate': 'das', 'gate.alpha': 0.2}]
    """
    if not axes:
        yield {}
        return
    *before, last = axes
    for values in enumerate_axes(before, base):
        if not last.applies({**base, **values}):
            yield values
            continue
        for point in last.points() or ():
            yield {**values, last.key: point}


def _matches(value: Any, wanted: Any) -> bool:
    options = wanted if isinstance(wanted, list) else [wanted]
    name = value.get("name") if isinstance(value, dict) else value
    return value in options or name in options


def _round(value: float) -> float | int:
    """A point of a stepped range without binary dust; whole numbers are integers."""
    tidy = float(f"{value:.12g}")
    return int(tidy) if tidy.is_integer() else tidy


Axes = Annotated[tuple[Axis, ...], Field(max_length=50)]
