"""Records as JSON or CSV, for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import Any

import click

from dasbench.render.text.plain import shown

INDENT_UP_TO = 1000
"""Records up to which JSON is indented; of more, each takes a line: several times faster."""


def print_records(records: Sequence[Mapping[str, Any]], *, format_: str) -> None:
    """Print records as `json`, a list of objects, or as `csv`, as `csv_text` writes them."""
    if format_ != "json":
        click.echo(csv_text(records), nl=False)
    elif len(records) > INDENT_UP_TO:
        click.echo("[\n" + ",\n".join(map(to_json, records)) + "\n]")
    else:
        click.echo(to_json(list(records), indent=2))


def csv_text(records: Sequence[Mapping[str, Any]]) -> str:
    r"""Records as CSV: nested values as JSON, formulas made harmless.

    Example:
        >>> csv_text([{"label": "=1+1", "sfd": 0.5}])
        "label,sfd\n'=1+1,0.5\n"
    """
    text = io.StringIO()
    names = field_names(records)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, names))
    for record in records:
        writer.writerow(map(_cell, map(record.get, names)))
    return text.getvalue()


def field_names(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The fields of records, in the order in which they come.

    Example:
        >>> field_names([{"a": 1}, {"b": 2, "a": 3}])
        ['a', 'b']
    """
    return list(dict.fromkeys(chain.from_iterable(records)))


def to_json(value: Any, *, indent: int | None = None) -> str:
    """A value as strict JSON; a number that is not finite becomes null.

    Example:
        >>> to_json({"top1": float("nan"), "n": 3})
        '{"top1": null, "n": 3}'
    """
    try:
        return json.dumps(value, indent=indent, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, default=str, allow_nan=False)


def text_or_json(value: Any) -> str:
    """A value as text: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return to_json(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return finite_or_none(value)


def finite_or_none(value: Any) -> Any:
    """A value as strict JSON has it: a number that is not finite is None."""
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def _cell(value: Any) -> Any:
    """A value for a spreadsheet: text that it would take for a formula gets a leading apostrophe.

    Example:
        >>> _cell("=1+1"), _cell({"a": 1}), _cell(None), _cell(-2)
        ("'=1+1", '{"a": 1}', '', -2)
    """
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple):
        return to_json(value)
    if not isinstance(value, str):
        return value
    if value.startswith(("=", "+", "-", "@", "\t", "\r")):
        value = f"'{value}"
    return shown(value)
