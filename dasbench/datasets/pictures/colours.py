"""How a decoded picture becomes 8-bit sRGB: depth, transparency, palettes, colour spaces.

- 16 bits: the low byte is dropped, as Pillow does for colours, so that a picture scores as its
  8-bit copy does. What has 12 bits in a file of 16 stays as dark as viewers show it; a TIFF that
  states 9 to 15 bits is scaled by those.
- 32-bit whole numbers are taken for 16 bits; negative ones, those above 65535, and pictures that
  seem to hold 8 bits are refused. Decimal numbers have to lie from 0 to 1 and are scaled by 255.
  One bit becomes 0 or 255.
- Transparency is laid on white. A BMP or TGA that is transparent everywhere has an unused channel,
and no transparency.
- An embedded colour profile is followed to sRGB by its perceptual rendering (ImageCms). One that
  differs from sRGB by two levels at most is taken for sRGB, and what is damaged or for another kind
  of pixels is ignored, as in viewers.
- CMYK without a profile is converted by Pillow's formula; JPEGs in CMYK are taken to be inverted,
  as Adobe's are and browsers do. LAB is that of D50. The gamma that a PNG may state without a
  profile is not followed.
"""

from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from dasbench.errors import DataError

SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""What the profile of an image of a mode describes, as profiles call it."""

GREY_MODES = ("1", "L", "LA", "La")

NEAR_SRGB = 2
"""Levels of 255 by which no colour may change under a profile that is as good as sRGB."""

WHITE = (255, 255, 255)

FULL_OF_GAPS = ("BMP", "DIB", "TGA")
"""Formats that store a fourth channel whether or not it means something."""

REMEDY = "save it with 8 or 16 bits"


def to_rgb(image: Image.Image) -> Image.Image:
    """A decoded picture as 8-bit sRGB, without transparency; another object, whatever it was.

    Args:
        image: as Pillow decoded it, in any mode.

    Raises:
        DataError: if it holds numbers that cannot be shown; without the name of the file.

    Example:
        >>> to_rgb(Image.new("RGBA", (1, 1), (200, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    profile = image.info.get("icc_profile")
    if image.mode == "RGB" and "transparency" not in image.info and not profile:
        return image.copy()
    colours, alpha = _colours_and_alpha(_in_8_bits(image))
    rgb = _in_srgb(colours, profile)
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    if image.format in FULL_OF_GAPS and alpha.getextrema() == (0, 0):
        return rgb
    return Image.composite(rgb, Image.new("RGB", rgb.size, WHITE), alpha)


def mend_transparency(image: Image.Image) -> None:
    """Make the transparent colour of an opened PNG one of the colours that Pillow decodes to.

    Pillow scales grey of 2 and 4 bits up to 8 and colours of 16 bits down, but leaves the
    transparent one as it is.
    """
    transparent, tiles = image.info.get("transparency"), getattr(image, "tile", None)
    if image.format != "PNG" or transparent is None or not tiles:
        return
    stored = tiles[0][3]
    if stored in ("L;2", "L;4") and isinstance(transparent, int):
        image.info["transparency"] = transparent * {"L;2": 85, "L;4": 17}[stored]
    if stored == "RGB;16B" and isinstance(transparent, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """The same with at most 8 bits a channel."""
    if image.mode.startswith("I;16"):
        return _of_16_bits(image)
    if image.mode == "I":
        return _of_32_bits(image)
    if image.mode == "F":
        return _of_decimals(image)
    return image


def _of_16_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    grey = _high_byte(values, bits=_stored_bits(image))
    if isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0:
        grey = 255 - grey  # Pillow inverts grey whose zero is white for 8 bits, not for 16
    transparent = image.info.get("transparency")
    if transparent is None:
        return Image.fromarray(grey)
    alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
    return Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))


def _of_32_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise DataError(
            f"holds whole numbers from {low} to {high}; only 0 to 65535 can be shown: {REMEDY}"
        )
    if 0 < high < 256 and _stored_bits(image) == 32:
        what = f"holds whole numbers up to {high} in 32 bits, which may be meant as 8 bits or as 16"
        raise DataError(f"{what}: {REMEDY}")
    return Image.fromarray(_high_byte(values, bits=16))


def _of_decimals(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise DataError(
            f"holds values that are no number (NaN or infinite): replace them, or {REMEDY}"
        )
    if values.min() < 0 or values.max() > 1:
        extremes = f"from {values.min():g} to {values.max():g}"
        raise DataError(
            f"holds decimal numbers {extremes}; only 0 to 1 can be shown: scale them, or {REMEDY}"
        )
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _high_byte(values: NDArray[np.integer], *, bits: int) -> NDArray[np.uint8]:
    return (values >> (bits - 8)).astype(np.uint8)


def _stored_bits(image: Image.Image) -> int:
    """How many bits a grey pixel has that Pillow gives more than 8."""
    if isinstance(image, TiffImageFile):
        bits: int = image.tag_v2.get(BITSPERSAMPLE, (16,))[0]
        if 9 <= bits <= 32:
            return bits
    elif image.mode == "I" and image.format not in ("PNG", "PPM"):
        return 32
    return 16


def _colours_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours of an image, as L, RGB, CMYK or LAB, and its transparency, if it has some."""
    mode = "L" if image.mode in GREY_MODES else "RGB"
    if image.has_transparency_data:
        whole = image.convert("RGBA")
        return whole.convert(mode), whole.getchannel("A")
    if image.mode in SPACES:
        return image, None
    return image.convert(mode), None


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image, in one of the modes that a profile may describe, as sRGB."""
    if profile:
        transform = _transform(profile, image.mode)
        if transform is not None:
            return transform.apply(image)
    return image.convert("RGB")


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB; None if it is none, or makes no difference.

    Transforms keep no state while they are applied, so that threads may share one.
    """
    try:
        described = ImageCms.ImageCmsProfile(BytesIO(profile))
        if described.profile.xcolor_space.strip() != SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(described, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (OSError, TypeError, ValueError, ImageCms.PyCMSError):
        return None
    if _is_as_good_as_none(transform, mode):
        return None
    return transform


def _is_as_good_as_none(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform of grey or RGB changes no colour that can be seen."""
    if mode not in ("L", "RGB"):
        return False
    levels = np.linspace(0, 255, 18).astype(np.uint8)
    grid = np.stack(np.meshgrid(*[levels] * len(mode)), axis=-1).reshape(-1, 18, len(mode))
    if mode == "L":
        grid = grid.squeeze(-1)
    colours = Image.fromarray(grid)
    before = np.asarray(colours.convert("RGB"), np.int16)
    after = np.asarray(transform.apply(colours), np.int16)
    return bool(np.abs(after - before).max() <= NEAR_SRGB)
