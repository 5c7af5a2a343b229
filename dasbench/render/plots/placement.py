"""How many gates and where: accuracy and multiply-adds by placement, as in Section 4.3 of the paper."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.render.plots.figure import draw_empty, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY, RED
from dasbench.spec.study import label
from dasbench.views.means import Mean, axes_of, bars, mean_of, variants_with_scores
from dasbench.views.quantities import axis_unit, spread_title
from dasbench.views.selection import Selection

MOST = 60
"""Placements that one figure shows."""


@dataclass(frozen=True, kw_only=True)
class PlacementInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score.
        means: mean score by placement in words, in the order of the study.
    """

    question: str
    metric: str
    unit: str
    means: Mapping[str, Mean]


def info(selection: Selection) -> PlacementInfo:
    """Gather means by placement.

    Raises:
        UsageError: if the study does not vary the placement, naming what it varies; or too many to show.
    """
    axes = axes_of(selection)
    if not any(axis == "placement" or axis.startswith("placement.") for axis in axes):
        listed = ", ".join(axes) or "nothing"
        raise UsageError(f"plot placement: study '{selection.name}' has no axis 'placement'; it varies {listed}.")
    several = len({row.study for row in selection.rows}) > 1
    means = {
        (f"{entry.study}: " if several else "") + placement_in_words(entry.variant): mean_of(entry)
        for entry in variants_with_scores(selection)
    }
    if len(means) > MOST:
        raise UsageError(f"plot placement: {len(means)} placements are more than the {MOST} that fit; use --where")
    return PlacementInfo(question=selection.question, metric=selection.metric, unit=selection.unit, means=means)


def placement_in_words(variant: Mapping[str, Any]) -> str:
    """A variant with its placement in words.

    Example:
        >>> placement_in_words({"placement": {"stages": [1, 2, 3, 4], "after": "block"}})
        'stages 1-4, after block'
        >>> placement_in_words({"placement.stages": [1, 3], "placement.after": "stage", "gate.alpha": 0.1})
        'stages 1, 3, after stage; alpha=0.1'
    """
    placement = dict(variant.get("placement") or {})
    placement |= {key.partition(".")[2]: value for key, value in variant.items() if key.startswith("placement.")}
    others = {key: value for key, value in variant.items() if key.partition(".")[0] != "placement"}
    words = [_stages(placement["stages"])] if placement.get("stages") else []
    if sites := placement.get("sites"):
        words.append(f"at {', '.join(map(str, sites))}")
    if after := placement.get("after"):
        words.append({"before_add": "before the addition"}.get(str(after), f"after {after}"))
    if blocks := placement.get("blocks"):
        words.append(f"{blocks} blocks")
    return "; ".join([", ".join(words) or "as usual", *([label(others)] if others else [])])


@PLOTS.register("placement", info=info)
def draw(places: PlacementInfo, path: Path) -> None:
    """Draw scores on the left and multiply-adds on the right to a PNG, SVG or PDF file."""
    means = list(places.means.values())
    rows = range(len(means))
    costs = [mean.cost or 0 for mean in means]
    unit = axis_unit("macs_full", costs)
    with styled_figure(places.question, height=2.0 + 0.28 * max(4, len(means)), panels=2) as (figure, axes):
        axes.errorbar(
            [mean.mean for mean in means],
            rows,
            xerr=bars(means),
            fmt="o",
            color=RED,
            elinewidth=0.8,
            capsize=3,
            markersize=5,
        )
        figure.axes[1].barh(rows, [cost / unit.size for cost in costs], color=GREY, height=0.6)
        if not means:
            draw_empty(axes, "no placement has a result yet")
        axes.set_yticks(rows, [figure_label(_row(name, mean)) for name, mean in places.means.items()])
        axes.set_ylim(len(means) - 0.5, -0.5)
        spread = any(mean.ci95 is not None for mean in means)
        axes.set_xlabel(spread_title(places.metric, places.unit, spread=spread or not means).replace(", ", ",\n", 1))
        figure.axes[1].set_xlabel(re.sub("([,;]) ", r"\1\n", unit.title))
        figure.axes[1].tick_params(left=False)
        save_figure(figure, path)


def _stages(stages: Sequence[int]) -> str:
    """`stage 4`, `stages 1-4`, `stages 1, 3`."""
    if len(stages) == 1:
        return f"stage {stages[0]}"
    if list(stages) == list(range(stages[0], stages[0] + len(stages))):
        return f"stages {stages[0]}-{stages[-1]}"
    return f"stages {', '.join(map(str, stages))}"


def _row(name: str, mean: Mean) -> str:
    return f"{name} ({mean.n} of {mean.n + mean.failed} seeds)" if mean.failed else name
