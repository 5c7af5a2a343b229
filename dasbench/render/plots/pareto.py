"""Accuracy against cost: which variants are on the Pareto front, which may be, and which surely are not."""

from collections.abc import Sequence
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.catalog import PLOTS
from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label, place_labels
from dasbench.render.plots.pareto_page import write_page
from dasbench.render.plots.scales import end_at_percent, set_scale
from dasbench.render.plots.style import GREY, INK, LOOKS, RED, TRIED, Look
from dasbench.render.plots.titles import PUBLISHED, legend_title, point_labels, vertical_title
from dasbench.render.units import axis_unit
from dasbench.views.figures.pareto import ParetoInfo, front_steps, info
from dasbench.views.frontier import Point

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LABEL_ALL_UP_TO = 30
"""Points that are all labelled; of more, only the front is."""

LABEL_TRIED_UP_TO = 12
"""Points up to which those that were tried and not confirmed are labelled too."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
"""One for each study."""

_MANY = 300  # points beyond which only the front has error bars, and the others are drawn small


@PLOTS.register("pareto", info=info)
def draw(front: ParetoInfo, path: Path, *, log: bool | None = None) -> None:
    """Draw the figure to a PNG, SVG, PDF or HTML file; equal points give equal bytes.

    Args:
        front: what `info` returned.
        path: where to.
        log: a logarithmic axis of costs; if left out, where costs span more than a decade.
    """
    if path.suffix == ".html":
        write_page(front, path, log=log)
        return
    every = front.costs
    unit = axis_unit(front.cost, every, front.units.get(front.cost, ""))
    with styled_figure(front.question) as (figure, axes):
        set_scale(axes, [cost / unit.size for cost in every], log=log)
        _draw_points(axes, front.points, unit.size)
        _draw_front(axes, front, unit.size)
        _draw_published(axes, front, unit.size)
        if not every:
            draw_empty(axes, "no variant has a result yet")
        _end_at_percents(axes, front)
        axes.set_xlabel(unit.title)
        axes.set_ylabel(vertical_title(front))
        legend_below(figure, _legend(front), title=legend_title(front))
        _label_points(axes, front, unit.size)
        save_figure(figure, path)


def study_markers(points: Sequence[Point]) -> dict[str, str]:
    """A marker for each study, in the order in which they come."""
    studies = dict.fromkeys(point.study for point in points)
    return {study: MARKERS[index % len(MARKERS)] for index, study in enumerate(studies)}


def _draw_points(axes: "Axes", points: Sequence[Point], size: float) -> None:
    """The points of each standing and study, with their intervals."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.standing, point.study), []).append(point)
    markers = study_markers(points)
    for standing, look in LOOKS.items():
        is_plain = len(points) > _MANY and standing != "front"
        for study, marker in markers.items():
            if some := groups.get((standing, study)):
                _draw_layer(
                    axes,
                    some,
                    size,
                    look,
                    marker,
                    is_plain=is_plain,
                    is_raster=len(points) > 10 * _MANY,
                )


def _draw_layer(
    axes: "Axes",
    points: Sequence[Point],
    size: float,
    look: Look,
    marker: str,
    *,
    is_plain: bool,
    is_raster: bool,
) -> None:
    """Points of one look; plain ones are small and have no intervals."""
    spreads = [nan if point.ci95 is None else point.ci95 for point in points]
    drawn = axes.errorbar(
        [point.cost / size for point in points],
        [point.mean for point in points],
        yerr=None if is_plain else spreads,
        fmt=marker,
        color=look.edge,
        markerfacecolor=look.fill,
        ecolor=look.bar,
        markersize=3 if is_plain else 6,
        capsize=2,
        zorder=look.zorder,
        rasterized=is_raster,
    )
    drawn.lines[0].set_clip_on(False)  # a point at 100 % is drawn whole


def _draw_front(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """The steps of the front, where two objectives make one that can be drawn."""
    best = front_steps(front, size)
    axes.step(
        [x for x, _ in best], [y for _, y in best], where="post", color=RED, linewidth=1, zorder=1
    )


def _draw_published(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """What others printed."""
    if front.published:
        costs = [point.cost / size for point in front.published]
        values = [point.value for point in front.published]
        axes.scatter(costs, values, marker="*", s=45, color=INK, zorder=3, clip_on=False)


def _end_at_percents(axes: "Axes", front: ParetoInfo) -> None:
    """Let the axes that show percentages end at 100."""
    end_at_percent(axes, "y", front.scores, unit=front.units.get(front.metric, ""))
    end_at_percent(axes, "x", front.costs, unit=front.units.get(front.cost, ""))


def _legend(front: ParetoInfo) -> list["Artist"]:
    """What colours and markers mean, of those that are there."""
    from matplotlib.lines import Line2D

    there = {point.standing for point in front.points}
    handles: list[Artist] = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            color=look.edge,
            markerfacecolor=look.fill,
            label=look.title,
        )
        for standing, look in LOOKS.items()
        if standing in there
    ]
    markers = study_markers(front.points)
    for study, marker in markers.items() if len(markers) > 1 else ():
        handles.append(
            Line2D([], [], marker=marker, linestyle="", color=GREY, label=figure_label(study))
        )
    if front.published:
        handles.append(Line2D([], [], marker="*", linestyle="", color=INK, label=PUBLISHED))
    return handles


def _label_points(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """Labels of all points if they are few; else of the front, of which so many are taken evenly."""
    labels = point_labels(front.points)
    chosen = labelled(front.points)
    points = [front.points[index] for index in chosen]
    extra = front.published if len(chosen) + len(front.published) <= LABEL_ALL_UP_TO else ()
    place_labels(
        axes,
        [(p.cost / size, p.mean) for p in points] + [(p.cost / size, p.value) for p in extra],
        [labels[index] for index in chosen] + [p.label for p in extra],
        bold=[point.on_front for point in points] + [False] * len(extra),
        others=[(p.cost / size, p.mean) for p in front.points]
        + [(p.cost / size, p.value) for p in front.published],
        lines=_lines(front, size),
    )


def labelled(points: Sequence[Point]) -> list[int]:
    """The places of the points that get a label."""
    some = list(range(len(points)))
    if len(some) > LABEL_TRIED_UP_TO:
        some = [place for place in some if points[place].standing != TRIED]
    if len(some) > LABEL_ALL_UP_TO:
        some = [place for place in some if points[place].on_front]
    return some[:: max(1, -(-len(some) // LABEL_ALL_UP_TO))]


def _lines(front: ParetoInfo, size: float) -> list[tuple[float, float, float, float]]:
    """The error bars and the steps of the front."""
    lines = []
    for point in front.points:
        if point.ci95 and (len(front.points) <= _MANY or point.standing == "front"):
            x = point.cost / size
            lines.append((x, point.mean - point.ci95, x, point.mean + point.ci95))
    for (x, y), (next_x, next_y) in pairwise(front_steps(front, size)):
        lines += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
    return lines
