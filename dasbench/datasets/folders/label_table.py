"""A table with the label of each image, perhaps with its part and group: read and checked."""

import csv
import io
import logging
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dasbench.datasets.folders.layouts import LayoutName
from dasbench.datasets.looking.listing import legible, listing, quoted
from dasbench.errors import DataError

LABELS = "labels.csv"
"""What a table is called that is read without being named."""

COLUMNS: Mapping[str, Sequence[str]] = {
    "file": (
        *("file", "filename", "filepath", "path"),
        *("image", "imagename", "imagefile", "imagefilename", "imagepath", "imageid"),
        *("img", "imgname", "imgpath", "imgid", "photo", "photoid", "picture"),
        *("fname", "id", "name"),
    ),
    "label": (
        *("label", "labels", "class", "classname", "classlabel", "classid"),
        *("category", "categoryname", "categoryid", "target"),
        *("species", "breed", "diagnosis", "dx", "type"),
    ),
    "split": ("split", "part", "partition", "set", "subset"),
    "group": (
        *("group", "groupid", "groupname", "patient", "patientid", "subject", "subjectid"),
        *("person", "personid", "participant", "participantid", "individual", "individualid"),
        *("animalid", "lesionid", "case", "caseid"),
    ),
}
"""What each column is called, in small letters without signs between them.

The first name is understood before others.
"""

KNOWN = frozenset(chain.from_iterable(COLUMNS.values()))
NEEDED = ("file", "label")
"""The columns that every table has."""

Line = tuple[int, Sequence[str]]
"""The number of a line, from 1, and its fields."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelRow:
    """What a table says of one image.

    Args:
        line: of the table, from 1.
        file: the image, as it is written.
        label: its class.
        split: its part, as it is written; empty if the table has no such column.
        group: what it belongs to; empty if the table has no such column.
    """

    line: int
    file: str
    label: str
    split: str = ""
    group: str = ""

    def agrees_with(self, other: "LabelRow") -> bool:
        """Whether two rows say the same of an image."""
        return (self.label, self.split, self.group) == (other.label, other.split, other.group)


class LabelTable(NamedTuple):
    """A table that was read.

    Args:
        path: where it lies.
        rows: in its order.
        columns: what its columns are called that say the file, the label, the split and the group.
    """

    path: Path
    rows: Sequence[LabelRow]
    columns: Mapping[str, str]


def find_label_table(folder: Path, labels: str | None, layout: LayoutName) -> str | None:
    """The path of the table below the root, if labels are to be read from one.

    Args:
        folder: the root.
        labels: the table that is named, if one is; else `labels.csv` in any case is looked for.
        layout: `classes` reads no table that is not named.

    Raises:
        DataError: if the table that is named is missing or does not lie below the root.
    """
    if labels is not None:
        return _place_of_table(folder, labels)
    if layout == "classes" or not folder.is_dir():
        return None
    try:
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - sorts a hundred thousand at once
            if name.lower() == LABELS and (folder / name).is_file():
                return name
    except PermissionError:
        return None  # the walk says so
    return None


def _place_of_table(folder: Path, labels: str) -> str:
    """The path of a table that is named, if it lies below the root."""
    path = PurePosixPath(labels)
    if path.is_absolute() or ".." in path.parts:
        where = f"the table of the labels must lie below {legible(folder)}"
        raise DataError(f"{labels}: {where}; name it from there")
    table = folder / path
    if folder.is_dir() and not table.exists():
        raise DataError(f"{legible(table)}: the table of the labels is missing")
    if folder.is_dir() and not table.is_file():
        raise DataError(f"{legible(table)}: the table of the labels is no file")
    return str(path)


def read_label_table(path: Path) -> LabelTable:
    """Read a table: its first line names the columns; commas, semicolons, tabs or bars are between.

    Args:
        path: the file; UTF-8, or UTF-16 with its mark, as spreadsheets write it.

    Raises:
        DataError: if it cannot be read, columns are missing or can be taken in two ways, or rows
            lack what they need.
    """
    lines = _lines_of(path, _text_of(path))
    if len(lines) < 2:
        rule = "the first line names the columns, each other one an image"
        raise DataError(f"{legible(path)}: has no rows; {rule}")
    header = list(map(str.strip, lines[0][1]))
    columns = _columns(path, header)
    ignored = [legible(name) for name in header if name and name not in columns.values()]
    if ignored:
        log.info("%s: columns that are not used: %s", legible(path), ", ".join(ignored))
    _refuse_long_rows(path, len(header), lines[1:])
    rows = [_row(line, header, columns) for line in lines[1:]]
    _refuse_gaps(path, rows, columns)
    return LabelTable(path, rows, columns)


def _text_of(path: Path) -> str:
    """What is written in a table, but for a spreadsheet's word on the separator."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{legible(path)}: cannot be read ({error.strerror})") from error
    name, encoding = "UTF-8", "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        name, encoding = "UTF-16", "utf-16"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        remedy = "save it as UTF-8 (spreadsheets call it 'CSV UTF-8')"
        raise DataError(f"{legible(path)}:{line}: is not {name}; {remedy}") from error
    return re.sub(r"\Asep=.[\r\n]+", "\n", text)


