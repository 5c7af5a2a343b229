"""Mask files: the values or colours in them, and what they say of the pixels of an image."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dasbench.datasets.pictures.orientation import SIDEWAYS, turned
from dasbench.datasets.pictures.pixels import read_header, read_values
from dasbench.errors import DataError

MOST_VALUES = 65536
"""Of one mask: those of 16 bits."""

MOST_COLOURS = 256
"""Of one mask whose colours stand for classes; a photograph has more."""

JPEG = b"\xff\xd8\xff"
"""What a JPEG begins with."""


EIGHT_BITS = ("L", "P")
"""Modes of masks with at most 256 values: what is said of each value is said of all its pixels."""

COLOURS = ("RGB", "RGBA", "LA", "PA")
"""Modes of masks that may hold colours which are no numbers."""


class Found(NamedTuple):
    """What one mask holds.

    Args:
        values: the numbers of its pixels; empty if it has colours that are no numbers.
        colours: the colours of its pixels as `colour_code` counts them; empty if they are too many
            for classes.
        of_palette: whether a palette gives the numbers colours.
    """

    values: tuple[int, ...]
    colours: tuple[int, ...]
    of_palette: bool = False


@dataclass(frozen=True)
class Decoding:
    """Which class the values or colours of masks mean.

    Args:
        by_colour: whether colours tell the class, or values.
        codes: the values, or colours as `colour_code` counts them, rising.
        numbers: what each means in a class map.
    """

    by_colour: bool
    codes: tuple[int, ...]
    numbers: tuple[int, ...]

    def class_map(self, mask: Image.Image) -> Image.Image:
        """The class of each pixel, mode L.

        Raises:
            DataError: if a value or a colour means nothing.
        """
        if mask.mode not in EIGHT_BITS:
            return Image.fromarray(self._numbers_of(self._codes_of(mask)))
        row = _each_value_once(mask)
        numbers = np.zeros(256, np.uint8)
        numbers[np.asarray(row)] = self._numbers_of(self._codes_of(row))
        return Image.fromarray(numbers[np.asarray(mask)])

    def _codes_of(self, mask: Image.Image) -> NDArray[np.int32]:
        """What tells the class of each pixel."""
        if self.by_colour:
            return _colours_of(mask)
        return _values_of(mask)

    def _numbers_of(self, pixels: NDArray[np.int32]) -> NDArray[np.uint8]:
        """What values or colours mean."""
        codes = np.array(self.codes, np.int32)
        places = np.searchsorted(codes, pixels).clip(max=len(codes) - 1)
        unknown = pixels[codes[places] != pixels]
        if len(unknown):
            first = f"value {unknown[0]}"
            if self.by_colour:
                first = colour_name(int(unknown[0]))
            raise DataError(f"has the {first}, which means no class")
        numbers: NDArray[np.uint8] = np.array(self.numbers, np.uint8)[places]
        return numbers


def colour_code(red: int, green: int, blue: int) -> int:
    """A colour as one number.

    Example:
        >>> colour_code(1, 0, 255), colour_name(65791)
        (65791, 'colour #0100ff')
    """
    return red << 16 | green << 8 | blue


def colour_name(code: int) -> str:
    """A colour in words."""
    return f"colour #{code:06x}"


def read_mask(path: Path, image: Path) -> Image.Image:
    """A mask of the size of its image as it is shown.

    It is turned with the image if it has the size in which that is stored.

    Raises:
        DataError: if it has another size, cannot be decoded, or is of a format that changes values.
    """
    mask, header = read_values(path), read_header(image)
    with path.open("rb") as stream:
        if stream.read(len(JPEG)) == JPEG:
            remedy = "a mask has to be a PNG, TIFF, BMP or GIF"
            raise DataError(f"{path}: is a JPEG, which changes values; {remedy}")
    size = header.width, header.height
    if mask.size == size:
        return mask
    if mask.size == size[::-1] and header.orientation in SIDEWAYS:
        return turned(mask, header.orientation)
    sizes = f"is {mask.width}x{mask.height}, but its image {image} is {size[0]}x{size[1]}"
    raise DataError(f"{path}: {sizes} (width x height); a mask needs the size of its image")


def look_into(path: Path, image: Path) -> Found:
    """The values and colours of a mask.

    Raises:
        DataError: as `read_mask`, or if its numbers are no classes.
    """
    mask = read_mask(path, image)
    pixels = mask
    if mask.mode in EIGHT_BITS:
        pixels = _each_value_once(mask)
    values: list[int] = []
    try:
        values = np.unique(_values_of(pixels)).tolist()
    except DataError as error:
        if mask.mode not in COLOURS:
            raise DataError(f"{path}: {error}") from error
    colours = np.unique(_colours_of(pixels)).tolist()
    if len(colours) > MOST_COLOURS:
        colours = []
    return Found(tuple(values), tuple(colours), mask.mode == "P")


def _each_value_once(mask: Image.Image) -> Image.Image:
    """One row of pixels with the values of a mask of 8 bits, rising, and its palette."""
    row = Image.fromarray(np.flatnonzero(mask.histogram()).astype(np.uint8)[None])
    if mask.mode == "P":
        row.putpalette(mask.getpalette("RGB") or [])
    return row


def _values_of(mask: Image.Image) -> NDArray[np.int32]:
    """The number of each pixel: an index of the palette, a level of grey, or a bit.

    Raises:
        DataError: if it has colours without a palette, or numbers that are no classes.
    """
    if mask.mode in ("1", "L", "P"):
        return np.asarray(mask).astype(np.int32)
    if mask.mode.startswith("I"):
        numbers = np.asarray(mask).astype(np.int64)
        if numbers.min() < 0 or numbers.max() >= MOST_VALUES:
            what = f"has values from {numbers.min()} to {numbers.max()}"
            raise DataError(f"{what}; classes are from 0 to 65535")
        return numbers.astype(np.int32)
    if mask.mode == "F":
        raise DataError("has fractions, not whole numbers, for values")
    colours = _colours_of(mask)
    grey = colours & 0xFF
    if (colours != grey * 0x010101).any():
        raise DataError("has colours, not numbers")
    return grey


def _colours_of(mask: Image.Image) -> NDArray[np.int32]:
    """The colour of each pixel as `colour_code` counts it; what is transparent is black."""
    if mask.mode == "P":
        of_palette: NDArray[np.int32] = _palette_of(mask)[np.asarray(mask)]
        return of_palette
    if mask.mode == "1":
        mask = mask.convert("L")
    if mask.mode == "L" or mask.mode.startswith("I"):
        return _values_of(mask) * 0x010101
    red, green, blue, alpha = np.moveaxis(np.asarray(mask.convert("RGBA")).astype(np.int32), -1, 0)
    return np.where(alpha == 0, 0, red << 16 | green << 8 | blue).astype(np.int32)


def _palette_of(mask: Image.Image) -> NDArray[np.int32]:
    """The colour of each of 256 numbers."""
    palette = mask.getpalette("RGB") or []
    red, green, blue = np.array([*palette, *[0] * (768 - len(palette))], np.int32).reshape(256, 3).T
    colours: NDArray[np.int32] = red << 16 | green << 8 | blue
    return colours
