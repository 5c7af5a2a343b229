"""Accuracy against cost: which variants are on the Pareto front, may be, or surely are not."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.analysis.significance import Floats
from dasbench.catalog import PLOTS
from dasbench.render.frontier import frontier_records
from dasbench.render.plots.captions import CaptionedPlot, spread_sentence
from dasbench.render.plots.figure import (
    draw_empty,
    error_bars,
    legend_below,
    save_figure,
    styled_figure,
)
from dasbench.render.plots.labels import figure_label, place_labels
from dasbench.render.plots.layers import (
    Layer,
    columns,
    layers,
    places_of,
    published_places,
    study_markers,
)
from dasbench.render.plots.pareto_page import plotly_figure, write_page
from dasbench.render.plots.scales import end_at_percent, set_scale
from dasbench.render.plots.style import GREY, INK, LOOKS, RED, TRIED
from dasbench.render.plots.titles import (
    PUBLISHED,
    how_standings_were_found,
    legend_title,
    point_labels,
    vertical_title,
)
from dasbench.render.units import axis_unit
from dasbench.views.figures.pareto import ParetoInfo, front_steps, info
from dasbench.views.frontier import Point
from dasbench.views.selection import Selection

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

LABEL_ALL_UP_TO = 30
"""Points that are all labelled; of more, only the front is."""

LABEL_TRIED_UP_TO = 12
"""Points up to which those that were tried and not confirmed are labelled too."""

STANDINGS = {
    "front": "red: on the front of the means",
    "possibly": "hollow: possibly on the front",
    "dominated": "grey: significantly dominated",
    "tried": "pale: tried by the search and not confirmed",
}
"""What a caption says of the points of a standing."""

_MANY = 300  # points beyond which only the front has error bars, and the others are drawn small


def captioned(selection: Selection, convention: str) -> CaptionedPlot:
    """The plot in a report."""
    front = info(selection, cost=f"macs_{convention}")
    about = f"{front.metric} against cost. {_standings_in_words(front)}"
    return CaptionedPlot(
        name="pareto",
        caption=f"{about} {spread_sentence(front.points)}",
        records=frontier_records(front.points),
        draw=partial(draw, front),
        interactive=partial(plotly_figure, front),
        why_not=_why_no_trade(front),
    )


def _standings_in_words(front: ParetoInfo) -> str:
    """What the kinds of points mean that the frontier shows."""
    parts = [text for standing, text in STANDINGS.items() if standing in front.standings]
    return f"{'; '.join(parts).capitalize()}. Standings: {how_standings_were_found(front)}."


def _why_no_trade(front: ParetoInfo) -> str:
    """Why nothing is traded for a cost; `""` if something is."""
    if len(front.points) == 1:
        return "one variant has a result, which is no trade"
    if len({point.cost for point in front.points}) == 1:
        return f"all variants have the same {front.cost}, so that nothing is traded for it"
    return ""


@PLOTS.register("pareto", info=info, page=True, captioned=captioned, report_place=1)
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
        for layer in layers(front.points):
            _draw_layer(axes, layer, unit.size, len(front.points))
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


def _draw_layer(axes: "Axes", layer: Layer, size: float, num_points: int) -> None:
    """Points of one look; of many, those off the front are small and have no intervals."""
    look = layer.look
    spreads: Floats | None = None
    markersize = 3
    if num_points <= _MANY or look is LOOKS["front"]:
        spreads, markersize = error_bars(layer.points), 6
    drawn = axes.errorbar(
        *columns(places_of(layer.points, size)),
        yerr=spreads,
        fmt=layer.marker.character,
        color=look.edge,
        markerfacecolor=look.fill,
        ecolor=look.bar,
        markersize=markersize,
        capsize=2,
        zorder=look.zorder,
        rasterized=num_points > 10 * _MANY,
    )
    drawn.lines[0].set_clip_on(False)  # a point at 100 % is drawn whole


def _draw_front(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """The steps of the front, where two objectives make one that can be drawn."""
    costs, scores = columns(front_steps(front, size))
    axes.step(costs, scores, where="post", color=RED, linewidth=1, zorder=1)


def _draw_published(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """What others printed."""
    if front.published:
        costs, scores = columns(published_places(front.published, size))
        axes.scatter(costs, scores, marker="*", s=45, color=INK, zorder=3, clip_on=False)


def _end_at_percents(axes: "Axes", front: ParetoInfo) -> None:
    """Let the axes that show percentages end at 100."""
    end_at_percent(axes, "y", front.scores, unit=front.units.get(front.metric, ""))
    end_at_percent(axes, "x", front.costs, unit=front.units.get(front.cost, ""))


def _legend(front: ParetoInfo) -> list["Artist"]:
    """What colours and markers mean, of those that are there."""
    handles: list[Artist] = []
    for standing, look in LOOKS.items():
        if standing in front.standings:
            handles.append(_legend_point("o", look.edge, look.title, fill=look.fill))
    markers = study_markers(front.points)
    if len(markers) > 1:
        for study, marker in markers.items():
            handles.append(_legend_point(marker.character, GREY, figure_label(study)))
    if front.published:
        handles.append(_legend_point("*", INK, PUBLISHED))
    return handles


def _legend_point(marker: str, edge: str, text: str, *, fill: str = "") -> "Line2D":
    """One point with what it means, filled with its own colour if with no other."""
    from matplotlib.lines import Line2D

    point = Line2D([], [], marker=marker, linestyle="", color=edge, label=text)
    point.set_markerfacecolor(fill or edge)
    return point


def _label_points(axes: "Axes", front: ParetoInfo, size: float) -> None:
    """Label all points if they are few; else some of the front, taken evenly."""
    texts = point_labels(front.points)
    own = places_of(front.points, size)
    published = published_places(front.published, size)
    places, labels, bold = [], [], []
    for number in points_to_label(front.points):
        places.append(own[number])
        labels.append(texts[number])
        bold.append(front.points[number].on_front)
    if len(places) + len(published) <= LABEL_ALL_UP_TO:
        places += published
        labels += [point.label for point in front.published]
        bold += [False] * len(published)
    others = [*own, *published]
    place_labels(axes, places, labels, bold=bold, others=others, lines=_lines(front, size))


def points_to_label(points: Sequence[Point]) -> list[int]:
    """The numbers of the points that get a label."""
    chosen = list(range(len(points)))
    if len(chosen) > LABEL_TRIED_UP_TO:
        chosen = [number for number in chosen if points[number].standing != TRIED]
    if len(chosen) > LABEL_ALL_UP_TO:
        chosen = [number for number in chosen if points[number].on_front]
    return chosen[:: max(1, ceil(len(chosen) / LABEL_ALL_UP_TO))]


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
