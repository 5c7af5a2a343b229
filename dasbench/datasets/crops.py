"""Which part of a photograph is shown: a random one in training, the centre in evaluation."""

import math
from collections.abc import Sequence
from typing import NamedTuple

ATTEMPTS = 10
NUM_DRAWS = 2 * ATTEMPTS + 3
"""Draws for one image: an area and a shape for each attempt, then top, left and whether it is mirrored."""

AREA = (0.08, 1.0)
SHAPE = (3 / 4, 4 / 3)
"""Ranges of a random crop's share of the area and of its width divided by its height."""

CENTRE = 0.875
"""Side of the part that is evaluated, divided by the image's shorter side (224 of 256 pixels)."""


class Box(NamedTuple):
    """A part of an image, in pixels, as Pillow counts them: right and lower are outside."""

    left: int
    upper: int
    right: int
    lower: int


def random_box(width: int, height: int, draws: Sequence[float]) -> Box:
    """A part of random area, shape and place.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        draws: uniform numbers in [0, 1), at least `NUM_DRAWS`.

    Source:
        The crop of Szegedy et al. 2015 (arXiv:1409.4842, section 6), by torchvision's RandomResizedCrop: ten attempts,
        then the centre.

    Example:
        >>> random_box(100, 80, [0.5] * NUM_DRAWS)
        Box(left=17, upper=7, right=83, lower=73)
    """
    log_shape = tuple(map(math.log, SHAPE))
    for attempt in range(ATTEMPTS):
        area = width * height * (AREA[0] + (AREA[1] - AREA[0]) * draws[2 * attempt])
        shape = math.exp(log_shape[0] + (log_shape[1] - log_shape[0]) * draws[2 * attempt + 1])
        w, h = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < w <= width and 0 < h <= height:
            top = math.floor(draws[2 * ATTEMPTS] * (height - h + 1))
            left = math.floor(draws[2 * ATTEMPTS + 1] * (width - w + 1))
            return Box(left, top, left + w, top + h)
    shape = min(max(width / height, SHAPE[0]), SHAPE[1])
    return _centred(width, height, min(width, round(height * shape)), min(height, round(width / shape)))


def centre_box(width: int, height: int) -> Box:
    """The square in the centre.

    Example:
        >>> centre_box(500, 256)
        Box(left=138, upper=16, right=362, lower=240)
    """
    side = max(1, round(min(width, height) * CENTRE))
    return _centred(width, height, side, side)


def _centred(width: int, height: int, w: int, h: int) -> Box:
    left, top = (width - w) // 2, (height - h) // 2
    return Box(left, top, left + w, top + h)
