"""Which mask file belongs to which image: the longest common end of their paths decides, else the image's number."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from dasbench.datasets.dataset import Part, Split
from dasbench.datasets.files import FileSplit
from dasbench.datasets.part_names import part_named
from dasbench.errors import DataError
from dasbench.saliency.matches import BY_NUMBER, Match, Matches, is_another_number, listed

Names = tuple[str, ...]
"""The names of a path from the last to the first, without the suffix."""


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


def _parts(names: Names) -> set[Part]:
    """The parts of a data set that folders of a path are named for."""
    return {part for part in map(part_named, names[1:]) if part}


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
        if index in numbered and index not in matched and not is_another_number(image, index)
    }


def _number(file: str) -> int | None:
    """The number that is the whole name of a file in no folder."""
    name = file[: -len(".png")]
    return int(name) if name.isascii() and name.isdigit() else None


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
            files = listed([match.file for match in matches])
            faults[index] = f"it is not clear which file is the mask of {images[index]}; candidates: {files}"
        elif len([rival for rival in rivals if candidates[rival][0].depth == deepest]) > 1:
            others = listed([images[rival] for rival in rivals])
            faults[index] = f"'{matches[0].file}' may be the mask of {others}; put masks into folders like the images'"
        elif matches[0].depth == deepest:
            found[index] = matches[0]
    return found, faults


def _refuse_more_numbers(folder: Path, files: Sequence[str], num_images: int) -> None:
    """Make sure that numbers are those of this part's images, from 0."""
    beyond = [file for file in files if (_number(file) or 0) >= num_images]
    if beyond:
        numbers = f"the part has {num_images} images, with the numbers from 0 to {num_images - 1}"
        raise DataError(f"{folder / beyond[0]}: is no image's mask: {numbers}; number the masks as its images are")
