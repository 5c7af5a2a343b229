"""A part of a data set whose images are files: decoded, cropped and mirrored one by one."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dasbench.datasets.crops import NUM_DRAWS, centre_box, random_box
from dasbench.errors import DataError

UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for files that are no image, or a damaged one."""


@dataclass(frozen=True)
class FileSplit:
    """Images in files; training shows a random part of each (RandomResizedCrop), mirrored half of the time.

    Args:
        folder: where the files lie.
        files: path of each image below the folder.
        labels: int64, [N], from 0.
        image_size: height and width in pixels of what is given out.
    """

    folder: Path
    files: Sequence[str]
    labels: Tensor
    image_size: int
    num_draws: int = NUM_DRAWS

    def __len__(self) -> int:
        return len(self.files)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images, decoded in the thread that asks; channels last, as they are decoded."""
        pixels = np.empty((len(indices), self.image_size, self.image_size, 3), np.uint8)
        for row, index in enumerate(indices.tolist()):
            image = read_image(self.folder / self.files[index])
            pixels[row] = np.asarray(self._shown(image, None if draws is None else draws[row].tolist()))
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    def _shown(self, image: Image.Image, draws: list[float] | None) -> Image.Image:
        """What is seen of one image: a random part in training, else the centre."""
        box = centre_box(*image.size) if draws is None else random_box(*image.size, draws)
        shown = image.crop(box).resize((self.image_size, self.image_size), Image.Resampling.BILINEAR)
        mirrored = draws is not None and draws[-1] < 0.5
        return shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else shown


def read_image(path: Path) -> Image.Image:
    """Decode an image file to 8-bit RGB.

    Raises:
        DataError: if it is missing, or no image, or damaged; the message names the file.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError:
        raise DataError(f"{path}: is missing, although it was there when the data set was listed") from None
    except UNREADABLE as error:
        what = f"cannot be decoded as an image ({path.stat().st_size} bytes; {error})"
        raise DataError(f"{path}: {what}; replace or remove it") from error
