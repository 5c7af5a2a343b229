"""Labels of variants: taken literally, kept short, and placed where they cover nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dasbench.analysis.significance import Floats
from dasbench.render.plots.style import GREY, INK
from dasbench.spec.labels import is_given, label, short_fields, worded
from dasbench.spec.plain import Record, Variant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

LONGEST_LABEL = 40
"""Characters of a label that a figure shows."""

_MARKER = 6.0  # pixels around a point's centre that stay free
_PADDING = 2.0  # pixels between labels
_RINGS = (9, 16, 25, 36, 50, 66, 84, 104, 128, 156, 190, 230, 280, 340, 410, 490)  # fmt: skip
_NEAR = 7  # rings on which lines are avoided too
_ANGLES = np.deg2rad([0, 180, 30, 330, 150, 210, 60, 300, 120, 240, 90, 270, 15, 345, 165, 195])


def short_labels(variants: Sequence[Variant], labels: Sequence[str] = ()) -> tuple[str, list[str]]:
    """What the labels of a study's variants mean, and the labels.

    These are values alone where all variants vary the same fields.

    Args:
        variants: their varied fields and values.
        labels: what they are called in tables; where the study gives labels of its own, figures
            show these.

    Example:
        >>> short_labels([{"gate.first_norm": "in", "gate.second_norm": "ln"}])
        ('first_norm, second_norm', ['in, ln'])
        >>> short_labels([{"gate": "none"}, {"gate": "das", "gate.alpha": 0.1}])
        ('', ['gate=none', 'gate=das alpha=0.1'])
        >>> short_labels([{"gate": "none"}, {"gate": "das"}], ["none", "DAS"])
        ('', ['none', 'DAS'])
    """
    if labels and any(map(is_given, labels, variants)):
        return "", list(labels)
    rounded = list(map(_round_numbers, variants))
    fields = set(map(tuple, rounded))
    if len(fields) != 1 or not rounded[0]:
        return "", list(map(label, rounded))
    return ", ".join(short_fields(rounded[0]).values()), list(map(_values, rounded))


def _values(variant: Variant) -> str:
    """The values of a variant alone."""
    return ", ".join(worded(key, value) for key, value in variant.items())


def _round_numbers(variant: Variant) -> Record:
    """A variant with numbers as a figure can hold them: of four digits."""
    rounded = dict(variant)
    for key, value in variant.items():
        if isinstance(value, float):
            rounded[key] = float(f"{value:.4g}")
    return rounded


def printable(text: str) -> str:
    r"""Text without control characters: no escapes, no line ends, nothing that breaks a file.

    Example:
        >>> printable("a\x1b[31mb\nc")
        'a [31mb c'
    """
    for character in set(text):
        if not character.isprintable():
            text = text.replace(character, " ")
    return text


def plain_label(text: str) -> str:
    r"""Text that matplotlib shows as it is: no mathematics between dollars.

    Example:
        >>> plain_label("$x$")
        '\\$x\\$'
    """
    return text.replace("$", r"\$")


def figure_label(text: str, *, longest: int = LONGEST_LABEL) -> str:
    r"""A label as a figure shows it: literally, on one line, and no longer than a figure can hold.

    A leading underscore would hide it from a legend, so a space comes first.

    Example:
        >>> figure_label("_x"), figure_label("a" * 9, longest=5)
        (' _x', 'aaaa…')
    """
    line = printable(text)
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    if line.startswith("_"):
        line = f" {line}"
    return plain_label(line)


def place_labels(
    axes: "Axes",
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    *,
    bold: Sequence[bool],
    others: Sequence[tuple[float, float]] = (),
    lines: Sequence[tuple[float, float, float, float]] = (),
) -> int:
    """Write a label beside each point, the bold ones first, each at the nearest place that is free.

    A label that finds no free place is left out rather than laid over something.

    Args:
        axes: where the points are drawn.
        points: their places, in data coordinates.
        labels: what stands beside each.
        bold: which labels are emphasised.
        others: further points that labels must not cover.
        lines: upright and level lines (x0, y0, x1, y1) that labels cover only where nothing near is
            free.

    Returns:
        Number of labels that found no place.
    """
    if not points:
        return 0
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout must be known before labels can be placed
    centres = _in_pixels(axes, points)
    every = _in_pixels(axes, [*points, *others])
    taken = np.column_stack([every - _MARKER, every + _MARKER])
    ends = _in_pixels(axes, lines).reshape(-1, 2, 2)
    crossed = np.column_stack([ends.min(axis=1) - 1, ends.max(axis=1) + 1])
    frame = axes.get_window_extent()
    bounds = np.array([frame.x0, frame.y0, frame.x1, frame.y1])
    left_out = 0
    order = sorted(range(len(points)), key=lambda index: (not bold[index], -centres[index][1]))
    for index in order:
        text = axes.text(0, 0, figure_label(labels[index]), fontsize=7, zorder=5)
        if bold[index]:
            text.set_fontweight("bold")
        near = np.vstack([taken, crossed])
        box = _free_place(text, centres[index], near, bounds, rings=_RINGS[:_NEAR])
        if box is None:
            box = _free_place(text, centres[index], taken, bounds, rings=_RINGS)
        if box is None:
            text.remove()
            left_out += 1
            continue
        taken = np.vstack([taken, box])
        _move(axes, text, box, centres[index])
    return left_out


def _in_pixels(axes: "Axes", places: Sequence[tuple[float, ...]]) -> Floats:
    """Places in data coordinates as rows of (x, y) in pixels."""
    pixels: Floats = axes.transData.transform(np.array(places, dtype=np.float64).reshape(-1, 2))
    return pixels


def _free_place(
    text: "Text", centre: Floats, taken: Floats, bounds: Floats, *, rings: Sequence[int]
) -> Floats | None:
    """The box (x0, y0, x1, y1) nearest to a point, in pixels, that touches nothing."""
    extent = text.get_window_extent()
    size = np.array([extent.width + _PADDING, extent.height + _PADDING])
    for ring in rings:
        direction = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
        middle = centre + direction * (ring + size / 2 * np.abs(direction))
        boxes = np.column_stack([middle - size / 2, middle + size / 2])
        inside = (boxes[:, :2] >= bounds[:2]).all(axis=1) & (boxes[:, 2:] <= bounds[2:]).all(axis=1)
        right_or_above = boxes[:, None, :2] >= taken[None, :, 2:]
        left_or_below = boxes[:, None, 2:] <= taken[None, :, :2]
        apart = right_or_above | left_or_below
        free = inside & np.all(np.any(apart, axis=2), axis=1)
        if free.any():
            chosen: Floats = boxes[free.argmax()]
            return chosen
    return None


def _move(axes: "Axes", text: "Text", box: Floats, centre: Floats) -> None:
    """Put a label into its box, with a line to its point if that is not next to it."""
    to_data = axes.transData.inverted().transform
    x, y = to_data(box[:2] + _PADDING / 2)
    text.set_position((float(x), float(y)))
    text.set_verticalalignment("bottom")
    text.set_color(INK)
    nearest = np.clip(centre, box[:2], box[2:])
    if np.hypot(*(nearest - centre)) > _RINGS[1]:
        start, end = to_data(centre), to_data(nearest)
        xs, ys = zip(start, end, strict=True)
        axes.plot(xs, ys, color=GREY, linewidth=0.5, zorder=1, scalex=False, scaley=False)
