"""The colours of all figures, and how each standing looks."""

from collections.abc import Mapping
from typing import NamedTuple

RED, PALE_RED, GREY, PALE_GREY, INK = "#c0392b", "#e6b0aa", "#8a99a8", "#d8dee4", "#2c3e50"
"""The front, its error bars; all others, theirs; text and what others published."""

SERIES = ("#2c6fbb", "#c0392b", "#3a8f5c", "#b7791f", "#7d4fa3", "#2a9d9d", "#8a5a44", "#6b7280")
"""Colours of curves that stand beside each other."""


class Look(NamedTuple):
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


LOOKS: Mapping[str, Look] = {
    "tried": Look("tried, not confirmed", "white", PALE_GREY, PALE_GREY, 1),
    "dominated": Look("significantly dominated", GREY, GREY, PALE_GREY, 2),
    "possibly": Look("possibly on the front", "white", RED, PALE_RED, 3),
    "front": Look("on the front", RED, RED, PALE_RED, 4),
}
"""Standing -> look, the lowest layer first."""
