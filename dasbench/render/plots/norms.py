"""Accuracy of each pair of the gate's norms as a heat map, as in Table 5 of the paper."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dasbench.catalog import PLOTS
from dasbench.render.plots.captions import CaptionedPlot, mean_record, spread_sentence
from dasbench.render.plots.figure import has_intervals, mean_scores, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import are_percentages, percent_limits
from dasbench.render.plots.style import INK, PALE_GREY, RED, text_colour
from dasbench.render.units import metric_title
from dasbench.views.figures.means import SeedMean
from dasbench.views.figures.norms import NormsInfo, info
from dasbench.views.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_ROOM = 0.5  # around scores that are all equal


def captioned(selection: Selection, convention: str) -> CaptionedPlot:
    """The plot in a report."""
    del convention  # it shows no costs
    pairs = info(selection)
    ties = {pairs.best, *pairs.ties}
    records = []
    for pair, mean in pairs.cells.items():
        record = {"first_norm": pair[0], "second_norm": pair[1]} | mean_record(mean)
        records.append(record | {"best": pair == pairs.best, "ties_with_best": pair in ties})
    why_not = ""
    if len(records) == 1:
        why_not = "one pair of norms has a result, which compares with nothing"
    return CaptionedPlot(
        name="norms",
        caption=f"{pairs.metric} by pair of norms. {spread_sentence([*pairs.cells.values()])}",
        records=records,
        draw=partial(draw, pairs),
        why_not=why_not,
    )


@PLOTS.register("norms", info=info, captioned=captioned, report_place=3)
def draw(pairs: NormsInfo, path: Path) -> None:
    """Draw the heat map to a PNG, SVG or PDF file; pairs without a score are crossed out."""
    means = np.full((len(pairs.first), len(pairs.second)), np.nan)
    for (first, second), mean in pairs.cells.items():
        means[pairs.first.index(first), pairs.second.index(second)] = mean.mean
    colours = "Blues_r"
    if pairs.maximise:
        colours = "Blues"
    height = max(4.0, 0.75 * len(pairs.first) + 2.0)
    with styled_figure(pairs.question, height=height) as (figure, axes):
        axes.grid(visible=False)
        image = axes.imshow(means, cmap=colours, aspect="auto")
        _set_colours(image, pairs)
        title = f"{metric_title(pairs.metric, pairs.unit)}, mean over seeds"
        figure.colorbar(image, ax=axes, label=title, shrink=0.9)
        _write_cells(axes, pairs, image)
        axes.set_xticks(range(len(pairs.second)), _norm_labels(pairs.second))
        axes.set_yticks(range(len(pairs.first)), _norm_labels(pairs.first))
        axes.set_ylabel("first norm")
        axes.set_xlabel(f"second norm\n{_meanings(pairs)}")
        save_figure(figure, path)


def _norm_labels(norms: Sequence[str]) -> list[str]:
    return [figure_label(norm, longest=16) for norm in norms]


def _set_colours(image: "AxesImage", pairs: NormsInfo) -> None:
    """Spread the colours over the scores.

    Equal ones have some room around them, within what percentages can be.
    """
    scores = mean_scores(pairs.cells.values())
    if not scores:
        return
    low, high = min(scores), max(scores)
    if low == high:
        low, high = low - _ROOM, high + _ROOM
    if are_percentages(scores, unit=pairs.unit):
        low, high = percent_limits(low, high)
    image.set_clim(low, high)


def _write_cells(axes: "Axes", pairs: NormsInfo, image: "AxesImage") -> None:
    """Mean, interval and seeds in each cell; a frame around those that tie with the best."""
    for row, first in enumerate(pairs.first):
        for column, second in enumerate(pairs.second):
            mean = pairs.cells.get((first, second))
            if mean is None:
                _cross_out(axes, column, row)
                continue
            text = axes.text(column, row, _cell_text(mean), ha="center", va="center", fontsize=8)
            text.set_color(text_colour(image, mean.mean))
            if (first, second) == pairs.best:
                text.set_fontweight("bold")
                _frame(axes, column, row, linewidth=2, linestyle="-")
            elif (first, second) in pairs.ties:
                _frame(axes, column, row, linewidth=1, linestyle="--")


def _cross_out(axes: "Axes", column: int, row: int) -> None:
    """Say of a pair that it has no score."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=PALE_GREY))
    axes.text(column, row, "no score", ha="center", va="center", fontsize=7, color=INK)


def _frame(axes: "Axes", column: int, row: int, **style: Any) -> None:
    """Draw a frame around a cell."""
    from matplotlib.patches import Rectangle

    corner = (column - 0.46, row - 0.44)
    axes.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor=RED, **style))


def _cell_text(mean: SeedMean) -> str:
    """`97.31`, its interval below, and the seeds if some failed."""
    lines = [f"{mean.mean:.2f}"]
    if mean.ci95 is not None:
        lines.append(f"± {mean.ci95:.2f}")
    if mean.failed:
        lines.append(f"{mean.n} of {mean.n + mean.failed} seeds")
    return "\n".join(lines)


def _meanings(pairs: NormsInfo) -> str:
    """What the frames and intervals in the cells mean."""
    if not pairs.cells:
        return "no pair has a result yet"
    frames = "solid frame: best mean; dashed: not distinguishable from the best"
    if has_intervals([*pairs.cells.values()]):
        return f"±: 95 % interval of the mean; {frames}"
    return frames
