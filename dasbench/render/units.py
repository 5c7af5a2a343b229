"""The units in which counts and costs are shown, and the titles of columns and axes."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dasbench.records import COST_FIELDS
from dasbench.render.text.words import in_brackets
from dasbench.views.quantities import LATENCY


class Unit(NamedTuple):
    """How a count is shown.

    Args:
        size: what it is divided by.
        title: the column's or axis' title.
    """

    size: float
    title: str


_AXES: Mapping[str, Unit] = {
    "memory": Unit(1e6, "peak memory (MB)"),
    "seconds": Unit(1.0, "training time (s), mean over seeds"),
    LATENCY: Unit(1.0, "latency (ms), mean over seeds"),
}


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
    if max(counts, default=0) >= 5e8:
        return Unit(1e9, "FLOPs (G)")
    return Unit(1e6, "FLOPs (M)")


def axis_unit(name: str, values: Iterable[float], unit: str = "") -> Unit:
    """The unit and the title of an axis.

    Args:
        name: a cost or a metric.
        values: what will be shown.
        unit: of a metric, `""` for none.

    Example:
        >>> axis_unit("macs_full", [2e9]).title
        "FLOPs (G), 'full' convention; a multiply-add counts once"
        >>> axis_unit("memory", [3e9]).size, axis_unit("top1", [], "%").title
        (1000000.0, 'top1 (%)')
    """
    if name in COST_FIELDS:
        kind, _, convention = name.partition("_")
        count = count_unit(kind, map(int, values))
        title = f"{count.title}, '{convention}' convention"
        if kind == "macs":
            title += "; a multiply-add counts once"
        return Unit(count.size, title)
    return _AXES.get(name) or Unit(1.0, metric_title(name, unit))


def metric_title(metric: str, unit: str) -> str:
    """A metric with its unit, as a column or an axis names it.

    Example:
        >>> metric_title("top1", "%"), metric_title("loss", "")
        ('top1 (%)', 'loss')
    """
    return f"{metric}{in_brackets(unit)}"
