"""Linear or logarithmic axes with plain numbers; percentages end at 100."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from dasbench.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADE = 10.0
"""Values that span more are shown on a logarithmic axis unless somebody says otherwise."""


def is_log(values: Sequence[float], *, log: bool | None) -> bool:
    """Whether an axis is logarithmic.

    Args:
        values: what it shows.
        log: what was asked for, None for whatever suits the values.

    Raises:
        UsageError: if a logarithmic axis was asked for, and a value is not above 0.

    Example:
        >>> [is_log(values, log=None) for values in ([1, 5], [1, 50], [0, 50])]
        [False, True, False]
        >>> is_log([1, 50], log=False)
        False
    """
    least = min(values, default=1.0)
    if log and least <= 0:
        raise UsageError(f"`log`: {least:g} has no place on a logarithmic axis; leave `log` out")
    if log is not None or not values or least <= 0:
        return bool(log)
    return max(values) / least > DECADE


def set_scale(axes: "Axes", values: Sequence[float], *, log: bool | None) -> None:
    """Scale the horizontal axis to its values and write its ticks as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not is_log(values, log=log):
        axes.ticklabel_format(axis="x", useOffset=False)
        return
    axes.set_xscale("log")
    labelled = [1.0, 2.0, 5.0]  # of each decade
    if values and max(values) / min(values) >= DECADE**3:
        labelled = [1.0]
    axes.xaxis.set_major_locator(LogLocator(subs=labelled))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def end_at_percent(
    axes: "Axes", which: Literal["x", "y"], values: Iterable[float], *, unit: str
) -> None:
    """Let an axis of percentages end at 0 and at 100, even where error bars reach further.

    Args:
        axes: where everything is drawn already.
        which: the axis.
        values: what it shows; if one of them is beyond 0 or 100, they are no percentages and the
            axis stays.
        unit: of the values; the axis stays too if it is not `%`.
    """
    if not are_percentages(values, unit=unit):
        return
    if which == "x":
        axes.set_xlim(*percent_limits(*axes.xaxis.get_view_interval()))
    else:
        axes.set_ylim(*percent_limits(*axes.yaxis.get_view_interval()))


def are_percentages(values: Iterable[float], *, unit: str) -> bool:
    """Whether values are in percent, and none of them is beyond 0 or 100.

    Example:
        >>> are_percentages([0, 100], unit="%"), are_percentages([50, 100.5], unit="%")
        (True, False)
        >>> are_percentages([5], unit="")
        False
    """
    return unit == "%" and not any(value < 0 or value > 100 for value in values)


def percent_limits(low: float, high: float) -> tuple[float, float]:
    """The part of a range that percentages can have.

    Example:
        >>> percent_limits(92.5, 103)
        (92.5, 100.0)
    """
    return max(0.0, low), min(100.0, high)
