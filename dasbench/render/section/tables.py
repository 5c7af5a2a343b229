"""The section's tables, as they are printed, each with all of its numbers for a CSV file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from dasbench.analysis.looks import State
from dasbench.render.comparison import comparison_record, comparison_tables
from dasbench.render.formats import Grid
from dasbench.render.leaderboard import board_records, board_tables
from dasbench.render.section.words import counted, shortened
from dasbench.render.tables import table as plain_table
from dasbench.results.answers import LookRecord
from dasbench.views.comparison import Answer
from dasbench.views.evidence import ENVIRONMENT, Evidence

TABLES = ("scores", "comparisons", "looks", "environments")
"""Every table that a section may have, by the name of its file."""

MOST_LINES = 30
"""Lines of a printed table, which has to fit on a page; the CSV file has all."""

_OTHER_PARTS = ("val_", "train_")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table.

    Args:
        name: of its file and its label.
        grid: what is printed, its caption as title and lines; None for one that is a file only.
        records: every number behind it.
    """

    name: str
    grid: Grid | None
    records: Sequence[Mapping[str, Any]]


def make_tables(evidence: Evidence) -> list[Table]:
    """Every table that the study gives."""
    tables = [_scores(evidence)]
    if evidence.answers:
        tables.append(_comparisons(evidence))
    if evidence.looks:
        tables.append(_looks(evidence.looks))
    if evidence.environments:
        records = [
            {"trials": count, **{name: said.get(name) for name in ENVIRONMENT}} for said, count in evidence.environments
        ]
        tables.append(Table(name="environments", grid=None, records=records))
    return tables


def _scores(evidence: Evidence) -> Table:
    """The leaderboard; its best and all that ties with it in bold, unless tests do not hold."""
    board = evidence.board
    first = [replace(line, entry=replace(line.entry, confirmed=None)) for line in board.lines[:MOST_LINES]]
    grid = _as_grid(board_tables(replace(board, lines=first))[0])
    grid = _without(grid, ("peak memory (MiB)", "seconds per trial"))
    if not evidence.tests_hold or not any(line.rank for line in board.lines):
        grid = replace(_without(grid, ("rank",)), bold=())
    if not any(line.rank and line.rank.best for line in board.lines):  # a single seed has the best mean
        grid = replace(grid, bold=())
    if board.metric.startswith(_OTHER_PARTS):
        grid = replace(grid, columns=[column.removeprefix("test ") for column in grid.columns])
    lines = list(grid.lines)
    if grid.bold:
        lines.insert(0, "Bold: the best mean and all that tests do not distinguish from it.")
    if failed := sum(line.entry.failed for line in board.lines):
        lines.insert(0, f"{counted(failed, 'failed trial')}: means are over the seeds that ended with a score.")
    lines += _cut(len(board.lines), "scores")
    return Table(name="scores", grid=_narrow(replace(grid, lines=lines)), records=board_records(board))


def _comparisons(evidence: Evidence) -> Table:
    """Every variant against the baseline; after looks their verdicts stand in place of those at a fixed level."""
    answers = evidence.answers
    grid = _as_grid(comparison_tables(answers[:MOST_LINES])[0])
    if not evidence.tests_hold:
        grid = _with_verdicts(grid, _verdicts_of_looks(evidence), _why_not(evidence))
    lines = [line.replace(" (or of --min-effect)", "") for line in grid.lines]
    title = f"Every variant against {answers[0].b}."
    grid = replace(grid, title=title, lines=[*lines, *_cut(len(answers), "comparisons")])
    return Table(name="comparisons", grid=_narrow(grid), records=[_record(answer, evidence) for answer in answers])


def _record(answer: Answer, evidence: Evidence) -> dict[str, Any]:
    record = comparison_record(answer)
    if evidence.tests_hold:
        return record
    state = _verdicts_of_looks(evidence).get(answer.a, "no verdict")
    return {name: value for name, value in record.items() if name not in ("resolved", "equivalent")} | {
        "verdict": state, "notes": [*record["notes"], _why_not(evidence)],
    }  # fmt: skip


