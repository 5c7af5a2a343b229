"""Which mask belongs to which image, by their paths.

The longest common end decides; what is not unique is refused.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath
from typing import NamedTuple

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named

Names = tuple[str, ...]
"""The names of a path from the last to the first, without the suffix."""


SHOWN = 3
"""Images or files that a message names."""


class Match(NamedTuple):
    """A file that shows where the object of an image is.

    Args:
        file: its path below the folder of masks.
        depth: how many names at the end of its path and of the image's are the same; 0 if none.
    """

    file: str
    depth: int


def matches_by_path(images: Sequence[str], files: Sequence[str]) -> dict[int, list[Match]]:
    """The files that fit the path of each image best, by the image's number."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_name[names_of(file)[0]].append(file)
    folders: dict[int, set[str]] = defaultdict(set)
    for image in images:
        for place, name in enumerate(names_of(image)):
            folders[place].add(name)
    fitting: dict[int, list[Match]] = {}
    for index, image in enumerate(images):
        own = names_of(image)
        by_depth: dict[int, list[Match]] = defaultdict(list)
        for file in by_name.get(own[0], ()):
            depth = _depth(own, names_of(file), folders)
            by_depth[depth].append(Match(file, depth))
        longest = max(by_depth, default=0)
        if longest:
            fitting[index] = by_depth[longest]
    return fitting


def _depth(image: Names, mask: Names, folders: Mapping[int, set[str]]) -> int:
    """How many names two paths have in common at their ends.

    It is 0 if the mask lies in a folder of other images.

    Args:
        image: of an image.
        mask: of a file.
        folders: the names that images have at each place of their paths.

    Example:
        >>> folders = {0: {"1"}, 1: {"cat", "dog"}, 2: {"test"}}
        >>> masks = ("1", "cat"), ("1", "seen"), ("1", "dog")
        >>> [_depth(("1", "cat", "test"), mask, folders) for mask in masks]
        [2, 1, 0]
    """
    depth = 0
    while depth < min(len(image), len(mask)) and image[depth] == mask[depth]:
        depth += 1
    if depth == len(mask):
        return depth
    of_others = depth < len(image) and mask[depth] in folders[depth]
    own_parts, parts = _parts_of_folders(image), _parts_of_folders(mask)
    of_another_part = bool(own_parts) and bool(parts) and own_parts.isdisjoint(parts)
    if of_others or of_another_part:
        return 0
    return depth


def _parts_of_folders(names: Names) -> set[Part]:
    """The parts of a data set that folders of a path are named for."""
    return set(filter(None, map(part_named, names[1:])))


def decided_matches(
    images: Sequence[str], candidates: Mapping[int, list[Match]]
) -> tuple[dict[int, Match], dict[int, str]]:
    """The mask of each image, and why some have none.

    Several files fit it, or its file fits several images.
    """
    claims: dict[str, list[int]] = defaultdict(list)
    for index, matches in candidates.items():
        for match in matches:
            claims[match.file].append(index)
    found: dict[int, Match] = {}
    faults: dict[int, str] = {}
    for index, matches in candidates.items():
        rivals = claims[matches[0].file]
        depths = [candidates[rival][0].depth for rival in rivals]
        deepest = max(depths)
        if len(matches) > 1:
            files = first_names([match.file for match in matches])
            unclear = f"it is not clear which file is the mask of {images[index]}"
            faults[index] = f"{unclear}; candidates: {files}"
        elif depths.count(deepest) > 1:
            others = first_names([images[rival] for rival in rivals])
            remedy = "put masks into folders like the images'"
            faults[index] = f"'{matches[0].file}' may be the mask of {others}; {remedy}"
        elif matches[0].depth == deepest:
            found[index] = matches[0]
    return found, faults


def files_of(candidates: Mapping[int, Sequence[Match]]) -> set[str]:
    """The files that may be the mask of some image."""
    return {match.file for match in chain.from_iterable(candidates.values())}


def names_of(path: str) -> Names:
    """The names of a path.

    Example:
        >>> names_of("test/cat/000.png")
        ('000', 'cat', 'test')
    """
    return PurePosixPath(path).with_suffix("").parts[::-1]


def first_names(names: Sequence[str], *, most: int = SHOWN) -> str:
    """The first names, with how many there are.

    Example:
        >>> first_names(["a", "b"]), first_names(["a", "b", "c", "d"])
        ('a, b', 'a, b, c, ... (4 in all)')
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])}, ... ({len(names)} in all)"
