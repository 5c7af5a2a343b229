"""Scores from elsewhere: a CSV file with the columns variant, seed and a metric."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, isnan
from pathlib import Path

from dasbench.errors import UsageError, unknown_name
from dasbench.reports.leaderboard import Ranked

KEYS = ("variant", "seed")
MAX_COMPLAINTS = 20
_NOTHING = "the file is empty. Its first line names the columns: variant,seed,top1"


@dataclass(frozen=True)
class ScoreFile:
    """What a file of scores holds.

    Args:
        metric: the column that was read.
        entries: one for each variant, in the order of the file.
    """

    metric: str
    entries: Sequence[Ranked]


@dataclass(frozen=True)
class _Cell:
    """One line's variant, seed and score."""

    line: int
    variant: str
    seed: int
    score: float


def read_scores(path: Path, *, metric: str | None = None) -> ScoreFile:
    r"""Read a file of scores. A score of NaN is a failed seed.

    Args:
        path: a CSV file in UTF-8 (a byte order mark and CRLF do no harm).
        metric: the column with the scores; may be left out where there is only one beside variant and seed.

    Raises:
        UsageError: with every complaint at once: file, line, column, value.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "scores.csv")
        ...     _ = path.write_text("variant,seed,top1\na,0,70.1\na,1,nan\n")
        ...     read_scores(path).entries[0].scores
        {'top1': {0: 70.1}}
    """
    lines = _lines(path)
    header = [name.strip() for name in lines[0][1]]
    column = _metric(path, header, metric)
    complaints: list[str] = []
    cells: list[_Cell] = []
    for number, values in lines[1:]:
        cells += _cells(dict(zip(header, values, strict=False)), len(values) - len(header), column, number, complaints)
    complaints += _duplicates(cells)
    if complaints:
        more = [f"and {len(complaints) - MAX_COMPLAINTS} more"] if len(complaints) > MAX_COMPLAINTS else []
        raise UsageError("\n".join(f"{path}: {complaint}" for complaint in [*complaints[:MAX_COMPLAINTS], *more]))
    if not cells:
        raise UsageError(f"{path}: there is no score below the line that names the columns")
    return ScoreFile(column, _entries(cells, column))


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not blank, with their numbers."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8; save the file as CSV in UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if not text.strip():
        raise UsageError(f"{path}: {_NOTHING}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, values) for values in reader if any(value.strip() for value in values)]
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: is no CSV: {error}") from error


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
        if metric not in others:
            raise UsageError(f"{path}:1: {unknown_name('column', metric, others)}")
        return metric
    if len(others) != 1:
        which = f"--metric {others[0]}" if others else "a third column, as in variant,seed,top1"
        raise UsageError(
            f"{path}:1: {len(others)} columns may hold the scores ({', '.join(others)}); name one: {which}"
        )
    return others[0]


def _cells(values: Mapping[str, str], surplus: int, column: str, line: int, complaints: list[str]) -> Iterator[_Cell]:
    """The scores of one line: one, or none if there is something to complain about."""
    if surplus:
        complaints.append(f"line {line}: {abs(surplus)} cells {'too many' if surplus > 0 else 'are missing'}")
        return
    before = len(complaints)
    variant = values["variant"].strip()
    if not variant:
        complaints.append(f"line {line}: column 'variant': '' is no name")
    seed = _seed(values["seed"].strip(), line, complaints)
    score = _score(values[column].strip(), column, line, complaints)
    if len(complaints) == before:
        yield _Cell(line, variant, seed, score)


def _seed(text: str, line: int, complaints: list[str]) -> int:
    try:
        value = float(text) if "_" not in text else float("nan")
        if value == int(value):
            return int(text) if text.lstrip("+-").isdecimal() else int(value)
    except (ValueError, OverflowError):
        pass
    complaints.append(f"line {line}: column 'seed': '{text}' is no whole number")
    return 0


def _score(text: str, column: str, line: int, complaints: list[str]) -> float:
    try:
        value = float(text) if "_" not in text else float("inf")
    except ValueError:
        value = float("inf")
    if isinf(value):
        complaints.append(f"line {line}: column '{column}': '{text}' is no finite number; write nan for a failed seed")
    return value


def _duplicates(cells: Sequence[_Cell]) -> Iterator[str]:
    first: dict[tuple[str, int], int] = {}
    for cell in cells:
        line = first.setdefault((cell.variant, cell.seed), cell.line)
        if line != cell.line:
            both = f"'{cell.variant}', {cell.seed}"
            yield f"line {cell.line}: columns 'variant', 'seed': {both} are already on line {line}"


def _entries(cells: Sequence[_Cell], metric: str) -> list[Ranked]:
    by_variant: dict[str, list[_Cell]] = {}
    for cell in cells:
        by_variant.setdefault(cell.variant, []).append(cell)
    return [
        Ranked(
            variant={"variant": name},
            label=name,
            planned=len(own),
            failed=sum(isnan(cell.score) for cell in own),
            scores={metric: {cell.seed: cell.score for cell in own if not isnan(cell.score)}},
            cost=None,
            seconds=0.0,
            peak_memory=0,
            metric=metric,
        )
        for name, own in by_variant.items()
    ]
