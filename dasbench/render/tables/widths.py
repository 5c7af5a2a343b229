"""Which columns of a table a width has room for, and how wide each is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from dasbench.render.tables.table import Column, Table, name_place, pick
from dasbench.render.tables.words import longest_word, wrapped

NAME = 32
"""Width up to which a name stays in one line while a column of priority 2 or more can go."""
PROSE = 24
"""Width that other text keeps for as long."""
EXTRA = 2
"""Priority from which a column is left out before names are broken."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The room that a column takes.

    Args:
        least: no word of its text is cut, no number is cut or broken.
        readable: names take two lines at most, other text has 24 characters, headings are broken.
        whole: each cell and the heading take one line.
    """

    least: int
    readable: int
    whole: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a table is laid out.

    Args:
        places: of the columns that are shown, from left to right.
        widths: of these columns.
    """

    places: Sequence[int]
    widths: Sequence[int]


def rooms_of(table: Table) -> list[Room]:
    """The room that each column takes."""
    name = name_place(table)
    rooms = []
    for place, column in enumerate(table.columns):
        rooms.append(_room(column, table.cells_of(place), is_name=place == name))
    return rooms


def fit_all_columns(table: Table, rooms: Sequence[Room], *, width: int) -> Fit:
    """Lay out all columns in a width, or in as much as names in one line and readable text take."""
    rooms = list(rooms)
    name = name_place(table)
    if name is not None:
        rooms[name] = replace(rooms[name], readable=rooms[name].whole)
    places = range(len(rooms))
    wide = max(width, total_width(_readable_widths(rooms)))
    return Fit(places=places, widths=_widths(table, rooms, places, wide))


def fit_width(table: Table, rooms: Sequence[Room], *, width: int) -> Fit:
    """Lay out a table in a width.

    What is too wide gives way in this order, each step only as far as it must:

    1. headings are broken between words;
    2. text other than names is, down to 24 characters, and names of more than 32 characters, into
    two lines;
    3. columns of priority 2 and more are left out, the highest number first, of equal ones the
    right one first;
    4. names and other text are broken down to their longest words;
    5. columns of priority 1 are left out.

    If that is not enough the table is wider than it should be: no number is cut, and no word of up
    to 40 characters.
    """
    places = list(range(len(rooms)))
    for place in sorted(places, key=lambda place: (-table.columns[place].priority, -place)):
        priority = table.columns[place].priority
        shown = pick(rooms, places)
        needed = _least_widths(shown)
        if priority >= EXTRA:
            needed = _readable_widths(shown)
        if priority <= 0 or total_width(needed) <= width:
            break
        places.remove(place)
    return Fit(places=places, widths=_widths(table, rooms, places, width))


def _room(column: Column, cells: Sequence[str], *, is_name: bool) -> Room:
    heading = max(1, longest_word(column.title))
    widest = max([1, *map(cell_len, cells)])
    whole = max(widest, cell_len(column.title))
    if not column.is_text:
        least = max(widest, heading)
        return Room(least=least, readable=least, whole=whole)
    least = max([heading, *map(longest_word, cells)])
    enough = PROSE
    if is_name:
        enough = _two_lines(cells)
    return Room(least=least, readable=min(whole, max(least, enough)), whole=whole)


def _two_lines(names: Sequence[str]) -> int:
    """The width in which names take two lines at most, and one of up to 32 characters takes one."""
    enough = NAME
    for name in names:
        if cell_len(name) > NAME:
            enough = max(enough, _half_width(name))
    return enough


def _half_width(text: str) -> int:
    """The least width in which a text takes two lines."""
    width = max(1, cell_len(text) // 2)
    while len(wrapped(text, width)) > 2:
        width += 1
    return width


def total_width(widths: Sequence[int]) -> int:
    """The width of a table: blanks on both sides of each cell, a rule on both of each column."""
    return sum(widths) + 3 * len(widths) + 1


def _readable_widths(rooms: Sequence[Room]) -> list[int]:
    return [room.readable for room in rooms]


def _least_widths(rooms: Sequence[Room]) -> list[int]:
    return [room.least for room in rooms]


def _widths(table: Table, rooms: Sequence[Room], places: Sequence[int], width: int) -> list[int]:
    """The widths of the columns that are shown: text gets room first, then headings."""
    shown = pick(rooms, places)
    floors = _readable_widths(shown)
    if total_width(floors) > width:
        floors = _least_widths(shown)
    widths = _level_widths(table, shown, places, floors, width)
    widths = [_used_width(table, place, wide) for place, wide in zip(places, widths, strict=True)]
    for number, room in enumerate(shown):
        if total_width(widths) + room.whole - widths[number] <= width:
            widths[number] = room.whole
    return widths


def _level_widths(
    table: Table, rooms: Sequence[Room], places: Sequence[int], floors: list[int], width: int
) -> list[int]:
    """Widths at which all columns of text are equally wide, as far as they need and have room."""
    widths = floors
    for level in range(1, width):
        higher = []
        for place, room, floor in zip(places, rooms, floors, strict=True):
            wide = floor
            if table.columns[place].is_text:
                wide = min(room.whole, max(floor, level))
            higher.append(wide)
        if total_width(higher) > width:
            break
        widths = higher
    return widths


def _used_width(table: Table, place: int, width: int) -> int:
    """How much of a width the lines of a column take."""
    used = 1
    for text in (table.columns[place].title, *table.cells_of(place)):
        used = max(used, *map(cell_len, wrapped(text, width)))
    return used
