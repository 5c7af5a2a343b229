"""Which mask file belongs to which image: the longest common end of their paths, or its number."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dasbench.datasets.dataset import Split
from dasbench.datasets.folders.files import FileSplit
from dasbench.datasets.folders.path_matching import (
    Match,
    decided_matches,
    files_of,
    matches_by_path,
)
from dasbench.errors import DataError
from dasbench.saliency.matches import BY_NUMBER, Matches, is_another_number


def match_masks(folder: Path, split: Split) -> Matches:
    """Find the mask of each image of a part.

    A file may be the mask of an image if both have the same name but for the suffix, and it does
    not lie below the folder of other images (another class, another part). Of several, the one with
    the longest end of its path in common with the image's is its mask (`masks/cat/000.png` of
    `test/cat/000.jpg`). The mask of an image that no file fits so is called by the image's number
    in the part (`12.png`, `00012.png`), as are those of images that are no files.

    Args:
        folder: where the files lie, also in folders below it.
        split: the part whose images are meant.

    Raises:
        DataError: if the folder is missing, holds no PNG, holds the images themselves or more
            numbers than images.
    """
    paths = _png_files(folder)
    files = [path.relative_to(folder).as_posix() for path in paths]
    images: Sequence[str] = list(map(str, range(len(split))))
    candidates: dict[int, list[Match]] = {}
    if isinstance(split, FileSplit):
        _refuse_images(paths, split)
        images = split.files
        candidates = matches_by_path(images, files)
    others = sorted(set(files) - files_of(candidates))
    numbered = _matches_by_number(images, others, candidates)
    if numbered:
        _refuse_more_numbers(folder, others, len(images))
    candidates |= numbered
    found, faults = decided_matches(images, candidates)
    return Matches(folder, images, found, faults, num_unused=len(set(files) - files_of(candidates)))


def _png_files(folder: Path) -> list[Path]:
    """The PNG files in a folder and below it."""
    if not folder.is_dir():
        raise DataError(
            f"{folder}: is no folder; give one with a mask for each image: 0.png, 1.png, ..."
        )
    paths = sorted(folder.rglob("*"))
    found = [path for path in paths if path.suffix.lower() == ".png" and path.is_file()]
    if not found:
        raise DataError(
            f"{folder}: holds no .png file; give a mask for each image: 0.png, 1.png, ..."
        )
    return found


def _refuse_images(paths: Iterable[Path], split: FileSplit) -> None:
    """Make sure that no image would be its own mask."""
    images = {(split.folder / name).resolve() for name in split.files}
    for path in paths:
        if path.resolve() in images:
            raise DataError(
                f"{path}: is an image of the data set, not a mask; "
                "give a folder that holds masks alone"
            )


def _matches_by_number(
    images: Sequence[str], files: Sequence[str], matched: Mapping[int, object]
) -> dict[int, list[Match]]:
    """The files in no folder whose name is the number of an image that has no mask by its path.

    An image whose own name is another number would be mistaken for the image of that number: it has
    none.
    """
    numbered: dict[int, list[Match]] = {}
    for file in files:
        number = _number_of(file)
        if number is not None:
            numbered.setdefault(number, []).append(Match(file, BY_NUMBER))
    found = {}
    for index, image in enumerate(images):
        if index in numbered and index not in matched and not is_another_number(image, index):
            found[index] = numbered[index]
    return found


def _number_of(file: str) -> int | None:
    """The number that is the whole name of a file in no folder."""
    name = file[: -len(".png")]
    if name.isascii() and name.isdigit():
        return int(name)
    return None


def _refuse_more_numbers(folder: Path, files: Sequence[str], num_images: int) -> None:
    """Make sure that numbers are those of this part's images, from 0."""
    numbers = f"the part has {num_images} images, with the numbers from 0 to {num_images - 1}"
    for file in files:
        number = _number_of(file)
        if number is not None and number >= num_images:
            raise DataError(
                f"{folder / file}: is no image's mask: {numbers}; "
                "number the masks as its images are"
            )
