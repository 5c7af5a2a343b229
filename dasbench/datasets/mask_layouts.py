"""How people lay out images and their masks in folders: which folder holds which, and what is a part."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from dasbench.datasets.dataset import Part
from dasbench.datasets.part_names import part_named
from dasbench.errors import DataError

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "imgdir")
MASK_FOLDERS = (
    *(
        "masks",
        "mask",
        "labels",
        "label",
        "annotations",
        "annotation",
        "annots",
        "annot",
        "anndir",
        "gt",
        "groundtruth",
    ),
    *("segmentationclass", "segmentationclasspng", "segmentations", "segmentation", "seg"),
)
"""Names of folders by their letters in lower case: `Ground_Truth` is `groundtruth`."""

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".jp2", ".avif")
"""Ends of the names of files that are taken for images or masks, in lower case."""

MASK_WORDS = (
    "masks?|labels?|annot(?:ation)?s?|gt|ground_?truth|seg(?:mentation)?s?|matte|l|labelids|gtfine_labelids|anno"
)
IMAGE_WORDS = "images?|imgs?|photo|sat|rgb|leftimg8bit|im"

VOC_YEAR = re.compile(r"VOC\d{4}", re.IGNORECASE)

HOW = (
    "Segmentation needs images/ with masks/ beside it, each with train, val and test in it or above it if there are "
    "such parts; other names of the two folders are said by `images:` and `masks:`."
)


class Place(NamedTuple):
    """A folder of images with the folder of their masks, both below the root; `""` is the root.

    Args:
        part: what they are; None where the folders below say it, or nobody does.
        images: where the images lie.
        masks: where the masks lie: among the images, if it is the same folder.
    """

    part: Part | None
    images: str
    masks: str


def voc_root(folder: Path) -> Path:
    """The folder itself, or the one year of Pascal VOC that lies in it, as its archive is unpacked.

    Raises:
        DataError: if there are several years.
    """
    inner = folder / "VOCdevkit" if (folder / "VOCdevkit").is_dir() else folder
    names = _subfolders(inner) if inner.is_dir() else []
    years = [name for name in names if VOC_YEAR.fullmatch(name)]
    if len(years) > 1:
        raise DataError(f"{inner}: holds {', '.join(years)}; write the one that is meant into the root")
    return inner / years[0] if years else folder


def find_places(folder: Path, *, images: str | None, masks: str | None) -> list[Place]:
    """Where images and masks lie below a folder.

    Args:
        folder: the root.
        images: what the folder of images is called, if its name is unusual.
        masks: what the folder of masks is called.

    Raises:
        DataError: if there is no such folder, no pair, or more than one that could be meant.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: {'is no folder' if folder.exists() else 'is missing'}. {HOW}")
    places = _places(folder, images=images, masks=masks)
    if places:
        return places
    inside = _subfolders(folder)
    if len(inside) == 1 and _places(folder / inside[0], images=images, masks=masks):
        raise DataError(f"{folder}: holds one folder, '{inside[0]}', which holds images and masks; make it the root")
    raise DataError(f"{folder}: holds no folder of images with one of masks beside it. {HOW}")


def _places(folder: Path, *, images: str | None, masks: str | None) -> list[Place]:
    whole = _pair_in(folder, images=images, masks=masks)
    if whole:
        return [Place(None, *whole)]
    above = []
    for name in _subfolders(folder):
        part = part_named(name)
        pair = _pair_in(folder / name, images=images, masks=masks) if part else None
        if pair:
            above.append(Place(part, f"{name}/{pair[0]}", f"{name}/{pair[1]}"))
    return _one_for_each_part(folder, above or _beside(folder)) or _among(folder)


def _pair_in(folder: Path, *, images: str | None, masks: str | None) -> tuple[str, str] | None:
    """The names of the two folders in a folder."""
    one = _folder_named(folder, images, IMAGE_FOLDERS, "images")
    other = _folder_named(folder, masks, MASK_FOLDERS, "masks")
    return (one, other) if one is not None and other is not None else None


