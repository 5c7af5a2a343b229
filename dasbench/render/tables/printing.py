"""What a command has found on standard output: tables for people, records for programs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from dasbench.render.formats import Grid, print_grid
from dasbench.render.plain import shown
from dasbench.render.records import print_records
from dasbench.render.tables.table import Layout, Table

RECORDS = ("json", "csv")
"""Formats for programs."""


def print_found(
    layout: Layout,
    *,
    tables: Callable[[], Sequence[Table]],
    records: Callable[[], Sequence[Mapping[str, Any]]],
) -> None:
    """Print what a command has found, in the format that was asked for; only that is laid out.

    Args:
        layout: what the reader wants.
        tables: the same for people.
        records: the same for programs.

    Raises:
        UsageError: if `layout.columns` names a column that no table has; with the nearest.
    """
    if layout.format_ in RECORDS:
        print_records(records(), format_=layout.format_)
        return
    for table in tables():
        print_table(table, layout)


def print_table(table: Table, layout: Layout) -> None:
    """Print one table; one without columns is its notes alone."""
    if not table.columns and layout.format_ == "table":
        click.echo("\n".join(map(shown, table.notes)))
        return
    grid = Grid(
        title=table.title,
        columns=[column.title for column in table.columns],
        rows=table.rows,
        lines=table.notes,
        left=sum(column.is_text for column in table.columns),
        bold=table.bold,
    )
    print_grid(grid, format_=layout.format_)
