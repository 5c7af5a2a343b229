"""A curve in one line of text."""

from collections.abc import Sequence
from math import isfinite, nan

_BARS = "▁▂▃▄▅▆▇█"

WIDEST = 48
"""Characters of a curve in the terminal."""


def sparkline(values: Sequence[float], *, widest: int = WIDEST) -> str:
    """A curve in one line of text; a gap stands for what is not finite.

    A long curve is averaged over neighbours.

    Example:
        >>> sparkline([1.0, 2.0, float("nan"), 8.0])
        '▁▂ █'
        >>> sparkline([5.0, 5.0])
        '▄▄'
    """
    number = min(len(values), widest)
    means = []
    for place in range(number):
        start = round(place * len(values) / number)
        end = round((place + 1) * len(values) / number)
        means.append(_finite_mean(values[start:end]))
    known = list(filter(isfinite, means))
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(_bar(mean, low, high) for mean in means)


def _finite_mean(values: Sequence[float]) -> float:
    """The mean of what is finite; NaN where nothing is."""
    known = list(filter(isfinite, values))
    if not known:
        return nan
    return sum(known) / len(known)


def _bar(value: float, low: float, high: float) -> str:
    """A bar as high as a value lies between the lowest and the highest; a blank for one unknown."""
    if not isfinite(value):
        return " "
    share = 0.5
    if high > low:
        share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves never overflow
    return _BARS[int(share * (len(_BARS) - 1))]
