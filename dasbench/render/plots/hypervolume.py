"""How the front grew: hypervolume over finished trials and over time."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dasbench.catalog import PLOTS
from dasbench.render.plots.figure import (
    draw_empty,
    has_intervals,
    legend_below,
    save_figure,
    styled_figure,
)
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import series_colours
from dasbench.render.units import Unit, axis_unit
from dasbench.views.figures.hypervolume import Growth, HypervolumeInfo, info, seconds_since_first

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


@PLOTS.register("hypervolume", info=info)
def draw(growth: HypervolumeInfo, path: Path) -> None:
    """Draw the curves over trials and, where known, over time; to a PNG, SVG or PDF file."""
    panels = 1
    if _has_times(growth.curves):
        panels = 2
    unit = axis_unit(growth.cost, [growth.reference[1]])
    colours = series_colours(len(growth.curves))
    with styled_figure(growth.question, panels=panels) as (figure, axes):
        for curve, colour in zip(growth.curves, colours, strict=True):
            _draw_over_trials(axes, curve, unit, colour)
        if not growth.curves:
            draw_empty(axes, "no trial has a result yet")
        axes.set_xlabel("finished trials")
        axes.set_ylabel(f"hypervolume ({growth.metric} x {_short_title(unit)})")
        if panels > 1:
            _draw_over_time(figure.axes[1], growth.curves, unit, colours)
        legend_below(figure, _legend(growth.curves, colours), title=_legend_title(growth, unit))
        save_figure(figure, path)


def _has_times(curves: Sequence[Growth]) -> bool:
    """Whether it is known of any trial when it finished."""
    steps = chain.from_iterable(curve.steps for curve in curves)
    return any(step.finished for step in steps)


def _draw_over_trials(axes: "Axes", curve: Growth, unit: Unit, colour: str) -> None:
    """One curve, with the interval of its last value."""
    trials, heights = [step.trial for step in curve.steps], _heights(curve, unit)
    axes.step(trials, heights, where="post", color=colour)
    if curve.ci95 is not None:
        axes.errorbar(
            trials[-1:],
            heights[-1:],
            yerr=[curve.ci95 / unit.size],
            fmt="o",
            color=colour,
            capsize=3,
        )


def _draw_over_time(
    axes: "Axes", curves: Sequence[Growth], unit: Unit, colours: Sequence[str]
) -> None:
    """The curves again, over the time since the first result."""
    times = [np.array(seconds_since_first(curve.steps)) for curve in curves]
    clock = _clock(max(chain.from_iterable(times)))
    for curve, seconds, colour in zip(curves, times, colours, strict=True):
        axes.step(seconds / clock.seconds, _heights(curve, unit), where="post", color=colour)
    axes.set_xlabel(f"{clock.name} since the first result")
    axes.locator_params(axis="x", nbins=5)


def _heights(curve: Growth, unit: Unit) -> list[float]:
    """The hypervolumes in the unit of the axis."""
    return [step.hypervolume / unit.size for step in curve.steps]


def _legend(curves: Sequence[Growth], colours: Sequence[str]) -> "list[Artist]":
    """The name of each study, where there are several."""
    from matplotlib.lines import Line2D

    if len(curves) < 2:
        return []
    handles: list[Artist] = []
    for curve, colour in zip(curves, colours, strict=True):
        handles.append(Line2D([], [], color=colour, label=figure_label(curve.study)))
    return handles


def _legend_title(growth: HypervolumeInfo, unit: Unit) -> str:
    """The corner that bounds the area, and what the bar is if there is one."""
    score, cost = growth.reference
    corner = f"reference: {growth.metric} {score:.4g}, {cost / unit.size:.4g} {_short_title(unit)}"
    if has_intervals(growth.curves):
        return f"{corner}; bar: 95 % interval over seeds"
    return corner


def _short_title(unit: Unit) -> str:
    """The unit without the convention of the counts."""
    return unit.title.partition(",")[0]


class _Clock(NamedTuple):
    """A unit of time."""

    seconds: float
    name: str


def _clock(seconds: float) -> _Clock:
    """The unit of time that suits a duration."""
    if seconds > 7200:
        return _Clock(3600.0, "hours")
    if seconds > 120:
        return _Clock(60.0, "minutes")
    return _Clock(1.0, "seconds")
