"""What all figures share: size, style, files with equal bytes for equal content, labels taken literally."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dasbench.errors import StoreError, UsageError
from dasbench.spec.study import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RED, PALE_RED, GREY, PALE_GREY = "#c0392b", "#e6b0aa", "#8a99a8", "#d8dee4"
"""The front, its error bars; all others, theirs."""

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


def short_labels(variants: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """What the labels of a study's variants mean, and the labels: values alone where all variants vary the same fields.

    Example:
        >>> short_labels([{"gate.first_norm": "in", "gate.second_norm": "ln"}])
        ('first_norm, second_norm', ['in, ln'])
        >>> short_labels([{"gate": "none"}, {"gate": "das", "gate.alpha": 0.1}])
        ('', ['gate=none', 'gate=das alpha=0.1'])
    """
    if len({tuple(variant) for variant in variants}) != 1 or not variants[0]:
        return "", [label(variant) for variant in variants]
    keys = ", ".join(key.rpartition(".")[2] for key in variants[0])
    values = [[label({key: value}).partition("=")[2] for key, value in variant.items()] for variant in variants]
    return keys, [", ".join(parts) for parts in values]


def place_labels(
    axes: "Axes", points: Sequence[tuple[float, float]], labels: Sequence[str], *, bold: Sequence[bool]
) -> None:
    """Write a label beside each point so that no two lie on top of each other.

    Args:
        axes: where the points are drawn.
        points: their places, in data coordinates.
        labels: what stands beside each.
        bold: which labels are emphasised.
    """
    from adjustText import adjust_text  # imports scipy

    if not points:
        return
    axes.figure.canvas.draw()  # the layout must be known before labels can be moved
    texts = [
        axes.text(*point, plain_label(text), fontsize=7, fontweight="bold" if strong else "normal", zorder=4)
        for point, text, strong in zip(points, labels, bold, strict=True)
    ]
    x, y = zip(*points, strict=True)
    adjust_text(
        texts,
        x=list(x),
        y=list(y),
        ax=axes,
        expand=(1.5, 1.8),
        force_text=(0.4, 0.6),
        iter_lim=1000,
        arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.5},
    )


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
