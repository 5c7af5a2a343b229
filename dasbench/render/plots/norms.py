"""Accuracy of each pair of the gate's norms as a heat map, as in Table 5 of the paper."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dasbench.catalog import PLOTS
from dasbench.render.plots.figure import save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import are_percentages, percent_limits
from dasbench.render.plots.style import INK, PALE_GREY, RED
from dasbench.render.units import metric_title
from dasbench.views.figures.means import SeedMean
from dasbench.views.figures.norms import NormsInfo, info

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_ROOM = 0.5  # around scores that are all equal


@PLOTS.register("norms", info=info)
def draw(pairs: NormsInfo, path: Path) -> None:
    """Draw the heat map to a PNG, SVG or PDF file; pairs without a score are crossed out."""
    means = np.full((len(pairs.first), len(pairs.second)), np.nan)
    for (first, second), mean in pairs.cells.items():
        means[pairs.first.index(first), pairs.second.index(second)] = mean.mean
    with styled_figure(pairs.question, height=max(4.0, 0.75 * len(pairs.first) + 2.0)) as (
        figure,
        axes,
    ):
        axes.grid(visible=False)
        image = axes.imshow(means, cmap="Blues" if pairs.maximise else "Blues_r", aspect="auto")
        _set_colours(image, pairs)
        figure.colorbar(
            image,
            ax=axes,
            label=f"{metric_title(pairs.metric, pairs.unit)}, mean over seeds",
            shrink=0.9,
        )
        _write_cells(axes, pairs, image)
        axes.set_xticks(
            range(len(pairs.second)), [figure_label(norm, longest=16) for norm in pairs.second]
        )
        axes.set_yticks(
            range(len(pairs.first)), [figure_label(norm, longest=16) for norm in pairs.first]
        )
        axes.set_ylabel("first norm")
        axes.set_xlabel(f"second norm\n{_key(pairs)}")
        save_figure(figure, path)


def _set_colours(image: "AxesImage", pairs: NormsInfo) -> None:
    """Spread the colours over the scores; equal ones have some room around them, within what percentages can be."""
    scores = [mean.mean for mean in pairs.cells.values()]
    if not scores:
        return
    low, high = min(scores), max(scores)
    if low == high:
        low, high = low - _ROOM, high + _ROOM
    if are_percentages(scores, unit=pairs.unit):
        low, high = percent_limits(low, high)
    image.set_clim(low, high)


def _write_cells(axes: "Axes", pairs: NormsInfo, image: "AxesImage") -> None:
    """Mean, interval and number of seeds in each cell; a frame around those that tie with the best."""
    from matplotlib.patches import Rectangle

    for row, first in enumerate(pairs.first):
        for column, second in enumerate(pairs.second):
            mean = pairs.cells.get((first, second))
            if mean is None:
                axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=PALE_GREY))
                axes.text(column, row, "no score", ha="center", va="center", fontsize=7, color=INK)
                continue
            red, green, blue, _ = image.to_rgba(np.array([mean.mean]))[0]
            color = "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else INK
            best = (first, second) == pairs.best
            weight = "bold" if best else "normal"
            axes.text(
                column,
                row,
                _cell(mean),
                ha="center",
                va="center",
                fontsize=8,
                color=color,
                fontweight=weight,
            )
            if best or (first, second) in pairs.ties:
                frame = Rectangle(
                    (column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor=RED
                )
                frame.set(linewidth=2 if best else 1, linestyle="-" if best else "--")
                axes.add_patch(frame)


def _cell(mean: SeedMean) -> str:
    """`97.31`, its interval below, and the seeds if some failed."""
    lines = [f"{mean.mean:.2f}"]
    if mean.ci95 is not None:
        lines.append(f"± {mean.ci95:.2f}")
    if mean.failed:
        lines.append(f"{mean.n} of {mean.n + mean.failed} seeds")
    return "\n".join(lines)


def _key(pairs: NormsInfo) -> str:
    if not pairs.cells:
        return "no pair has a result yet"
    interval = (
        "±: 95 % interval of the mean; "
        if any(mean.ci95 is not None for mean in pairs.cells.values())
        else ""
    )
    return f"{interval}solid frame: best mean; dashed: not distinguishable from the best"
