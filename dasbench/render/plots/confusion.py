"""Which classes are taken for which: a matrix for each variant, each row a class in percent."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dasbench.catalog import PLOTS
from dasbench.render.plots.figure import draw_empty, fit_height, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import PALE_GREY, text_colour
from dasbench.views.figures.confusion import ConfusionInfo, Panel, info

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_WIDTH = 5.2  # inches for the matrices, of 7: the rest is for names and for the scale of colours
_LEAST_NAME, _LEAST_NUMBER = 4.0, 4.5  # points: smaller text is not written
_LEAST_CELL = 5.8  # points of a single matrix' cells, for which the figure grows
_LARGEST = 18.0  # inches up to which it does; more classes stay without names


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where the matrices go.

    Args:
        rows: of matrices.
        columns: of matrices.
        side: of a matrix, in inches.
        cell: side of one of its cells, in points.
    """

    rows: int
    columns: int
    side: float
    cell: float

    @property
    def height(self) -> float:
        """Of the figure, in inches: no less than it needs."""
        heading, below = 0.95, 0.7
        if self.has_numbers:
            heading = 0.45  # of a matrix without its mistakes
        if self.has_names:
            below = 1.5
        return 0.2 + self.rows * (self.side + heading) + below

    @property
    def has_numbers(self) -> bool:
        """Whether a cell has room for its number."""
        return self.number_size >= _LEAST_NUMBER

    @property
    def number_size(self) -> float:
        """Size of the numbers, in points: three digits fit."""
        return min(8.0, self.cell / 2.2)

    @property
    def name_size(self) -> float:
        """Size of the classes' names, in points; not written below `_LEAST_NAME`."""
        return min(8.0, 0.7 * self.cell)

    @property
    def text_size(self) -> float:
        """Size of what stands above and below a matrix, in points."""
        if self.columns < 3:
            return 8.0
        return 7.0

    @property
    def characters(self) -> int:
        """Of a line above or below a matrix."""
        return 84 // self.columns

    @property
    def has_names(self) -> bool:
        """Whether there is room for the classes' names."""
        return self.name_size >= _LEAST_NAME


def _layout(panels: int, classes: int) -> _Layout:
    columns = max(1, min(panels, 2))
    if panels > 4:
        columns = 3
    side = min(_WIDTH / columns, 1.5 + classes)
    wanted = classes * _LEAST_CELL / 72
    if columns == 1 and side < wanted <= _LARGEST:
        side = wanted
    return _Layout(
        rows=ceil(panels / columns), columns=columns, side=side, cell=72 * side / max(1, classes)
    )


@PLOTS.register("confusion", info=info, needs="confusions")
def draw(confusion: ConfusionInfo, path: Path) -> None:
    """Draw the matrices to a PNG, SVG or PDF file."""
    layout = _layout(len(confusion.panels), len(confusion.classes))
    with styled_figure(confusion.question, height=layout.height) as (figure, axes):
        if confusion.panels:
            axes.remove()
            figure.set_figwidth(max(7.0, layout.side + 2.2))
            figure.set_layout_engine("compressed")
            _draw_panels(figure, confusion, layout)
            fit_height(figure)
        else:
            draw_empty(axes, "no result says which classes were taken for which")
        save_figure(figure, path)


def _draw_panels(figure: "Figure", confusion: ConfusionInfo, layout: _Layout) -> None:
    """All matrices, row by row, and what their colours mean."""
    grid = figure.subplots(layout.rows, layout.columns, squeeze=False)
    cells = list(grid.flat)
    used = len(confusion.panels)
    for number, (cell, panel) in enumerate(zip(cells, confusion.panels, strict=False)):
        is_left, is_lowest = number % layout.columns == 0, number + layout.columns >= used
        image = _draw_panel(cell, panel, layout)
        _write_names(cell, confusion.classes, layout, left=is_left, bottom=is_lowest)
        below = []
        if is_lowest:
            below.append("taken for")
        if not layout.has_numbers:
            below += _mistakes_in_words(panel, longest=max(7, layout.characters // 2 - 10))
        cell.set_xlabel("\n".join(below), fontsize=layout.text_size)
    for cell in cells[used:]:
        cell.remove()
    _draw_scale(figure, image, cells[:used])


def _draw_panel(axes: "Axes", panel: Panel, layout: _Layout) -> "AxesImage":
    """One matrix, with its numbers if there is room."""
    from matplotlib import colormaps
    from matplotlib.colors import PowerNorm

    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    colours = colormaps["Blues"].with_extremes(bad=PALE_GREY)
    image = axes.imshow(panel.shares, cmap=colours, norm=PowerNorm(0.5, 0, 100))
    heading = figure_label(panel.label, longest=layout.characters)
    text = f"{heading}\nclass mean {panel.accuracy:.1f} %".strip()
    if panel.seeds > 1:
        text += f", {panel.seeds} seeds"
    axes.set_title(text, fontsize=layout.text_size)
    if layout.has_numbers:
        _write_numbers(axes, panel.shares, image, layout.number_size)
    return image


def _write_numbers(
    axes: "Axes", shares: NDArray[np.float64], image: "AxesImage", size: float
) -> None:
    """The share of each cell that is not empty."""
    for row, column in np.argwhere(shares > 0).tolist():
        share = float(shares[row, column])
        text = "<1"
        if share >= 0.5:
            text = f"{share:.0f}"
        number = axes.text(column, row, text, ha="center", va="center", fontsize=size)
        number.set_color(text_colour(image, share))
        # it lies inside of the matrix; measuring thousands takes seconds
        number.set_in_layout(False)


def _write_names(
    axes: "Axes", classes: Sequence[str], layout: _Layout, *, left: bool, bottom: bool
) -> None:
    """The names of the classes, at the left and at the bottom of the figure, if there is room."""
    axes.tick_params(length=0, labelleft=left, labelbottom=bottom)
    names: list[str] = []
    if layout.has_names:
        names = [figure_label(name, longest=22) for name in classes]
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90, fontsize=layout.name_size)
    axes.set_yticks(places, names, fontsize=layout.name_size)
    if left:
        axes.set_ylabel("class", fontsize=layout.text_size)


def _mistakes_in_words(panel: Panel, *, longest: int) -> list[str]:
    """What is most often mistaken, in lines of text.

    Args:
        panel: the matrix.
        longest: characters of a name.
    """
    lines = []
    for mistake in panel.mistakes:
        name = figure_label(mistake.name, longest=longest)
        taken_for = figure_label(mistake.taken_for, longest=longest)
        lines.append(f"{name} taken for {taken_for}: {mistake.number:,}")
    return lines


def _draw_scale(figure: "Figure", image: "AxesImage", cells: Sequence[Any]) -> None:
    """What the colours mean; small shares are spread out, as what is mistaken is mostly rare."""
    bar = figure.colorbar(
        image, ax=cells, shrink=0.6, aspect=30, pad=0.02, label="share of the class (%)"
    )
    bar.set_ticks([0, 1, 5, 10, 25, 50, 75, 100])
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
