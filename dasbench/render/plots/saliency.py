"""Heat maps of where networks look, as in Figure 4 of the paper."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dasbench.render.plots.figure import save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY
from dasbench.views.figures.saliency import HeatMapColumn, SaliencyInfo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = "jet"
"""From blue, which counts nothing, to red, as in the paper."""

_WIDTH = 7.0  # inches, as all figures
_LOWEST_ROW = 0.45  # inches: a wide image and the words below it
_OPACITY = 0.55


def draw(saliency: SaliencyInfo, path: Path, *, title: str) -> None:
    """Draw a row for each image: the image, its heat maps, the outline of the object in white."""
    num_rows, num_columns = len(saliency.images), 1 + len(saliency.columns)
    image_height, image_width = saliency.images[0].shape[:2]
    cell_height = _WIDTH / num_columns * min(1.0, image_height / image_width) + 0.1
    height = 1.2 + num_rows * max(cell_height, _LOWEST_ROW)
    with styled_figure(title, height=height) as (figure, axes):
        axes.remove()
        grid = figure.subplots(num_rows, num_columns, squeeze=False)
        for row, cells in enumerate(grid):
            _draw_row(saliency, row, cells)
        longest, size = max(8, 120 // num_columns), min(8, 40 / num_columns)
        for cell, column in zip(grid[0, 1:], saliency.columns, strict=True):
            cell.set_title(_heading(column, longest=longest), fontsize=size)
        _draw_scale(figure, grid)
        save_figure(figure, path)


def _draw_row(saliency: SaliencyInfo, row: int, cells: Sequence["Axes"]) -> None:
    """One image and its heat maps."""
    for cell in cells:
        cell.grid(visible=False)
        cell.set_xticks([])
        cell.set_yticks([])
        cell.spines[:].set_visible(False)
        cell.set_anchor("N")
    image = saliency.images[row]
    cells[0].imshow(image, interpolation="nearest")
    cells[0].set_xlabel(figure_label(saliency.names[row], longest=24), fontsize=7)
    for cell, column in zip(cells[1:], saliency.columns, strict=True):
        grey = image.mean(axis=-1)  # colours are the map's
        cell.imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        heat, smooth = column.maps[row], "bilinear"
        cell.imshow(heat, cmap=COLOURS, vmin=0, vmax=1, alpha=_OPACITY, interpolation=smooth)
        if saliency.regions is not None:
            _draw_outline(cell, saliency.regions[row])
        if len(column.scores):
            cell.set_xlabel(f"sfd {_score_text(column.scores[row])}", fontsize=8)


def _draw_outline(cell: "Axes", region: NDArray[np.bool_]) -> None:
    """The outline of the object, unless it is nowhere or everywhere."""
    if region.any() and not region.all():
        cell.contour(region, levels=[0.5], colors="white", linewidths=0.8)


def _draw_scale(figure: "Figure", grid: NDArray[Any]) -> None:
    """What the colours mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(0, 1), COLOURS)
    bar = figure.colorbar(
        scale, ax=list(grid.flat), location="bottom", fraction=0.02, aspect=60, pad=0.01, shrink=0.6
    )
    bar.set_ticks([0, 1], labels=["unimportant", "the most important place"])
    bar.ax.tick_params(labelsize=7, length=0, labelcolor=GREY)
    bar.outline.set_visible(False)


def _heading(column: HeatMapColumn, *, longest: int) -> str:
    lines = [figure_label(name, longest=longest) for name in (column.network, column.layer)]
    if column.n:
        lines.append(f"sfd {_score_text(column.mean)} (n = {column.n})")
    return "\n".join(lines)


def _score_text(score: float) -> str:
    if np.isnan(score):
        return "-"
    return f"{score:.2f}"
