"""How a picture lies in its file, and how its pixels, and boxes in it, are turned upright."""

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for files that are no image, or a damaged one."""

SIDEWAYS = frozenset({5, 6, 7, 8})
"""The orientations whose width is shown as height."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture of an orientation upright."""


def orientation_of(image: ImageFile.ImageFile, *, decode: bool = True) -> int:
    """How a picture lies in its file, as EXIF counts, 1 to 8; 1, upright, if it does not say so.

    Args:
        image: opened; a TIFF not yet decoded, as decoding turns it.
        decode: whether a PNG may be decoded for what stands behind its pixels; else that is looked
            for in the file.
    """
    try:
        found = _tags_of(image, decode=decode).get(ExifTags.Base.Orientation)
    except UNREADABLE:
        return 1
    if isinstance(found, int) and found in TURNS:
        return found
    return 1


def _tags_of(image: ImageFile.ImageFile, *, decode: bool) -> Mapping[int, object]:
    """What a picture says of itself, by EXIF's numbers."""
    if isinstance(image, TiffImageFile):
        return image.tag_v2
    if decode or image.format != "PNG":
        return image.getexif()
    return _exif_of_png(image)


def _exif_of_png(image: ImageFile.ImageFile) -> Image.Exif:
    """The EXIF block of a PNG, before its pixels or behind them, without decoding those."""
    exif = Image.Exif()
    if image.fp is None or "exif" in image.info or "Raw profile type exif" in image.info:
        return Image.Image.getexif(image)
    place = 8
    while True:
        image.fp.seek(place)
        length, name = struct.unpack(">I4s", image.fp.read(8))
        if name == b"eXIf":
            exif.load(image.fp.read(length))
        if name in (b"eXIf", b"IEND"):
            return exif
        place += length + 12


def stored_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height as the pixels lie in the file; Pillow exchanges those of some TIFFs."""
    if isinstance(image, TiffImageFile):
        return image.tag_v2[IMAGEWIDTH], image.tag_v2[IMAGELENGTH]
    return image.size


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """A picture upright; itself, if it is.

    Args:
        picture: as it lies in its file.
        orientation: how that is.

    Example:
        >>> turned(Image.new("L", (3, 2)), 6).size
        (2, 3)
    """
    if orientation == 1:
        return picture
    return picture.transpose(TURNS[orientation])


def turned_boxes(
    boxes: NDArray[np.float32], orientation: int, *, width: int, height: int
) -> NDArray[np.float32]:
    """Boxes where their objects are shown.

    Args:
        boxes: left, upper, right and lower edge in pixels, of the picture as it lies in its file,
            [n, 4].
        orientation: how that is.
        width: of the picture as it lies in its file.
        height: of the same.

    Example:
        >>> turned_boxes(np.float32([[0, 0, 2, 1]]), 6, width=6, height=4).tolist()
        [[3.0, 0.0, 4.0, 2.0]]
    """
    left, upper, right, lower = boxes.T
    if orientation in (2, 3, 7, 8):  # what lies to the right is shown to the left, or at the top
        left, right = width - right, width - left
    if orientation in (3, 4, 6, 7):  # what lies below is shown above, or to the left
        upper, lower = height - lower, height - upper
    if orientation in SIDEWAYS:
        left, upper, right, lower = upper, left, lower, right
    return np.stack([left, upper, right, lower], axis=1)
