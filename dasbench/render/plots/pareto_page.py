"""The frontier as one interactive page: hover for numbers, zoom, hide layers; nothing is loaded."""

import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path

from dasbench.render.frontier import frontier_records
from dasbench.render.pages.page import write_page_file
from dasbench.render.plots.figure import has_intervals
from dasbench.render.plots.labels import printable
from dasbench.render.plots.layers import (
    Layer,
    columns,
    layers,
    places_of,
    published_places,
    study_markers,
)
from dasbench.render.plots.scales import are_percentages, is_log
from dasbench.render.plots.style import GREY, INK, LOOKS, RED
from dasbench.render.plots.titles import (
    PUBLISHED,
    how_standings_were_found,
    legend_title,
    vertical_title,
)
from dasbench.render.units import axis_unit
from dasbench.spec.plain import Record
from dasbench.views.figures.pareto import ParetoInfo, front_steps
from dasbench.views.figures.published import PublishedPoint
from dasbench.views.frontier import Point

_LINE = 40  # characters of a line that fits into 400 pixels


def write_page(front: ParetoInfo, path: Path, *, log: bool | None = None) -> None:
    """Write the frontier to an HTML file; equal points give equal bytes.

    Args:
        front: what `info` returned.
        path: where to.
        log: a logarithmic axis of costs; if left out, where costs span more than a decade.

    Raises:
        UsageError: if plotly is not installed.
        StoreError: if the file cannot be written.
    """
    note = f"Standings: {how_standings_were_found(front)}."
    if has_intervals(front.points):
        note += " Error bars: 95 % interval of the mean over seeds."
    drawn = plotly_figure(front, log=log)
    write_page_file(
        path,
        title=front.question,
        note=note,
        traces=drawn["data"],
        layout=drawn["layout"],
        records=frontier_records(front.points),
    )


def plotly_figure(front: ParetoInfo, *, log: bool | None = None) -> Record:
    """The frontier in plotly's terms: `data`, its layers, and `layout`, its axes and legend."""
    unit = axis_unit(front.cost, front.costs, front.units.get(front.cost, ""))
    layout = {
        "xaxis": {
            "title": {"text": _lines(unit.title)},
            "automargin": True,
            **_cost_scale(front, log=log),
        },
        "yaxis": {
            "title": {"text": _text(vertical_title(front))},
            **_percent_bounds(front.metric, front, front.scores),
        },
        "legend": {
            "title": {"text": _lines(legend_title(front)), "side": "top"},
            "orientation": "h",
            "yref": "container",
            "yanchor": "bottom",
            "y": 0,
        },
        "hoverlabel": {"align": "left"},
        "margin": {"t": 20, "r": 20},
    }
    return {"data": _traces(front, unit.size), "layout": layout}


def _cost_scale(front: ParetoInfo, *, log: bool | None) -> Record:
    """How the axis of costs is scaled, and where it ends."""
    if is_log(front.costs, log=log):
        return {"type": "log"}
    return {"type": "linear", **_percent_bounds(front.cost, front, front.costs)}


def _percent_bounds(name: str, front: ParetoInfo, values: Sequence[float]) -> dict[str, float]:
    """Where an axis of percentages ends, also for whoever zooms out; nothing for another axis."""
    if are_percentages(values, unit=front.units.get(name, "")):
        return {"minallowed": 0, "maxallowed": 100}
    return {}


def _traces(front: ParetoInfo, size: float) -> list[Record]:
    """One layer for each standing and study, the steps of the front, and what was published."""
    has_one_study = len(study_markers(front.points)) == 1
    traces = [_front_line(front, size)]
    for layer in layers(front.points):
        name = f"{layer.study}: {layer.look.title}"
        if has_one_study:
            name = layer.look.title
        traces.append(_layer_trace(layer, front, size, name=name))
    if front.published:
        traces.append(_published_trace(front.published, size))
    return traces


def _layer_trace(layer: Layer, front: ParetoInfo, size: float, *, name: str) -> Record:
    look = layer.look
    costs, scores = columns(places_of(layer.points, size))
    half_widths, texts = [], []
    for point, label in zip(layer.points, layer.labels, strict=True):
        half_widths.append(point.ci95)
        texts.append(_hover(point, label, front))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _lines(name),
        "x": costs,
        "y": scores,
        "error_y": {"array": half_widths, "color": look.bar, "visible": True},
        "marker": {
            "symbol": layer.marker.symbol,
            "size": 9,
            "color": look.fill,
            "line": {"color": look.edge, "width": 1.5},
        },
        "hovertext": texts,
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _front_line(front: ParetoInfo, size: float) -> Record:
    costs, scores = columns(front_steps(front, size))
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hv", "color": RED, "width": 1},
        "x": costs,
        "y": scores,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _published_trace(points: Sequence[PublishedPoint], size: float) -> Record:
    costs, scores = columns(published_places(points, size))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _text(PUBLISHED),
        "x": costs,
        "y": scores,
        "marker": {"symbol": "star", "size": 10, "color": INK, "line": {"color": GREY, "width": 0}},
        "hovertext": [f"{_lines(point.label)}<br>{point.value:g} (published)" for point in points],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _hover(point: Point, label: str, front: ParetoInfo) -> str:
    """What is said of a point: its variant, its score with interval, its costs and its standing."""
    interval = "no spread known"
    if point.ci95 is not None:
        interval = f"± {point.ci95:.3g} (95 %)"
    seeds = f"n = {point.n}"
    if point.failed:
        seeds += f", {point.failed} failed"
    lines = [f"<b>{_lines(label)}</b>"]
    if point.study:
        lines.append(_lines(point.study))
    lines.append(f"{_text(front.metric)}: {point.mean:.3f} {interval}")
    lines.append(seeds)
    lines += [f"{name}: {value:,}" for name, value in point.counts.items()]
    if front.cost not in point.counts:
        lines.append(f"{_text(front.cost)}: {point.cost:,.4g}")
    return "<br>".join([*lines, LOOKS[point.standing].title])


def _text(text: str) -> str:
    """Text for plotly, which reads some tags of HTML in every text it shows."""
    return escape(printable(text))


def _lines(text: str) -> str:
    """The same for a long text, in lines that a narrow page holds."""
    lines = textwrap.wrap(printable(text), _LINE, break_on_hyphens=False)
    return "<br>".join(map(escape, lines))
