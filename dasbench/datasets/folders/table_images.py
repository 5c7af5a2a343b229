"""The images of a table of labels: found on the disk, with class, part and group of each."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath

import numpy as np

from dasbench.datasets.dataset import Part, parts_in_order
from dasbench.datasets.folders.label_table import LabelRow, LabelTable, read_label_table
from dasbench.datasets.folders.labelled import ImageFiles, Labelled
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.folders.walk import Tree, left_out_of
from dasbench.datasets.looking.listing import legible, listing, quoted
from dasbench.errors import DataError

Names = tuple[str, ...]
"""The names of a path from the first to the last, in small letters."""


def labelled_by_table(tree: Tree, place: str) -> Labelled:
    """The images that a table names, in the parts that it or their folders say.

    Images of one group, where the table has such a column, stand in one part.

    Args:
        tree: all below the root.
        place: the table's path below the root.

    Raises:
        DataError: if the table cannot be read, or names images that are not there, or in two ways,
            or its parts tear a group.
    """
    table = read_label_table(tree.root / place)
    rows = _rows_of_images(tree, table)
    classes = _sorted_labels({row.label for row in rows.values()})
    if len(classes) < 2:
        what = f"has one label, '{legible(classes[0])}', and there is nothing to tell apart"
        raise DataError(f"{legible(table.path)}: {what}")
    grouped = "group" in table.columns
    images_of: dict[Part, list[str]] = defaultdict(list)
    for image, part in _part_of_images(table, rows).items():
        images_of[part].append(image)
    parts: dict[Part, ImageFiles] = {}
    for part, images in parts_in_order(images_of).items():
        parts[part] = _files(tree, images, rows, classes, grouped=grouped)
    unnamed = [path for path in tree.top.all_paths() if path not in rows]
    return Labelled(
        tuple(map(legible, classes)),
        parts,
        dict.fromkeys(parts, _origin(place, table, num_parts=len(parts))),
        left_out_of({f"images in no row of {legible(place)}": unnamed}),
    )


def _origin(place: str, table: LabelTable, *, num_parts: int) -> str:
    """What parts are made of."""
    notes: list[str] = []
    if "group" in table.columns:
        notes.append(f"groups by '{legible(table.columns['group'])}'")
    if "split" not in table.columns and num_parts > 1:
        notes.append("parts by folders")
    if not notes:
        return legible(place)
    return f"{legible(place)} ({', '.join(notes)})"


def _sorted_labels(labels: set[str]) -> list[str]:
    """Labels by their numbers, if all are numbers; else by their letters.

    Example:
        >>> _sorted_labels({"10", "9"}), _sorted_labels({"10", "9", "cat"})
        (['9', '10'], ['10', '9', 'cat'])
    """
    if all(re.fullmatch(r"[+-]?\d+(\.\d*)?", label) for label in labels):
        return sorted(labels, key=lambda label: (float(label), label))
    return sorted(labels)


def _files(
    tree: Tree,
    images: Sequence[str],
    rows: Mapping[str, LabelRow],
    classes: Sequence[str],
    *,
    grouped: bool,
) -> ImageFiles:
    """Some of the images, sorted by class and path."""
    class_numbers = dict(zip(classes, count()))
    size_of = tree.top.all_images()
    ordered = sorted(images, key=lambda image: (class_numbers[rows[image].label], image))
    labels = np.array([class_numbers[rows[image].label] for image in ordered], np.int64)
    sizes = np.array([size_of[image] for image in ordered], np.int64)
    groups = None
    if grouped:
        numbers = dict(zip(sorted({row.group for row in rows.values()}), count()))
        groups = np.array([numbers[rows[image].group] for image in ordered], np.int64)
    return ImageFiles(tree.root, tuple(ordered), labels, sizes, groups)


def _rows_of_images(tree: Tree, table: LabelTable) -> dict[str, LabelRow]:
    """The row of each image that the table names, by the image's path."""
    index = Index.of(tree.top.all_paths())
    rows: dict[str, LabelRow] = {}
    absent, unclear, twice = [], [], []
    for row in table.rows:
        found = index.images_of(row.file)
        at = f"{legible(table.path)}:{row.line}: '{legible(row.file)}'"
        if not found:
            absent.append(f"{at} is not below {legible(tree.root)}")
        elif len(found) > 1:
            unclear.append(f"{at} may be {quoted(found[:3])}; write more of its path")
        else:
            earlier = rows.setdefault(found[0], row)
            if not row.agrees_with(earlier):
                twice.append(f"{at} stands in line {earlier.line}, too, which says otherwise")
    faults = {
        "is not there": absent,
        "may be several images": unclear,
        "stands in two rows": twice,
    }
    complaints: list[str] = []
    for what, lines in faults.items():
        if lines:
            complaints.append(listing(lines, name="rows"))
            complaints.append(f"{len(lines)} of {len(table.rows)} rows: the image {what}")
    if complaints:
        raise DataError("\n".join(complaints))
    return rows


