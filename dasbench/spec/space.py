"""Axes of a study: which fields of a trial vary, over what, and when."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from dasbench.spec.trial import Frozen

SETTABLE = ("task", "backbone", "gate", "placement", "dataset", "training")
"""The fields of a trial that a study may set and vary."""

MAX_VALUES = 10_000
"""The most values that one axis may list."""


class Axis(Frozen):
    """One field that varies.

    Args:
        key: dotted field of the trial (`gate.alpha`, `backbone`, `training.lr`).
        values: what it takes, or
        low, high: a range, both ends included, with
        step: the distance of its points (then it can be enumerated), and
        log: whether it is sampled on a logarithmic scale, and
        integer: whether only whole numbers are meant (then `step` is 1 unless it is given or the scale is logarithmic).
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
    integer: bool = False
    when: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        given = [name for name in ("low", "high", "step") if getattr(self, name) is not None]
        if (self.values is None) == (not given):
            raise ValueError("give either 'values' or 'low' and 'high'")
        if self.values is not None:
            if self.integer or self.log:
                raise ValueError(f"'{'integer' if self.integer else 'log'}' belongs to a range, not to 'values'")
            if not self.values:
                raise ValueError("has no values")
            duplicates = [value for index, value in enumerate(self.values) if value in self.values[:index]]
            if duplicates:
                raise ValueError(f"holds {duplicates[0]!r} twice")
            return self
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("needs 'low' below 'high'")
        if self.integer and not all(float(n).is_integer() for n in (self.low, self.high, self.step or 1)):
            raise ValueError("'integer' needs whole numbers for 'low', 'high' and 'step'")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("'log' needs a positive 'low' and no 'step'")
        if self._step is not None and (self.high - self.low) / self._step > MAX_VALUES:
            raise ValueError(f"has more than {MAX_VALUES:,} values")
        return self

    @property
    def _step(self) -> float | None:
        return 1.0 if self.integer and self.step is None and not self.log else self.step

    def points(self) -> tuple[Any, ...] | None:
        """All values of the axis; None for a range that is only sampled (continuous, or whole on a log scale)."""
        if self.values is not None:
            return self.values
        if self._step is None or self.low is None or self.high is None:
            return None
        count = math.floor((self.high - self.low) / self._step + 1e-9) + 1
        return tuple(_round(self.low + index * self._step) for index in range(count))

    def ends(self) -> tuple[Any, ...]:
        """The lowest and the highest value of a range."""
        assert self.low is not None
        assert self.high is not None
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)

    def holds(self, value: Any) -> bool:
        """Whether the axis can take a value."""
        points = self.points()
        if points is not None:
            return value in points
        low, high = self.ends()
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and low <= value <= high and (not self.integer or float(value).is_integer())

    def overlaps(self, other: "Axis") -> bool:
        """Whether the conditions of one axis hold where the other's do, for some value of the fields in both."""
        shared = self.when.keys() & other.when.keys()
        return len(shared) == min(len(self.when), len(other.when)) and all(
            any(option in _options(other.when[key]) for option in _options(self.when[key])) for key in shared
        )

    def applies(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Whether every condition of `when` holds: for the values of the axes before, and the base's dotted fields."""
        return all(_matches(field_value(key, base, values), wanted) for key, wanted in self.when.items())


def enumerate_axes(axes: Sequence[Axis], base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All combinations of the axes' values, the last axis varying fastest; of a range that is sampled, its two ends.

    Args:
        axes: what varies.
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
        if not last.applies(base, values):
            yield values
            continue
        for point in last.points() or last.ends():
            yield {**values, last.key: point}


def field_value(key: str, base: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """What a dotted field holds once some axes have taken their values; None if nothing is said of it.

    Args:
        key: the field.
        base: dotted fields that hold before any axis does.
        values: of the axes, by their keys, in the order in which they are set.

    Example:
        >>> base = {"gate": {"name": "das", "alpha": 0.1}, "gate.name": "das", "gate.alpha": 0.1}
        >>> field_value("gate.alpha", base, {}), field_value("gate.alpha", base, {"gate": {"name": "das", "alpha": 1}})
        (0.1, 1)
        >>> field_value("gate.name", base, {"gate": "se"}), field_value("gate.alpha", base, {"gate": "se"})
        ('se', None)
    """
    found = base.get(key)
    for name, value in values.items():
        if decides(name, key):
            found = _inner(value, key[len(name) :].split(".")[1:])
    return found


def decides(one: str, other: str) -> bool:
    """Whether what one dotted field is set to says what another holds: the same, a part of it, or what it names.

    Example:
        >>> decides("gate", "gate.alpha"), decides("gate.name", "gate"), decides("gate.alpha", "gate")
        (True, True, False)
    """
    return one in (other, f"{other}.name") or other.startswith(f"{one}.")


def _inner(value: Any, path: Sequence[str]) -> Any:
    """What a value, a component's bare name included, holds at a path."""
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else value if part == "name" else None
    return value


def _matches(value: Any, wanted: Any) -> bool:
    options = _options(wanted)
    name = value.get("name") if isinstance(value, dict) else value
    return value in options or name in options


def _options(wanted: Any) -> list[Any]:
    """The values that a condition lists."""
    return wanted if isinstance(wanted, list) else [wanted]


def _round(value: float) -> float | int:
    """A point of a stepped range without binary dust; whole numbers are integers."""
    tidy = float(f"{value:.12g}")
    return int(tidy) if tidy.is_integer() else tidy


Axes = Annotated[tuple[Axis, ...], Field(max_length=50)]
