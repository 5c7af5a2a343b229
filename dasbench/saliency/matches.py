"""The masks of a part's images: which file is whose, how that was found out, what is not clear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.folders.path_matching import Match, first_names
from dasbench.errors import DataError

BY_NUMBER = 0
"""The depth of a match that the image's number in its part decided."""


@dataclass(frozen=True)
class Matches:
    """The masks of a part's images.

    Args:
        folder: where the masks lie.
        images: what the images are called: paths in their data set, or their numbers where they are
            no files.
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
            DataError: if one has none, or it is not clear which; with how many such images there
                are.
        """
        wanted: list[int] = indices.tolist()
        unclear = [index for index in wanted if index in self.faults]
        if unclear:
            others = self._others(unclear, wanted)
            raise DataError(f"{self.folder}: {self.faults[unclear[0]]}{others}")
        lacking = [index for index in wanted if index not in self.found]
        if lacking:
            first, others = lacking[0], self._others(lacking, wanted)
            place = f"image {first}; it would be {_expected_names(first, self.images[first])}"
            raise DataError(f"{self.folder}: has no mask for {place}{others}")
        return [self.folder / self.found[index].file for index in wanted]

    def described(self) -> str:
        """How masks were found, and which images have none, in a line."""
        by_depth: dict[int, list[int]] = {}
        for index, match in self.found.items():
            by_depth.setdefault(match.depth, []).append(index)
        parts = []
        for depth, indices in sorted(by_depth.items(), reverse=True):
            parts.append(f"{len(indices)} by {self._rule(depth, example=indices[0])}")
        without = [index for index in range(len(self.images)) if index not in self.found]
        if without:
            parts.append(f"{len(without)} without ({self._names(without)})")
        if self.num_unused:
            parts.append(f"files of no image: {self.num_unused}")
        have = f"{len(self.found)} of {len(self.images)} images have a mask"
        return f"{self.folder}: {have}: {'; '.join(parts)}"

    def _rule(self, depth: int, *, example: int) -> str:
        """What decided, with an image for an example."""
        pair = f"({self.images[example]}: {self.found[example].file})"
        if depth == BY_NUMBER:
            return f"number {pair}"
        if depth == 1:
            return f"name {pair}"
        return f"the last {depth} names of the path {pair}"

    def _others(self, faulty: Sequence[int], wanted: Sequence[int]) -> str:
        """How many images have the same fault."""
        if len(faulty) == 1:
            return ""
        count = f"{len(faulty)} of {len(wanted)} images are like this"
        return f" ({count}, also {self._names(faulty[1:])})"

    def _names(self, indices: Sequence[int]) -> str:
        return first_names([self.images[index] for index in indices])


def is_another_number(image: str, index: int) -> bool:
    """Whether an image has a number for a name, and another one than its own in the part.

    Example:
        >>> is_another_number("cat/007.png", 12), is_another_number("cat/007.png", 7)
        (True, False)
        >>> is_another_number("cat/x.png", 3)
        False
    """
    name = PurePosixPath(image).stem
    return name.isascii() and name.isdigit() and int(name) != index


def _expected_names(index: int, image: str) -> str:
    """The names that the mask of an image could have."""
    file = PurePosixPath(image)
    names = [file.with_suffix("").as_posix(), file.stem]
    if not is_another_number(image, index):
        names.append(str(index))
    return " or ".join(f"{name}.png" for name in dict.fromkeys(names))
