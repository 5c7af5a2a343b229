"""Linear or logarithmic axes, and ticks that are plain numbers on both."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dasbench.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADE = 10.0
"""Values that span more than this are shown on a logarithmic axis unless somebody says otherwise."""


def is_log(values: Sequence[float], *, log: bool | None) -> bool:
    """Whether an axis is logarithmic.

    Args:
        values: what it shows.
        log: what was asked for, None for whatever suits the values.

    Raises:
        UsageError: if a logarithmic axis was asked for, and a value is not above 0.

    Example:
        >>> is_log([1, 5], log=None), is_log([1, 50], log=None), is_log([1, 50], log=False), is_log([0, 50], log=None)
        (False, True, False, False)
    """
    if log and any(value <= 0 for value in values):
        raise UsageError(f"--log: {min(values):g} has no place on a logarithmic axis; leave --log out")
    if log is not None or not values or min(values) <= 0:
        return bool(log)
    return max(values) / min(values) > DECADE


def set_scale(axes: "Axes", values: Sequence[float], *, log: bool | None) -> None:
    """Scale the horizontal axis to its values and write its ticks as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not is_log(values, log=log):
        axes.ticklabel_format(axis="x", useOffset=False)
        return
    axes.set_xscale("log")
    close = not values or max(values) / min(values) < DECADE**3
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if close else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
