"""Heat maps of where networks look, as in Figure 4 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dasbench.render.plots.figure import save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY
from dasbench.saliency.means import mean_over
from dasbench.views.saliency import Viewed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

COLOURS = "jet"
"""From blue, which counts nothing, to red, as in the paper."""

_WIDTH = 7.0  # inches, as all figures
_LOWEST_ROW = 0.45  # inches: a wide image and the words below it
_OPACITY = 0.55


@dataclass(frozen=True, kw_only=True)
class Column:
    """The heat maps of one network at one layer.

    Args:
        network: what it is called.
        layer: the layer's name.
        maps: from 0 to 1, as large as the images, [B, H, W].
        scores: sfd of each image, [B]; empty where there is none.
        mean: of the scores over all images, shown or not; NaN where there is none.
        n: how many images that is.
    """

    network: str
    layer: str
    maps: Floats
    scores: Sequence[float] = ()
    mean: float = float("nan")
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class SaliencyInfo:
    """All that the figure shows.

    Args:
        title: what stands above it.
        images: uint8, [B, H, W, 3].
        names: what stands beside each image.
        columns: heat maps, from left to right.
        regions: where the objects are, bool, [B, H, W]; None where nobody knows.
    """

    title: str
    images: NDArray[np.uint8]
    names: Sequence[str]
    columns: Sequence[Column]
    regions: NDArray[np.bool_] | None = None


def info(title: str, views: Sequence[Viewed], *, images: NDArray[np.uint8]) -> SaliencyInfo:
    """The heat maps of the images that are shown, the first ones, each as a share of its own maximum.

    Args:
        title: what stands above the figure.
        views: what was found of each network at each layer, in more images.
        images: those that are shown, uint8, [B, H, W, 3].
    """
    shown = len(images)
    regions = views[0].regions
    return SaliencyInfo(
        title=title,
        images=images,
        names=views[0].labels[:shown],
        columns=[_column(view, shown) for view in views],
        regions=None if regions is None else regions[:shown],
    )


def _column(view: Viewed, shown: int) -> Column:
    maps = _share_of_peak(view.maps[:shown].astype(np.float64))
    if view.scores is None:
        return Column(network=view.label, layer=view.layer, maps=maps)
    over_images = mean_over(view.scores)
    return Column(
        network=view.label,
        layer=view.layer,
        maps=maps,
        scores=view.scores[:shown].tolist(),
        mean=over_images.mean,
        n=over_images.n,
    )


def draw(saliency: SaliencyInfo, path: Path) -> None:
    """Draw a row for each image: the image, then its heat maps, the outline of the object in white."""
    num_rows, num_columns = len(saliency.images), 1 + len(saliency.columns)
    image_height, image_width = saliency.images[0].shape[:2]
    cell_height = _WIDTH / num_columns * min(1.0, image_height / image_width) + 0.1
    height = 1.2 + num_rows * max(cell_height, _LOWEST_ROW)
    with styled_figure(saliency.title, height=height) as (figure, axes):
        axes.remove()
        grid = figure.subplots(num_rows, num_columns, squeeze=False)
        for row, cells in enumerate(grid):
            _draw_row(saliency, row, cells)
        for cell, column in zip(grid[0, 1:], saliency.columns, strict=True):
            cell.set_title(_heading(column, longest=max(8, 120 // num_columns)), fontsize=min(8, 40 / num_columns))
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
        cell.imshow(
            image.mean(axis=-1), cmap="gray", vmin=0, vmax=255, interpolation="nearest"
        )  # colours are the map's
        cell.imshow(column.maps[row], cmap=COLOURS, vmin=0, vmax=1, alpha=_OPACITY, interpolation="bilinear")
        if saliency.regions is not None and saliency.regions[row].any() and not saliency.regions[row].all():
            cell.contour(saliency.regions[row], levels=[0.5], colors="white", linewidths=0.8)
        if len(column.scores):
            cell.set_xlabel(f"sfd {_number(column.scores[row])}", fontsize=8)


def _draw_scale(figure: "Figure", grid: NDArray[Any]) -> None:
    """What the colours mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(0, 1), COLOURS)
    bar = figure.colorbar(scale, ax=list(grid.flat), location="bottom", fraction=0.02, aspect=60, pad=0.01, shrink=0.6)
    bar.set_ticks([0, 1], labels=["unimportant", "the most important place"])
    bar.ax.tick_params(labelsize=7, length=0, labelcolor=GREY)
    bar.outline.set_visible(False)


def _heading(column: Column, *, longest: int) -> str:
    lines = [figure_label(column.network, longest=longest), figure_label(column.layer, longest=longest)]
    if column.n:
        lines.append(f"sfd {_number(column.mean)} (n = {column.n})")
    return "\n".join(lines)


def _number(score: float) -> str:
    return "-" if np.isnan(score) else f"{score:.2f}"


def _share_of_peak(maps: Floats) -> Floats:
    """Each map divided by its maximum; one that is zero everywhere stays so."""
    peak = maps.max(axis=(1, 2), keepdims=True)
    shares: Floats = np.divide(maps, peak, out=np.zeros_like(maps), where=peak > 0)
    return shares
