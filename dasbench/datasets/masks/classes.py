"""Which classes there are in masks: as they are named by a study or a file beside them, else as they are found."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from dasbench.datasets.annotations import IGNORED
from dasbench.datasets.masks.files import Decoding, Found, colour_code, colour_name
from dasbench.errors import DataError

MOST_CLASSES = 254
"""What a class map of 8 bits can hold beside 0 for nothing and `IGNORED`."""

MOST_UNNAMED = 64
"""More values than these are rather shades of a smoothed mask, unless the classes are named."""

NOTHING = ("background", "bg", "nothing", "none")
UNKNOWN = ("ignore", "ignored", "void", "unlabeled", "unlabelled", "boundary", "border")
"""Names, but for underscores, that do not stand for a class: there is nothing, or nobody says what there is."""

TABLES = (
    "labelmap.txt",
    "class_names.txt",
    "class_dict.csv",
    "classes.json",
    "class_names.json",
    "meta.json",
)
"""Files that may say what masks mean, in lower case."""


class Named(NamedTuple):
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


class Classes(NamedTuple):
    """The classes of a data set, and how masks tell them.

    Args:
        names: of the classes, from 1 in class maps.
        decoding: of the masks.
    """

    names: tuple[str, ...]
    decoding: Decoding


def classes_of(found: Mapping[str, Found], named: Named | None) -> Classes:
    """The classes in masks.

    With colours named, colours tell the class. With names alone, value 1 is the first class, unless
    that is called background: then it is 0. Where nothing is named, masks with colours have a class
    for each colour but black, and masks of numbers one for each value but 0 and 255; if 0 and 255
    are all there is, 255 is the one class.

    Args:
        found: what each mask holds, by its path.
        named: what a study or a file says of the classes; None if nobody says anything.

    Raises:
        DataError: if masks hold what means no class, or too much.
    """
    if named and named.colours:
        grey_table = {colour_code(0, 0, 0), *named.colours}
        strange = any(set(each.colours) - grey_table for each in found.values())
        plain = all(each.values and not each.of_palette for each in found.values())
        if not (strange and plain):
            return _by_colour(found, named)
    if any(not each.values for each in found.values()):
        if named:
            _refuse_names_alone(found, named)
        return _by_colour(found, None)
    return _by_value(found, named)


def _refuse_names_alone(found: Mapping[str, Found], named: Named) -> NoReturn:
    """Names alone do not say which colour is which."""
    file = next(file for file, each in found.items() if not each.values)
    colours = sorted({code for each in found.values() for code in each.colours} - {0})
    said = f"has colours for classes, of which {named.source} says names alone"
    remedy = "write which is which: colors: {name: [r, g, b], ...}"
    raise DataError(f"{file}: {said}: {_listed_colours(colours)}; {remedy}")


def _by_colour(found: Mapping[str, Found], named: Named | None) -> Classes:
    many = [file for file, each in found.items() if not each.colours]
    if many:
        what = f"has more colours than classes can have, as do {len(many)} of {len(found)} masks in all"
        raise DataError(
            f"{many[0]}: {what}; a mask has one colour for each class, without smooth edges"
        )
    there = sorted({code for each in found.values() for code in each.colours})
    if named is None:
        others = [code for code in there if code]
        named = Named(tuple(colour_name(code).rpartition(" ")[2] for code in others), tuple(others))
    numbers: dict[int, int] = {0: 0}
    names = _numbered(zip(named.names, named.colours, strict=True), numbers)
    strange = {
        code: file for file, each in found.items() for code in each.colours if code not in numbers
    }
    if strange:
        file = next(iter(strange.values()))
        said = f"{named.source} gives the meaning of {len(numbers)} colours, but masks have others"
        raise DataError(f"{file}: {said}: {_listed_colours(sorted(strange))}")
    return _checked(found, names, numbers, by_colour=True)


def _by_value(found: Mapping[str, Found], named: Named | None) -> Classes:
    values = sorted({value for each in found.values() for value in each.values})
    numbers: dict[int, int] = {0: 0}
    if values in ([0, IGNORED], [IGNORED], [0, 65535]) and (
        named is None or len(_own(named.names)) == 1
    ):
        names = _own(named.names) if named else ["object"]
        numbers[values[-1]] = 1
        return _checked(found, names, numbers, by_colour=False)
    numbers[IGNORED] = IGNORED
    if named is None:
        others = [value for value in values if value not in numbers]
        if len(others) > MOST_UNNAMED:
            what = f"masks hold {len(values)} values, from {values[0]} to {values[-1]}"
            remedy = "masks that were scaled smoothly look so; if that many classes are meant, name them: classes: [...]"
            raise DataError(f"{next(iter(found))}: {what}; {remedy}")
        names = _numbered(((str(value), value) for value in others), numbers)
        return _checked(found, names, numbers, by_colour=False)
    names = _numbered(_values_named(named), numbers)
    strange = {
        value: file for file, each in found.items() for value in each.values if value not in numbers
    }
    if strange:
        file, listed = next(iter(strange.values())), ", ".join(map(str, sorted(strange)[:10]))
        known = ", ".join(str(value) for value in sorted(numbers)[:10]) + (
            ", ..." if len(numbers) > 10 else ""
        )
        said = f"{named.source} tells what the values {known} mean, but masks hold others"
        raise DataError(
            f"{file}: {said}: {listed}; 0 is nothing and 255 is ignored unless they are named"
        )
    return _checked(found, names, numbers, by_colour=False)


def _values_named(named: Named) -> list[tuple[str, int]]:
    """Each name with its value: as it is said, else by the order, from 0 if the first name stands for nothing."""
    if named.values:
        return list(zip(named.names, named.values, strict=True))
    order = [name for name in named.names if not name.startswith("__")]
    first = 0 if order and _plain(order[0]) in (*NOTHING, *UNKNOWN) else 1
    return [(name, value) for value, name in enumerate(order, start=first)]


def _numbered(named: Iterable[tuple[str, int]], numbers: dict[int, int]) -> list[str]:
    """Number the classes, each in `numbers` by its code, and give their names."""
    names: list[str] = []
    for name, code in named:
        if _plain(name) in NOTHING:
            numbers[code] = 0
        elif _plain(name) in UNKNOWN:
            numbers[code] = IGNORED
        else:
            names.append(name)
            numbers[code] = len(names)
    return names


def _own(names: Sequence[str]) -> list[str]:
    """The names that stand for classes."""
    return [name for name in names if _plain(name) not in (*NOTHING, *UNKNOWN)]


def _checked(
    found: Mapping[str, Found], names: Sequence[str], numbers: Mapping[int, int], *, by_colour: bool
) -> Classes:
    place = next(iter(found))
    if not names:
        raise DataError(f"{place}: masks hold no class: every pixel is 0 (nothing), or ignored")
    if len(names) > MOST_CLASSES:
        raise DataError(f"{place}: masks hold {len(names)} classes; {MOST_CLASSES} are the most")
    twice = [one for one, other in pairwise(sorted(names)) if one == other]
    if twice:
        raise DataError(f"{place}: two classes are called '{twice[0]}'")
    codes = sorted(numbers)
    decoding = Decoding(by_colour, tuple(codes), tuple(numbers[code] for code in codes))
    return Classes(tuple(names), decoding)


def tables_in(folder: Path) -> list[Path]:
    """The files in a folder that may say what masks mean, the one that is read first."""
    there = {path.name.lower(): path for path in folder.glob("*") if path.is_file()}
    return [there[name] for name in TABLES if name in there]


def named_in_folder(folder: Path) -> Named | None:
    """What a file in a folder says of the classes; None if there is no such file.

    Raises:
        DataError: if it cannot be read.
    """
    file = next(iter(tables_in(folder)), None)
    if file is None:
        return None
    try:
        named = _read_table(file, file.read_text("utf-8-sig"))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, csv.Error) as error:
        raise DataError(
            f"{file}: cannot be read as names of classes: {error}; mend it, or move it away"
        ) from error
    return named if named and named.names else None


def _read_table(file: Path, text: str) -> Named:
    """Names with their colours or their values, if those are there."""
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]
    if file.suffix.lower() == ".json":
        return _named_in_json(json.loads(text), file.name)
    if file.suffix.lower() == ".csv":
        cells = [[cell.strip() for cell in line] for line in csv.reader(lines)]
        rows = [line for line in cells if all(map(str.isdigit, line[1:4]))]
        return Named(
            tuple(row[0] for row in rows),
            tuple(colour_of(row[1:4]) for row in rows),
            source=file.name,
        )
    if file.name.lower() == "labelmap.txt":
        fields = [line.split(":") for line in lines]
        return Named(
            tuple(row[0] for row in fields),
            tuple(colour_of(row[1]) for row in fields),
            source=file.name,
        )
    return Named(tuple(lines), source=file.name)


def _named_in_json(content: Any, source: str) -> Named:
    """A list of names, or of objects with a name and perhaps a colour; or names with colours or values."""
    if isinstance(content, dict) and isinstance(content.get("classes"), list):
        content = content["classes"]
    if isinstance(content, list) and all(isinstance(each, str) for each in content):
        return Named(tuple(content), source=source)
    if isinstance(content, list):
        names = tuple(str(each.get("name") or each["title"]) for each in content)
        colours = tuple(colour_of(each["color"]) for each in content if "color" in each)
        if colours and len(colours) < len(names):
            raise ValueError("some classes have a colour and some have none")
        return Named(names, colours, source=source)
    if all(str(key).isdigit() for key in content):
        return Named(
            tuple(map(str, content.values())), values=tuple(map(int, content)), source=source
        )
    if all(isinstance(value, int) for value in content.values()):
        return Named(tuple(content), values=tuple(content.values()), source=source)
    return Named(tuple(content), tuple(map(colour_of, content.values())), source=source)


def colour_of(given: Any) -> int:
    """A colour written as three numbers or as `#rrggbb`.

    Example:
        >>> colour_of("128,0,0") == colour_of([128, 0, 0]) == colour_of("#800000")
        True
    """
    if isinstance(given, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", given):
        return int(given[1:], 16)
    numbers = [int(number) for number in (given.split(",") if isinstance(given, str) else given)]
    if len(numbers) != 3 or not all(0 <= number <= 255 for number in numbers):
        raise ValueError(f"{given!r} is no colour; write three numbers from 0 to 255")
    return colour_code(*numbers)


def _plain(name: str) -> str:
    return name.strip("_ ").lower()


def _listed_colours(codes: Sequence[int]) -> str:
    shown = ", ".join(colour_name(code).rpartition(" ")[2] for code in codes[:10])
    return shown + (f", ... ({len(codes)} in all)" if len(codes) > 10 else "")