@dataclass(frozen=True)
class Index:
    """Images by their last name, with and without its ending.

    Args:
        names: of the path of each image.
        whole: paths of the images of a name.
        stems: paths of the images of a name without its ending.
    """

    names: Mapping[str, Names]
    whole: Mapping[str, Sequence[str]]
    stems: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, images: Sequence[str]) -> "Index":
        """The index of some paths."""
        names = {image: _names(image) for image in images}
        whole: dict[str, list[str]] = defaultdict(list)
        stems: dict[str, list[str]] = defaultdict(list)
        for image, (*_, last) in names.items():
            whole[last].append(image)
            stems[PurePosixPath(last).stem].append(image)
        return cls(names, whole, stems)

    def images_of(self, file: str) -> list[str]:
        r"""The images that a table may mean by a name.

        These are those with the longest end of their path in common with it.

        The name may have folders before it, below the root or above it, with `/` or `\`, and lack
        its ending.

        Example:
            >>> index = Index.of(["a/1.jpg", "b/1.jpg", "b/2.jpg"])
            >>> index.images_of("data\\b\\1.JPG"), index.images_of("2"), index.images_of("1")
            (['b/1.jpg'], ['b/2.jpg'], ['a/1.jpg', 'b/1.jpg'])
        """
        written = _names(file)
        if not written:
            return []
        for candidates in (self.whole, self.stems):
            images = candidates.get(written[-1], ())
            found = [image for image in images if self._agree(image, written)]
            if found:
                return self._nearest(found, file)
        return []

    def _agree(self, image: str, written: Names) -> bool:
        """Whether the folders of one are the end of the other's."""
        folders, others = self.names[image][:-1], written[:-1]
        common = min(len(folders), len(others))
        return common == 0 or folders[-common:] == others[-common:]

    def _nearest(self, images: Sequence[str], file: str) -> list[str]:
        """Of images that a name fits, those it fits best.

        It fits exactly, or with the longest common end, or in its case.
        """
        length = len(_names(file))

        def closeness(image: str) -> tuple[bool, int]:
            own = len(self.names[image])
            return own == length, min(own, length)

        closest = max(map(closeness, images))
        nearest = [image for image in images if closeness(image) == closest]
        last = file.replace("\\", "/").rpartition("/")[2]
        same_case = [image for image in nearest if image.rpartition("/")[2] == last]
        if len(same_case) == 1:
            return same_case
        return nearest


def _names(path: str) -> Names:
    names = legible(path).casefold().replace("\\", "/").split("/")
    return tuple(name for name in names if name not in ("", "."))


def _part_of_images(table: LabelTable, rows: Mapping[str, LabelRow]) -> dict[str, Part]:
    """The part of each image: as the table says, else as folders do."""
    if "split" in table.columns:
        part_of = _parts_by_column(table, rows)
    else:
        part_of = _parts_by_folder(table, rows)
    if "train" not in part_of.values():
        found = " and ".join(sorted(set(part_of.values())))
        what = f"all images are for {found}; none is for train, to learn from"
        raise DataError(f"{legible(table.path)}: {what}")
    if "group" in table.columns:
        _refuse_torn_groups(table, rows, part_of)
    return part_of


def _parts_by_column(table: LabelTable, rows: Mapping[str, LabelRow]) -> dict[str, Part]:
    """The part of each image, as the table says."""
    parts: dict[str, Part] = {}
    unknown: list[str] = []
    for image, row in rows.items():
        if part := part_named(row.split):
            parts[image] = part
        else:
            unknown.append(f"{legible(table.path)}:{row.line}: '{legible(row.split)}' is no part")
    if unknown:
        remedy = f"{len(unknown)} rows; parts are train, val and test"
        raise DataError(f"{listing(unknown, name='rows')}\n{remedy}")
    return parts


def _parts_by_folder(table: LabelTable, rows: Mapping[str, LabelRow]) -> dict[str, Part]:
    """The part of each image, as folders say that are named for parts.

    All images are for training if not two parts are named.
    """
    found: dict[str, Part] = {}
    homeless: list[str] = []
    for image in rows:
        if part := _part_of_path(image):
            found[image] = part
        else:
            homeless.append(f"'{legible(image)}' is in no part")
    if len(set(found.values())) < 2:
        return dict.fromkeys(rows, "train")
    if homeless:
        what = "some images lie in folders that are named for parts, others do not"
        remedy = "say the part of each in a column `split`"
        lines = listing(homeless, name="no-part")
        raise DataError(f"{legible(table.path)}: {what}; {remedy}\n{lines}")
    return found


def _part_of_path(image: str) -> Part | None:
    """The part that the first folder means that means any."""
    meant = map(part_named, PurePosixPath(image).parts[:-1])
    return next(filter(None, meant), None)


def _refuse_torn_groups(
    table: LabelTable, rows: Mapping[str, LabelRow], part_of: Mapping[str, Part]
) -> None:
    """Refuse parts that share a group."""
    counts: dict[str, Counter[Part]] = defaultdict(Counter)
    for image, row in rows.items():
        counts[row.group][part_of[image]] += 1
    lines: list[str] = []
    for group, parts in counts.items():
        if len(parts) > 1:
            where = " and ".join(f"{count} in {part}" for part, count in sorted(parts.items()))
            lines.append(f"{legible(table.path)}: group '{legible(group)}' is torn: {where}")
    if lines:
        column = f"the column '{legible(table.columns['group'])}'"
        rename = f"rename {column} if it does not say what belongs together"
        remedy = f"{len(lines)} torn groups; put each into one part; {rename}"
        raise DataError(f"{listing(lines, name='groups')}\n{remedy}")
