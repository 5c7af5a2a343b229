"""Which part of a photograph is shown: a random one in training, the centre in evaluation."""

import math
from collections.abc import Sequence
from typing import NamedTuple

ATTEMPTS = 10
NUM_DRAWS = 2 * ATTEMPTS + 3
"""Draws for one image: area and shape of each attempt, then top, left and whether to mirror."""

AREA = (0.08, 1.0)
SHAPE = (3 / 4, 4 / 3)
"""Ranges of a random crop's share of the area, and of its shape divided by the wanted one."""

CENTRE = 0.875
"""Side of the part that is evaluated, divided by the image's shorter side (224 of 256 pixels)."""


class Box(NamedTuple):
    """A part of an image, in pixels, as Pillow counts them: right and lower are outside."""

    left: int
    upper: int
    right: int
    lower: int


def random_box(width: int, height: int, draws: Sequence[float], *, shape: float = 1.0) -> Box:
    """A part of random area, shape and place.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        draws: uniform numbers in [0, 1), at least `NUM_DRAWS`.
        shape: the width that is wanted divided by the height; the part has it but for a factor in
            `SHAPE`.

    Source:
        The crop of Szegedy et al. 2015 (arXiv:1409.4842, section 6), by torchvision's
        RandomResizedCrop: ten attempts, then the centre.

    Example:
        >>> random_box(100, 80, [0.5] * NUM_DRAWS)
        Box(left=17, upper=7, right=83, lower=73)
    """
    log_shape = tuple(map(math.log, SHAPE))
    for attempt in range(ATTEMPTS):
        for_area, for_shape = draws[2 * attempt], draws[2 * attempt + 1]
        area = width * height * (AREA[0] + (AREA[1] - AREA[0]) * for_area)
        own_shape = shape * math.exp(log_shape[0] + (log_shape[1] - log_shape[0]) * for_shape)
        w, h = round(math.sqrt(area * own_shape)), round(math.sqrt(area / own_shape))
        if 0 < w <= width and 0 < h <= height:
            top = math.floor(draws[2 * ATTEMPTS] * (height - h + 1))
            left = math.floor(draws[2 * ATTEMPTS + 1] * (width - w + 1))
            return Box(left, top, left + w, top + h)
    nearest = min(max(width / height, SHAPE[0] * shape), SHAPE[1] * shape)
    w, h = min(width, round(height * nearest)), min(height, round(width / nearest))
    return _centred_box(width, height, max(1, w), max(1, h))


def centre_box(width: int, height: int, *, shape: float = 1.0) -> Box:
    """The part in the centre that has the wanted shape: `CENTRE` of each side of the largest.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        shape: the width that is wanted divided by the height.

    Example:
        >>> centre_box(500, 256)
        Box(left=138, upper=16, right=362, lower=240)
        >>> centre_box(500, 256, shape=4)
        Box(left=31, upper=73, right=469, lower=182)
    """
    widest = min(width, height * shape)
    w, h = round(widest * CENTRE), round(widest / shape * CENTRE)
    return _centred_box(width, height, max(1, w), max(1, h))


def _centred_box(width: int, height: int, w: int, h: int) -> Box:
    left, top = (width - w) // 2, (height - h) // 2
    return Box(left, top, left + w, top + h)
