"""Axes of a study: which fields of a trial vary, over what, and when."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from dasbench.spec.axis_value import AxisValue, labelled_value
from dasbench.spec.labels import worded
from dasbench.spec.plain import Fields, Record
from dasbench.spec.trial import Frozen

SETTABLE = ("task", "backbone", "gate", "placement", "dataset", "training")
"""The fields of a trial that a study may set and vary."""

MAX_VALUES = 10_000
"""The most values that one axis may list."""

_NAMED_PARTS = ("task", "backbone", "gate", "dataset")


class Axis(Frozen):
    """One field that varies.

    Args:
        key: dotted field of the trial (`gate.alpha`, `backbone`, `training.lr`).
        values: what it takes, each with a label if it is to have one, see `AxisValue`; or
        low, high: a range, both ends included, with
        step: the distance of its points (then it can be enumerated), and
        log: whether it is sampled on a logarithmic scale, and
        integer: whether only whole numbers are meant (then `step` is 1 unless it is given or the
            scale is logarithmic).
        when: other fields and the value (or list of values) that each must have for this axis to
            apply.

    Example:
        >>> Axis(key="gate.alpha", low=0.1, high=0.3, step=0.1).points()
        (0.1, 0.2, 0.3)
    """

    key: str = Field(min_length=1)
    values: tuple[AxisValue, ...] | None = Field(default=None, max_length=MAX_VALUES)
    low: float | None = None
    high: float | None = None
    step: float | None = Field(default=None, gt=0)
    log: bool = False
    integer: bool = False
    when: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _values_with_labels(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("values"), list | tuple):
            return data
        beside = data.get("key") in SETTABLE
        values = tuple(labelled_value(value, beside=beside) for value in data["values"])
        return {**data, "values": values}

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        is_range = (self.low, self.high, self.step) != (None, None, None)
        if is_range == (self.values is not None):
            raise ValueError("give either 'values' or 'low' and 'high'")
        fault = self._fault_of_range() if is_range else self._fault_of_values()
        if fault:
            raise ValueError(fault)
        return self

    def _fault_of_values(self) -> str:
        if self.integer:
            return "'integer' belongs to a range, not to 'values'"
        if self.log:
            return "'log' belongs to a range, not to 'values'"
        plain = self._plain_values
        if not plain:
            return "has no values"
        for index, value in enumerate(plain):
            if value in plain[:index]:
                return f"holds {value!r} twice"
        return ""

    def _fault_of_range(self) -> str:
        if self.low is None or self.high is None or self.low >= self.high:
            return "needs 'low' below 'high'"
        return self._fault_of_scale(self.low, self.high)

    def _fault_of_scale(self, low: float, high: float) -> str:
        if self.integer and not _are_whole(low, high, self.step or 1.0):
            return "'integer' needs whole numbers for 'low', 'high' and 'step'"
        if self.log and (low <= 0 or self.step is not None):
            return "'log' needs a positive 'low' and no 'step'"
        if self._step is not None and (high - low) / self._step > MAX_VALUES:
            return f"has more than {MAX_VALUES:,} values"
        return ""

    @property
    def _plain_values(self) -> tuple[Any, ...]:
        return tuple(each.value for each in self.values or ())

    @property
    def _step(self) -> float | None:
        """The distance of the points of a range, None if it has none."""
        if self.integer and self.step is None and not self.log:
            return 1.0
        return self.step

    def points(self) -> tuple[Any, ...] | None:
        """All values of the axis; None for a range that is only sampled.

        That is a continuous one, or one of whole numbers on a logarithmic scale.
        """
        if self.values is not None:
            return self._plain_values
        if self._step is None or self.low is None or self.high is None:
            return None
        count = math.floor((self.high - self.low) / self._step + 1e-9) + 1
        return tuple(_round(self.low + index * self._step) for index in range(count))

    def ends(self) -> tuple[Any, ...]:
        """The lowest and the highest value of a range."""
        assert self.low is not None
        assert self.high is not None
        if self.integer:
            return (int(self.low), int(self.high))
        return (self.low, self.high)

    def holds(self, value: object) -> bool:
        """Whether the axis can take a value."""
        points = self.points()
        if points is not None:
            return value in points
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        low, high = self.ends()
        return low <= value <= high and (not self.integer or float(value).is_integer())

    @property
    def relabelled(self) -> list[AxisValue]:
        """The values whose label is not a value of the axis as well."""
        plain = (None, *self._plain_values)
        return [each for each in self.values or () if each.label not in plain]

    @property
    def has_labels(self) -> bool:
        """Whether a value of the axis has a label."""
        return any(each.label is not None for each in self.values or ())

    def name_of(self, value: object) -> str | None:
        """What the axis calls a value; None if it has no name of its own.

        That is its label; a component without one is called as it is beside others with labels.
        """
        for each in self.values or ():
            if each.value == value and each.label is not None:
                return each.label
        if self.has_labels and self.key.removesuffix(".name") in _NAMED_PARTS:
            return worded(self.key, value)
        return None

    def overlaps(self, other: "Axis") -> bool:
        """Whether the conditions of both axes hold for some value of the fields that both name."""
        shared = self.when.keys() & other.when.keys()
        if len(shared) < min(len(self.when), len(other.when)):
            return False
        return all(_share_a_value(self.when[key], other.when[key]) for key in shared)

    def applies(self, base: Fields, values: Fields) -> bool:
        """Whether every condition of `when` holds.

        Args:
            base: dotted fields that hold before any axis does.
            values: of the axes before, by their keys.
        """
        return all(
            _matches(field_value(key, base, values), wanted) for key, wanted in self.when.items()
        )


def _are_whole(*numbers: float) -> bool:
    return all(number.is_integer() for number in numbers)


def enumerate_axes(axes: Sequence[Axis], base: Fields) -> Iterator[Record]:
    """All combinations of the axes' values, the last axis varying fastest.

    Of a range that is only sampled, its two ends are taken.

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


