"""Counts in the unit that shows their differences: M or G."""

from collections.abc import Iterable
from typing import NamedTuple


class Unit(NamedTuple):
    """How a count is shown.

    Args:
        size: what it is divided by.
        title: the column's or axis' title.
    """

    size: float
    title: str


def count_unit(kind: str, counts: Iterable[int]) -> Unit:
    """The unit for some counts of one kind.

    Args:
        kind: `params` or `macs`.
        counts: what will be shown.

    Example:
        >>> count_unit("macs", [1_819_065_856]).title, count_unit("macs", [8_839_936]).title
        ('FLOPs (G)', 'FLOPs (M)')
    """
    if kind == "params":
        return Unit(1e6, "params (M)")
    return Unit(1e9, "FLOPs (G)") if max(counts, default=0) >= 5e8 else Unit(1e6, "FLOPs (M)")
