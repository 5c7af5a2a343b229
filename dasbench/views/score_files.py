"""Scores from elsewhere: a CSV file with the columns variant, seed and a metric."""

import csv
import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from dasbench.errors import UsageError, unknown_name
from dasbench.views.score_cells import Cell, duplicates, read_line
from dasbench.views.units import SCORE_UNITS, ScoreUnit, foreign_unit
from dasbench.views.variants import VariantScores

KEYS = ("variant", "seed")
SEPARATORS = (",", ";", "\t")
MAX_COMPLAINTS = 20
_SEPARATOR_NOTE = re.compile(r"^sep=.$", re.IGNORECASE | re.MULTILINE)
"""What a spreadsheet puts above the table."""

_NOTHING = "the file is empty. Its first line names the columns: variant,seed,top1"


@dataclass(frozen=True)
class ScoreFile:
    """What a file of scores holds.

    Args:
        metric: the column that was read.
        entries: one for each variant, in the order of the file; scores that were fractions are in percent.
        unit: of the scores.
    """

    metric: str
    entries: Sequence[VariantScores]
    unit: ScoreUnit


@dataclass(frozen=True)
class _Table:
    """A file's lines that are not blank.

    Args:
        header: names of the columns; those of variants and seeds in lower case.
        lines: number and texts of each line below it.
        separator: what parts the columns.
    """

    header: Sequence[str]
    lines: Sequence[tuple[int, Sequence[str]]]
    separator: str


def read_scores(path: Path, *, metric: str | None = None, unit: ScoreUnit | None = None) -> ScoreFile:
    r"""Read a file of scores. A score of NaN is a failed seed.

    Args:
        path: a CSV file in UTF-8 (a byte order mark and CRLF do no harm), its columns parted by commas, semicolons or
            tabs; a score may have a decimal comma or a percent sign.
        metric: the column with the scores; may be left out where there is only one beside variant and seed.
        unit: of the scores; None to find it in the file.

    Raises:
        UsageError: with every complaint at once: file, line, column, value; or asking for the unit, where scores may
            be fractions as well as percent.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "scores.csv")
        ...     _ = path.write_text("variant,seed,top1\na,0,70.1\na,1,nan\n")
        ...     read_scores(path).entries[0].scores
        {'top1': {0: 70.1}}
    """
    table = _read_table(path)
    column = _metric(path, table.header, metric)
    cells = _cells(path, table, column)
    unit = _unit(path, column, cells, unit)
    return ScoreFile(column, _entries(cells, column, unit), unit)


def _read_table(path: Path) -> _Table:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8; save the file as CSV in UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    text = _SEPARATOR_NOTE.sub("", text, count=1)
    if not text.strip():
        raise UsageError(f"{path}: {_NOTHING}")
    header = text.strip().splitlines()[0]
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        lines = [(reader.line_num, values) for values in reader if any(value.strip() for value in values)]
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is no CSV: {error}") from error
    return _Table([_column_name(name) for name in lines[0][1]], lines[1:], separator)


def _column_name(text: str) -> str:
    """A column's name; those of variants and seeds are known in capitals too."""
    name = text.strip()
    return name.lower() if name.lower() in KEYS else name


