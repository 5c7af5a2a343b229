"""Cells of a table of scores: variants, seeds and scores as people write them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf, isnan
from pathlib import Path

from dasbench.errors import UsageError

MAX_COMPLAINTS = 20
"""Complaints about one file that are shown."""

LARGEST = 1e100
"""The largest score whose square is still a number."""

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
"""A number as much of the world writes it."""

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""What may as well be a whole number with a comma between its thousands."""


@dataclass(frozen=True)
class ScoreCell:
    """One line's variant, seed and score.

    Args:
        line: its number in the file.
        variant: the variant's name.
        seed: the seed.
        score: as it was written; NaN for a failed seed.
        text: the score's text.
    """

    line: int
    variant: str
    seed: int
    score: float
    text: str

    @property
    def has_percent_sign(self) -> bool:
        """Whether the score was written as `91.2%`."""
        return self.text.endswith("%")


def read_line(
    values: Mapping[str, str], *, column: str, line: int, decimal_comma: bool, complaints: list[str]
) -> Iterator[ScoreCell]:
    """The cell of one line, or none where there is something to complain about.

    Args:
        values: the line's texts by column; `variant`, `seed` and `column` are among them.
        column: the column with the scores.
        line: the line's number.
        decimal_comma: whether every comma is a decimal one, as in a file that parts its columns by
            semicolons.
        complaints: what is wrong is added here.
    """
    before = len(complaints)
    variant = values["variant"].strip()
    if not variant:
        complaints.append(f"line {line}: column 'variant': '' is no name")
    seed = _seed(values["seed"].strip(), line, complaints)
    text = values[column].strip()
    if THOUSANDS.fullmatch(text) and not decimal_comma:
        both = f"may be {text.replace(',', '.')} or {text.replace(',', '')}"
        complaints.append(
            f"line {line}: column '{column}': '{text}' {both}; write it without a comma"
        )
    score = read_number(text.removesuffix("%").rstrip())
    if isinf(score):
        complaints.append(
            f"line {line}: column '{column}': '{text}' is no finite number; "
            "write nan for a failed seed"
        )
    elif abs(score) > LARGEST:
        complaints.append(
            f"line {line}: column '{column}': '{text}' is too large to be tested, "
            f"at most {LARGEST:g} is; write nan for a failed seed"
        )
    if len(complaints) == before:
        yield ScoreCell(line, variant, seed, score, text)


def read_number(text: str) -> float:
    """A number with a decimal point or a decimal comma; infinity for what is none.

    Example:
        >>> read_number("91.2"), read_number("91,2"), read_number("ninety"), read_number("1_000")
        (91.2, 91.2, inf, inf)
    """
    if "_" in text:
        return inf
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return inf


def scored_cells(cells: Sequence[ScoreCell]) -> list[ScoreCell]:
    """The cells of the seeds that did not fail."""
    return [cell for cell in cells if not isnan(cell.score)]


def duplicates(cells: Sequence[ScoreCell]) -> Iterator[str]:
    """A complaint about each line whose variant and seed stand on an earlier one."""
    first: dict[tuple[str, int], int] = {}
    for cell in cells:
        line = first.setdefault((cell.variant, cell.seed), cell.line)
        if line != cell.line:
            both = f"'{cell.variant}', {cell.seed}"
            yield f"line {cell.line}: columns 'variant', 'seed': {both} are already on line {line}"


def missing_percent_signs(cells: Sequence[ScoreCell], column: str) -> list[str]:
    """A complaint about the first score without a percent sign where others have one."""
    scored = scored_cells(cells)
    bare = [cell for cell in scored if not cell.has_percent_sign]
    if not bare or len(bare) == len(scored):
        return []
    return [
        f"line {bare[0].line}: column '{column}': '{bare[0].text}' has no percent sign, "
        "and other scores have one"
    ]


def refuse(path: Path, complaints: Sequence[str]) -> None:
    """Refuse a file about which there is something to complain.

    Raises:
        UsageError: with the first complaints, and how many more there are.
    """
    if not complaints:
        return
    shown = list(complaints[:MAX_COMPLAINTS])
    if len(complaints) > MAX_COMPLAINTS:
        shown.append(f"and {len(complaints) - MAX_COMPLAINTS} more")
    raise UsageError("\n".join(f"{path}: {complaint}" for complaint in shown))


def _seed(text: str, line: int, complaints: list[str]) -> int:
    try:
        value = float(text)
        if value == int(value) and "_" not in text:
            if text.lstrip("+-").isdecimal():
                return int(text)
            return int(value)
    except (ValueError, OverflowError):
        pass
    complaints.append(f"line {line}: column 'seed': '{text}' is no whole number")
    return 0
