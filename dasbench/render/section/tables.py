"""The section's tables: what a page has room for, and all of the numbers behind it for a CSV file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from dasbench.analysis.looks import State
from dasbench.render.leaderboard import board_records
from dasbench.render.section.comparisons import comparison_records, comparison_table
from dasbench.render.section.scores import score_table
from dasbench.render.section.words import sentence
from dasbench.render.tables.table import Column, Table
from dasbench.results.answers import LookRecord
from dasbench.views.evidence import Evidence
from dasbench.views.sources import UsedComponent

TABLES = ("scores", "comparisons", "looks", "environments", "components")
"""Every table that a section may have, by the name of its file."""


LONG_NAME = 45
"""Letters of a name that fit on one line of a printed table, beside its numbers."""


@dataclass(frozen=True, kw_only=True)
class SectionTable:
    """One table.

    Args:
        name: of its file and its label.
        shown: what is printed; None for one that is a file only.
        records: every number behind it.
    """

    name: str
    shown: Table | None
    records: Sequence[Mapping[str, Any]]

    @property
    def caption(self) -> str:
        """What stands above it: its title and all that has to be said of it."""
        texts = [self.shown.title, *self.shown.notes] if self.shown else []
        return " ".join(sentence(text) for text in texts if text)

    @property
    def has_long_names(self) -> bool:
        """Whether names are so long that they take several lines on a printed page."""
        return any(len(row[0]) > LONG_NAME for row in self.shown.rows) if self.shown else False

    @property
    def num_strong(self) -> int:
        """How many cells of a bold row stand out: its name, and the number that was tested."""
        columns = self.shown.columns if self.shown else []
        return 1 + next((place for place, column in enumerate(columns) if not column.is_text), 0)


def make_tables(evidence: Evidence) -> list[SectionTable]:
    """Every table that the study gives."""
    scores = board_records(evidence.board)
    tables = [SectionTable(name="scores", shown=score_table(evidence), records=scores)]
    if evidence.answers:
        records = comparison_records(evidence)
        tables.append(
            SectionTable(name="comparisons", shown=comparison_table(evidence), records=records)
        )
    if evidence.looks:
        records = _look_records(evidence.looks)
        tables.append(
            SectionTable(name="looks", shown=_look_table(evidence.looks), records=records)
        )
    if evidence.environments:
        tables.append(
            SectionTable(name="environments", shown=None, records=_environment_records(evidence))
        )
    if evidence.components:
        records = [_component_record(component) for component in evidence.components]
        tables.append(SectionTable(name="components", shown=None, records=records))
    return tables


def _look_table(looks: Sequence[LookRecord]) -> Table:
    """What each look found and what it spent."""
    states = get_args(State)
    rows = []
    for look in looks:
        tally = Counter(look.states.values())
        seeds = look.plan[look.number - 1] if 0 < look.number <= len(look.plan) else "-"
        cells = [
            str(look.number),
            str(seeds),
            f"{look.level:.4f}",
            *(str(tally[state]) for state in states),
        ]
        rows.append([*cells, "no: exploratory" if look.exploratory else "yes"])
    return Table(
        title="Looks at the scores: number of variants in each state.",
        columns=[
            Column(key="look", title="look", is_text=True),
            Column(key="seeds", title="seeds"),
            Column(key="alpha_spent", title="alpha spent"),
            *(Column(key=state.replace(" ", "_"), title=state) for state in states),
            Column(key="planned", title="planned"),
        ],
        rows=rows,
        notes=[
            "Each look compares every variant with the baseline (paired t, Holm inside the look) at its share of "
            "alpha.",
            "Out of reach: the last look would hardly resolve it. Open: it gets the seeds of the next look, "
            "if there is one.",
        ],
    )


def _look_records(looks: Sequence[LookRecord]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for look in looks:
        about = {
            "look": look.number,
            "plan": list(look.plan),
            "alpha": look.level,
            "exploratory": look.exploratory,
        }
        records += [
            {**about, "variant": name, "state": state} for name, state in look.states.items()
        ]
    return records


def _environment_records(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {"trials": count, **asdict(environment)} for environment, count in evidence.environments
    ]


def _component_record(component: UsedComponent) -> dict[str, Any]:
    return {
        "kind": component.kind,
        "name": component.name,
        "trials": component.trials,
        "source": component.source,
        "own": component.is_own,
        "git_commit": component.git_commit,
        "git_dirty": component.git_dirty,
    }