def _metric(path: Path, header: Sequence[str], metric: str | None) -> str:
    """The column with the scores, after a look at all the columns."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UsageError(f"{path}:1: column '{twice[0]}' is there twice")
    missing = [name for name in KEYS if name not in header]
    if missing:
        raise UsageError(f"{path}:1: there is no column '{missing[0]}'. Columns: {', '.join(header)}.")
    others = [name for name in header if name and name not in KEYS]  # an index that pandas wrote has no name
    if metric is not None:
        meant = [name for name in others if name == metric] or [
            name for name in others if name.lower() == metric.lower()
        ]
        if len(meant) != 1:
            raise UsageError(f"{path}:1: {unknown_name('column', metric, others)}")
        return meant[0]
    if len(others) != 1:
        which = f"--metric {shlex.quote(others[0])}" if others else "a third column, as in variant,seed,top1"
        raise UsageError(
            f"{path}:1: {len(others)} columns may hold the scores ({', '.join(others)}); name one: {which}"
        )
    return others[0]


def _cells(path: Path, table: _Table, column: str) -> list[Cell]:
    """The cells of all lines.

    Raises:
        UsageError: with everything that is wrong with them.
    """
    complaints: list[str] = []
    cells: list[Cell] = []
    for line, values in table.lines:
        surplus = len(values) - len(table.header)
        if surplus:
            complaints.append(f"line {line}: {_surplus(surplus, table.separator)}")
            continue
        named = dict(zip(table.header, values, strict=True))
        by_semicolon = table.separator == ";"
        cells += read_line(named, column=column, line=line, decimal_comma=by_semicolon, complaints=complaints)
    complaints += [*duplicates(cells), *_some_percent_signs(cells, column)]
    _refuse(path, complaints)
    if not cells:
        raise UsageError(f"{path}: there is no score below the line that names the columns")
    return cells


def _surplus(surplus: int, separator: str) -> str:
    if surplus < 0:
        return f"{-surplus} cells are missing"
    hint = "; a score with a decimal comma needs quotes, or semicolons between columns" if separator == "," else ""
    return f"{surplus} cells too many{hint}"


def _some_percent_signs(cells: Sequence[Cell], column: str) -> list[str]:
    """A complaint about the first score without a percent sign where others have one."""
    bare = [cell for cell in cells if not cell.has_percent_sign and not isnan(cell.score)]
    if not bare or len(bare) == len([cell for cell in cells if not isnan(cell.score)]):
        return []
    return [f"line {bare[0].line}: column '{column}': '{bare[0].text}' has no percent sign, and other scores have one"]


def _refuse(path: Path, complaints: Sequence[str]) -> None:
    if complaints:
        more = [f"and {len(complaints) - MAX_COMPLAINTS} more"] if len(complaints) > MAX_COMPLAINTS else []
        raise UsageError("\n".join(f"{path}: {complaint}" for complaint in [*complaints[:MAX_COMPLAINTS], *more]))


def _unit(path: Path, column: str, cells: Sequence[Cell], asked: ScoreUnit | None) -> ScoreUnit:
    """The unit of the scores: the one that was asked for, or the one that leaves no doubt.

    Raises:
        UsageError: asking for it, or if the scores are not in the one that was asked for.
    """
    scored = [cell for cell in cells if not isnan(cell.score)]
    if not scored:
        return asked or SCORE_UNITS["none"]
    signed = [cell for cell in scored if cell.has_percent_sign]
    if signed and asked not in (None, SCORE_UNITS["percent"]):
        _refuse(path, [f"line {signed[0].line}: '{signed[0].text}' is in percent; leave --unit out"])
    if asked == SCORE_UNITS["fraction"]:
        above = [cell for cell in scored if abs(cell.score) > 1]
        complaint = "is no fraction, which goes up to 1; say --unit percent?"
        _refuse(path, [f"line {cell.line}: column '{column}': '{cell.text}' {complaint}" for cell in above])
    if signed:
        return SCORE_UNITS["percent"]
    unit = asked or foreign_unit(column, [cell.score for cell in scored])
    if unit is None:
        raise UsageError(f"{path}: column '{column}': {_question(scored)}")
    return unit


def _question(scored: Sequence[Cell]) -> str:
    """Which unit is it? In the terms of the scores that leave it open."""
    lowest, highest = min(scored, key=_score), max(scored, key=_score)
    if lowest.score < 0 or highest.score > 100:
        odd = lowest if lowest.score < 0 else highest
        return f"'{odd.text}' on line {odd.line} is no share in percent; add --unit none, or the unit (--unit points)"
    if highest.score > 1:
        small = next(cell for cell in scored if 0 < cell.score < 1)
        both = f"'{small.text}' on line {small.line} may be a fraction, '{highest.text}' on line {highest.line} is not"
        return f"{both}; write all scores in one unit, or add --unit percent if they are"
    either = f"fractions ({highest.text} is {100 * highest.score:g} %) or percent"
    return f"no score is above 1: are they {either}? Add --unit fraction or --unit percent, or --unit none"


def _score(cell: Cell) -> float:
    return cell.score


def _entries(cells: Sequence[Cell], metric: str, unit: ScoreUnit) -> list[VariantScores]:
    by_variant: dict[str, list[Cell]] = {}
    for cell in cells:
        by_variant.setdefault(cell.variant, []).append(cell)
    return [
        VariantScores(
            variant={"variant": name},
            label=name,
            planned=len(own),
            failed=sum(isnan(cell.score) for cell in own),
            scores={metric: {cell.seed: unit.factor * cell.score for cell in own if not isnan(cell.score)}},
            cost=None,
            seconds=0.0,
            peak_memory=0,
            metric=metric,
        )
        for name, own in by_variant.items()
    ]
