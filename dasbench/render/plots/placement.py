"""Accuracy and multiply-adds by placement of the gates, as in Section 4.3 of the paper."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dasbench.catalog import PLOTS
from dasbench.render.plots.captions import CaptionedPlot, mean_record, spread_sentence
from dasbench.render.plots.figure import (
    draw_empty,
    error_bars,
    has_intervals,
    mean_scores,
    save_figure,
    styled_figure,
)
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import end_at_percent
from dasbench.render.plots.style import GREY, RED
from dasbench.render.plots.titles import spread_title
from dasbench.render.units import axis_unit
from dasbench.spec.labels import is_given, label
from dasbench.spec.plain import Fields, Variant
from dasbench.views.figures.placement import PlacementInfo, PlacementScore, info
from dasbench.views.selection import Selection


def captioned(selection: Selection, convention: str) -> CaptionedPlot:
    """The plot in a report."""
    del convention  # its bars are the costs of the full one
    placed = info(selection)
    about = f"{placed.metric} and multiply-adds by placement of the gates."
    records = []
    for place in placed.places:
        record = {"placement": place_name(place)}
        records.append(record | mean_record(place.mean))
    why_not = ""
    if len(records) == 1:
        why_not = "one placement has a result, which compares with nothing"
    return CaptionedPlot(
        name="placement",
        caption=f"{about} {spread_sentence(placed.means)}",
        records=records,
        draw=partial(draw, placed),
        why_not=why_not,
    )


@PLOTS.register("placement", info=info, captioned=captioned, report_place=4)
def draw(placed: PlacementInfo, path: Path) -> None:
    """Draw scores on the left and multiply-adds on the right to a PNG, SVG or PDF file."""
    means = placed.means
    rows = range(len(means))
    scores = mean_scores(means)
    costs = [mean.cost or 0 for mean in means]
    unit = axis_unit("macs_full", costs)
    height = 2.0 + 0.28 * max(4, len(means))
    with styled_figure(placed.question, height=height, panels=2) as (figure, axes):
        drawn = axes.errorbar(
            scores,
            rows,
            xerr=error_bars(means),
            fmt="o",
            color=RED,
            elinewidth=0.8,
            capsize=3,
            markersize=5,
        )
        figure.axes[1].barh(rows, np.array(costs) / unit.size, color=GREY, height=0.6)
        if not means:
            draw_empty(axes, "no placement has a result yet")
        drawn.lines[0].set_clip_on(not means)  # a point at 100 % is drawn whole
        end_at_percent(axes, "x", scores, unit=placed.unit)
        axes.set_yticks(rows, [figure_label(_row_label(place)) for place in placed.places])
        axes.set_ylim(len(means) - 0.5, -0.5)
        title = spread_title(placed.metric, placed.unit, spread=has_intervals(means) or not means)
        axes.set_xlabel(title.replace(", ", ",\n", 1))
        figure.axes[1].set_xlabel(re.sub("([,;]) ", r"\1\n", unit.title))
        figure.axes[1].tick_params(left=False)
        save_figure(figure, path)


def place_name(place: PlacementScore) -> str:
    """What the study calls a placement, else the placement in words; with its study if several."""
    words = place.label
    if not is_given(place.label, place.variant):
        words = placement_in_words(place.variant)
    if place.study:
        words = f"{place.study}: {words}"
    return words


def placement_in_words(variant: Variant) -> str:
    """A variant with its placement in words.

    Example:
        >>> placement_in_words({"placement": {"stages": [1, 2, 3, 4], "after": "block"}})
        'stages 1-4, after block'
        >>> placement = {"placement.stages": [1, 3], "placement.after": "stage"}
        >>> placement_in_words({**placement, "gate.alpha": 0.1})
        'stages 1, 3, after stage; alpha=0.1'
    """
    placement = dict(variant.get("placement") or {})
    others = {}
    for key, value in variant.items():
        head, _, field = key.partition(".")
        if head != "placement":
            others[key] = value
        elif field:
            placement[field] = value
    words = ", ".join(_placement_parts(placement)) or "as usual"
    if others:
        words += f"; {label(others)}"
    return words


def _placement_parts(placement: Fields) -> Iterator[str]:
    """What is given of a placement, in words."""
    if stages := placement.get("stages"):
        yield _stages(stages)
    if sites := placement.get("sites"):
        yield f"at {', '.join(map(str, sites))}"
    if after := placement.get("after"):
        yield {"before_add": "before the addition"}.get(after, f"after {after}")
    if blocks := placement.get("blocks"):
        yield f"{blocks} blocks"


def _stages(stages: Sequence[int]) -> str:
    """`stage 4`, `stages 1-4`, `stages 1, 3`."""
    if len(stages) == 1:
        return f"stage {stages[0]}"
    if list(stages) == list(range(stages[0], stages[0] + len(stages))):
        return f"stages {stages[0]}-{stages[-1]}"
    return f"stages {', '.join(map(str, stages))}"


def _row_label(place: PlacementScore) -> str:
    """A placement, and its seeds if some failed."""
    mean, name = place.mean, place_name(place)
    if mean.failed:
        name += f" ({mean.n} of {mean.n + mean.failed} seeds)"
    return name
