"""The colours of all figures, and how each standing looks."""

from collections.abc import Mapping
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.image import AxesImage

RED, PALE_RED, GREY, PALE_GREY, INK = "#c0392b", "#e6b0aa", "#8a99a8", "#d8dee4", "#2c3e50"
"""The front, its error bars; all others, theirs; text and what others published."""

HOLLOW_GREY = "#b4bfc9"
"""The outline of what was tried and not confirmed."""

SERIES = ("#2c6fbb", "#c0392b", "#3a8f5c", "#b7791f", "#7d4fa3", "#2a9d9d", "#8a5a44", "#6b7280")
"""Colours of curves that stand beside each other."""


def series_colours(number: int) -> list[str]:
    """A colour for each of so many curves; beyond eight they come again."""
    return list(islice(cycle(SERIES), number))


def text_colour(image: "AxesImage", value: float) -> str:
    """The colour of a text on what an image shows for a value: white on what is dark."""
    red, green, blue, _ = image.to_rgba(np.array([value]))[0]
    if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5:
        return "white"
    return INK


class PointLook(NamedTuple):
    """How the points of one standing are drawn.

    Args:
        title: what the legend says.
        fill: colour inside.
        edge: colour of the outline.
        bar: colour of the error bar.
        zorder: what lies over what.
    """

    title: str
    fill: str
    edge: str
    bar: str
    zorder: int


TRIED = "tried"
"""The standing of what a search tried and did not confirm."""

LOOKS: Mapping[str, PointLook] = {
    TRIED: PointLook("tried, not confirmed", "white", HOLLOW_GREY, PALE_GREY, 1),
    "dominated": PointLook("significantly dominated", GREY, GREY, PALE_GREY, 2),
    "possibly": PointLook("possibly on the front", "white", RED, PALE_RED, 3),
    "front": PointLook("on the front", RED, RED, PALE_RED, 4),
}
"""Standing -> look, the lowest layer first."""
