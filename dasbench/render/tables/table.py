"""A table of text cells that every format can write: a terminal, Markdown, LaTeX, HTML."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Args:
        key: what `Layout.columns` calls it.
        title: what stands above it, with its unit in brackets.
        is_text: text stands on the left and may be wrapped between words; numbers stand on the
            right and never are.
        priority: where a terminal is too narrow, columns of the highest number go first. Those of 2
            and more go before a name takes a second line, those of 1 only where even names of many
            lines leave no room, those of 0 never.
    """

    key: str
    title: str
    is_text: bool = False
    priority: int = 0


@dataclass(frozen=True)
class Field(Generic[T]):
    """A column with what stands in it.

    Args:
        column: its heading.
        text: the cell of a row's subject.
    """

    column: Column
    text: Callable[[T], str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """What is shown.

    Args:
        title: what stands above it.
        columns: from left to right; none for notes that stand alone.
        rows: their cells, one for each column.
        notes: sentences below it.
        bold: numbers of the rows that stand out, from 0.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    bold: Collection[int] = ()

    @property
    def keys(self) -> list[str]:
        """The keys of the columns, from left to right."""
        return [column.key for column in self.columns]

    def cells_of(self, place: int) -> list[str]:
        """The cells of one column, from top to bottom."""
        return [cells[place] for cells in self.rows]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a reader wants of a table.

    Args:
        format_: `table` (for a terminal), `md`, `latex` or `html`; `json` or `csv` for records.
        wide: all columns, however narrow the terminal is.
        columns: keys of the columns to show, in their order; by default those that fit.
        flags: how the reader gives the arguments that notes name, by their names.
    """

    format_: str = "table"
    wide: bool = False
    columns: Sequence[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)


def table_of(
    fields: Sequence[Field[T]],
    subjects: Iterable[T],
    *,
    title: str,
    notes: Sequence[str] = (),
    bold: Collection[int] = (),
) -> Table:
    """A table with a row for each subject.

    Example:
        >>> words = Field[str](Column(key="word", title="word"), str.upper)
        >>> table_of([words], ["a", "b"], title="").rows
        [['A'], ['B']]
    """
    columns = [field.column for field in fields]
    rows = [_cells(fields, subject) for subject in subjects]
    return Table(title=title, columns=columns, rows=rows, notes=notes, bold=bold)


def _cells(fields: Sequence[Field[T]], subject: T) -> list[str]:
    return [field.text(subject) for field in fields]


def name_place(table: Table) -> int | None:
    """Where the column stands that says what a row is about: the first one of text."""
    for place, column in enumerate(table.columns):
        if column.is_text:
            return place
    return None


def pick(values: Sequence[T], places: Iterable[int]) -> list[T]:
    """The values at some places, in the order of these.

    Example:
        >>> pick(["a", "b", "c"], [2, 0])
        ['c', 'a']
    """
    return [values[place] for place in places]


def with_columns(table: Table, keys: Iterable[str]) -> Table:
    """A table of the columns of these keys, in this order, all of which stay.

    Unknown keys are passed over.

    Example:
        >>> columns = [Column(key="n", title="n"), Column(key="sd", title="sd")]
        >>> board = Table(title="", columns=columns, rows=[["3", "1"]])
        >>> with_columns(board, ["sd", "p", "n"]).rows
        [['1', '3']]
    """
    known = table.keys
    places = [known.index(key) for key in dict.fromkeys(keys) if key in known]
    columns = [replace(column, priority=0) for column in pick(table.columns, places)]
    rows = [pick(cells, places) for cells in table.rows]
    return replace(table, columns=columns, rows=rows)
