"""Drawing scenes of shapes: an object with two far ends, distractors and a textured ground."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.seeds import derive_seed, uniform

Floats = NDArray[np.float32]

VERSION = 1
"""Bumped when the same indices come to mean other images."""

SHAPES = ("disc", "ring", "cross")

RADIUS = 0.12
"""Of an end and of a distractor, as a share of the image's side."""

APART = (0.42, 0.62)
"""Distance between the middles of the two ends, as a share of the image's side."""

BAR = 0.025
"""Half the width of the bar between the ends, as a share of the image's side."""

DISTRACTORS = 6
CONTRAST = 0.4
NEAR = 2.3 * RADIUS
"""How close to the object's axis no distractor stands."""


class Scenes(NamedTuple):
    """Some drawn scenes.

    Args:
        pixels: uint8, [B, 3, H, W].
        masks: whether a pixel belongs to the object, bool, [B, H, W].
    """

    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_]


class Position(NamedTuple):
    """A place in each scene, in shares of the image's side, [B, 1, 1] each."""

    x: Floats
    y: Floats


class PlacedShape(NamedTuple):
    """A shape in each scene: which pixels it may touch, and how much of each it covers.

    Args:
        where: index of scene, row and column, broadcast to [B, P, P].
        cover: from 0 to 1, [B, P, P].
    """

    where: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    cover: Floats


def draw_scenes(
    seed: int,
    indices: NDArray[np.int64],
    *,
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    image_size: int,
    difficulty: float,
) -> Scenes:
    """Draw some scenes; each depends on seed, index, ends, size and difficulty alone.

    Args:
        seed: of all scenes.
        indices: which scenes, [B].
        ends: positions in `SHAPES` of the shapes of both ends, [B] each.
        image_size: height and width in pixels.
        difficulty: 0 draws no distractors on a calm ground; 1 draws six that are as strong as the
            object.

    Example:
        >>> one = np.array([7])
        >>> scenes = draw_scenes(0, one, ends=(one * 0, one * 0 + 1), image_size=32, difficulty=0.5)
        >>> scenes.pixels.shape, bool(scenes.masks.any())
        ((1, 3, 32, 32), True)
    """
    numbers = _uniform(seed, "object", indices, draws=10)[:, :, None, None]
    axis = _ends(numbers[:, :4])
    ground = np.float32(0.35) + np.float32(0.3) * numbers[:, 4:7]
    image = ground + _texture(seed, indices, image_size, difficulty)
    for number in range(round(DISTRACTORS * difficulty)):
        draws = _uniform(seed, f"distractor {number}", indices, draws=6)
        _add_distractor(image, draws, ground, axis, difficulty)
    cover = _cover(_from_axis(_grid(image_size), *axis) - BAR, image_size)
    for middle, shapes in zip(axis, ends, strict=True):
        end = _place_shape(middle, shapes, image_size)
        cover[end.where] = np.maximum(cover[end.where], end.cover)
    image += cover[:, None] * (ground + _colour(numbers[:, 7:10], CONTRAST) - image)
    return Scenes((image.clip(0, 1) * 255).round().astype(np.uint8), cover > 0.5)


def _uniform(seed: int, purpose: str, indices: NDArray[np.int64], *, draws: int) -> Floats:
    """Random numbers of some scenes, [B, draws]."""
    return uniform(derive_seed(seed, purpose), indices, draws=draws).astype(np.float32)


def _grid(image_size: int) -> Position:
    """The middles of all pixels."""
    along = (np.arange(image_size, dtype=np.float32) + np.float32(0.5)) / np.float32(image_size)
    return Position(along[None, None, :], along[None, :, None])


def _ends(numbers: Floats) -> tuple[Position, Position]:
    """The middles of the two ends, both inside of the image."""
    angle = np.float32(2 * math.pi) * numbers[:, 0]
    apart = APART[0] + (APART[1] - APART[0]) * numbers[:, 1]
    dx, dy = apart * np.cos(angle) / 2, apart * np.sin(angle) / 2
    x = 0.5 + (2 * numbers[:, 2] - 1) * (0.5 - 1.1 * RADIUS - np.abs(dx))
    y = 0.5 + (2 * numbers[:, 3] - 1) * (0.5 - 1.1 * RADIUS - np.abs(dy))
    return Position(x - dx, y - dy), Position(x + dx, y + dy)


