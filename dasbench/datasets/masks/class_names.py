"""What a study or a file beside masks says of their classes: names, with colours or values."""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from dasbench.datasets.masks.files import colour_code
from dasbench.errors import DataError

CLASS_FILES = (
    "labelmap.txt",
    "class_names.txt",
    "class_dict.csv",
    "classes.json",
    "class_names.json",
    "meta.json",
)
"""Files that may say what masks mean, in lower case."""

Colour = str | Sequence[str | int]
"""As it is written: `#rrggbb`, or three numbers, perhaps with commas between them."""


class NamedClasses(NamedTuple):
    """Classes as they are named.

    Args:
        names: of the classes, in their order; those that stand for nothing or for what is ignored
            too.
        colours: of each, as `colour_code` counts them; empty if the order tells what values mean.
        values: of each, where they are said; else they follow from the order.
        source: who says so, for messages.
    """

    names: tuple[str, ...]
    colours: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    source: str = "'classes'"


def class_files_in(folder: Path) -> list[Path]:
    """The files in a folder that may say what masks mean, the one that is read first."""
    there = {path.name.lower(): path for path in folder.glob("*") if path.is_file()}
    return list(filter(None, map(there.get, CLASS_FILES)))


def named_in_folder(folder: Path) -> NamedClasses | None:
    """What a file in a folder says of the classes; None if there is no such file.

    Raises:
        DataError: if it cannot be read.
    """
    files = class_files_in(folder)
    if not files:
        return None
    try:
        named = _named_in_text(files[0], files[0].read_text("utf-8-sig"))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, csv.Error) as error:
        what = f"cannot be read as names of classes: {error}"
        raise DataError(f"{files[0]}: {what}; mend it, or move it away") from error
    if not named.names:
        return None
    return named


def _named_in_text(file: Path, text: str) -> NamedClasses:
    """Names with their colours or their values, if those are there."""
    name = file.name.lower()
    if name.endswith(".json"):
        return _named_in_json(json.loads(text), file.name)
    used = [line for line in text.splitlines() if not line.startswith("#")]
    lines = list(filter(None, map(str.strip, used)))
    if name.endswith(".csv"):
        return _named_in_csv(lines, file.name)
    if name == "labelmap.txt":
        fields = [line.split(":") for line in lines]
        return _with_colours(map(itemgetter(0), fields), map(itemgetter(1), fields), file.name)
    return NamedClasses(tuple(lines), source=file.name)


def _named_in_csv(lines: Iterable[str], source: str) -> NamedClasses:
    """The name and the three numbers of each row of a CSV but its head."""
    names: list[str] = []
    colours: list[list[str]] = []
    for row in csv.reader(lines):
        name, *numbers = map(str.strip, row[:4])
        if all(map(str.isdigit, numbers)):
            names.append(name)
            colours.append(numbers)
    return _with_colours(names, colours, source)


def _with_colours(names: Iterable[str], colours: Iterable[Colour], source: str) -> NamedClasses:
    return NamedClasses(tuple(names), tuple(map(colour_of, colours)), source=source)


def _named_in_json(content: Any, source: str) -> NamedClasses:
    """A list of names, or of objects with a name; or names with colours or values."""
    if isinstance(content, dict) and isinstance(content.get("classes"), list):
        content = content["classes"]
    if isinstance(content, list):
        return _named_in_list(content, source)
    if all(map(str.isdigit, content)):
        names = tuple(map(str, content.values()))
        return NamedClasses(names, values=tuple(map(int, content)), source=source)
    if all(isinstance(value, int) for value in content.values()):
        return NamedClasses(tuple(content), values=tuple(content.values()), source=source)
    return _with_colours(content, content.values(), source)


def _named_in_list(content: list[Any], source: str) -> NamedClasses:
    """A list of names, or of objects with a name and perhaps a colour."""
    if all(isinstance(each, str) for each in content):
        return NamedClasses(tuple(content), source=source)
    names = tuple(str(each.get("name") or each["title"]) for each in content)
    colours = tuple(colour_of(each["color"]) for each in content if "color" in each)
    if colours and len(colours) < len(names):
        raise ValueError("some classes have a colour and some have none")
    return NamedClasses(names, colours, source=source)


def colour_of(given: Colour) -> int:
    """A colour as one number, whether it is written as three of them or as `#rrggbb`.

    Example:
        >>> colour_of("128,0,0") == colour_of([128, 0, 0]) == colour_of("#800000")
        True
    """
    parts = given
    if isinstance(given, str):
        if re.fullmatch(r"#[0-9a-fA-F]{6}", given):
            return int(given[1:], 16)
        parts = given.split(",")
    numbers = list(map(int, parts))
    if len(numbers) != 3 or min(numbers) < 0 or max(numbers) > 255:
        raise ValueError(f"{given!r} is no colour; write three numbers from 0 to 255")
    return colour_code(*numbers)
