"""Accuracy against the compression coefficient alpha, as in Figure 3 of the paper."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.catalog import PLOTS
from dasbench.render.plots.captions import CaptionedPlot, mean_record, spread_sentence
from dasbench.render.plots.figure import (
    draw_empty,
    error_bars,
    has_intervals,
    legend_below,
    mean_scores,
    num_with_lost_seeds,
    save_figure,
    styled_figure,
)
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import end_at_percent, set_scale
from dasbench.render.plots.style import GREY, series_colours
from dasbench.render.plots.titles import spread_title
from dasbench.render.units import axis_unit
from dasbench.spec.labels import label
from dasbench.views.figures.alpha import AlphaCurve, AlphaInfo, info
from dasbench.views.figures.means import SeedMean
from dasbench.views.selection import Selection

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_MOST_TICKS = 12  # alphas that are joined by a line and written out, each with its cost


def captioned(selection: Selection, convention: str) -> CaptionedPlot:
    """The plot in a report."""
    del convention  # its ticks name the costs of the full one
    sweep = info(selection)
    records = []
    for curve in sweep.curves:
        setting = curve_name(curve)
        for point in curve.points:
            record = {"setting": setting, "alpha": point.alpha}
            records.append(record | mean_record(point.mean))
    about = f"{sweep.metric} against the compression coefficient alpha."
    why_not = ""
    if len(sweep.alphas) == 1:
        why_not = "one alpha has a result, which is no curve"
    return CaptionedPlot(
        name="alpha",
        caption=f"{about} {spread_sentence(sweep.means)}",
        records=records,
        draw=partial(draw, sweep),
        why_not=why_not,
    )


@PLOTS.register("alpha", info=info, captioned=captioned, report_place=2)
def draw(sweep: AlphaInfo, path: Path) -> None:
    """Draw the curves to a PNG, SVG or PDF file."""
    means = sweep.means
    with styled_figure(sweep.question) as (figure, axes):
        for curve, colour in zip(sweep.curves, series_colours(len(sweep.curves)), strict=True):
            _draw_curve(axes, curve, colour)
        if not means:
            draw_empty(axes, "no variant with an alpha has a result yet")
        _write_ticks(axes, sweep)
        end_at_percent(axes, "y", mean_scores(means), unit=sweep.unit)
        axes.set_xlabel(_horizontal_title(sweep))
        spread = has_intervals(means) or not means
        axes.set_ylabel(spread_title(sweep.metric, sweep.unit, spread=spread))
        legend_below(figure, _legend(sweep), columns=2)
        _tell_lost_seeds(axes, means)
        save_figure(figure, path)


def curve_name(curve: AlphaCurve) -> str:
    """The setting of a curve in a few words, `""` where nothing but alpha varies.

    Example:
        >>> curve_name(AlphaCurve(study="deep", setting={"gate.design": "c"}, points=[]))
        'deep: design=c'
    """
    if not curve.setting:
        return curve.study
    return ": ".join(filter(None, (curve.study, label(curve.setting))))


def _draw_curve(axes: "Axes", curve: AlphaCurve, colour: str) -> None:
    """One curve with its intervals; of many alphas small points alone."""
    marker, size = "o-", 5
    if len(curve.points) > _MOST_TICKS:
        marker, size = "o", 3
    means = [point.mean for point in curve.points]
    drawn = axes.errorbar(
        [point.alpha for point in curve.points],
        mean_scores(means),
        yerr=error_bars(means),
        fmt=marker,
        color=colour,
        ecolor=colour,
        elinewidth=0.8,
        capsize=3,
        markersize=size,
        linewidth=1,
    )
    drawn.lines[0].set_clip_on(False)  # a point at 100 % is drawn whole


def _write_ticks(axes: "Axes", sweep: AlphaInfo) -> None:
    """Scale the horizontal axis; few alphas are written out, each with what it costs."""
    from matplotlib.ticker import FixedLocator, NullLocator

    alphas = sweep.alphas
    set_scale(axes, alphas, log=None)
    if 0 < len(alphas) <= _MOST_TICKS:
        axes.xaxis.set_major_locator(FixedLocator(alphas))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels(_tick_labels(sweep, alphas), fontsize=8)


def _tick_labels(sweep: AlphaInfo, alphas: Sequence[float]) -> list[str]:
    """Each alpha and, if it is known, what it costs."""
    costs = _costs_by_alpha(sweep)
    size = axis_unit("macs_full", costs.values()).size
    labels = []
    for alpha in alphas:
        text = f"{alpha:g}"
        if alpha in costs:
            text += f"\n{costs[alpha] / size:.3g}"
        labels.append(text)
    return labels


def _horizontal_title(sweep: AlphaInfo) -> str:
    """What stands below the axis, with the unit of the costs if the ticks have them."""
    costs = _costs_by_alpha(sweep)
    if not costs or len(sweep.means) > _MOST_TICKS:
        return "alpha"
    return f"alpha; below it {axis_unit('macs_full', costs.values()).title}"


def _costs_by_alpha(sweep: AlphaInfo) -> dict[float, int]:
    """What each alpha costs; empty unless there is one curve, and all of its costs are known."""
    costs: dict[float, int] = {}
    if len(sweep.curves) > 1:
        return costs
    for curve in sweep.curves:
        for point in curve.points:
            if point.mean.cost is None:
                return {}
            costs[point.alpha] = point.mean.cost
    return costs


def _legend(sweep: AlphaInfo) -> "list[Artist]":
    """The setting of each curve, where there are several."""
    from matplotlib.lines import Line2D

    handles: list[Artist] = []
    for curve, colour in zip(sweep.curves, series_colours(len(sweep.curves)), strict=True):
        if name := curve_name(curve):
            text = figure_label(name)
            handles.append(Line2D([], [], marker="o", color=colour, label=text))
    return handles


def _tell_lost_seeds(axes: "Axes", means: Sequence[SeedMean]) -> None:
    """Say of how many points a seed is missing."""
    short = num_with_lost_seeds(means)
    if short:
        axes.set_title(f"{short} variants lost seeds", fontsize=8, color=GREY, loc="right")
