"""A table of the paper beside what is counted and measured here: one verdict for every printed figure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dasbench.catalog import BACKBONES, GATES
from dasbench.costs.cross_check import count_module_leaves
from dasbench.costs.specimen import InputSize
from dasbench.errors import DasbenchError, UsageError, unknown_name
from dasbench.paper.figures import UNITS, Column, Count, PaperRow, Published, Table
from dasbench.paper.tables import load_tables
from dasbench.reports.networks import as_counted, count_choice
from dasbench.spec.trial import Trial

Verdict = Literal["matches", "differs", "not run", "not comparable"]
"""How a printed figure stands; the last two come with a reason."""

TOLERANCES: Mapping[str, float] = {"params_m": 0.005, "flops_g": 0.01}
"""Columns of counts, and how far a figure that another counter printed may be off."""

ALIASES: Mapping[str, str] = {"fig3": "figure3", "fig4": "figure4"}
"""Short names of tables."""


@dataclass(frozen=True, kw_only=True)
class CellReport:
    """One figure of the paper and ours.

    Args:
        published: the printed figure; None where the paper prints none.
        measured: ours, in the unit of the printed figure; None if there is none.
        verdict: how the two stand.
        why: the reason, where nothing could be compared.
    """

    published: Published | None
    measured: float | None
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class RowReport:
    """One row of the paper and ours.

    Args:
        row: what the paper prints.
        counts: our counts by convention (`paper`, `full`, and `module_leaves` where the row was printed by it).
        cells: what is said of each figure, by column.
    """

    row: PaperRow
    cells: Mapping[str, CellReport]
    counts: Mapping[str, Count] = field(default_factory=dict)


class NotCounted(Exception):  # noqa: N818 - no error: a row of the paper that this version cannot build is expected
    """Why a row has no counts of ours."""

    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict: Verdict = verdict
        self.why = why


def find_table(name: str) -> Table:
    """A table of the paper by its name in the data (`table4`, `figure3`) or a short form of it (`fig3`).

    Raises:
        UsageError: if there is none; the message names the nearest.

    Example:
        >>> find_table("fig3").name
        'figure3'
    """
    tables = load_tables()
    known = ALIASES.get(name.lower(), name.lower())
    if known not in tables:
        raise UsageError(unknown_name("table of the paper", name, [*tables, *ALIASES]))
    return tables[known]
