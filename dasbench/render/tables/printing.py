"""Tables on standard output, in the format that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from dasbench.render.formats import Grid, print_grid
from dasbench.render.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a reader wants of a table.

    Args:
        format_: `table` (for a terminal), `md`, `latex` or `html`.
        wide: as many columns as there are, however narrow the terminal is.
        columns: keys of the columns to show; by default those that fit.
    """

    format_: str = "table"
    wide: bool = False
    columns: Sequence[str] = ()


def print_table(table: Table, layout: Layout) -> None:
    """Print a table.

    Raises:
        UsageError: if `layout.columns` names a column that the table does not have; with the nearest.
    """
    grid = Grid(
        title=table.title,
        columns=[column.title for column in table.columns],
        rows=table.rows,
        lines=table.notes,
        left=sum(column.is_text for column in table.columns),
        bold=table.bold,
    )
    print_grid(grid, format_=layout.format_)