def _folder_named(folder: Path, given: str | None, usual: Sequence[str], key: str) -> str | None:
    """The folder of a usual name, or of the given one, that holds pictures."""
    if given is not None:
        return given.strip("/") if (folder / given).is_dir() else None
    found = [name for name in _subfolders(folder) if re.sub(r"[\W_]", "", name.lower()) in usual]
    found = [name for name in found if any(True for _ in pictures_below(folder / name))]
    if len(found) > 1:
        raise DataError(f"{folder}: {' and '.join(found)} may both hold the {key}; write {key}: {found[0]}, or another")
    return found[0] if found else None


def _beside(folder: Path) -> list[Place]:
    """Folders like `train` and `train_masks`, or `train` and `trainannot`."""
    names = _subfolders(folder)
    masks: dict[Part, str] = {}
    for name in names:
        told = re.fullmatch(rf"(.+?)[\W_]*(?:{MASK_WORDS})", name, re.IGNORECASE)
        part = part_named(told[1]) if told else None
        if part:
            masks[part] = name
    parts = [(part_named(name), name) for name in names if name not in masks.values()]
    return [Place(part, name, masks[part]) for part, name in parts if part in masks]


def _among(folder: Path) -> list[Place]:
    """The folder itself, if some of its pictures are called as the masks of others."""
    every = list(pictures_below(folder))
    return [Place(None, "", "")] if masks_among(every) else []


def masks_among(files: Sequence[str]) -> set[str]:
    """The files that are called as masks of others are, such as `x_mask.png` beside `x.jpg`.

    Example:
        >>> masks_among(["a/x.jpg", "a/x_mask.png", "a/face_mask.png"])
        {'a/x_mask.png'}
    """
    names = {file.rpartition(".")[0] for file in files}
    images = {bare_name(name, IMAGE_WORDS) for name in names} | names
    bare = {file: bare_name(file.rpartition(".")[0], MASK_WORDS) for file in files}
    return {file for file, name in bare.items() if name != file.rpartition(".")[0] and name in images}


def bare_name(name: str, words: str) -> str:
    """A path without such a word at the beginning or the end of its last name, and without an ending inside of it.

    Args:
        name: the path, without its ending.
        words: what may stand there, as a pattern.

    Example:
        >>> [bare_name(name, MASK_WORDS) for name in ("a/x_mask", "x.jpg", "label-07", "mask")]
        ['a/x', 'x', '07', 'mask']
    """
    folder, slash, last = name.rpartition("/")
    if last.lower().endswith(PICTURES):
        last = last.rpartition(".")[0]
    last = re.sub(rf"(?<=.)[_. -]+(?:{words})$|^(?:{words})[_. -]+(?=.)", "", last, flags=re.IGNORECASE)
    return folder + slash + last


def pictures_below(folder: Path) -> Iterator[str]:
    """The paths of all pictures below a folder, folder by folder; hidden ones are left out, links followed once."""
    walked: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in walked:
            folders.clear()
            continue
        walked.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        inside = Path(place).relative_to(folder).as_posix()
        for name in sorted(files):
            if name.lower().endswith(PICTURES) and not name.startswith("."):
                yield name if inside == "." else f"{inside}/{name}"


def part_below(path: str) -> Part | None:
    """The part that the first folder of a path is named for."""
    first, slash, _ = path.partition("/")
    return part_named(first) if slash else None


def listed_parts(folder: Path) -> dict[Part, tuple[str, ...]]:
    """The names that Pascal VOC's lists give to each part; no part where there are no lists.

    Raises:
        DataError: if a list cannot be read.
    """
    parts: dict[Part, tuple[str, ...]] = {}
    for file in sorted((folder / "ImageSets" / "Segmentation").glob("*.txt")):
        part = part_named(file.stem)
        if part is None:
            continue
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: cannot be read as a list of images: {error}") from error
        parts[part] = tuple(dict.fromkeys(chain.from_iterable(line.split()[:1] for line in lines)))
    return parts


def _one_for_each_part(folder: Path, places: list[Place]) -> list[Place]:
    parts = [place.part for place in places]
    twice = [place for place in places if parts.count(place.part) > 1]
    if twice:
        both = " and ".join(place.images for place in twice)
        raise DataError(f"{folder}: {both} are both the {twice[0].part} part; put them together, or rename one")
    return places


def _subfolders(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror}; allow it (chmod +rx)") from error
