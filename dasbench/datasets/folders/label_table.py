"""A table with the label of each image, and its part and group if it has such columns: read and checked."""

import csv
import io
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dasbench.datasets.folders.layouts import LayoutName
from dasbench.datasets.looking.listing import listing, shown
from dasbench.errors import DataError

LABELS = "labels.csv"
"""What a table is called that is read without being named."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "filepath", "path", "image", "imagename", "imagefile", "imagefilename", "imagepath",
             "imageid", "img", "imgname", "imgpath", "imgid", "photo", "photoid", "picture", "fname", "id", "name"),
    "label": ("label", "labels", "class", "classname", "classlabel", "classid", "category", "categoryname",
              "categoryid", "target", "species", "breed", "diagnosis", "dx", "type"),
    "split": ("split", "part", "partition", "set", "subset"),
    "group": ("group", "groupid", "groupname", "patient", "patientid", "subject", "subjectid", "person", "personid",
              "participant", "participantid", "individual", "individualid", "animalid", "lesionid", "case", "caseid"),
}  # fmt: skip
"""What each column is called, in small letters without signs between them; the first is understood before others."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
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
    split: str
    group: str


class Table(NamedTuple):
    """A table that was read.

    Args:
        path: where it lies.
        rows: in its order.
        columns: what its columns are called that say the file, the label, the split and the group.
    """

    path: Path
    rows: Sequence[Row]
    columns: Mapping[str, str]


def find_table(folder: Path, labels: str | None, layout: LayoutName) -> str | None:
    """The path of the table below the root, if labels are to be read from one.

    Args:
        folder: the root.
        labels: the table that is named, if one is; else `labels.csv` in any case is looked for.
        layout: `classes` reads no table that is not named.

    Raises:
        DataError: if the table that is named is missing or does not lie below the root.
    """
    if labels is not None:
        path = PurePosixPath(labels)
        if path.is_absolute() or ".." in path.parts:
            raise DataError(
                f"{labels}: the table of the labels must lie below {shown(folder)}; name it from there"
            )
        if folder.is_dir() and not (folder / path).is_file():
            what = "is no file" if (folder / path).exists() else "is missing"
            raise DataError(f"{shown(folder / path)}: the table of the labels {what}")
        return str(path)
    if layout == "classes" or not folder.is_dir():
        return None
    try:
        names = sorted(
            path.name for path in folder.iterdir() if path.name.lower() == LABELS and path.is_file()
        )
    except PermissionError:
        return None  # the walk says so
    return names[0] if names else None


def read_table(path: Path) -> Table:
    """Read a table: its first line names the columns; commas, semicolons, tabs or bars are between them.

    Args:
        path: the file; UTF-8, or UTF-16 with its mark, as spreadsheets write it.

    Raises:
        DataError: if it cannot be read, columns are missing or can be taken in two ways, or rows
            lack what they need.
    """
    text = re.sub(
        r"\Asep=.[\r\n]+", "\n", _text(path)
    )  # a spreadsheet's word on the separator, which is found anyway
    separator = _separator(text)
    lines: list[tuple[int, list[str]]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        lines = [
            (reader.line_num, fields) for fields in reader if any(field.strip() for field in fields)
        ]
    except csv.Error as error:
        raise DataError(
            f"{shown(path)}:{reader.line_num}: cannot be read as a table ({error})"
        ) from error
    if len(lines) < 2:
        raise DataError(
            f"{shown(path)}: has no rows; the first line names the columns, each other one an image"
        )
    header = [name.strip() for name in lines[0][1]]
    columns = _columns(path, header)
    ignored = [name for name in header if name and name not in columns.values()]
    if ignored:
        log.info("%s: columns that are not used: %s", shown(path), ", ".join(map(shown, ignored)))
    _refuse_long_rows(path, len(header), lines[1:])
    rows = [
        _row(number, dict(zip(header, fields, strict=False)), columns)
        for number, fields in lines[1:]
    ]
    _refuse_gaps(path, rows, columns)
    return Table(path, rows, columns)


def _text(path: Path) -> str:
    """What is written in a table."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        remedy = "save it as UTF-8 (spreadsheets call it 'CSV UTF-8')"
        raise DataError(
            f"{shown(path)}:{line}: is not {'UTF-16' if wide else 'UTF-8'}; {remedy}"
        ) from error


def _separator(text: str) -> str:
    """The sign between columns: the one that makes most known columns of the first line."""

    def number_of_known(sign: str) -> int:
        header = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=sign), [])
        return sum(any(_plain(name) in known for known in COLUMNS.values()) for name in header)

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
    twice = sorted({name for name in header if name and header.count(name) > 1})
    complaints = [f"{shown(path)}:1: two columns are called '{shown(name)}'" for name in twice]
    columns: dict[str, str] = {}
    for what, known in COLUMNS.items():
        found = sorted(
            (name for name in header if _plain(name) in known),
            key=lambda name: known.index(_plain(name)),
        )
        if len(found) > 1 and what != "file" and _plain(found[0]) != what:
            names = ", ".join(f"'{shown(name)}'" for name in found)
            complaints.append(
                f"{shown(path)}:1: {names} may each say the {what}; call the right one '{what}'"
            )
        elif found:
            columns[what] = found[0]
        elif what in ("file", "label"):
            known_names = ", ".join(f"'{name}'" for name in known[:6])
            there = ", ".join(f"'{shown(name)}'" for name in header)
            missing = f"no column says the {what}; call one {known_names}, ...; there are {there}"
            complaints.append(f"{shown(path)}:1: {missing}")
    if complaints:
        remedy = "If this is no table of labels, rename it." if path.name.lower() == LABELS else ""
        raise DataError("\n".join([*complaints, *filter(None, [remedy])]))
    return columns


def _refuse_long_rows(path: Path, width: int, lines: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Refuse rows with more fields than columns: a name holds the separator."""
    wrong = [
        f"{shown(path)}:{number}: has {len(fields)} fields, but there are {width} columns"
        for number, fields in lines
        if any(field.strip() for field in fields[width:])
    ]
    if wrong:
        raise DataError(
            f"{listing(wrong, name='rows')}\nput names that hold the separator into double quotes"
        )


def _row(line: int, fields: Mapping[str, str], columns: Mapping[str, str]) -> Row:
    values = {what: fields.get(columns.get(what, ""), "").strip() for what in COLUMNS}
    return Row(line, values["file"], values["label"], values["split"], values["group"])


def _refuse_gaps(path: Path, rows: Sequence[Row], columns: Mapping[str, str]) -> None:
    """Refuse rows that do not say what they have a column for."""
    lines: list[str] = []
    for row in rows:
        said = {"file": row.file, "label": row.label, "split": row.split, "group": row.group}
        empty = [shown(columns[what]) for what in columns if not said[what]]
        if empty:
            lines.append(
                f"{shown(path)}:{row.line}: '{shown(row.file)}' has no {' and no '.join(empty)}"
            )
    if lines:
        remedy = f"{len(lines)} rows with gaps; fill them, or remove the rows or the column"
        raise DataError(f"{listing(lines, name='gaps')}\n{remedy}")