def _lines_of(path: Path, text: str) -> list[Line]:
    """The lines of a table in which anything is written."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    try:
        return [(reader.line_num, fields) for fields in reader if "".join(fields).strip()]
    except csv.Error as error:
        place = f"{legible(path)}:{reader.line_num}"
        raise DataError(f"{place}: cannot be read as a table ({error})") from error


def _separator(text: str) -> str:
    """The sign between columns: the one that makes most known columns of the first line."""

    def number_of_known(sign: str) -> int:
        header = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=sign), [])
        return sum(_plain(name) in KNOWN for name in header)

    return max(",;\t|", key=number_of_known)


def _plain(name: str) -> str:
    """The name of a column in small letters, without signs between them.

    Example:
        >>> _plain("Image_ID ")
        'imageid'
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def _columns(path: Path, header: Sequence[str]) -> dict[str, str]:
    """What the columns are called that are used, by what they say."""
    complaints = _columns_of_one_name(header)
    columns: dict[str, str] = {}
    for what, known in COLUMNS.items():
        found = _known_columns(header, known)
        if len(found) > 1 and what != "file" and _plain(found[0]) != what:
            complaints.append(
                f"{quoted(found)} may each say the {what}; call the right one '{what}'"
            )
        elif found:
            columns[what] = found[0]
        elif what in NEEDED:
            names = f"{quoted(known[:6])}, ...; there are {quoted(header)}"
            complaints.append(f"no column says the {what}; call one {names}")
    if complaints:
        lines = [f"{legible(path)}:1: {complaint}" for complaint in complaints]
        if path.name.lower() == LABELS:
            lines.append("If this is no table of labels, rename it.")
        raise DataError("\n".join(lines))
    return columns


def _columns_of_one_name(header: Sequence[str]) -> list[str]:
    """What to say of columns that are called the same."""
    times = Counter(filter(None, header))
    twice = sorted(name for name in times if times[name] > 1)
    return [f"two columns are called '{legible(name)}'" for name in twice]


def _known_columns(header: Sequence[str], known: Sequence[str]) -> list[str]:
    """The columns of some known names, the best known first."""
    found = [name for name in header if _plain(name) in known]
    return sorted(found, key=lambda name: known.index(_plain(name)))


def _refuse_long_rows(path: Path, width: int, lines: Sequence[Line]) -> None:
    """Refuse rows with more fields than columns: a name holds the separator."""
    wrong: list[str] = []
    for number, fields in lines:
        if "".join(fields[width:]).strip():
            counts = f"has {len(fields)} fields, but there are {width} columns"
            wrong.append(f"{legible(path)}:{number}: {counts}")
    if wrong:
        remedy = "put names that hold the separator into double quotes"
        raise DataError(f"{listing(wrong, name='rows')}\n{remedy}")


def _row(line: Line, header: Sequence[str], columns: Mapping[str, str]) -> LabelRow:
    """What a line says of its image."""
    number, fields = line
    value_of = dict(zip(header, map(str.strip, fields), strict=False))
    values = {what: value_of.get(name, "") for what, name in columns.items()}
    return LabelRow(number, **values)


def _refuse_gaps(path: Path, rows: Sequence[LabelRow], columns: Mapping[str, str]) -> None:
    """Refuse rows that do not say what they have a column for."""
    lines: list[str] = []
    for row in rows:
        empty = [legible(name) for what, name in columns.items() if not getattr(row, what)]
        if empty:
            where = f"{legible(path)}:{row.line}: '{legible(row.file)}'"
            lines.append(f"{where} has no {' and no '.join(empty)}")
    if lines:
        remedy = f"{len(lines)} rows with gaps; fill them, or remove the rows or the column"
        raise DataError(f"{listing(lines, name='gaps')}\n{remedy}")
