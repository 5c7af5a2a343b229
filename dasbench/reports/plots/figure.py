"""What all figures share: size, style, files with equal bytes for equal content, labels taken literally."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dasbench.errors import StoreError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""File format -> metadata that would differ from run to run."""


@contextmanager
def styled_figure(title: str) -> Iterator[tuple["Figure", "Axes"]]:
    """A figure with one set of axes, in the house style; no window, no global state."""
    import matplotlib as mpl  # takes a second to import
    from matplotlib.figure import Figure

    style: Any = {"svg.hashsalt": "dasbench", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
        axes = figure.subplots()
        axes.set_title(plain_label(title), loc="left", fontsize=10, wrap=True)
        axes.grid(color="#eef1f4", zorder=0)
        yield figure, axes


def plain_label(text: str) -> str:
    r"""Text that matplotlib shows as it is: no mathematics between dollars, no label hidden by an underscore.

    Example:
        >>> plain_label("$x$")
        '\\$x\\$'
    """
    return text.replace("$", r"\$")


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
