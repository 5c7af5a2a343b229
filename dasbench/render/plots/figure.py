"""What all figures share: size, style, equal bytes for equal content, literal text."""

import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dasbench.analysis.significance import Floats
from dasbench.catalog import PLOTS
from dasbench.errors import StoreError, UsageError
from dasbench.render.plots.labels import figure_label, plain_label, printable
from dasbench.render.plots.style import GREY
from dasbench.views.figures.hypervolume import Growth
from dasbench.views.figures.means import SeedMean
from dasbench.views.frontier import Point

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LINES = 6  # of a title
_GAP = 0.1  # inches above and below the axes
_WIDEST = 0.97  # of a figure that a title or a legend takes
_LONGEST_STEM = 150  # characters of a file's name, of the 255 that file systems take

FORMATS = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""File format -> metadata that would differ from run to run."""


@contextmanager
def styled_figure(
    title: str, *, height: float = 4.5, panels: int = 1
) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure in the house style with one set of axes, or with several side by side.

    These share the vertical axis. No window, no global state.

    Args:
        title: what stands above it, as wide as it needs to be.
        height: in inches; the width is 7.
        panels: sets of axes; the first is handed out, all are in `figure.axes`.
    """
    import matplotlib as mpl  # takes a second to import
    from matplotlib.figure import Figure

    style: Any = {
        "svg.hashsalt": "dasbench",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # an empty box says as much
        figure = Figure(figsize=(7, height), dpi=150, layout="constrained")
        all_axes = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
        for axes in all_axes:
            axes.grid(color="#eef1f4", zorder=0)
            axes.set_axisbelow(True)
        _write_heading(figure, title)
        yield figure, all_axes[0]


def _write_heading(figure: "Figure", title: str) -> None:
    """Write a title over as many lines as it needs, on a figure that grows with them."""
    heading = figure.suptitle(" ", x=0.01, ha="left", fontsize=10)
    for columns in (110, 95, 80, 65, 50, 40):
        lines = textwrap.wrap(printable(title), columns, max_lines=_MOST_LINES, placeholder=" …")
        heading.set_text(plain_label("\n".join(lines)))
        if heading.get_window_extent().width <= figure.bbox.width * _WIDEST:
            break
    figure.set_figheight(figure.get_figheight() + 0.17 * max(0, len(lines) - 1))


def legend_below(
    figure: "Figure", handles: Sequence["Artist"], *, title: str = "", columns: int = 3
) -> None:
    """Write the legend under the axes, where it covers nothing.

    It has fewer columns if long names would leave the figure.

    Args:
        figure: what it belongs to.
        handles: what it shows.
        title: what stands above them.
        columns: at the most.
    """
    if not handles and not title:
        return
    for number in range(max(1, min(columns, len(handles))), 0, -1):
        legend = figure.legend(
            handles=list(handles),
            loc="outside lower center",
            ncols=number,
            frameon=False,
            fontsize=8,
            title=figure_label(title, longest=100) or None,
            title_fontsize=8,
        )
        if number == 1 or legend.get_window_extent().width <= figure.bbox.width * _WIDEST:
            return
        legend.remove()


def has_intervals(shown: Sequence[SeedMean | Point | Growth]) -> bool:
    """Whether a spread is known of anything that is shown."""
    return any(one.ci95 is not None for one in shown)


def error_bars(means: Sequence[SeedMean | Point]) -> Floats:
    """Lengths of error bars, NaN where no spread is known."""
    return np.array([mean.ci95 for mean in means], dtype=np.float64)


def mean_scores(means: Iterable[SeedMean | Point]) -> list[float]:
    """The score of everything that is shown."""
    return [mean.mean for mean in means]


def num_with_lost_seeds(means: Iterable[SeedMean | Point]) -> int:
    """How many of what is shown lost seeds."""
    return sum(mean.failed > 0 for mean in means)


def fit_height(figure: "Figure") -> None:
    """Take away what is empty between the title and the axes, and below them.

    That is for axes which are as wide as they can be.
    """
    from matplotlib.transforms import Bbox

    for _ in range(2):  # what is placed by shares of the height moves
        figure.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in figure.axes]
        drawn = Bbox.union(list(filter(None, boxes)))
        heading = min(text.get_window_extent().y0 for text in figure.texts)
        empty = (heading - drawn.y1 + drawn.y0) / figure.dpi - 2 * _GAP
        figure.set_figheight(figure.get_figheight() - max(0.0, empty))


def draw_empty(axes: "Axes", message: str) -> None:
    """Say that there is nothing to see, so that an empty figure is not taken for a broken one."""
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])


def figure_paths(name: str, kind: str, outputs: Sequence[str], *, drawn: bool) -> list[Path]:
    """Where to draw: the files that were asked for, else a PNG and an SVG in `figures/`.

    Args:
        name: the study's name.
        kind: the plot's name.
        outputs: files that were asked for.
        drawn: whether there is a figure without being asked for.

    Raises:
        UsageError: if a file's ending is none that the plot is drawn in, before anything is
            computed.

    Example:
        >>> [str(path) for path in figure_paths("norms@paper", "pareto", [], drawn=True)]
        ['figures/norms_paper_pareto.png', 'figures/norms_paper_pareto.svg']
    """
    if not outputs and drawn:
        stem = f"{re.sub(r'[^A-Za-z0-9+-]', '_', name)[:_LONGEST_STEM]}_{kind}"
        return [Path("figures") / f"{stem}.png", Path("figures") / f"{stem}.svg"]
    known = _endings(kind)
    for output in outputs:
        ending = Path(output).suffix
        if ending not in known:
            raise UsageError(
                f"{output}: a {kind} plot ends in {', '.join(known)}, not in '{ending}'"
            )
    return list(map(Path, outputs))


def _endings(kind: str) -> list[str]:
    """Endings of the files of a plot; one registered with `page=True` has a page too."""
    if PLOTS.written_in_text(kind).page:
        return [*FORMATS, ".html"]
    return [*FORMATS]


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure; the folder is made if it is missing.

    Raises:
        UsageError: if the file's ending is not .png, .svg or .pdf.
        StoreError: if the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: figures end in {', '.join(FORMATS)}, not in '{path.suffix}'")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata=FORMATS[path.suffix])
    except OSError as error:
        raise StoreError(f"{path}: the figure cannot be written: {error.strerror}") from error
