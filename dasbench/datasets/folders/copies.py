"""Images of equal content: refused where they stand in two parts or classes, or counted once."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from dasbench.datasets.dataset import PARTS, LeftOut, Part
from dasbench.datasets.folders.labelled import ImageFiles
from dasbench.datasets.folders.walk import left_out_of
from dasbench.datasets.looking.contents import digests_of
from dasbench.datasets.looking.first_look import FileList
from dasbench.datasets.looking.listing import legible, listing
from dasbench.errors import DataError

Copies = Literal["refuse", "once"]
"""What becomes of images that stand in two parts: refused, or counted once."""

Digests = Mapping[str, str]
"""What identifies the content of each file, by its path."""


class Once(NamedTuple):
    """Parts in which each picture counts once.

    Args:
        parts: without the copies.
        left_out: how many copies there were.
    """

    parts: dict[Part, ImageFiles]
    left_out: dict[str, LeftOut]


def digests_in(parts: Mapping[Part, ImageFiles]) -> Digests:
    """What identifies the content of each file of some parts, which lie below the same folder."""
    folder = parts["train"].folder
    names = list(chain.from_iterable(listed.files for listed in parts.values()))
    return dict(zip(names, digests_of(FileList(folder, names)), strict=True))


def refuse_two_labels(
    parts: Mapping[Part, ImageFiles], digests: Digests, classes: Sequence[str]
) -> None:
    """Refuse images that stand in two classes: one of the labels is wrong.

    Raises:
        DataError: naming all pairs.
    """
    first: dict[str, tuple[str, int]] = {}
    lines = []
    for listed in parts.values():
        for file, label in zip(listed.files, listed.labels.tolist(), strict=True):
            earlier, earlier_label = first.setdefault(digests[file] or file, (file, label))
            if earlier_label != label:
                copy = f"{legible(listed.folder / file)}: of class '{classes[label]}'"
                other = f"{legible(listed.folder / earlier)} of class '{classes[earlier_label]}'"
                lines.append(f"{copy}, is a copy of {other}")
    if lines:
        remedy = f"{len(lines)} such files under two labels; remove what is wrong"
        raise DataError(f"{listing(lines, name='two-labels')}\n{remedy}")


def refuse_copies(parts: Mapping[Part, ImageFiles], digests: Digests) -> None:
    """Refuse images that stand in two parts under different names.

    Raises:
        DataError: naming all pairs.
    """
    first: dict[str, tuple[str, Part]] = {}
    lines = []
    for part, listed in parts.items():
        for file in listed.files:
            earlier, earlier_part = first.setdefault(digests[file] or file, (file, part))
            if earlier_part != part:
                copy = f"{legible(listed.folder / file)}: in the {part} part"
                other = f"{legible(listed.folder / earlier)} in the {earlier_part} part"
                lines.append(f"{copy}, is a copy of {other}")
    if lines:
        once = "say `copies: once`, which leaves each picture in one part"
        remedy = f"{len(lines)} such files; remove one of each pair, or {once}"
        raise DataError(f"{listing(lines, name='copies')}\n{remedy}")


def count_once(parts: Mapping[Part, ImageFiles], digests: Digests) -> Once:
    """Leave each picture in one part, under its first file.

    It is left in test if it stands there, else in val, else in train.
    """
    seen: set[str] = set()
    dropped: list[str] = []
    once = dict(parts)
    for part in sorted(parts, key=PARTS.index, reverse=True):
        listed = parts[part]
        own = []
        for index, file in enumerate(listed.files):
            content = digests[file] or file
            if content in seen:
                dropped.append(file)
            else:
                own.append(index)
            seen.add(content)
        once[part] = listed.take(np.array(own, np.int64))
    return Once(once, left_out_of({"copies of other images": dropped}))
