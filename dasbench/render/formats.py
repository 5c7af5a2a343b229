"""Records as JSON or CSV for programs, tables as text, Markdown or LaTeX for people; results go to standard output."""

import csv
import io
import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import click
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.table import Table
from rich.text import Text

from dasbench.render.plain import fitting

INDENT_UP_TO = 1000
"""Records up to which JSON is indented; of more, each takes a line, which is several times faster."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}"}
_LATEX |= {
    "[": "{[}",
    "*": "{*}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "≈": r"$\approx$",
}
_LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}


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
    if format_ == "md":
        click.echo(markdown(grid))
    elif format_ == "latex":
        click.echo(latex(grid))
    else:
        drawn = text_table(grid.title, grid.columns, left=grid.left)
        for cells in grid.rows:
            drawn.add_row(*[Text(shown(cell)) for cell in cells])
        console().print(drawn)
        for text in grid.lines:
            console().print(Text(shown(text)), soft_wrap=True)


def markdown(grid: Grid) -> str:
    r"""A GitHub table; what Markdown or HTML would take for its own is escaped.

    Example:
        >>> print(markdown(Grid(title="", columns=["gate", "top1"], rows=[["a|b", "1.0"]])))
        | gate | top1 |
        | --- | ---: |
        | a\|b | 1.0 |
    """
    align = ["---"] * grid.left + ["---:"] * (len(grid.columns) - grid.left)
    rows = [["**" + _marked(cell) + "**" if number in grid.bold and place == 0 else _marked(cell)
             for place, cell in enumerate(cells)] for number, cells in enumerate(grid.rows)]  # fmt: skip
    body = ["| " + " | ".join(cells) + " |" for cells in ([*map(_marked, grid.columns)], align, *rows)]
    head = [f"**{_marked(grid.title)}**", ""] if grid.title else []
    tail = ["", *(f"- {_marked(line)}" for line in grid.lines)] if grid.lines else []
    return "\n".join([*head, *body, *tail])


def latex(grid: Grid) -> str:
    r"""A table for LaTeX with the package booktabs; the title and the lines below become its caption.

    Example:
        >>> print(latex(Grid(title="Which?", columns=["gate"], rows=[["a_b"]], bold=[0])))
        % needs \usepackage{booktabs}
        \begin{table}
          \centering
          \caption{Which?}
          \begin{tabular}{l}
            \toprule
            gate \\
            \midrule
            \textbf{a\_b} \\
            \bottomrule
          \end{tabular}
        \end{table}
    """
    rows = []
    for number, cells in enumerate(grid.rows):
        texts = [latex_text(cell) for cell in cells]
        strong = grid.left + 1 if number in grid.bold else 0  # the name and the number that was tested
        rows.append([rf"\textbf{{{text}}}" if place < strong else text for place, text in enumerate(texts)])
    lines = ["    " + " & ".join(cells) + r" \\" for cells in rows]
    caption = " ".join(latex_text(_sentence(line)) for line in (grid.title, *grid.lines) if line)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{caption}}}",
            rf"  \begin{{tabular}}{{{'l' * grid.left}{'r' * (len(grid.columns) - grid.left)}}}",
            r"    \toprule",
            "    " + " & ".join(map(latex_text, grid.columns)) + r" \\",
            r"    \midrule",
            *lines,
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def shown(text: str) -> str:
    r"""A text that does nothing to a terminal: control characters, also those that turn its direction, are spelt out.

    Example:
        >>> shown("a\x1b[31mred"), shown("µ")
        ('a\\x1b[31mred', 'µ')
    """
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def print_records(records: Sequence[Mapping[str, Any]], *, format_: str) -> None:
    """Print records as `json` (a list of objects) or `csv` (nested values as JSON, formulas made harmless)."""
    if format_ == "json":
        if len(records) > INDENT_UP_TO:
            click.echo("[\n" + ",\n".join(map(to_json, records)) + "\n]")
        else:
            click.echo(to_json(list(records), indent=2))
        return
    click.echo(csv_text(records), nl=False)


def csv_text(records: Sequence[Mapping[str, Any]]) -> str:
    r"""Records as CSV: nested values as JSON, formulas made harmless.

    Example:
        >>> csv_text([{"label": "=1+1", "sfd": 0.5}])
        "label,sfd\n'=1+1,0.5\n"
    """
    text = io.StringIO()
    names = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writerow({name: _cell(name) for name in names})
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    return text.getvalue()


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


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _cell(value: Any) -> Any:
    """A value for a spreadsheet: text that it would take for a formula gets a leading apostrophe.

    Example:
        >>> _cell("=1+1"), _cell({"a": 1}), _cell(None), _cell(-2)
        ("'=1+1", '{"a": 1}', '', -2)
    """
    if isinstance(value, Mapping | list | tuple):
        return to_json(value)
    if isinstance(value, str):
        return shown("'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value)
    return "" if value is None else value


def _marked(text: str) -> str:
    """Text inside of Markdown."""
    escaped = re.sub(r"([\\|*_`$\[\]])", r"\\\1", shown(text))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _sentence(text: str) -> str:
    """A line of a caption, with an end."""
    return text if text.rstrip().endswith((".", "?", "!", ":")) else f"{text}."


def latex_text(text: str) -> str:
    r"""Text inside of LaTeX; a bracket or an asterisk after the end of a row is no argument of it.

    Example:
        >>> print(latex_text("[a_b] 5%"))
        {[}a\_b] 5\%
    """
    return "".join(_LATEX.get(character, character) for character in shown(text))


def console() -> Console:
    """Standard output for people: as wide as the terminal, never narrower than a table needs when piped."""
    width = None if sys.stdout.isatty() else 160
    return Console(width=width, highlight=False, emoji=False, markup=False)


class _FittingTable(Table):
    """A table whose texts fit the encoding of standard output before its columns are measured."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*map(_fitted, cells), **options)


def _fitted(cell: Any) -> Any:
    text = cell.plain if isinstance(cell, Text) else cell
    return Text(fitting(text, sys.stdout.encoding or "utf-8")) if isinstance(text, str) else cell


def text_table(title: str, columns: Sequence[str], *, left: int = 1, caption: str = "") -> Table:
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
