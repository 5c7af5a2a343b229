"""The learning curve of one trial: scores on the left, losses on the right."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import end_at_percent
from dasbench.render.plots.style import series_colours
from dasbench.render.units import metric_title
from dasbench.views.figures.curve import CurveInfo, is_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_MOST_MARKED = 30  # epochs that are each marked


def draw(curve: CurveInfo, path: Path) -> None:
    """Draw the curves to a PNG, SVG or PDF file."""
    with styled_figure(figure_title(curve)) as (figure, axes):
        if not curve.scores and not curve.losses:
            draw_empty(axes, "no epoch has ended")
        else:
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
            lines = _draw_lines(axes, curve, curve.scores or curve.losses, first=0)
            if curve.scores and curve.losses:
                right = axes.twinx()
                right.spines["right"].set_visible(True)
                lines += _draw_lines(right, curve, curve.losses, first=len(lines))
            legend_below(figure, lines, columns=4)
        save_figure(figure, path)


def figure_title(curve: CurveInfo) -> str:
    """Which trial it is."""
    trial = f"trial {curve.key}: {curve.state}"
    if curve.seed is None:
        return trial
    return f"{curve.label} seed={curve.seed}, {trial}"


def _draw_lines(
    axes: "Axes", curve: CurveInfo, series: Mapping[str, Sequence[float]], *, first: int
) -> "list[Line2D]":
    """Draw curves in colours of their own, losses dashed; returns them for the legend."""
    marker = None
    if len(curve.epochs) <= _MOST_MARKED:
        marker = "o"
    colours = series_colours(first + len(series))[first:]
    lines = []
    for (name, values), colour in zip(series.items(), colours, strict=True):
        (line,) = axes.plot(curve.epochs, values, marker=marker, markersize=3, color=colour)
        line.set_label(figure_label(name))
        if is_loss(name):
            line.set_linestyle("--")
        lines.append(line)
    unit = _common_unit([curve.units[name] for name in series])
    title = "score"
    if all(map(is_loss, series)):
        title = "loss"
    axes.set_ylabel(metric_title(title, unit))
    if unit == "%":
        for line in lines:
            line.set_clip_on(False)  # a curve may run along the edge
    end_at_percent(axes, "y", chain.from_iterable(series.values()), unit=unit)
    return lines


def _common_unit(units: Sequence[str]) -> str:
    """The unit of all, `""` if they have several."""
    if len(set(units)) > 1:
        return ""
    return units[0]
