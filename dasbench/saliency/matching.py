"""Which mask file belongs to which image: the longest common end of their paths decides, else the image's number."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.dataset import Split
from dasbench.datasets.files import FileSplit
from dasbench.errors import DataError

BY_NUMBER = 0
"""The depth of a match that the image's number in its part decided."""

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""The part that a folder's name means: what lies in one shows no image of another."""

SHOWN = 3
"""Images or files that a message names."""

Names = tuple[str, ...]
"""The names of a path from the last to the first, without the suffix."""


class Match(NamedTuple):
    """A file that shows where the object of an image is.

    Args:
        file: its path below the folder of masks.
        depth: how many names at the end of its path and of the image's are the same; `BY_NUMBER` if none.
    """

    file: str
    depth: int


@dataclass(frozen=True)
class Matches:
    """The masks of a part's images.

    Args:
        folder: where the masks lie.
        images: what the images are called: paths in their data set, or their numbers where they are no files.
        found: the mask of an image, by its number in the part.
        faults: why it is not clear which mask an image has, by its number.
        num_unused: files that are no image's mask.
    """

    folder: Path
    images: Sequence[str]
    found: Mapping[int, Match]
    faults: Mapping[int, str]
    num_unused: int

    def files(self, indices: NDArray[np.int64]) -> list[Path]:
        """The masks of some images.

        Raises:
            DataError: if one has none, or it is not clear which; with how many such images there are.
        """
        wanted: list[int] = indices.tolist()
        unclear = [index for index in wanted if index in self.faults]
        lacking = [index for index in wanted if index not in self.found and index not in self.faults]
        if unclear:
            raise DataError(f"{self.folder}: {self.faults[unclear[0]]}{self._others(unclear, wanted)}")
        if lacking:
            place = f"image {lacking[0]}; it would be {_expected(lacking[0], self.images[lacking[0]])}"
            raise DataError(f"{self.folder}: has no mask for {place}{self._others(lacking, wanted)}")
        return [self.folder / self.found[index].file for index in wanted]

    def described(self) -> str:
        """How masks were found, and which images have none, in a line."""
        depths = Counter(match.depth for match in self.found.values())
        rules = [f"{depths[depth]} by {self._rule(depth)}" for depth in sorted(depths, reverse=True)]
        without = [index for index in range(len(self.images)) if index not in self.found]
        lacking = [f"{len(without)} without ({self._named(without)})"] if without else []
        unused = [f"files of no image: {self.num_unused}"] if self.num_unused else []
        have = f"{len(self.found)} of {len(self.images)} images have a mask"
        return f"{self.folder}: {have}: {'; '.join([*rules, *lacking, *unused])}"

    def _rule(self, depth: int) -> str:
        """What decided, with the first image for an example."""
        index, match = next((index, match) for index, match in self.found.items() if match.depth == depth)
        example = f"({self.images[index]}: {match.file})"
        if depth == BY_NUMBER:
            return f"number {example}"
        return f"name {example}" if depth == 1 else f"the last {depth} names of the path {example}"

    def _others(self, faulty: Sequence[int], wanted: Sequence[int]) -> str:
        """How many images have the same fault."""
        count = f"{len(faulty)} of {len(wanted)} images are like this"
        return f" ({count}, also {self._named(faulty[1:])})" if len(faulty) > 1 else ""

    def _named(self, indices: Sequence[int]) -> str:
        return _listed([self.images[index] for index in indices])


def match_masks(folder: Path, split: Split) -> Matches:
    """Find the mask of each image of a part.

    A file may be the mask of an image if both have the same name but for the suffix, and it does not lie below the
    folder of other images (another class, another part). Of several, the one with the longest end of its path in common
    with the image's is its mask (`masks/cat/000.png` of `test/cat/000.jpg`). The mask of an image that no file fits so
    is called by the image's number in the part (`12.png`, `00012.png`), as are those of images that are no files.

    Args:
        folder: where the files lie, also in folders below it.
        split: the part whose images are meant.

    Raises:
        DataError: if the folder is missing, holds no PNG, holds the images themselves or more numbers than images.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; give one with a mask for each image: 0.png, 1.png, ...")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() == ".png" and path.is_file()]
    if not paths:
        raise DataError(f"{folder}: holds no .png file; give a mask for each image: 0.png, 1.png, ...")
    files = [path.relative_to(folder).as_posix() for path in paths]
    images: Sequence[str] = [str(index) for index in range(len(split))]
    candidates: dict[int, list[Match]] = {}
    if isinstance(split, FileSplit):
        _refuse_images(paths, split)
        images = split.files
        candidates = _by_path(images, files)
    left = sorted(set(files) - _files_of(candidates))
    numbered = _by_number(images, left, candidates)
    if numbered:
        _refuse_more_numbers(folder, left, len(images))
    candidates |= numbered
    found, faults = _decided(images, candidates)
    return Matches(folder, images, found, faults, num_unused=len(set(files) - _files_of(candidates)))


def _files_of(candidates: Mapping[int, Sequence[Match]]) -> set[str]:
    """The files that may be the mask of some image."""
    return {match.file for matches in candidates.values() for match in matches}


def _names(path: str) -> Names:
    """The names of a path.

    Example:
        >>> _names("test/cat/000.png")
        ('000', 'cat', 'test')
    """
    return PurePosixPath(path).with_suffix("").parts[::-1]


def _refuse_images(paths: Iterable[Path], split: FileSplit) -> None:
    """Make sure that no image would be its own mask."""
    images = {(split.folder / name).resolve() for name in split.files}
    same = [path for path in paths if path.resolve() in images]
    if same:
        raise DataError(f"{same[0]}: is an image of the data set, not a mask; give a folder that holds masks alone")


def _by_path(images: Sequence[str], files: Sequence[str]) -> dict[int, list[Match]]:
    """The files that fit the path of each image best, by the image's number."""
    by_name: dict[str, list[str]] = {}
    for file in files:
        by_name.setdefault(_names(file)[0], []).append(file)
    folders: dict[int, set[str]] = {}
    for image in images:
        for place, name in enumerate(_names(image)):
            folders.setdefault(place, set()).add(name)
    fitting: dict[int, list[Match]] = {}
    for index, image in enumerate(images):
        own = _names(image)
        depths = {file: _depth(own, _names(file), folders) for file in by_name.get(own[0], ())}
        longest = max(depths.values(), default=0)
        if longest:
            fitting[index] = [Match(file, longest) for file, depth in depths.items() if depth == longest]
    return fitting


