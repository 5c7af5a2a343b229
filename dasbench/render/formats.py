"""The former way to print tables, for those that are not values yet."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, JustifyMethod, OverflowMethod
from rich.table import Table as Drawing
from rich.text import Text

from dasbench.render.plain import fitting, shown
from dasbench.render.tables.latex import latex as in_latex
from dasbench.render.tables.markdown import markdown as in_markdown
from dasbench.render.tables.printing import print_table
from dasbench.render.tables.table import Column, Layout, Table


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table as text, ready for any way of drawing it.

    Args:
        title: its heading.
        columns: the headings of its columns.
        rows: its cells.
        lines: what has to be said below it.
        left: number of columns, from the left, that hold text and not numbers.
        bold: numbers of the rows that stand out, from 0.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[str] = ()
    left: int = 1
    bold: Collection[int] = ()


def print_grid(grid: Grid, *, format_: str) -> None:
    """Print a table as `table` (for a terminal), `md` (GitHub) or `latex` (booktabs)."""
    print_table(_table(grid), Layout(format_=format_))


def markdown(grid: Grid) -> str:
    """A GitHub table."""
    return in_markdown(_table(grid))


def latex(grid: Grid) -> str:
    """A table for LaTeX."""
    return in_latex(_table(grid))


def _table(grid: Grid) -> Table:
    columns = [
        Column(key=title, title=title, is_text=place < grid.left, priority=0)
        for place, title in enumerate(grid.columns)
    ]
    return Table(title=grid.title, columns=columns, rows=grid.rows, notes=grid.lines, bold=grid.bold)


def console() -> Console:
    """Standard output for people: as wide as the terminal, never narrower than a table needs when piped."""
    width = None if sys.stdout.isatty() else 160
    return Console(width=width, highlight=False, emoji=False, markup=False)


class _FittingTable(Drawing):
    """A table whose texts fit the encoding of standard output before its columns are measured."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*map(_fitted, cells), **options)


def _fitted(cell: Any) -> Any:
    text = cell.plain if isinstance(cell, Text) else cell
    return Text(fitting(text, sys.stdout.encoding or "utf-8")) if isinstance(text, str) else cell


def text_table(title: str, columns: Sequence[str], *, left: int = 1, caption: str = "") -> Drawing:
    """A table whose first columns are text and whose others are numbers, its title taken literally."""
    table = _FittingTable(
        title=_fitted(shown(title)) if title else None,
        caption=_fitted(shown(caption)) if caption else None,
        title_justify="left",
        caption_justify="left",
    )
    cut: OverflowMethod = "ellipsis" if _fitted("\N{HORIZONTAL ELLIPSIS}").cell_len == 1 else "crop"
    for number, column in enumerate(columns):
        justify: JustifyMethod = "left" if number < left else "right"
        table.add_column(_fitted(shown(column)), justify=justify, no_wrap=number >= left, overflow=cut)
    return table
