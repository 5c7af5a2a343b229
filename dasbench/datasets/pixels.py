"""How an image file becomes pixels: the one place that decides, for training, evaluation, saliency and reports."""

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from PIL import Image

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


class Header(NamedTuple):
    """What an image file says of itself.

    Args:
        width: in pixels, as it is shown.
        height: in pixels.
        frames: how many pictures it holds.
    """

    width: int
    height: int
    frames: int


def read_header(path: Path) -> Header:
    """What an image file says of itself."""
    try:
        with Image.open(path) as image:
            return Header(*image.size, 1)
    except UNREADABLE as error:
        raise DataError(f"{path}: cannot be decoded as an image ({error}); replace or remove it") from error
