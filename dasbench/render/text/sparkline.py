"""A curve in one line of text."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

_BARS = "▁▂▃▄▅▆▇█"

WIDEST = 48
"""Characters of a curve in the terminal."""


def sparkline(values: Sequence[float], *, widest: int = WIDEST) -> str:
    """A curve in one line of text; what is not finite is a gap, a long curve is averaged over neighbours.

    Example:
        >>> sparkline([1.0, 2.0, float("nan"), 8.0])
        '▁▂ █'
        >>> sparkline([5.0, 5.0])
        '▄▄'
    """
    number = min(len(values), widest)
    bounds = [round(place * len(values) / number) for place in range(number + 1)] if number else [0]
    means = [_mean(values[start:end]) for start, end in pairwise(bounds)]
    known = [mean for mean in means if mean is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if mean is None else _bar(mean, low, high) for mean in means)


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else None


def _bar(value: float, low: float, high: float) -> str:
    share = (
        (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    )  # halves never overflow
    return _BARS[min(len(_BARS) - 1, int(share * (len(_BARS) - 1)))]
