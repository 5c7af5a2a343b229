"""How people lay out images and masks: which folder holds which, and what is a part."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.folders.walk import Folder, Tree, ending_of
from dasbench.datasets.looking.listing import legible
from dasbench.datasets.pictures.pixels import readable_endings
from dasbench.errors import DataError

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "imgdir")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "annots", "annot"),
    *("anndir", "gt", "groundtruth", "segmentationclass", "segmentationclasspng"),
    *("segmentations", "segmentation", "seg"),
)
"""Names of folders by their letters in lower case: `Ground_Truth` is `groundtruth`."""

MASK_WORDS = (
    "masks?|labels?|annot(?:ation)?s?|gt|ground_?truth|seg(?:mentation)?s?|matte|l|"
    "labelids|gtfine_labelids|anno"
)
IMAGE_WORDS = "images?|imgs?|photo|sat|rgb|leftimg8bit|im"
"""What stands beside the common name of an image and its mask, as patterns."""

VOC_YEAR = re.compile(r"VOC\d{4}", re.IGNORECASE)

HOW = (
    "Segmentation needs images/ with masks/ beside it, each with train, val and test in it or "
    "above it if there are such parts; other names of the two folders are said by `images:` and "
    "`masks:`."
)


class FolderPair(NamedTuple):
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
    inner = folder / "VOCdevkit"
    if not inner.is_dir():
        inner = folder
    years = sorted(
        path.name for path in inner.glob("*") if VOC_YEAR.fullmatch(path.name) and path.is_dir()
    )
    if len(years) > 1:
        remedy = "write the one that is meant into the root"
        raise DataError(f"{legible(inner)}: holds {', '.join(years)}; {remedy}")
    if not years:
        return folder
    return inner / years[0]


def find_places(tree: Tree, *, images: str | None, masks: str | None) -> list[FolderPair]:
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
        name = legible(inside[0].place)
        what = f"holds one folder, '{name}', which holds images and masks"
        raise DataError(f"{legible(tree.root)}: {what}; make it the root")
    raise DataError(
        f"{legible(tree.root)}: holds no folder of images with one of masks beside it. {HOW}"
    )


def _places(
    tree: Tree, level: Folder, *, images: str | None, masks: str | None
) -> list[FolderPair]:
    """The pair in a folder, or those of its parts, or its images with the masks among them."""
    whole = _pair_in(tree, level, None, images=images, masks=masks)
    if whole:
        return [whole]
    above = []
    for name, folder in level.with_images().items():
        part = part_named(name)
        if part and (pair := _pair_in(tree, folder, part, images=images, masks=masks)):
            above.append(pair)
    places = above or _folders_beside(level)
    _refuse_two_of_a_part(tree, places)
    if not places and masks_among(pictures_in(level)):
        return [FolderPair(None, level, level)]
    return places


def _pair_in(
    tree: Tree, level: Folder, part: Part | None, *, images: str | None, masks: str | None
) -> FolderPair | None:
    """The folder of images in a folder, and that of masks."""
    one = _folder_named(tree, level, images, IMAGE_FOLDERS, "images")
    other = _folder_named(tree, level, masks, MASK_FOLDERS, "masks")
    if one and other:
        return FolderPair(part, one, other)
    return None


def _folder_named(
    tree: Tree, level: Folder, given: str | None, usual: Sequence[str], key: str
) -> Folder | None:
    """The folder of the given name, or of a usual one, that holds pictures."""
    if given is not None:
        return _folder_at(level, given)
    named = [name for name in level.with_images() if re.sub(r"[\W_]", "", name.lower()) in usual]
    if len(named) > 1:
        both = " and ".join(map(legible, named))
        where = legible(tree.root / level.place)
        remedy = f"write {key}: {legible(named[0])}, or another"
        raise DataError(f"{where}: {both} may both hold the {key}; {remedy}")
    if not named:
        return None
    return level.folders[named[0]]


def _folder_at(level: Folder, place: str) -> Folder | None:
    """The folder under a path from another one on; None if there is none."""
    for name in place.strip("/").split("/"):
        if name not in level.folders:
            return None
        level = level.folders[name]
    return level


def _folders_beside(level: Folder) -> list[FolderPair]:
    """Folders like `train` and `train_masks`, or `train` and `trainannot`."""
    images: list[tuple[Part, Folder]] = []
    masks: dict[Part, Folder] = {}
    for name, folder in level.with_images().items():
        of_masks = re.fullmatch(rf"(.+?)[\W_]*(?:{MASK_WORDS})", name, re.IGNORECASE)
        if of_masks and (part := part_named(of_masks[1])):
            masks[part] = folder
        elif part := part_named(name):
            images.append((part, folder))
    return [FolderPair(part, folder, masks[part]) for part, folder in images if part in masks]


def _refuse_two_of_a_part(tree: Tree, places: Sequence[FolderPair]) -> None:
    parts = [place.part for place in places]
    twice = [place for place in places if parts.count(place.part) > 1]
    if twice:
        both = " and ".join(legible(place.images.place) for place in twice)
        remedy = "put them together, or rename one"
        raise DataError(f"{legible(tree.root)}: {both} are both {twice[0].part}; {remedy}")


def masks_among(files: Sequence[str]) -> set[str]:
    """The files that are called as masks of others are, such as `x_mask.png` beside `x.jpg`.

    Example:
        >>> masks_among(["a/x.jpg", "a/x_mask.png", "a/face_mask.png"])
        {'a/x_mask.png'}
    """
    name_of = {file: file.rpartition(".")[0] for file in files}
    images = set(name_of.values())
    for name in name_of.values():
        images.add(without_words(name, IMAGE_WORDS))
    among: set[str] = set()
    for file, name in name_of.items():
        bare = without_words(name, MASK_WORDS)
        if bare != name and bare in images:
            among.add(file)
    return among


def without_words(name: str, words: str) -> str:
    """A path without such a word around its last name, and without an ending inside of that.

    Args:
        name: the path, without its ending.
        words: what may stand at the beginning or the end, as a pattern.

    Example:
        >>> names = ("a/x_mask", "x.jpg", "label-07", "mask")
        >>> [without_words(name, MASK_WORDS) for name in names]
        ['a/x', 'x', '07', 'mask']
    """
    folder, slash, last = name.rpartition("/")
    if ending_of(last) in readable_endings():
        last = last.rpartition(".")[0]
    around = rf"(?<=.)[_. -]+(?:{words})$|^(?:{words})[_. -]+(?=.)"
    return folder + slash + re.sub(around, "", last, flags=re.IGNORECASE)


def pictures_in(folder: Folder) -> list[str]:
    """The paths of all pictures in a folder and below it, from there on, sorted."""
    return sorted(path.removeprefix(folder.prefix) for path in folder.all_paths())


def part_below(path: str) -> Part | None:
    """The part that the first folder of a path is named for."""
    first, slash, _ = path.partition("/")
    if not slash:
        return None
    return part_named(first)


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
        names = [line.split(maxsplit=1)[0] for line in lines if line.strip()]
        parts[part] = tuple(dict.fromkeys(names))
    return parts
