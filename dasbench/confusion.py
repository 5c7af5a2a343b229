"""Which classes were taken for which: counts with the names of the classes, also as text."""

import json
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple, Self


class Taken(NamedTuple):
    """Examples of one class that were taken for one class, the same or another.

    Args:
        truth: the class, from 0.
        claim: what they were taken for.
        number: how many there are, above 0.
    """

    truth: int
    claim: int
    number: int


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix, without the pairs of classes that never occur.

    Args:
        classes: their names, in the order of the labels.
        cells: one for each pair of classes that occurs, row by row.

    Example:
        >>> confusion = Confusion.from_places(["cat", "dog"], [0, 1, 3], [8, 2, 5])
        >>> confusion.matrix
        [[8, 2], [0, 5]]
        >>> confusion.numbers, confusion.right
        ([10, 5], [8, 5])
        >>> Confusion.from_text(confusion.to_text()) == confusion
        True
    """

    classes: tuple[str, ...]
    cells: tuple[Taken, ...]

    @classmethod
    def from_places(
        cls, classes: Sequence[str], places: Iterable[int], numbers: Iterable[int]
    ) -> Self:
        """A confusion matrix from what stands where in it.

        Args:
            classes: names of the K classes.
            places: truth * K + claim, in rising order.
            numbers: of the examples at each place.
        """
        pairs = zip(places, numbers, strict=True)
        cells = tuple(Taken(*divmod(place, len(classes)), number) for place, number in pairs)
        return cls(tuple(classes), cells)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The confusion that `to_text` wrote."""
        data = json.loads(zlib.decompress(b64decode(text)))
        return cls.from_places(data["classes"], accumulate(data["gaps"]), data["numbers"])

    def to_text(self) -> str:
        """The confusion in little text.

        Most of 1,000 classes are never taken for one another.
        """
        counts = self._counts
        gaps = [after - before for before, after in pairwise([0, *counts])]
        data = {"classes": self.classes, "gaps": gaps, "numbers": list(counts.values())}
        text = json.dumps(data, separators=(",", ":"))
        return b64encode(zlib.compress(text.encode(), 9)).decode()

    @classmethod
    def total(cls, confusions: Iterable[Self]) -> Self:
        """The sum over several trials.

        Raises:
            ValueError: if they tell other classes apart, or there is none.

        Example:
            >>> one = Confusion.from_places(["cat", "dog"], [0, 3], [8, 5])
            >>> Confusion.total([one, one]).matrix
            [[16, 0], [0, 10]]
        """
        every = list(confusions)
        if len({confusion.classes for confusion in every}) != 1:
            raise ValueError("confusions of other classes have no sum")
        classes = every[0].classes
        counts: Counter[int] = Counter()
        for confusion in every:
            counts.update(confusion._counts)
        places = sorted(counts)
        return cls.from_places(classes, places, [counts[place] for place in places])

    @property
    def _counts(self) -> dict[int, int]:
        """Examples by their place in the matrix, which is truth * K + claim."""
        width = len(self.classes)
        return {cell.truth * width + cell.claim: cell.number for cell in self.cells}

    @property
    def matrix(self) -> list[list[int]]:
        """The whole matrix: row by the class, column by what it is taken for."""
        rows = [[0] * len(self.classes) for _ in self.classes]
        for truth, claim, number in self.cells:
            rows[truth][claim] = number
        return rows

    @property
    def numbers(self) -> list[int]:
        """Examples of each class."""
        numbers = [0] * len(self.classes)
        for cell in self.cells:
            numbers[cell.truth] += cell.number
        return numbers

    @property
    def right(self) -> list[int]:
        """Examples of each class that were taken for what they are."""
        right = [0] * len(self.classes)
        for cell in self.cells:
            if cell.truth == cell.claim:
                right[cell.truth] = cell.number
        return right

    @property
    def mistakes(self) -> list[Taken]:
        """Examples that were taken for another class than theirs, most first."""
        wrong = [cell for cell in self.cells if cell.truth != cell.claim]
        return sorted(wrong, key=lambda cell: (-cell.number, cell.truth, cell.claim))
