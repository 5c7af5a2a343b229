"""The variant of a search that takes most, found by going to the ends of its axes in turn."""

from collections.abc import Callable
from typing import Any

from dasbench.search.samplers.coordinates import are_numbers
from dasbench.spec.plain import Variant
from dasbench.spec.space import Axis
from dasbench.spec.study import Study


def largest_in(study: Study, size_of: Callable[[Variant], int | None]) -> int:
    """The largest size found in a space that is too large to be looked through.

    Each axis in turn takes the value at which the variant so far is largest: of numbers the lowest
    and the highest are tried, of names all.

    Args:
        study: whose axes vary.
        size_of: size of a variant; None for one that will not be trained.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone={"name": "resnet18", "width": 8}, gate="das", dataset="digits")
        >>> axes = [{"key": "backbone.width", "values": [8, 32, 16]}]
        >>> study = Study(name="s", question="?", base=base, axes=axes)
        >>> largest_in(study, lambda variant: variant.get("backbone.width", 8))
        32
    """
    largest_variant: Variant = {}
    largest = size_of({}) or 0
    for axis in study.axes:
        if not axis.applies(study.base_fields, largest_variant):
            continue
        so_far = dict(largest_variant)
        for value in extreme_values(axis):
            variant = {**so_far, axis.key: value}
            size = size_of(variant)
            if size is not None and size > largest:
                largest, largest_variant = size, variant
    return largest


def extreme_values(axis: Axis) -> tuple[Any, ...]:
    """The lowest and the highest value of an axis of numbers; all of another.

    Example:
        >>> extreme_values(Axis(key="gate.alpha", values=(0.5, 0.1, 1.0)))
        (0.1, 1.0)
        >>> extreme_values(Axis(key="gate", values=("das", "se")))
        ('das', 'se')
    """
    points = axis.points() or axis.ends()
    if are_numbers(points):
        return min(points), max(points)
    return points
