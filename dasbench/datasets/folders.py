"""Image files in class folders: listed, counted, checked, and made into a data set that is identified by them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dasbench.datasets.contents import content_fingerprint
from dasbench.datasets.dataset import Dataset, Part
from dasbench.datasets.files import FileSplit
from dasbench.datasets.first_look import FileList
from dasbench.datasets.framing import Framing
from dasbench.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""Ends of the names of files that are taken for images, in lower case."""


@dataclass(frozen=True)
class ImageFiles:
    """Labelled image files below one folder.

    Args:
        folder: where they lie.
        files: paths below it, with `/`.
        labels: class of each, from 0, [N].
        sizes: bytes of each, [N].
    """

    folder: Path
    files: tuple[str, ...]
    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> "ImageFiles":
        """Some of the files."""
        files = tuple(self.files[index] for index in indices.tolist())
        return ImageFiles(self.folder, files, self.labels[indices], self.sizes[indices])


def subfolders(folder: Path, *, how: str) -> tuple[str, ...]:
    """The names of the folders in a folder, sorted; hidden ones are left out.

    Args:
        folder: where they lie.
        how: how to get the data, for the error.

    Raises:
        DataError: if the folder is missing.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is missing"
        raise DataError(f"{folder}: {what}. {how}")
    with os.scandir(folder) as entries:
        return tuple(sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")))


def list_images(folder: Path, classes: Sequence[str], *, inside: str = "") -> ImageFiles:
    """Every image in some class folders, sorted by class and path.

    Args:
        folder: what the paths start from.
        classes: names of the class folders; the position is the label.
        inside: a folder between `folder` and the class folders, if any (`train`).

    Raises:
        DataError: if a class folder is missing or has no image.
    """
    files: list[str] = []
    sizes: list[int] = []
    labels: list[NDArray[np.int64]] = []
    for label, name in enumerate(classes):
        place = f"{inside}/{name}" if inside else name
        found = sorted(_walk(folder / place, place))
        if not found:
            what = "holds no image" if (folder / place).is_dir() else "is missing"
            raise DataError(f"{folder / place}: {what}; a class needs files that end in {', '.join(SUFFIXES)}")
        files += [path for path, _ in found]
        sizes += [size for _, size in found]
        labels.append(np.full(len(found), label, np.int64))
    return ImageFiles(folder, tuple(files), np.concatenate(labels), np.array(sizes, np.int64))


def _walk(folder: Path, place: str) -> Iterator[tuple[str, int]]:
    """Path and size of every image below a folder."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{place}/{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(folder / entry.name, path)
            elif entry.name.lower().endswith(SUFFIXES):
                yield path, entry.stat().st_size


def expect_classes(folder: Path, found: Sequence[str], num_classes: int, *, how: str) -> None:
    """Refuse another number of class folders than expected.

    Raises:
        DataError: with both counts.
    """
    if len(found) != num_classes:
        raise DataError(f"{folder}: holds {len(found)} class folders, but num_classes is {num_classes}. {how}")


def file_dataset(
    *,
    name: str,
    classes: tuple[str, ...],
    parts: Mapping[Part, ImageFiles],
    framing: Framing,
    licence: str,
    citation: str,
) -> Dataset:
    """Make a data set of listed files, after checking what can be checked without decoding them.

    Raises:
        DataError: if a class is missing from a part, a file stands in two parts or is empty.
    """
    for part, listed in parts.items():
        _refuse_empty(listed)
        _refuse_missing_classes(part, listed, classes)
    _refuse_overlap(parts)
    split = {
        part: FileSplit(listed.folder, listed.files, torch.from_numpy(listed.labels), framing)
        for part, listed in parts.items()
    }
    return Dataset(
        name=name,
        classes=classes,
        train=split["train"],
        val=split["val"],
        test=split["test"],
        input_size=(3, framing.height, framing.width),
        fingerprint=content_fingerprint(
            {part: FileList(listed.folder, listed.files) for part, listed in parts.items()},
            list(classes),
            *(listed.labels for listed in parts.values()),
        ),
        licence=licence,
        citation=citation,
    )


def _refuse_empty(listed: ImageFiles) -> None:
    empty = np.flatnonzero(listed.sizes == 0)
    if len(empty):
        first = listed.folder / listed.files[empty[0]]
        raise DataError(f"{first}: is empty (0 bytes), as are {len(empty)} of {len(listed.files)} files in all")


def _refuse_missing_classes(part: str, listed: ImageFiles, classes: Sequence[str]) -> None:
    counts = np.bincount(listed.labels, minlength=len(classes))
    lacking = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if lacking:
        where = f"in the {part} part ({len(listed.files)} files)"
        message = f"{len(lacking)} of {len(classes)} classes have no image {where}, such as '{lacking[0]}'"
        raise DataError(f"{listed.folder}: {message}")


def _refuse_overlap(parts: Mapping[Part, ImageFiles]) -> None:
    seen: dict[str, str] = {}
    for part, listed in parts.items():
        twice = [file for file in listed.files if file in seen]
        if twice:
            counts = f"{len(twice)} of the {len(listed.files)} files of {part} are also in {seen[twice[0]]}"
            raise DataError(f"{listed.folder / twice[0]}: stands in two parts; {counts}")
        seen.update(dict.fromkeys(listed.files, part))


def refuse_copies(parts: Mapping[Part, ImageFiles]) -> None:
    """Refuse images that stand in two parts under different names; files of equal size alone are read.

    Raises:
        DataError: naming a pair and how many there are.
    """
    by_size: dict[int, list[tuple[Part, Path]]] = {}
    for part, listed in parts.items():
        for file, size in zip(listed.files, listed.sizes.tolist(), strict=True):
            by_size.setdefault(size, []).append((part, listed.folder / file))
    copies: list[tuple[Path, Path, Part, Part]] = []
    for group in by_size.values():
        if len({part for part, _ in group}) < 2:
            continue
        seen: dict[bytes, tuple[Part, Path]] = {}
        for part, path in group:
            first_part, first = seen.setdefault(sha256(path.read_bytes()).digest(), (part, path))
            if first_part != part:
                copies.append((path, first, part, first_part))
    if copies:
        path, first, part, first_part = copies[0]
        raise DataError(
            f"{path}: in the {part} part, is a copy of {first} in the {first_part} part"
            f" ({len(copies)} such files); remove one of each pair"
        )
