"""Records as a table for people, JSON or CSV for programs; results go to standard output."""

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_records(records: Sequence[Mapping[str, Any]], *, format_: str) -> None:
    """Print records as `json` (a list of objects) or `csv` (nested values as JSON, formulas made harmless)."""
    if format_ == "json":
        click.echo(json.dumps(list(records), indent=2, default=str))
        return
    text = io.StringIO()
    names = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    click.echo(text.getvalue(), nl=False)


def _cell(value: Any) -> Any:
    """A value for a spreadsheet: text that it would take for a formula gets a leading apostrophe.

    Example:
        >>> _cell("=1+1"), _cell({"a": 1}), _cell(None), _cell(-2)
        ("'=1+1", '{"a": 1}', '', -2)
    """
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


def console() -> Console:
    """Standard output for people: as wide as the terminal, never narrower than a table needs when piped."""
    width = None if sys.stdout.isatty() else 160
    return Console(width=width, highlight=False, emoji=False, markup=False)


def text_table(title: str, columns: Sequence[str], *, left: int = 1, caption: str = "") -> Table:
    """A table whose first columns are text and whose others are numbers, its title taken literally."""
    table = Table(title=Text(title), caption=Text(caption) if caption else None, title_justify="left")
    table.caption_justify = "left"
    for number, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if number < left else "right", no_wrap=number >= left)
    return table
