"""A table of text cells that every format can write: a terminal of any width, Markdown, LaTeX, HTML."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Args:
        key: what `--columns` calls it.
        title: what stands above it, with its unit in brackets.
        is_text: text stands on the left and may be wrapped between words; numbers stand on the right and never are.
        priority: where a terminal is too narrow, columns of the highest number go first; those of 0 always stay.
    """

    key: str
    title: str
    is_text: bool = False
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """What is shown.

    Args:
        title: what stands above it.
        columns: from left to right.
        rows: their cells, one for each column.
        notes: sentences below it.
        bold: numbers of the rows that stand out, from 0.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    bold: Collection[int] = ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a reader wants of a table.

    Args:
        format_: `table` (for a terminal), `md`, `latex` or `html`; `json` or `csv` for records.
        wide: all columns, however narrow the terminal is.
        columns: keys of the columns to show, in their order; by default those that fit.
    """

    format_: str = "table"
    wide: bool = False
    columns: Sequence[str] = ()
