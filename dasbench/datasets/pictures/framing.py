"""What networks see of a photograph: which part of it, at which size, mirrored or not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BeforeValidator

from dasbench.datasets.dataset import IMAGENET_MEAN
from dasbench.datasets.pictures.crops import NUM_DRAWS, Box, centre_box, random_box

Fit = Literal["crop", "squeeze", "pad"]
"""How an image of another shape gets to the wanted one: cut, distorted, or filled up."""

SIDES = (8, 4096)
"""The shortest and the longest side of an image that networks see, in pixels."""

FILLING = tuple(round(255 * mean) for mean in IMAGENET_MEAN)
"""The colour beside a padded image: the mean of images, so that networks see zeros there."""


def checked_image_size(given: Any) -> int | tuple[int, int]:
    """What a study says about the size of images, if it is one; a square is always one number.

    Equal trials have to be written alike, for they share a key.

    Raises:
        ValueError: saying what would be right.

    Example:
        >>> checked_image_size(64), checked_image_size([64, 64]), checked_image_size([32, 320])
        (64, 64, (32, 320))
    """
    sides: Sequence[int] = [given, given]
    if isinstance(given, list | tuple):
        sides = given
    if len(sides) != 2 or not all(map(_is_side, sides)):
        shown = repr(given) if isinstance(given, str) else json.dumps(given, default=str)
        pixels = f"in pixels from {SIDES[0]} to {SIDES[1]}"
        raise ValueError(f"must be one side of a square or [height, width], {pixels}, not {shown}")
    height, width = sides
    if height == width:
        return height
    return height, width


def _is_side(side: object) -> bool:
    return isinstance(side, int) and not isinstance(side, bool) and SIDES[0] <= side <= SIDES[1]


ImageSize = Annotated[int | tuple[int, int], BeforeValidator(checked_image_size)]
"""The side of a square, or height and width, in pixels."""


@dataclass(frozen=True)
class Framing:
    """From a decoded image to what networks see of it.

    How an image gets to the wanted shape, and what is seen of it:

    - `crop`: a part is cut out that has the shape. In evaluation it is the largest such part in the
      centre, but for an eighth of each side; in training a random one (RandomResizedCrop), whose
      shape differs by up to 4/3.
    - `squeeze`: the image is distorted to the shape. Evaluation sees all of it; training a random
      part that has the image's own shape, but for up to 4/3, and is distorted as much.
    - `pad`: the image keeps its shape, is scaled to fit, and stands in the centre of `FILLING`.
      Evaluation sees all of it; training a random part as with `squeeze`, scaled to fit. Nothing
      larger than what is given out is filled.

    In training, half of the images are mirrored.

    Args:
        height: of what is given out, in pixels.
        width: of what is given out, in pixels.
        fit: how an image of another shape gets there.

    Example:
        >>> wide = Image.new("RGB", (480, 48))
        >>> for fit in ("crop", "squeeze", "pad"):
        ...     framing = Framing.of((32, 64), fit)
        ...     print(fit, framing.shown(wide).size, f"{framing.seen_share(480, 48):.2f}")
        crop (64, 32) 0.15
        squeeze (64, 32) 1.00
        pad (64, 32) 1.00
    """

    height: int
    width: int
    fit: Fit = "crop"
    num_draws: int = NUM_DRAWS

    @classmethod
    def of(cls, image_size: int | Sequence[int], fit: Fit = "crop") -> "Framing":
        """The framing that a data set's parameters ask for."""
        if isinstance(image_size, int):
            return cls(image_size, image_size, fit)
        height, width = image_size
        return cls(height, width, fit)

    def shown(self, image: Image.Image, draws: Sequence[float] | None = None) -> Image.Image:
        """What is seen of one image.

        Args:
            image: as it was decoded.
            draws: uniform numbers in [0, 1), at least `num_draws`, for training; None for
                evaluation.
        """
        return self._frame(image, draws, Image.Resampling.BILINEAR, FILLING)

    def shown_map(
        self, class_map: Image.Image, draws: Sequence[float] | None = None, *, outside: int = 0
    ) -> Image.Image:
        """What is seen of a map that gives each pixel a number: each number stays as it is.

        Args:
            class_map: 8-bit numbers (mode L), of the size of the image.
            draws: those that the image is varied by.
            outside: the number of what a padded image does not fill.
        """
        return self._frame(class_map, draws, Image.Resampling.NEAREST, outside)

    def _frame(
        self,
        image: Image.Image,
        draws: Sequence[float] | None,
        resampling: Image.Resampling,
        filling: int | tuple[int, ...],
    ) -> Image.Image:
        part = image.crop(self._box(*image.size, draws))
        width, height = self._size_of(*part.size)
        framed = part.resize((width, height), resampling)
        if (width, height) != (self.width, self.height):
            canvas = Image.new(image.mode, (self.width, self.height), filling)
            canvas.paste(framed, ((self.width - width) // 2, (self.height - height) // 2))
            framed = canvas
        if draws is not None and draws[-1] < 0.5:
            return framed.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return framed

    def _box(self, width: int, height: int, draws: Sequence[float] | None) -> Box:
        """The part of an image that is seen."""
        shape = width / height
        if self.fit == "crop":
            shape = self.width / self.height
        if draws is not None:
            return random_box(width, height, draws, shape=shape)
        if self.fit == "crop":
            return centre_box(width, height, shape=shape)
        return Box(0, 0, width, height)

    def _size_of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height at which a part of an image is seen."""
        if self.fit != "pad":
            return self.width, self.height
        scale = min(self.width / width, self.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def seen_share(self, width: int, height: int) -> float:
        """The share of an image's area that evaluation sees.

        Args:
            width: of the image, in pixels.
            height: of the image, in pixels.

        Example:
            >>> Framing.of(32).seen_share(480, 48), Framing.of(32, "squeeze").seen_share(480, 48)
            (0.0765625, 1.0)
        """
        left, upper, right, lower = self._box(width, height, None)
        return (right - left) * (lower - upper) / (width * height)

    def downscale(self, width: int, height: int) -> float:
        """By which factor evaluation reduces an image, along the side where it is more.

        Below 1, the image is enlarged.

        Args:
            width: of the image, in pixels.
            height: of the image, in pixels.

        Example:
            >>> Framing.of(32, "squeeze").downscale(480, 48), Framing.of(64).downscale(32, 32)
            (15.0, 0.4375)
        """
        left, upper, right, lower = self._box(width, height, None)
        shown_width, shown_height = self._size_of(right - left, lower - upper)
        return max((right - left) / shown_width, (lower - upper) / shown_height)
