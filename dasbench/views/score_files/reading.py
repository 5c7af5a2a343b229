"""Scores from elsewhere: a CSV file with the columns variant, seed and a metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dasbench.errors import UsageError
from dasbench.views.score_files.cells import (
    ScoreCell,
    duplicates,
    missing_percent_signs,
    read_line,
    refuse,
    scored_cells,
)
from dasbench.views.score_files.table import ScoreTable, read_table, score_column
from dasbench.views.score_files.units import unit_of_scores
from dasbench.views.units import ScoreUnit
from dasbench.views.variants import VariantScores


@dataclass(frozen=True)
class ScoreFile:
    """What a file of scores holds.

    Args:
        metric: the column that was read.
        entries: one for each variant, in the order of the file; scores that were fractions are in
            percent.
        unit: of the scores.
    """

    metric: str
    entries: Sequence[VariantScores]
    unit: ScoreUnit


def read_scores(
    path: Path, *, metric: str | None = None, unit: ScoreUnit | None = None
) -> ScoreFile:
    r"""Read a file of scores. A score of NaN is a failed seed.

    Args:
        path: a CSV file in UTF-8 (a byte order mark and CRLF do no harm), its columns parted by
            commas, semicolons or tabs; a score may have a decimal comma or a percent sign.
        metric: the column with the scores; may be left out where there is only one beside variant
            and seed.
        unit: of the scores; None to find it in the file.

    Raises:
        UsageError: with every complaint at once: file, line, column, value; or asking for the unit,
            where scores may be fractions as well as percent.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "scores.csv")
        ...     _ = path.write_text("variant,seed,top1\na,0,70.1\na,1,nan\n")
        ...     read_scores(path).entries[0].scores
        {'top1': {0: 70.1}}
    """
    table = read_table(path)
    column = score_column(path, table.header, metric)
    cells = _cells(path, table, column)
    unit = unit_of_scores(path, column, cells, unit)
    return ScoreFile(column, _entries(cells, column, unit), unit)


def _cells(path: Path, table: ScoreTable, column: str) -> list[ScoreCell]:
    """The cells of all lines.

    Raises:
        UsageError: with everything that is wrong with them.
    """
    complaints: list[str] = []
    cells: list[ScoreCell] = []
    for line, values in table.lines:
        surplus = len(values) - len(table.header)
        if surplus:
            complaints.append(f"line {line}: {_surplus_text(surplus, table.separator)}")
            continue
        named = dict(zip(table.header, values, strict=True))
        by_semicolon = table.separator == ";"
        cells += read_line(
            named, column=column, line=line, decimal_comma=by_semicolon, complaints=complaints
        )
    complaints += [*duplicates(cells), *missing_percent_signs(cells, column)]
    refuse(path, complaints)
    if not cells:
        raise UsageError(f"{path}: there is no score below the line that names the columns")
    return cells


def _surplus_text(surplus: int, separator: str) -> str:
    if surplus < 0:
        return f"{-surplus} cells are missing"
    hint = ""
    if separator == ",":
        hint = "; a score with a decimal comma needs quotes, or semicolons between columns"
    return f"{surplus} cells too many{hint}"


def _entries(cells: Sequence[ScoreCell], metric: str, unit: ScoreUnit) -> list[VariantScores]:
    by_variant: dict[str, list[ScoreCell]] = {}
    for cell in cells:
        by_variant.setdefault(cell.variant, []).append(cell)
    return [_entry(name, own, metric, unit) for name, own in by_variant.items()]


def _entry(name: str, cells: Sequence[ScoreCell], metric: str, unit: ScoreUnit) -> VariantScores:
    scored = scored_cells(cells)
    return VariantScores(
        variant={"variant": name},
        label=name,
        planned=len(cells),
        failed=len(cells) - len(scored),
        scores={metric: {cell.seed: unit.factor * cell.score for cell in scored}},
        cost=None,
        seconds=0.0,
        peak_memory=0,
        metric=metric,
    )
