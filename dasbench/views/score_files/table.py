"""A CSV file as a table: its columns, its lines, and the column that holds the scores."""

import csv
import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dasbench.errors import UsageError, unknown_name

KEYS = ("variant", "seed")
SEPARATORS = (",", ";", "\t")
_SEPARATOR_NOTE = re.compile(r"^sep=.$", re.IGNORECASE | re.MULTILINE)
"""What a spreadsheet puts above the table."""

_NOTHING = "the file is empty. Its first line names the columns: variant,seed,top1"


@dataclass(frozen=True)
class ScoreTable:
    """A file's lines that are not blank.

    Args:
        header: names of the columns; those of variants and seeds in lower case.
        lines: number and texts of each line below it.
        separator: what parts the columns.
    """

    header: Sequence[str]
    lines: Sequence[tuple[int, Sequence[str]]]
    separator: str


def read_table(path: Path) -> ScoreTable:
    """Read a CSV file in UTF-8; commas, semicolons or tabs part its columns.

    Raises:
        UsageError: if it cannot be read, is empty, or is no CSV.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: byte {error.start} is not UTF-8; save the file as CSV in UTF-8"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    text = _SEPARATOR_NOTE.sub("", text, count=1)
    if not text.strip():
        raise UsageError(f"{path}: {_NOTHING}")
    header = text.strip().splitlines()[0]
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines = []
    try:
        for values in reader:
            is_filled = any(map(str.strip, values))
            if is_filled:
                lines.append((reader.line_num, values))
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is no CSV: {error}") from error
    return ScoreTable(list(map(_column_name, lines[0][1])), lines[1:], separator)


def _column_name(text: str) -> str:
    """A column's name; those of variants and seeds are known in capitals too."""
    name = text.strip()
    if name.lower() in KEYS:
        return name.lower()
    return name


def score_column(path: Path, header: Sequence[str], metric: str | None) -> str:
    """The column with the scores, after a look at all the columns.

    Args:
        path: the file, for what is said of it.
        header: names of its columns.
        metric: the column that was asked for; None for the only one beside variant and seed.

    Raises:
        UsageError: if a column is missing or there twice, or if no column or several may be meant.
    """
    for name in sorted(header):
        if header.count(name) > 1:
            raise UsageError(f"{path}:1: column '{name}' is there twice")
    for name in KEYS:
        if name not in header:
            raise UsageError(
                f"{path}:1: there is no column '{name}'. Columns: {', '.join(header)}."
            )
    # an index that pandas wrote has no name
    candidates = [name for name in header if name and name not in KEYS]
    if metric is not None:
        return _named_column(path, candidates, metric)
    return _only_column(path, candidates)


def _named_column(path: Path, candidates: Sequence[str], metric: str) -> str:
    """The column of a name; in other capitals only if none is written so."""
    if metric in candidates:
        return metric
    alike = [name for name in candidates if name.lower() == metric.lower()]
    if len(alike) != 1:
        raise UsageError(f"{path}:1: {unknown_name('column', metric, candidates)}")
    return alike[0]


def _only_column(path: Path, candidates: Sequence[str]) -> str:
    if len(candidates) == 1:
        return candidates[0]
    which = "a third column, as in variant,seed,top1"
    if candidates:
        which = f"`metric` {shlex.quote(candidates[0])}"
    listed = ", ".join(candidates)
    raise UsageError(
        f"{path}:1: {len(candidates)} columns may hold the scores ({listed}); name one: {which}"
    )
