"""The records of an annotation file in COCO's format: parsed without polygons, and checked."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeGuard

from dasbench.errors import DataError
from dasbench.spec.plain import Record

LIMIT = 1e12
"""No coordinate or area is as large: a photograph has fewer pixels."""

LISTS = ("images", "annotations", "categories")

KEPT = (
    *(*LISTS, "id", "file_name", "width", "height", "name", "supercategory"),
    *("image_id", "category_id", "bbox", "area", "iscrowd"),
)
"""The keys that are read.

The others, polygons above all, are dropped while the file is parsed, to save memory.
"""


class Records(NamedTuple):
    """What an annotation file holds, with fields of the right types.

    Whom they refer to is not checked.

    Args:
        images: with `id`, `file_name`, `width`, `height`.
        annotations: with `image_id`, `category_id`, `bbox`; some with `id`, `area`, `iscrowd`.
        categories: with `id`, `name`.
    """

    images: list[Record]
    annotations: list[Record]
    categories: list[Record]


@dataclass(frozen=True)
class JsonField:
    """One field of a kind of record.

    Args:
        key: its name.
        meaning: what it has to be.
        fits: whether a value is that.
        required: whether every record has it; null counts as absent.
    """

    key: str
    meaning: str
    fits: Callable[[object], bool]
    required: bool = True

    def fits_in(self, record: Record) -> bool:
        """Whether a record has it as it has to be, or may lack it."""
        value = record.get(self.key)
        if value is None:
            return not self.required
        return self.fits(value)

    def fault_in(self, record: Record) -> str:
        """What is wrong with it in a record in which it does not fit."""
        value = record.get(self.key)
        if value is None:
            return f"has no '{self.key}'"
        return f"'{self.key}' is {_short_text(value)}"


def _is_id(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_extent(value: object) -> bool:
    return type(value) is int and 1 <= value <= 1_000_000


def _is_number(value: object) -> TypeGuard[float]:
    return (type(value) is int or type(value) is float) and abs(value) < LIMIT


def _is_box(value: object) -> bool:
    """Four finite numbers, of which the last two are the width and the height."""
    return (
        type(value) is list
        and len(value) == 4
        and all(map(_is_number, value))
        and min(value[2:]) >= 0
    )


def _is_name(value: object) -> bool:
    return type(value) is str and bool(value.strip()) and value.isprintable()


ID = JsonField("id", "a whole number", _is_id)
FIELDS: dict[str, tuple[JsonField, ...]] = {
    "images": (
        ID,
        JsonField("file_name", "the path of a file", _is_name),
        JsonField("width", "a number of pixels", _is_extent),
        JsonField("height", "a number of pixels", _is_extent),
    ),
    "annotations": (
        JsonField("image_id", "a whole number", _is_id),
        JsonField("category_id", "a whole number", _is_id),
        JsonField(
            "bbox",
            "[left, upper, width, height] in finite numbers, the last two not negative",
            _is_box,
        ),
        JsonField(
            "area",
            "a finite number from 0",
            lambda value: _is_number(value) and value >= 0,
            required=False,
        ),
        JsonField("iscrowd", "0 or 1", lambda value: value in (0, 1), required=False),
    ),
    "categories": (ID, JsonField("name", "a name", _is_name)),
}


def read_records(file: Path) -> Records:
    """Parse an annotation file.

    Raises:
        DataError: if it is no JSON, lacks one of the three lists, one is empty, or a record has a
            field that is none; all complaints of one kind at once.
    """
    records = _lists_in(file)
    complaints: list[str] = []
    for kind, listed in zip(LISTS, records, strict=True):
        complaints += _misfits(file, kind, listed)
    if complaints:
        raise DataError("\n".join(complaints))
    return records


def record_name(kind: str, records: Sequence[Record], number: int) -> str:
    """What a record is called in messages: by its id, else by its number in the file from 1.

    Example:
        >>> [record_name("annotations", [{"id": 17}, {}], number) for number in (0, 1)]
        ['annotation 17', 'annotation number 2']
    """
    singular = {"categories": "category"}.get(kind, kind[:-1])
    own = records[number].get("id")
    if _is_id(own):
        return f"{singular} {own}"
    return f"{singular} number {number + 1}"


def _lists_in(file: Path) -> Records:
    """The three lists of a file, whatever they hold."""
    content = _json_in(file)
    if type(content) is not dict:
        wanted = f"not an object with {', '.join(LISTS)}"
        raise DataError(f"{file}: is a JSON {type(content).__name__}, {wanted}")
    if missing := [key for key in LISTS if type(content.get(key)) is not list]:
        lists = " and no list of ".join(missing)
        raise DataError(f"{file}: has no list of {lists}; an instances_*.json has them")
    if empty := [key for key in LISTS if not content[key]]:
        raise DataError(f"{file}: its list of {' and its list of '.join(empty)} is empty")
    return Records(content["images"], content["annotations"], content["categories"])


def _json_in(file: Path) -> object:
    """The content of a file, but for polygons."""
    try:
        return json.loads(file.read_bytes(), object_hook=_without_polygons)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        what = f"is no JSON, or is cut off ({file.stat().st_size} bytes; {error})"
        raise DataError(f"{file}: {what}") from error


def _without_polygons(parsed: Record) -> Record:
    return {key: parsed[key] for key in KEPT if key in parsed}


def _misfits(file: Path, kind: str, records: Sequence[Record]) -> Iterator[str]:
    """A complaint about each field that some records lack or have wrong.

    It names the first of them, and how many there are.
    """
    if foreign := [number for number, record in enumerate(records) if type(record) is not dict]:
        what = f"number {foreign[0] + 1} is {_short_text(records[foreign[0]])}, not an object"
        yield f"{file}: {kind}: {what} ({len(foreign)} of {len(records)})"
        return
    for field in FIELDS[kind]:
        wrong = [number for number, record in enumerate(records) if not field.fits_in(record)]
        if wrong:
            first = record_name(kind, records, wrong[0])
            what = f"{field.fault_in(records[wrong[0]])}; it has to be {field.meaning}"
            yield f"{file}: {first}: {what} ({len(wrong)} of {len(records)} {kind})"


def _short_text(value: object) -> str:
    """A value in ASCII, at most a line of it."""
    text = ascii(value)
    if len(text) <= 60:
        return text
    return f"{text[:57]}..."
