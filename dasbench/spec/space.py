"""Axes of a study: which fields of a trial vary, over what, and when."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from dasbench.spec.labels import worded
from dasbench.spec.trial import Frozen

SETTABLE = ("task", "backbone", "gate", "placement", "dataset", "training")
"""The fields of a trial that a study may set and vary."""

MAX_VALUES = 10_000
"""The most values that one axis may list."""

MAX_LABEL = 60
"""The most characters of a label."""

_NAMED_PARTS = ("task", "backbone", "gate", "dataset")


class AxisValue(Frozen):
    """A value that an axis lists, and what a variant that has it is called.

    Written as the value alone, or with a label: `{value: 0.1, label: little}`. Where the value is
    itself a mapping and the axis varies a whole part of the trial, the label stands beside it:
    `{name: das, alpha: 0.2, label: DAS}`; what has a `label` of its own is written
    `{value: {...}, label: ...}`.

    Args:
        value: any plain data.
        label: 1 to 60 printable characters; it decides nothing about the trial.
    """

    value: JsonValue
    label: str | None = None

    @field_validator("label", mode="before")
    @classmethod
    def _short_text(cls, label: Any) -> Any:
        is_text = isinstance(label, str) and label.isprintable() and label == label.strip()
        if not is_text or not 1 <= len(label) <= MAX_LABEL:
            wanted = f"a label is a text of 1 to {MAX_LABEL} printable characters, without blanks at its ends"
            raise ValueError(f"{wanted}, not {_quoted(label)}")
        return label

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.value if self.label is None else handler(self)


def _quoted(label: Any) -> str:
    """A label that is refused; of one that is too long, the beginning and how long it is."""
    if isinstance(label, str) and len(label) > MAX_LABEL:
        return f"{label[:MAX_LABEL]!r}... ({len(label)} characters)"
    return repr(label)


def _with_label(value: Any, *, beside: bool) -> Any:
    """A value of an axis as `AxisValue` takes it.

    Args:
        value: as it is written.
        beside: whether a label may stand beside the value's own keys.
    """
    if isinstance(value, AxisValue):
        return value
    if (
        not isinstance(value, Mapping)
        or "label" not in value
        or not (beside or value.keys() == {"value", "label"})
    ):
        return {"value": value}
    own = {key: part for key, part in value.items() if key != "label"}
    return {"value": own["value"] if own.keys() == {"value"} else own, "label": value["label"]}


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
        return {
            **data,
            "values": tuple(_with_label(value, beside=beside) for value in data["values"]),
        }

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        given = [name for name in ("low", "high", "step") if getattr(self, name) is not None]
        if (self.values is None) == (not given):
            raise ValueError("give either 'values' or 'low' and 'high'")
        if self.values is not None:
            if self.integer or self.log:
                raise ValueError(
                    f"'{'integer' if self.integer else 'log'}' belongs to a range, not to 'values'"
                )
            if not self.values:
                raise ValueError("has no values")
            plain = self._plain_values
            duplicates = [value for index, value in enumerate(plain) if value in plain[:index]]
            if duplicates:
                raise ValueError(f"holds {duplicates[0]!r} twice")
            return self
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("needs 'low' below 'high'")
        if self.integer and not all(
            float(n).is_integer() for n in (self.low, self.high, self.step or 1)
        ):
            raise ValueError("'integer' needs whole numbers for 'low', 'high' and 'step'")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("'log' needs a positive 'low' and no 'step'")
        if self._step is not None and (self.high - self.low) / self._step > MAX_VALUES:
            raise ValueError(f"has more than {MAX_VALUES:,} values")
        return self

    @property
    def _plain_values(self) -> tuple[Any, ...]:
        return tuple(each.value for each in self.values or ())

    @property
    def _step(self) -> float | None:
        return 1.0 if self.integer and self.step is None and not self.log else self.step

    def points(self) -> tuple[Any, ...] | None:
        """All values of the axis; None for a range that is only sampled (continuous, or whole on a log scale)."""
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
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)

    def holds(self, value: Any) -> bool:
        """Whether the axis can take a value."""
        points = self.points()
        if points is not None:
            return value in points
        low, high = self.ends()
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and low <= value <= high and (not self.integer or float(value).is_integer())

    @property
    def has_labels(self) -> bool:
        """Whether a value of the axis has a label."""
        return any(each.label is not None for each in self.values or ())

    def name_of(self, value: Any) -> str | None:
        """What the axis calls a value: its label, or a component as it is beside others with labels; else None."""
        given = [
            each.label
            for each in self.values or ()
            if each.value == value and each.label is not None
        ]
        if given:
            return given[0]
        is_component = self.key.removesuffix(".name") in _NAMED_PARTS
        return worded(self.key, value) if is_component and self.has_labels else None

    def overlaps(self, other: "Axis") -> bool:
        """Whether the conditions of one axis hold where the other's do, for some value of the fields in both."""
        shared = self.when.keys() & other.when.keys()
        return len(shared) == min(len(self.when), len(other.when)) and all(
            any(option in _options(other.when[key]) for option in _options(self.when[key]))
            for key in shared
        )

    def applies(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Whether every condition of `when` holds: for the values of the axes before, and the base's dotted fields."""
        return all(
            _matches(field_value(key, base, values), wanted) for key, wanted in self.when.items()
        )


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
