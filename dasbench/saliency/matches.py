"""The masks of a part's images: which file is whose, how that was found out, and what is not clear."""

from collections import Counter
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
        lacking = [
            index for index in wanted if index not in self.found and index not in self.faults
        ]
        if unclear:
            raise DataError(
                f"{self.folder}: {self.faults[unclear[0]]}{self._others(unclear, wanted)}"
            )
        if lacking:
            place = (
                f"image {lacking[0]}; it would be {_expected(lacking[0], self.images[lacking[0]])}"
            )
            raise DataError(
                f"{self.folder}: has no mask for {place}{self._others(lacking, wanted)}"
            )
        return [self.folder / self.found[index].file for index in wanted]

    def described(self) -> str:
        """How masks were found, and which images have none, in a line."""
        depths = Counter(match.depth for match in self.found.values())
        rules = [
            f"{depths[depth]} by {self._rule(depth)}" for depth in sorted(depths, reverse=True)
        ]
        without = [index for index in range(len(self.images)) if index not in self.found]
        lacking = [f"{len(without)} without ({self._named(without)})"] if without else []
        unused = [f"files of no image: {self.num_unused}"] if self.num_unused else []
        have = f"{len(self.found)} of {len(self.images)} images have a mask"
        return f"{self.folder}: {have}: {'; '.join([*rules, *lacking, *unused])}"

    def _rule(self, depth: int) -> str:
        """What decided, with the first image for an example."""
        index, match = next(
            (index, match) for index, match in self.found.items() if match.depth == depth
        )
        example = f"({self.images[index]}: {match.file})"
        if depth == BY_NUMBER:
            return f"number {example}"
        return f"name {example}" if depth == 1 else f"the last {depth} names of the path {example}"

    def _others(self, faulty: Sequence[int], wanted: Sequence[int]) -> str:
        """How many images have the same fault."""
        count = f"{len(faulty)} of {len(wanted)} images are like this"
        return f" ({count}, also {self._named(faulty[1:])})" if len(faulty) > 1 else ""

    def _named(self, indices: Sequence[int]) -> str:
        return first_names([self.images[index] for index in indices])


def is_another_number(image: str, index: int) -> bool:
    """Whether an image has a number for a name, and another one than its own in the part.

    Example:
        >>> is_another_number("cat/007.png", 12), is_another_number("cat/007.png", 7), is_another_number("cat/x.png", 3)
        (True, False, False)
    """
    name = PurePosixPath(image).stem
    return name.isascii() and name.isdigit() and int(name) != index


def _expected(index: int, image: str) -> str:
    """The names that the mask of an image could have."""
    file = PurePosixPath(image)
    names = [file.with_suffix("").as_posix(), file.stem]
    if not is_another_number(image, index):
        names.append(str(index))
    return " or ".join(f"{name}.png" for name in dict.fromkeys(names))
