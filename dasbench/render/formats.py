"""Records as JSON or CSV for programs, tables as text, Markdown or LaTeX for people; results go to standard output."""

import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.table import Table
from rich.text import Text

from dasbench.render.plain import fitting, shown

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
