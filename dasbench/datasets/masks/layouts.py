"""How people lay out images and their masks in folders: which folder holds which, and what is a part."""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.folders.walk import Folder, Tree, ending_of
from dasbench.datasets.looking.listing import shown
from dasbench.datasets.pictures.pixels import readable_endings
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

MASK_WORDS = "masks?|labels?|annot(?:ation)?s?|gt|ground_?truth|seg(?:mentation)?s?|matte|l|labelids|gtfine_labelids|anno"
IMAGE_WORDS = "images?|imgs?|photo|sat|rgb|leftimg8bit|im"

VOC_YEAR = re.compile(r"VOC\d{4}", re.IGNORECASE)

HOW = (
    "Segmentation needs images/ with masks/ beside it, each with train, val and test in it or above it if there are "
    "such parts; other names of the two folders are said by `images:` and `masks:`."
)


class Place(NamedTuple):
    """A folder of images with the folder of their masks.

    Args:
        part: what they are; None where the folders below say it, or nobody does.
        images: where the images lie.
        masks: where the masks lie: among the images, if it is the same folder.
    """

    part: Part | None
    images: Folder
    masks: Folder


def voc_root(folder: Path) -> Path:
    """The folder itself, or the one year of Pascal VOC that lies in it, as its archive is unpacked.

    Raises:
        DataError: if there are several years.
    """
    inner = folder / "VOCdevkit" if (folder / "VOCdevkit").is_dir() else folder
    years = sorted(
        path.name for path in inner.glob("*") if VOC_YEAR.fullmatch(path.name) and path.is_dir()
    )
    if len(years) > 1:
        raise DataError(
            f"{shown(inner)}: holds {', '.join(years)}; write the one that is meant into the root"
        )
    return inner / years[0] if years else folder


def find_places(tree: Tree, *, images: str | None, masks: str | None) -> list[Place]:
    """Where images and masks lie below a folder.

    Args:
        tree: what lies below the root.
        images: what the folder of images is called, if its name is unusual.
        masks: what the folder of masks is called.

    Raises:
        DataError: if there is no such pair of folders, or more than one that could be meant.
    """
    places = _places(tree, tree.top, images=images, masks=masks)
    if places:
        return places
    inside = list(tree.top.with_images().values())
    if len(inside) == 1 and _places(tree, inside[0], images=images, masks=masks):
        name = shown(inside[0].place)
        raise DataError(
            f"{shown(tree.root)}: holds one folder, '{name}', which holds images and masks; make it the root"
        )
    raise DataError(
        f"{shown(tree.root)}: holds no folder of images with one of masks beside it. {HOW}"
    )


def _places(tree: Tree, level: Folder, *, images: str | None, masks: str | None) -> list[Place]:
    """The pair in a folder, or those of its parts, or its images with the masks among them."""
    whole = _pair_in(tree, level, images=images, masks=masks)
    if whole:
        return [Place(None, *whole)]
    above = []
    for name, folder in level.with_images().items():
        part = part_named(name)
        pair = _pair_in(tree, folder, images=images, masks=masks) if part else None
        if pair:
            above.append(Place(part, *pair))
    return _one_for_each_part(tree, above or _beside(level)) or _among(level)


def _pair_in(
    tree: Tree, level: Folder, *, images: str | None, masks: str | None
) -> tuple[Folder, Folder] | None:
    """The folder of images in a folder, and that of masks."""
    one = _folder_named(tree, level, images, IMAGE_FOLDERS, "images")
    other = _folder_named(tree, level, masks, MASK_FOLDERS, "masks")
    return (one, other) if one and other else None


def _folder_named(
    tree: Tree, level: Folder, given: str | None, usual: Sequence[str], key: str
) -> Folder | None:
    """The folder of the given name, or of a usual one, that holds pictures."""
    if given is not None:
        found: Folder | None = level
        for name in given.strip("/").split("/"):
            found = found.folders.get(name) if found else None
        return found
    named = [name for name in level.with_images() if re.sub(r"[\W_]", "", name.lower()) in usual]
    if len(named) > 1:
        both = " and ".join(map(shown, named))
        where = shown(tree.root / level.place)
        raise DataError(
            f"{where}: {both} may both hold the {key}; write {key}: {shown(named[0])}, or another"
        )
    return level.folders[named[0]] if named else None


def _beside(level: Folder) -> list[Place]:
    """Folders like `train` and `train_masks`, or `train` and `trainannot`."""
    masks: dict[Part, Folder] = {}
    for name, folder in level.with_images().items():
        told = re.fullmatch(rf"(.+?)[\W_]*(?:{MASK_WORDS})", name, re.IGNORECASE)
        part = part_named(told[1]) if told else None
        if part:
            masks[part] = folder
    others = [folder for folder in level.with_images().values() if folder not in masks.values()]
    parts = [(part_named(PurePosixPath(folder.place).name), folder) for folder in others]
    return [Place(part, folder, masks[part]) for part, folder in parts if part in masks]


def _among(level: Folder) -> list[Place]:
    """The folder itself, if some of its pictures are called as the masks of others."""
    return [Place(None, level, level)] if masks_among(pictures_in(level)) else []


def masks_among(files: Sequence[str]) -> set[str]:
    """The files that are called as masks of others are, such as `x_mask.png` beside `x.jpg`.

    Example:
        >>> masks_among(["a/x.jpg", "a/x_mask.png", "a/face_mask.png"])
        {'a/x_mask.png'}
    """
    names = {file.rpartition(".")[0] for file in files}
    images = {bare_name(name, IMAGE_WORDS) for name in names} | names
    bare = {file: bare_name(file.rpartition(".")[0], MASK_WORDS) for file in files}
    return {
        file for file, name in bare.items() if name != file.rpartition(".")[0] and name in images
    }


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
    if ending_of(last) in readable_endings():
        last = last.rpartition(".")[0]
    last = re.sub(
        rf"(?<=.)[_. -]+(?:{words})$|^(?:{words})[_. -]+(?=.)", "", last, flags=re.IGNORECASE
    )
    return folder + slash + last


def pictures_in(folder: Folder) -> list[str]:
    """The paths of all pictures in a folder and below it, from there on, sorted."""
    start = len(folder.place) + 1 if folder.place else 0
    return sorted(path[start:] for path, _ in folder.all_images())


def part_below(path: str) -> Part | None:
    """The part that the first folder of a path is named for."""
    first, slash, _ = path.partition("/")
    return part_named(first) if slash else None


def list_files(folder: Path) -> list[Path]:
    """The lists of Pascal VOC."""
    return sorted((folder / "ImageSets" / "Segmentation").glob("*.txt"))


def listed_parts(folder: Path) -> dict[Part, tuple[str, ...]]:
    """The names that Pascal VOC's lists give to each part; no part where there are no lists.

    Raises:
        DataError: if a list cannot be read.
    """
    parts: dict[Part, tuple[str, ...]] = {}
    for file in list_files(folder):
        part = part_named(file.stem)
        if part is None:
            continue
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: cannot be read as a list of images: {error}") from error
        parts[part] = tuple(dict.fromkeys(chain.from_iterable(line.split()[:1] for line in lines)))
    return parts


def _one_for_each_part(tree: Tree, places: list[Place]) -> list[Place]:
    parts = [place.part for place in places]
    twice = [place for place in places if parts.count(place.part) > 1]
    if twice:
        both = " and ".join(shown(place.images.place) for place in twice)
        raise DataError(
            f"{shown(tree.root)}: {both} are both {twice[0].part}; put them together, or rename one"
        )
    return places
