"""How an image file becomes pixels: decided here for training, evaluation, saliency and reports.

What viewers show is what networks see: 8-bit sRGB, upright. `colours` says how depths, transparency
and colour spaces get there.

- Orientation: turned as EXIF says (all eight values; in JPEG, PNG, TIFF, WebP and AVIF); an EXIF
  block that cannot be read is ignored.
- Animations and files of several pages: the first picture.
- Damaged and truncated files are refused, and so are pictures of more pixels than Pillow allows
  (about 179 million), which may be bombs: a small file that takes all memory.

A file is opened by what it holds, whatever its name ends in. Formats that need another program
(EPS, WMF) or hold no photographs (PDF, HDF5, GRIB, BUFR, MPEG) are never opened.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from dasbench.datasets.pictures.colours import mend_transparency, to_rgb
from dasbench.datasets.pictures.orientation import (
    SIDEWAYS,
    UNREADABLE,
    orientation_of,
    stored_size,
    turned,
)
from dasbench.errors import DataError

NO_PHOTOGRAPHS = frozenset({"EPS", "WMF", "MPEG", "HDF5", "GRIB", "BUFR", "PDF"})
"""Formats that Pillow knows by name and that are not opened."""

OTHER_ENDINGS = (
    *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".sr2"),
    *(".srw", ".orf", ".pef", ".rw2", ".3fr", ".iiq", ".dcr"),
    *(".part", ".crdownload", ".tmp", ".bak", "~"),
)
"""Of raw files of cameras, which hold thumbnails, of unfinished downloads and of backup copies."""

SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "JPEG2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "AVIF": rb"....ftypavi[fs]",
    "PSD": rb"8BPS\0\x01",
    "QOI": rb"qoif",
}
"""The first bytes of formats that no other file begins with."""

POINTERS = {
    b"https://git-lfs.github.com": ("Git LFS", "git lfs pull"),
    b"/annex/objects/": ("git-annex", "git annex get"),
}
"""What stands for a file that is kept elsewhere: by what it names, whose it is and the remedy."""


class Photograph(NamedTuple):
    """A decoded picture.

    Args:
        image: 8-bit RGB, upright.
        orientation: how it lies in the file, as EXIF counts, 1 to 8; 1 is upright.
    """

    image: Image.Image
    orientation: int


class Header(NamedTuple):
    """What an image file says of itself.

    Args:
        width: in pixels, as it is shown.
        height: in pixels, as it is shown.
        frames: how many pictures it holds.
        orientation: how it lies in the file, as EXIF counts, 1 to 8; from 5 on, width and height
            are stored exchanged.
    """

    width: int
    height: int
    frames: int
    orientation: int = 1


def read_image(path: Path) -> Image.Image:
    """Decode an image file to 8-bit RGB, upright: as every viewer shows it.

    Raises:
        DataError: if it is missing, may not be read, is no image, damaged, too large, or holds
            numbers that cannot be shown; the message names the file and what to do.
    """
    return read_photograph(path).image


def read_photograph(path: Path) -> Photograph:
    """As `read_image`, with how the picture lies in the file, as coordinates for it may count.

    Raises:
        DataError: as `read_image`.
    """
    with _open_picture(path) as image:
        mend_transparency(image)
        orientation = orientation_of(image)
        image.load()
        rgb = to_rgb(image)
        return Photograph(_upright(rgb, image, orientation), orientation)


def read_values(path: Path, *, kind: str = "a mask") -> Image.Image:
    """Decode a file whose values mean something each (a mask): upright, in the file's own mode.

    Args:
        path: the file.
        kind: what it should be, for the error.

    Raises:
        DataError: as `read_image`.
    """
    with _open_picture(path, kind) as image:
        orientation = orientation_of(image)
        image.load()
        return _upright(image.copy(), image, orientation)


def read_header(path: Path) -> Header:
    """What an image file says of itself, without decoding it.

    Raises:
        DataError: as `read_image`, as far as it is seen without decoding.
    """
    with _open_picture(path) as image:
        orientation = orientation_of(image, decode=False)
        width, height = stored_size(image)
        if orientation in SIDEWAYS:
            width, height = height, width
        return Header(width, height, _num_frames(image), orientation)


@cache
def readable_formats() -> tuple[str, ...]:
    """The formats that are opened, by Pillow's names: usual ones first, without signature last."""
    Image.init()
    others = [name for name in Image.ID if name in Image.OPEN and name not in NO_PHOTOGRAPHS]
    usual = [name for name in SIGNATURES if name in Image.OPEN]
    others = sorted(others, key=lambda name: Image.OPEN[name][1] is None)
    return tuple(dict.fromkeys([*usual, *others]))


