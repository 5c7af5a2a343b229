"""A table on standard output, as a terminal of its width shows it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table as Drawing
from rich.text import Text

from dasbench.render.tables.table import Table, name_place, pick
from dasbench.render.tables.widths import Fit, fit_all_columns, fit_width, rooms_of, total_width
from dasbench.render.tables.words import wrapped
from dasbench.render.text.arguments import as_flags
from dasbench.render.text.plain import fitting, shown

PIPED = 160
"""Width that a table is laid out for where nobody says one; it takes more if its columns do."""

MOST_TEXT = 120
"""Width of a line of text where nobody says one."""


def output_width() -> int | None:
    """Width of standard output: COLUMNS, else the terminal's; None if it is no terminal."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    if sys.stdout.isatty():
        return Console().width
    return None


def print_to_terminal(
    table: Table, *, wide: bool = False, flags: Mapping[str, str] | None = None
) -> None:
    """Print a table: its title, the columns that there is room for, the keys of others, its notes.

    Args:
        table: what to print.
        wide: all columns and each cell in one line, however narrow the terminal is.
        flags: how the reader gives arguments.
    """
    table = _in_plain_characters(table)
    if table.title:
        print_text(table.title, style="italic")
    if table.columns:
        layout = _layout(table, width=output_width(), wide=wide)
        _print(_drawing(table, layout), width=total_width(layout.widths))
        hidden = [key for place, key in enumerate(table.keys) if place not in layout.places]
        if hidden:
            more = "`wide` shows all columns, `columns` KEY,... those you name."
            print_text(f"Left out: {', '.join(hidden)}. {as_flags(more, flags or {})}")
    for note in table.notes:
        print_text(note)


def print_text(text: str, *, style: str = "") -> None:
    """Print a sentence; its lines end between words, and those after the first are indented."""
    lines = wrapped(_printable(text), output_width() or MOST_TEXT, indent=2)
    _print(Text("\n".join(lines), style=style), width=max(map(cell_len, lines)))


def _layout(table: Table, *, width: int | None, wide: bool) -> Fit:
    rooms = rooms_of(table)
    if wide:
        return Fit(places=range(len(rooms)), widths=[room.whole for room in rooms])
    if width is None:
        return fit_all_columns(table, rooms, width=PIPED)
    return fit_width(table, rooms, width=width)


def _drawing(table: Table, layout: Fit) -> Drawing:
    """A table as Rich draws it, its cells broken into lines."""
    drawing = Drawing()
    for place, width in zip(layout.places, layout.widths, strict=True):
        column = table.columns[place]
        justify: JustifyMethod = "left" if column.is_text else "right"
        heading = _cell(column.title, width)
        drawing.add_column(heading, justify=justify, width=width, no_wrap=True, overflow="fold")
    name = name_place(table)
    for number, cells in enumerate(table.rows):
        drawn = list(map(_cell, pick(cells, layout.places), layout.widths))
        if number in table.bold and name in layout.places:
            drawn[layout.places.index(name)].stylize("bold")
        drawing.add_row(*drawn)
    return drawing


def _cell(text: str, width: int) -> Text:
    return Text("\n".join(wrapped(text, width)))


def _in_plain_characters(table: Table) -> Table:
    """A table of characters that standard output has, none of which does anything to a terminal."""
    columns = [replace(column, title=_printable(column.title)) for column in table.columns]
    rows = [list(map(_printable, cells)) for cells in table.rows]
    return replace(table, columns=columns, rows=rows)


def _printable(text: str) -> str:
    return fitting(shown(text), sys.stdout.encoding or "utf-8")


def _print(text: Text | Drawing, *, width: int) -> None:
    """Print lines that are laid out already."""
    Console(width=max(1, width), highlight=False, emoji=False, markup=False).print(text)
