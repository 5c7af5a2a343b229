"""The section's tables: what a page has room for, and for a CSV file all numbers behind it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from dasbench.analysis.looks import State
from dasbench.render.leaderboard import board_records
from dasbench.render.section.comparisons import comparison_table, evidence_records
from dasbench.render.section.scores import board_table
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.words import sentence
from dasbench.results.answers import LookRecord
from dasbench.spec.plain import Record
from dasbench.views.evidence import Evidence
from dasbench.views.sources import UsedComponent

TABLES = ("scores", "comparisons", "looks", "environments", "components")
"""Every table that a section may have, by the name of its file."""


LOOK_NOTES = (
    "Each look compares every variant with the baseline (Holm inside the look) "
    "at its share of alpha.",
    "Out of reach: the last look would hardly resolve it. "
    "Open: it gets the seeds of the next look, if there is one.",
)

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
        if self.shown is None:
            return ""
        return " ".join(map(sentence, filter(None, (self.shown.title, *self.shown.notes))))

    @property
    def has_long_names(self) -> bool:
        """Whether names are so long that they take several lines on a printed page."""
        return self.shown is not None and any(len(row[0]) > LONG_NAME for row in self.shown.rows)

    @property
    def num_strong(self) -> int:
        """How many cells of a bold row stand out: its name, and the number that was tested."""
        if self.shown is not None:
            for place, column in enumerate(self.shown.columns):
                if not column.is_text:
                    return 1 + place
        return 1


def make_tables(evidence: Evidence) -> list[SectionTable]:
    """Every table that the study gives."""
    tables = [_section_table("scores", board_records(evidence.board), board_table(evidence))]
    if evidence.answers:
        records = evidence_records(evidence)
        tables.append(_section_table("comparisons", records, comparison_table(evidence)))
    if evidence.looks:
        records = _look_records(evidence.looks)
        tables.append(_section_table("looks", records, _look_table(evidence.looks)))
    if evidence.environments:
        tables.append(_section_table("environments", _environment_records(evidence)))
    if evidence.components:
        records = list(map(_component_record, evidence.components))
        tables.append(_section_table("components", records))
    return tables


def _section_table(
    name: str, records: Sequence[Mapping[str, Any]], shown: Table | None = None
) -> SectionTable:
    return SectionTable(name=name, shown=shown, records=records)


def _look_table(looks: Sequence[LookRecord]) -> Table:
    """What each look found and what it spent."""
    states = get_args(State)
    rows = []
    for look in looks:
        tally = Counter(look.states.values())
        counts = [str(tally[state]) for state in states]
        planned = "yes"
        if look.exploratory:
            planned = "no: exploratory"
        cells = [str(look.number), _planned_seeds(look), f"{look.level:.4f}", *counts, planned]
        rows.append(cells)
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
        notes=LOOK_NOTES,
    )


def _planned_seeds(look: LookRecord) -> str:
    """The seeds at which a look was planned; a dash for one beyond the plan."""
    if not 0 < look.number <= len(look.plan):
        return "-"
    return str(look.plan[look.number - 1])


def _look_records(looks: Sequence[LookRecord]) -> list[Record]:
    records: list[Record] = []
    for look in looks:
        about = {"look": look.number, "plan": list(look.plan), "alpha": look.level}
        about["exploratory"] = look.exploratory
        for name, state in look.states.items():
            records.append({**about, "variant": name, "state": state})
    return records


def _environment_records(evidence: Evidence) -> list[Record]:
    records: list[Record] = []
    for environment, count in evidence.environments:
        records.append({"trials": count, **asdict(environment)})
    return records


def _component_record(component: UsedComponent) -> Record:
    return {
        "kind": component.kind,
        "name": component.name,
        "trials": component.trials,
        "source": component.source,
        "own": component.is_own,
        "git_commit": component.git_commit,
        "git_dirty": component.git_dirty,
    }