@cache
def readable_endings() -> frozenset[str]:
    """What the names of readable files usually end in, in lower case.

    Example:
        >>> ".jpg" in readable_endings(), ".tif" in readable_endings(), ".pdf" in readable_endings()
        (True, True, False)
    """
    formats = {*readable_formats(), "MPO"}  # a JPEG that holds several
    endings = Image.registered_extensions()
    return frozenset(ending for ending, name in endings.items() if name in formats)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture: by its ending, else by its first bytes; it may be a damaged one.

    Raw files of cameras, unfinished downloads and backup copies are none, whatever their first
    bytes.
    """
    if path.suffix.lower() in readable_endings():
        return True
    if path.name.lower().endswith(OTHER_ENDINGS):
        return False
    try:
        with path.open("rb") as stream:
            beginning = stream.read(32)
    except OSError:
        return False
    for name in readable_formats():
        signature = SIGNATURES.get(name)
        if signature and re.match(signature, beginning, re.DOTALL):
            return True
    return False


@contextmanager
def _open_picture(path: Path, kind: str = "an image") -> Iterator[ImageFile.ImageFile]:
    """An open file; whatever goes wrong with it in the block is a DataError that names it."""
    try:
        with Image.open(path, formats=readable_formats()) as image:
            yield image
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except UNREADABLE as error:
        raise DataError(f"{path}: {_complaint(path, kind, error)}") from error


def _complaint(path: Path, kind: str, error: Exception) -> str:
    """What is wrong with a file that cannot be decoded, and what to do."""
    if path.is_symlink() and not path.exists():
        where = f"is a link to '{path.readlink()}', which is not there"
        return f"{where}; mount its disk, fetch it (git annex get, dvc pull), or remove the link"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return (
            "is missing, although it was there when the data set was listed; "
            "put it back (mount its disk, dvc pull)"
        )
    if isinstance(error, IsADirectoryError):
        return f"is a folder, where a file with {kind} should be; move it away"
    if isinstance(error, PermissionError):
        return "may not be read; allow it (chmod +r)"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror}); see to its disk"
    if isinstance(error, Image.DecompressionBombError):
        return f"has too many pixels to be decoded ({error}); scale it down, or cut it to pieces"
    return _undecodable(path, kind, error)


def _undecodable(path: Path, kind: str, error: Exception) -> str:
    """What is wrong with the content of a file, and what to do."""
    size = path.stat().st_size
    if not size:
        return "is empty (0 bytes); replace or remove it"
    with path.open("rb") as stream:
        beginning = stream.read(64)
    for start, (what, remedy) in POINTERS.items():
        if start in beginning:
            return f"is a pointer of {what}, not the file itself; fetch that ({remedy})"
    reason = str(error) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        reason = "its content is of no format that is read"
    return f"cannot be decoded as {kind} ({size} bytes; {reason}); replace or remove it"


def _num_frames(image: ImageFile.ImageFile) -> int:
    """How many pictures a file holds; 1 where what follows the first is damaged."""
    try:
        return int(getattr(image, "n_frames", 1))
    except UNREADABLE:
        return 1


def _upright(picture: Image.Image, image: ImageFile.ImageFile, orientation: int) -> Image.Image:
    """What was made of a decoded file, turned as it is shown, unless decoding has done so."""
    if isinstance(image, TiffImageFile):
        return picture
    return turned(picture, orientation)