def field_value(key: str, base: Fields, values: Fields) -> Any:
    """What a dotted field holds once some axes have their values; None if nothing is said of it.

    Args:
        key: the field.
        base: dotted fields that hold before any axis does.
        values: of the axes, by their keys, in the order in which they are set.

    Example:
        >>> base = {"gate": {"name": "das", "alpha": 0.1}, "gate.name": "das", "gate.alpha": 0.1}
        >>> field_value("gate.alpha", base, {})
        0.1
        >>> field_value("gate.alpha", base, {"gate": {"name": "das", "alpha": 1}})
        1
        >>> [field_value(f"gate.{part}", base, {"gate": "se"}) for part in ("name", "alpha")]
        ['se', None]
    """
    found = base.get(key)
    for name, value in values.items():
        if decides(name, key):
            found = _inner(value, key[len(name) :].split(".")[1:])
    return found


def decides(one: str, other: str) -> bool:
    """Whether what one dotted field is set to says what another holds.

    The other is the same, a part of it, or what it names.

    Example:
        >>> decides("gate", "gate.alpha"), decides("gate.name", "gate")
        (True, True)
        >>> decides("gate.alpha", "gate")
        False
    """
    return one in (other, f"{other}.name") or other.startswith(f"{one}.")


def _inner(value: Any, path: Sequence[str]) -> Any:
    """What a value, a component's bare name included, holds at a path."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif part != "name":
            return None
    return value


def _matches(value: object, wanted: object) -> bool:
    options = condition_values(wanted)
    if isinstance(value, dict) and value.get("name") in options:
        return True
    return value in options


def _share_a_value(one: object, other: object) -> bool:
    values = condition_values(other)
    return any(value in values for value in condition_values(one))


def condition_values(wanted: object) -> list[object]:
    """The values with which a condition holds: those of a list, or the one.

    Example:
        >>> condition_values("das"), condition_values(["das", "se"])
        (['das'], ['das', 'se'])
    """
    if isinstance(wanted, list):
        return wanted
    return [wanted]


def _round(value: float) -> float | int:
    """A point of a stepped range without binary dust; whole numbers are integers."""
    tidy = float(f"{value:.12g}")
    if tidy.is_integer():
        return int(tidy)
    return tidy


Axes = Annotated[tuple[Axis, ...], Field(max_length=50)]
