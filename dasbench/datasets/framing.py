"""What networks see of a photograph: which part of it, at which size, mirrored or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le
from PIL import Image
from pydantic import AfterValidator

from dasbench.datasets.crops import NUM_DRAWS, centre_box, random_box

Fit = Literal["crop", "squeeze", "pad"]
"""How an image of another shape becomes one of the wanted shape: cut to it, distorted to it, or filled up to it."""

Side = Annotated[int, Ge(8), Le(4096)]


def _one_number_for_a_square(size: int | tuple[int, int]) -> int | tuple[int, int]:
    """The same size is always written alike, so that equal trials share a key."""
    return size[0] if isinstance(size, tuple) and size[0] == size[1] else size


ImageSize = Annotated[Side | tuple[Side, Side], AfterValidator(_one_number_for_a_square)]
"""The side of a square, or height and width, in pixels."""


@dataclass(frozen=True)
class Framing:
    """From a decoded image to what networks see of it.

    Args:
        height: of what is given out, in pixels.
        width: of what is given out, in pixels.
        fit: how an image of another shape gets there.
    """

    height: int
    width: int
    fit: Fit = "crop"
    num_draws: int = NUM_DRAWS

    @classmethod
    def of(cls, image_size: int | tuple[int, int], fit: Fit = "crop") -> "Framing":
        """The framing that a data set's parameters ask for."""
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        return cls(height, width, fit)

    def shown(self, image: Image.Image, draws: Sequence[float] | None = None) -> Image.Image:
        """What is seen of one image.

        Args:
            image: as it was decoded.
            draws: uniform numbers in [0, 1), at least `num_draws`, for training; None for evaluation.
        """
        box = centre_box(*image.size) if draws is None else random_box(*image.size, draws)
        shown = image.crop(box).resize((self.width, self.height), Image.Resampling.BILINEAR)
        mirrored = draws is not None and draws[-1] < 0.5
        return shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else shown

    def seen_share(self, width: int, height: int) -> float:
        """The share of an image's area that evaluation sees."""
        box = centre_box(width, height)
        return (box.right - box.left) * (box.lower - box.upper) / (width * height)

    def downscale(self, width: int, height: int) -> float:
        """By which factor the sides of an image shrink in evaluation; less than 1 where they grow."""
        box = centre_box(width, height)
        return max((box.right - box.left) / self.width, (box.lower - box.upper) / self.height)
