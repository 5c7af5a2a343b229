"""The learning curve of one trial: scores on the left, losses on the right."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import end_at_percent
from dasbench.render.plots.style import SERIES
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
            lines = _draw_lines(axes, curve.epochs, curve.scores or curve.losses, first=0)
            if curve.scores:
                _finish_scores(axes, curve)
            if curve.scores and curve.losses:
                right = axes.twinx()
                right.spines["right"].set_visible(True)
                lines += _draw_lines(right, curve.epochs, curve.losses, first=len(lines))
            legend_below(figure, lines, columns=4)
        save_figure(figure, path)


def figure_title(curve: CurveInfo) -> str:
    """Which trial it is."""
    trial = f"trial {curve.key}: {curve.state}"
    return trial if curve.seed is None else f"{curve.label} seed={curve.seed}, {trial}"


def _draw_lines(
    axes: "Axes", epochs: Sequence[int], series: Mapping[str, Sequence[float]], *, first: int
) -> "list[Line2D]":
    """Draw curves in colours of their own, losses dashed; returns them for the legend."""
    axes.set_ylabel("loss")
    marker = "o" if len(epochs) <= _MOST_MARKED else None
    lines = []
    for number, (name, values) in enumerate(series.items(), start=first):
        style = "--" if is_loss(name) else "-"
        lines += axes.plot(epochs, values, style, marker=marker, markersize=3, color=SERIES[number % len(SERIES)])
        lines[-1].set_label(figure_label(name))
    return lines


def _finish_scores(axes: "Axes", curve: CurveInfo) -> None:
    """Name the axis of the scores; percentages end at 100, where a curve may run along the edge."""
    axes.set_ylabel("score (%)" if curve.percent else "score")
    if curve.percent:
        for line in axes.lines:
            line.set_clip_on(False)
        end_at_percent(axes, "y", chain.from_iterable(curve.scores.values()))