def _place_shape(middle: Position, shapes: NDArray[np.int64], image_size: int) -> PlacedShape:
    """One shape in each scene, near its middle."""
    side = math.ceil(2 * RADIUS * image_size) + 3
    left, upper = (
        np.floor((along - RADIUS) * image_size - 1).clip(0, image_size - side).astype(np.int64)
        for along in middle
    )
    rows, columns = upper + np.arange(side)[:, None], left + np.arange(side)
    scale = np.float32(image_size)
    dx = np.abs((columns + np.float32(0.5)) / scale - middle.x)
    dy = np.abs((rows + np.float32(0.5)) / scale - middle.y)
    far = np.sqrt(dx * dx + dy * dy)
    outside = (
        far - RADIUS,
        np.abs(far - 0.76 * RADIUS) - 0.24 * RADIUS,
        np.maximum(np.minimum(dx, dy) - 0.26 * RADIUS, np.maximum(dx, dy) - RADIUS),
    )
    cover = _cover(np.choose(shapes[:, None, None], outside), image_size)
    return PlacedShape((np.arange(len(shapes))[:, None, None], rows, columns), cover)


def _cover(outside: Floats, image_size: int) -> Floats:
    """From the distance to an edge to the share of a pixel that lies inside of it."""
    return (0.5 - outside * image_size).clip(0, 1)


def _from_axis(grid: Position, first: Position, second: Position) -> Floats:
    """Distance to the line between two points."""
    dx, dy = second.x - first.x, second.y - first.y
    along = ((grid.x - first.x) * dx + (grid.y - first.y) * dy) / (dx * dx + dy * dy)
    along = along.clip(0, 1)
    x, y = grid.x - first.x - along * dx, grid.y - first.y - along * dy
    distance: Floats = np.sqrt(x * x + y * y)
    return distance


def _add_distractor(
    image: Floats,
    numbers: Floats,
    ground: Floats,
    axis: tuple[Position, Position],
    difficulty: float,
) -> None:
    """Paint a lone shape of any kind into each scene, unless it would stand near the object."""
    image_size = image.shape[-1]
    numbers = numbers[:, :, None, None]
    places = np.float32(RADIUS) + np.float32(1 - 2 * RADIUS) * numbers[:, :2]
    middle = Position(places[:, 0], places[:, 1])
    shapes = np.floor(numbers[:, 2, 0, 0] * len(SHAPES)).astype(np.int64)
    (scene, rows, columns), cover = _place_shape(middle, shapes, image_size)
    cover = (cover * (_from_axis(middle, *axis) > NEAR))[..., None]
    colour = ground + _colour(numbers[:, 3:6], CONTRAST * (0.4 + 0.6 * difficulty))
    painted = image[scene, :, rows, columns]  # [B, P, P, 3]
    image[scene, :, rows, columns] = painted + cover * (colour.transpose(0, 2, 3, 1) - painted)


def _colour(numbers: Floats, contrast: float) -> Floats:
    """Lighter or darker than the ground, in each channel on its own, [B, 3, 1, 1]."""
    return np.where(numbers < 0.5, np.float32(-contrast), np.float32(contrast))


def _texture(seed: int, indices: NDArray[np.int64], image_size: int, difficulty: float) -> Floats:
    """Smooth coloured clouds, finer grey ones, and grain: [B, 3, H, W] around zero."""
    strength = np.float32(0.5 + 0.5 * difficulty)
    clouds = np.float32(0.3) * _noise(seed, "clouds", indices, image_size, cells=4, channels=3)
    fine = np.float32(0.2) * _noise(seed, "fine", indices, image_size, cells=12, channels=1)
    grain = np.float32(0.12) * (
        _uniform(seed, "grain", indices, draws=image_size**2) - np.float32(0.5)
    )
    return strength * (clouds + (fine + grain.reshape(fine.shape)))


def _noise(
    seed: int,
    purpose: str,
    indices: NDArray[np.int64],
    image_size: int,
    *,
    cells: int,
    channels: int,
) -> Floats:
    """Random values on a coarse grid, interpolated: [B, channels, H, W] in -0.5 to 0.5."""
    side = cells + 1
    numbers = _uniform(seed, purpose, indices, draws=channels * side * side)
    grid = numbers.reshape(-1, channels, side, side) - np.float32(0.5)
    place = (np.arange(image_size, dtype=np.float32) + np.float32(0.5)) * np.float32(
        cells / image_size
    )
    low = np.floor(place).astype(np.int64)
    share = place - low.astype(np.float32)
    rows = grid[:, :, low] * (1 - share)[:, None] + grid[:, :, low + 1] * share[:, None]
    smooth: Floats = rows[..., low] * (1 - share) + rows[..., low + 1] * share
    return smooth
