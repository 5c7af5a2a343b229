"""Axes as samplers see them: one number each, an index where the axis lists its values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dasbench.spec.plain import Fields, Variant
from dasbench.spec.space import Axis
from dasbench.spec.study import Study


@dataclass(frozen=True)
class Coordinate:
    """One axis of a study.

    Args:
        name: unique, also where two axes vary one field under different conditions.
        axis: the axis.
        points: its values, or None for a range.

    Example:
        >>> norm = coordinate("0", Axis(key="gate.first_norm", values=["bn", "in"]))
        >>> norm.value(1), norm.number("in"), norm.at(0.4), norm.is_ordered
        ('in', 1, 'bn', False)
    """

    name: str
    axis: Axis
    points: tuple[Any, ...] | None

    @property
    def is_ordered(self) -> bool:
        """Whether neighbouring numbers mean neighbouring values."""
        if self.points is None:
            return True
        return are_numbers(self.points) and all(
            before < after for before, after in pairwise(self.points)
        )

    def value(self, number: float) -> object:
        """The axis's value that a number stands for."""
        if self.points is not None:
            return self.points[int(number)]
        return self._tidy(number)

    def number(self, value: Any) -> float:
        """The number that stands for one of the axis's values."""
        number: float = value
        if self.points is not None:
            number = self.points.index(value)
        return number

    def at(self, share: float) -> object:
        """The value at a share in [0, 1) of the way along the axis.

        Each has an equal part of it.
        """
        if self.points is not None:
            return self.points[int(share * len(self.points))]
        low, high = self.axis.ends()
        if self.axis.integer:
            high = high + 1
        if self.axis.log:
            return self._tidy(low * (high / low) ** share)
        return self._tidy(low + share * (high - low))

    def _tidy(self, number: float) -> float:
        """A whole number, or one of six digits, in the range: it stands in labels and tables."""
        low, high = self.axis.ends()
        if self.axis.integer:
            return min(int(number), int(high))
        return min(max(float(f"{number:.6g}"), float(low)), float(high))

    @property
    def rest(self) -> float:
        """The number of an axis that does not apply, for samplers which need all of them."""
        number: float = 0
        if self.points is None:
            number = self.axis.ends()[0]
        return number


def are_numbers(values: Iterable[object]) -> bool:
    """Whether all values of an axis are numbers, not switches.

    Example:
        >>> are_numbers([1, 0.5]), are_numbers([True, False])
        (True, False)
    """
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def coordinate(name: str, axis: Axis) -> Coordinate:
    """An axis with its values written out."""
    return Coordinate(name, axis, axis.points())


def coordinates(study: Study) -> tuple[Coordinate, ...]:
    """All axes of a study, in their order."""
    return tuple(coordinate(f"{place}.{axis.key}", axis) for place, axis in enumerate(study.axes))


def assemble(
    axes: Sequence[Coordinate], base: Fields, choose: Callable[[Coordinate], object]
) -> Variant:
    """A variant: the axes in their order, each asked for its value only if its conditions hold.

    Args:
        axes: all axes.
        base: dotted fields that hold before any axis does.
        choose: gives the value of an axis.

    Example:
        >>> gate = coordinate("0", Axis(key="gate", values=["none", "das"]))
        >>> alpha = coordinate("1", Axis(key="gate.alpha", values=[0.1, 0.2], when={"gate": "das"}))
        >>> assemble([gate, alpha], {}, lambda axis: axis.at(0))
        {'gate': 'none'}
        >>> assemble([gate, alpha], {}, lambda axis: axis.at(0.9))
        {'gate': 'das', 'gate.alpha': 0.2}
    """
    variant: dict[str, object] = {}
    for axis in axes:
        if axis.axis.applies(base, variant):
            variant[axis.axis.key] = choose(axis)
    return variant


def numbers(axes: Sequence[Coordinate], base: Fields, variant: Variant) -> dict[str, float]:
    """The numbers that stand for a variant of the study, by the names of the axes that apply."""
    found: dict[str, float] = {}

    def note(axis: Coordinate) -> object:
        found[axis.name] = axis.number(variant[axis.axis.key])
        return variant[axis.axis.key]

    assemble(axes, base, note)
    return found
