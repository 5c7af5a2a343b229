"""How an image file becomes pixels: the one place that decides, for training, evaluation, saliency and reports."""

import struct
import zlib
from pathlib import Path

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


def readable_endings() -> frozenset[str]:
    """The endings of files that are pictures, in lower case, with their dot."""
    Image.init()
    foreign = ("EPS", "WMF", "MPEG", "HDF5", "GRIB", "BUFR", "PDF")
    known = {ending for ending, name in Image.EXTENSION.items() if name in Image.OPEN and name not in foreign}
    return frozenset(known)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its first bytes, whatever its name."""
    try:
        with Image.open(path, formats=("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000")):
            return True
    except UNREADABLE:
        return False