def _depth(image: Names, mask: Names, folders: Mapping[int, set[str]]) -> int:
    """How many names two paths have in common at their ends; 0 if the mask lies in a folder of other images.

    Args:
        image: of an image.
        mask: of a file.
        folders: the names that images have at each place of their paths.

    Example:
        >>> folders = {0: {"1"}, 1: {"cat", "dog"}, 2: {"test"}}
        >>> [_depth(("1", "cat", "test"), mask, folders) for mask in (("1", "cat"), ("1", "seen"), ("1", "dog"))]
        [2, 1, 0]
    """
    depth = 0
    while depth < min(len(image), len(mask)) and image[depth] == mask[depth]:
        depth += 1
    if depth == len(mask):
        return depth
    of_others = depth < len(image) and mask[depth] in folders[depth]
    own_parts, parts = _parts(image), _parts(mask)
    of_another_part = bool(own_parts) and bool(parts) and own_parts.isdisjoint(parts)
    return 0 if of_others or of_another_part else depth


def _parts(names: Names) -> set[str]:
    """The parts of a data set that folders of a path are named for."""
    return {PARTS[name.lower()] for name in names[1:] if name.lower() in PARTS}


def _by_number(images: Sequence[str], files: Sequence[str], matched: Mapping[int, object]) -> dict[int, list[Match]]:
    """The files in no folder whose name is the number of an image that has no mask by its path.

    An image whose own name is another number would be mistaken for the image of that number: it has none.
    """
    numbered: dict[int, list[Match]] = {}
    for file in files:
        if (number := _number(file)) is not None:
            numbered.setdefault(number, []).append(Match(file, BY_NUMBER))
    return {
        index: numbered[index]
        for index, image in enumerate(images)
        if index in numbered and index not in matched and not _is_another_number(image, index)
    }


def _number(file: str) -> int | None:
    """The number that is the whole name of a file in no folder."""
    name = file[: -len(".png")]
    return int(name) if name.isascii() and name.isdigit() else None


def _is_another_number(image: str, index: int) -> bool:
    name = _names(image)[0]
    return name.isascii() and name.isdigit() and int(name) != index


def _decided(images: Sequence[str], candidates: Mapping[int, list[Match]]) -> tuple[dict[int, Match], dict[int, str]]:
    """The mask of each image, and why some have none: several files fit it, or its file fits several images."""
    claims: dict[str, list[int]] = {}
    for index, matches in candidates.items():
        for match in matches:
            claims.setdefault(match.file, []).append(index)
    found: dict[int, Match] = {}
    faults: dict[int, str] = {}
    for index, matches in candidates.items():
        rivals = claims[matches[0].file]
        deepest = max(candidates[rival][0].depth for rival in rivals)
        if len(matches) > 1:
            listed = _listed([match.file for match in matches])
            faults[index] = f"it is not clear which file is the mask of {images[index]}; candidates: {listed}"
        elif len([rival for rival in rivals if candidates[rival][0].depth == deepest]) > 1:
            listed = _listed([images[rival] for rival in rivals])
            faults[index] = f"'{matches[0].file}' may be the mask of {listed}; put masks into folders like the images'"
        elif matches[0].depth == deepest:
            found[index] = matches[0]
    return found, faults


def _refuse_more_numbers(folder: Path, files: Sequence[str], num_images: int) -> None:
    """Make sure that numbers are those of this part's images, from 0."""
    beyond = [file for file in files if (_number(file) or 0) >= num_images]
    if beyond:
        numbers = f"the part has {num_images} images, with the numbers from 0 to {num_images - 1}"
        raise DataError(f"{folder / beyond[0]}: is no image's mask: {numbers}; number the masks as its images are")


def _expected(index: int, image: str) -> str:
    """The names that the mask of an image could have."""
    file = PurePosixPath(image)
    names = [file.with_suffix("").as_posix(), file.stem]
    if not _is_another_number(image, index):
        names.append(str(index))
    return " or ".join(f"{name}.png" for name in dict.fromkeys(names))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f", ... ({len(names)} in all)" if len(names) > SHOWN else "")
