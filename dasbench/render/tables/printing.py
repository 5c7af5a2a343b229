"""What a command has found on standard output: tables for people, records for programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from dasbench.errors import UsageError, unknown_name
from dasbench.render.tables.table import Layout, Table, with_columns
from dasbench.render.tables.terminal import print_to_terminal
from dasbench.render.text.arguments import as_flags
from dasbench.render.text.records import print_records

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
    else:
        print_tables(tables(), layout)


def print_tables(tables: Sequence[Table], layout: Layout) -> None:
    """Print tables, a blank line between them.

    Where columns were named, tables that have none of these are left out.
    """
    if layout.columns:
        _check_columns(layout.columns, tables)
        tables = _with_columns(tables, layout.columns)
    tables = [_with_flags(table, layout.flags) for table in tables]
    if layout.format_ == "html":
        from dasbench.render.tables.html import html  # Jinja takes a twentieth of a second

        click.echo(html(tables))
        return
    for number, table in enumerate(tables):
        if number:
            click.echo()
        _print(table, layout)


def _with_columns(tables: Sequence[Table], keys: Sequence[str]) -> list[Table]:
    """Tables of some columns, without those that have none of them; notes stay."""
    chosen = []
    for table in tables:
        some = with_columns(table, keys)
        if some.columns or not table.columns:
            chosen.append(some)
    return chosen


def _with_flags(table: Table, flags: Mapping[str, str]) -> Table:
    """A table whose notes name arguments as the reader gives them."""
    return replace(table, notes=[as_flags(note, flags) for note in table.notes])


def print_table(table: Table, layout: Layout) -> None:
    """Print one table."""
    print_tables([table], layout)


def _print(table: Table, layout: Layout) -> None:
    if layout.format_ == "md":
        from dasbench.render.tables.markdown import markdown

        click.echo(markdown(table))
    elif layout.format_ == "latex":
        from dasbench.render.tables.latex import latex

        click.echo(latex(table))
    else:
        print_to_terminal(table, wide=layout.wide, flags=layout.flags)


def _check_columns(keys: Sequence[str], tables: Sequence[Table]) -> None:
    known: set[str] = set()
    for table in tables:
        known.update(table.keys)
    complaints = [
        f"`columns`: {unknown_name('column', key, known)}" for key in keys if key not in known
    ]
    if complaints:
        raise UsageError("\n".join(complaints))