def _with_verdicts(grid: Grid, verdicts: Mapping[str, str], why: str) -> Grid:
    """The comparisons with other verdicts, bold where they are resolved, without plans for more seeds."""
    place = grid.columns.index("verdict")
    rows = [[*row[:place], verdicts.get(row[0], "no verdict"), *row[place + 1 :]] for row in grid.rows]
    bold = [number for number, row in enumerate(rows) if row[place] == "resolved"]
    lines = [line for line in grid.lines if not line.startswith("More seeds")]
    return _without(replace(grid, rows=rows, bold=bold, lines=[*lines, why]), ("more seeds",))


def _verdicts_of_looks(evidence: Evidence) -> Mapping[str, str]:
    """Where each variant stood after the last look, by label; nothing where the looks compared something else."""
    if not evidence.looks or evidence.selection.metric != evidence.study_metric or _has_other_baseline(evidence):
        return {}
    exploratory = " (exploratory)" if any(look.exploratory for look in evidence.looks) else ""
    return {name: f"{state}{exploratory}" for name, state in evidence.looks[-1].states.items()}


def _has_other_baseline(evidence: Evidence) -> bool:
    """Whether the looks compared the baseline of the table with another one, which alone has no state."""
    return bool(evidence.looks) and evidence.answers[0].b in evidence.looks[-1].states


def _why_not(evidence: Evidence) -> str:
    """Why tests at a fixed level give no verdict here."""
    if not evidence.is_sequential:
        return "No verdicts: a search chose these variants by their scores, and no winner was trained on fresh seeds."
    if evidence.selection.metric != evidence.study_metric:
        return f"The looks compared {evidence.study_metric}: there is no verdict on another metric."
    if _has_other_baseline(evidence):
        return "The looks compared with another baseline: there is no verdict on these differences."
    return "Verdicts are those of the looks; intervals and p values do not correct for the looks."


def _looks(looks: Sequence[LookRecord]) -> Table:
    """What each look found and what it spent."""
    states = get_args(State)
    columns = ["look", "seeds", "alpha spent", *states, "planned"]
    rows = []
    for look in looks:
        tally = Counter(look.states.values())
        seeds = look.plan[look.number - 1] if 0 < look.number <= len(look.plan) else "-"
        cells = [str(look.number), str(seeds), f"{look.level:.4f}", *(str(tally[state]) for state in states)]
        rows.append([*cells, "no: exploratory" if look.exploratory else "yes"])
    lines = [
        "Each look compares every variant with the baseline (paired t, Holm inside the look) at its share of alpha.",
        "Out of reach: the last look would hardly resolve it. Open: it gets the seeds of the next look.",
    ]
    records = [
        {"look": look.number, "plan": list(look.plan), "alpha": look.level, "exploratory": look.exploratory,
         "variant": name, "state": state}
        for look in looks for name, state in look.states.items()
    ]  # fmt: skip
    grid = Grid(title="Looks at the scores: number of variants in each state.", columns=columns, rows=rows, lines=lines)
    return Table(name="looks", grid=grid, records=records)


def _as_grid(table: plain_table.Table) -> Grid:
    titles = [column.title for column in table.columns]
    return Grid(title=table.title, columns=titles, rows=table.rows, lines=table.notes, bold=table.bold)


def _without(grid: Grid, titles: Sequence[str]) -> Grid:
    """A table without some of its columns."""
    kept = [place for place, column in enumerate(grid.columns) if column not in titles]
    rows = [[row[place] for place in kept] for row in grid.rows]
    return replace(grid, columns=[grid.columns[place] for place in kept], rows=rows)


def _narrow(grid: Grid) -> Grid:
    """A table whose first column is no wider than a page."""
    return replace(grid, rows=[[shortened(row[0]), *row[1:]] for row in grid.rows])


def _cut(number: int, name: str) -> list[str]:
    """Say what a printed table leaves out."""
    return [f"The first {MOST_LINES} of {number:,} variants; tables/{name}.csv has all."] if number > MOST_LINES else []
