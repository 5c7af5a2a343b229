"""The frontier as one interactive page: hover for numbers, zoom, hide layers; nothing is loaded."""

import textwrap
from collections.abc import Sequence
from html import escape
from itertools import cycle
from pathlib import Path

from dasbench.render.frontier import frontier_records
from dasbench.render.pages.page import write_page_file
from dasbench.render.plots.figure import has_intervals
from dasbench.render.plots.labels import printable
from dasbench.render.plots.scales import are_percentages, is_log
from dasbench.render.plots.style import GREY, INK, LOOKS, RED, PointLook
from dasbench.render.plots.titles import (
    PUBLISHED,
    how_standings_were_found,
    legend_title,
    point_labels,
    vertical_title,
)
from dasbench.render.units import axis_unit
from dasbench.spec.plain import Record
from dasbench.views.figures.pareto import ParetoInfo, front_steps
from dasbench.views.figures.published import PublishedPoint
from dasbench.views.frontier import Point

SYMBOLS = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "x",
    "triangle-left",
)
"""One for each study."""

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
    layers: dict[tuple[str, str], list[tuple[Point, str]]] = {}
    for point, text in zip(front.points, point_labels(front.points), strict=True):
        layers.setdefault((point.standing, point.study), []).append((point, text))
    studies = list(dict.fromkeys(point.study for point in front.points))
    traces = [_front_line(front, size)]
    for standing, look in LOOKS.items():
        for study, symbol in zip(studies, cycle(SYMBOLS), strict=False):
            some = layers.get((standing, study))
            if some:
                name = look.title if len(studies) == 1 else f"{study}: {look.title}"
                traces.append(_layer(some, size, front, name=name, look=look, symbol=symbol))
    if front.published:
        traces.append(_published(front.published, size))
    return traces


def _layer(
    some: Sequence[tuple[Point, str]],
    size: float,
    front: ParetoInfo,
    *,
    name: str,
    look: PointLook,
    symbol: str,
) -> Record:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _lines(name),
        "x": [point.cost / size for point, _ in some],
        "y": [point.mean for point, _ in some],
        "error_y": {"array": [point.ci95 for point, _ in some], "color": look.bar, "visible": True},
        "marker": {
            "symbol": symbol,
            "size": 9,
            "color": look.fill,
            "line": {"color": look.edge, "width": 1.5},
        },
        "hovertext": [_hover(point, text, front) for point, text in some],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _front_line(front: ParetoInfo, size: float) -> Record:
    drawn = front_steps(front, size)
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hv", "color": RED, "width": 1},
        "x": [x for x, _ in drawn],
        "y": [y for _, y in drawn],
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _published(points: Sequence[PublishedPoint], size: float) -> Record:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _text(PUBLISHED),
        "x": [point.cost / size for point in points],
        "y": [point.value for point in points],
        "marker": {"symbol": "star", "size": 10, "color": INK, "line": {"color": GREY, "width": 0}},
        "hovertext": [f"{_lines(point.label)}<br>{point.value:g} (published)" for point in points],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _hover(point: Point, label: str, front: ParetoInfo) -> str:
    """What is said of a point: its variant, its score with interval, its costs and its standing."""
    interval = "no spread known" if point.ci95 is None else f"± {point.ci95:.3g} (95 %)"
    lines = [f"<b>{_lines(label)}</b>"]
    if point.study:
        lines.append(_lines(point.study))
    lines.append(f"{_text(front.metric)}: {point.mean:.3f} {interval}")
    lines.append(f"n = {point.n}, {point.failed} failed" if point.failed else f"n = {point.n}")
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
