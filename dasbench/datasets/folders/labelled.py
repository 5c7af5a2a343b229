"""Labelled image files: taken from class folders, checked, and made into a data set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dasbench.datasets.dataset import Dataset, LeftOut, Part
from dasbench.datasets.folders.files import FileSplit
from dasbench.datasets.folders.walk import Folder
from dasbench.datasets.looking.contents import content_fingerprint
from dasbench.datasets.looking.first_look import FileList
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.pictures.framing import Framing
from dasbench.errors import DataError


@dataclass(frozen=True)
class ImageFiles:
    """Labelled image files below one folder.

    Args:
        folder: where they lie.
        files: paths below it, with `/`.
        labels: class of each, from 0, [N].
        sizes: bytes of each, [N].
        groups: of each, the number of the group that it belongs to, [N]; None if each stands for
            itself.
    """

    folder: Path
    files: tuple[str, ...]
    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def take(self, indices: NDArray[np.int64]) -> "ImageFiles":
        """Some of the files."""
        files = tuple(self.files[index] for index in indices.tolist())
        groups = self.groups
        if groups is not None:
            groups = groups[indices]
        return ImageFiles(self.folder, files, self.labels[indices], self.sizes[indices], groups)


@dataclass(frozen=True)
class Labelled:
    """Images with their labels, before parts that are missing are cut.

    Args:
        classes: names of the classes, in the order of the labels.
        parts: `train`, and others that are there.
        origins: what each of these was made of, in a few words.
        left_out: what is not used.
    """

    classes: tuple[str, ...]
    parts: Mapping[Part, ImageFiles]
    origins: Mapping[Part, str]
    left_out: Mapping[str, LeftOut]


def files_in(root: Path, classes: Sequence[Folder]) -> ImageFiles:
    """Every image in some class folders, sorted by class and path.

    Args:
        root: what the paths start from.
        classes: the folder of each class; the position is the label.

    Raises:
        DataError: if a class folder has no image.
    """
    refuse_empty_classes(root, classes)
    files: list[str] = []
    sizes: list[int] = []
    labels: list[int] = []
    for label, folder in enumerate(classes):
        for file, size in sorted(folder.all_images().items()):
            files.append(file)
            sizes.append(size)
            labels.append(label)
    return ImageFiles(root, tuple(files), np.array(labels, np.int64), np.array(sizes, np.int64))


def refuse_empty_classes(root: Path, classes: Iterable[Folder]) -> None:
    """Refuse class folders without an image.

    Raises:
        DataError: naming all of them.
    """
    lines: list[str] = []
    for folder in classes:
        if not folder.num_images:
            place = legible(root / folder.place)
            lines.append(f"{place}: holds no image")
    if lines:
        rule = "a class needs files that Pillow opens, such as .jpg or .png"
        remedy = "fill the folder or remove it"
        raise DataError(f"{listing(lines, name='empty-classes')}\n{rule}; {remedy}")


def expect_classes(folder: Path, found: Sequence[str], num_classes: int, *, how: str) -> None:
    """Refuse another number of class folders than expected.

    Raises:
        DataError: with both counts.
    """
    if len(found) != num_classes:
        what = f"holds {len(found)} class folders, but num_classes is {num_classes}"
        raise DataError(f"{folder}: {what}. {how}")


def file_dataset(
    *,
    name: str,
    classes: tuple[str, ...],
    parts: Mapping[Part, ImageFiles],
    framing: Framing,
    licence: str,
    citation: str,
    origins: Mapping[Part, str],
    left_out: Mapping[str, LeftOut],
) -> Dataset:
    """Make a data set of listed files, after checking what can be checked without decoding them.

    Raises:
        DataError: if a class is missing from a part, a file stands in two parts or is empty.
    """
    refuse_empty_files(parts)
    for part, listed in parts.items():
        _refuse_missing_classes(part, listed, classes)
    _refuse_overlap(parts)
    splits: dict[Part, FileSplit] = {}
    lists: dict[str, FileList] = {}
    labels: list[NDArray[np.int64]] = []
    for part, listed in parts.items():
        own_labels = torch.from_numpy(listed.labels)
        splits[part] = FileSplit(listed.folder, listed.files, own_labels, framing)
        (lists[part],) = splits[part].file_lists
        labels.append(listed.labels)
    return Dataset(
        name=name,
        classes=classes,
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        input_size=(3, framing.height, framing.width),
        fingerprint=content_fingerprint(lists, list(classes), *labels),
        licence=licence,
        citation=citation,
        origins=origins,
        left_out=left_out,
    )


def refuse_empty_files(parts: Mapping[Part, ImageFiles]) -> None:
    """Refuse files without a byte.

    Raises:
        DataError: naming all of them.
    """
    lines: list[str] = []
    total = 0
    for listed in parts.values():
        total += len(listed.files)
        for file in compress(listed.files, listed.sizes == 0):
            place = legible(listed.folder / file)
            lines.append(f"{place}: is empty (0 bytes)")
    if lines:
        count = f"{len(lines)} of {total} files are empty"
        raise DataError(f"{listing(lines, name='empty')}\n{count}; fetch them again or remove them")


def _refuse_missing_classes(part: str, listed: ImageFiles, classes: Sequence[str]) -> None:
    counts = np.bincount(listed.labels, minlength=len(classes))
    lacking = [f"'{name}'" for name in compress(classes, counts == 0)]
    if lacking:
        what = f"{len(lacking)} of {len(classes)} classes have no image"
        where = f"in the {part} part ({len(listed.files)} files)"
        lines = listing(lacking, name="missing-classes")
        raise DataError(f"{legible(listed.folder)}: {what} {where}:\n{lines}")


def _refuse_overlap(parts: Mapping[Part, ImageFiles]) -> None:
    seen: dict[str, str] = {}
    lines: list[str] = []
    for part, listed in parts.items():
        for file in listed.files:
            if file in seen:
                both = f"{seen[file]} and {part}"
                lines.append(f"{legible(listed.folder / file)}: stands in two parts, {both}")
        seen.update(dict.fromkeys(listed.files, part))
    if lines:
        remedy = f"{len(lines)} such files; let each stand in one part"
        raise DataError(f"{listing(lines, name='overlap')}\n{remedy}")
