"""A table of the paper beside what is counted and measured here: a verdict for every figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from dasbench.backbones.detection import faster_rcnn
from dasbench.catalog import BACKBONES, GATES
from dasbench.costs.cross_check import count_module_leaves
from dasbench.costs.measure import measure_cost
from dasbench.costs.specimen import num_parameters
from dasbench.errors import DasbenchError
from dasbench.models import build_model, inference_form
from dasbench.paper.figures import UNITS, Count, PaperColumn, PaperRow, PaperTable, Published
from dasbench.render.verdicts import one_seed_note
from dasbench.reproduction.trained import Measured, Trained, find_measured
from dasbench.resolution import resolve_network
from dasbench.spec.network import InputSize, Network

Verdict = Literal["matches", "differs", "not run", "not comparable"]
"""How a printed figure stands; the last two come with a reason."""

TOLERANCES: Mapping[str, float] = {"params_m": 0.005, "flops_g": 0.01}
"""Columns of counts, and how far a figure that another counter printed may be off."""


@dataclass(frozen=True, kw_only=True)
class CellReport:
    """One figure of the paper and ours.

    Args:
        published: the printed figure; None where the paper prints none.
        measured: ours, in the unit of the printed figure; None if there is none. A mean where it
            was trained.
        verdict: how the two stand.
        why: the reason, where nothing could be compared.
        half_width: half of the 95 % interval of a trained mean, None for a count or a single seed.
        n: seeds of a trained mean, None for a count.
    """

    published: Published | None
    measured: float | None
    verdict: Verdict
    why: str = ""
    half_width: float | None = None
    n: int | None = None

    @property
    def note(self) -> str:
        """What is known to be wrong or special about the printed figure."""
        if self.published is None:
            return ""
        return self.published.note


@dataclass(frozen=True, kw_only=True)
class RowReport:
    """One row of the paper and ours.

    Args:
        row: what the paper prints.
        counts: our counts by convention (`paper`, `full`, and `module_leaves` where the row was
            printed by it).
        cells: what is said of each figure, by column.
    """

    row: PaperRow
    cells: Mapping[str, CellReport]
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True)
class Obstacle:
    """Why there is nothing of ours to put beside a printed figure."""

    verdict: Verdict
    why: str


DASH = Obstacle("not comparable", "the paper prints no number here")
UNTRAINED = Obstacle(
    "not run", "needs training; with a database of trained results, these are looked up"
)
NOT_FOUND = Obstacle(
    "not run", "needs training; the database has no trial of this network that ended"
)
NO_GATE = Obstacle("not comparable", "the paper's text no longer says which gate this row is")


def reproduce_row(
    table: PaperTable, row: PaperRow, trained: Sequence[Trained] | None = None
) -> RowReport:
    """Compare one row: counts are made at once, accuracies are taken from trained trials.

    Args:
        table: the table.
        row: one of its rows.
        trained: what a database holds, from `read_trained`; None if none is looked at.

    Example:
        >>> from dasbench.paper.tables import find_table
        >>> table = find_table("table4")
        >>> report = reproduce_row(table, table.row("c"))
        >>> report.cells["params_m"].verdict
        'matches'
        >>> report.counts["full"].params > report.counts["paper"].params
        True
    """
    counts = _row_counts(table, row)
    cells = {}
    for name, column in table.columns.items():
        if column.name in TOLERANCES:
            cells[name] = _count_cell(row, column, counts)
        else:
            cells[name] = _trained_cell(table, row, column, trained)
    if isinstance(counts, Obstacle):
        return RowReport(row=row, cells=cells)
    return RowReport(row=row, cells=cells, counts=counts)


def count_in(column: PaperColumn, count: Count) -> int | None:
    """The number of a count that a column of `TOLERANCES` prints."""
    if column.name == "params_m":
        return count.params
    return count.macs


def _count_cell(
    row: PaperRow, column: PaperColumn, counts: Mapping[str, Count] | Obstacle
) -> CellReport:
    published = row.published[column.name]
    if isinstance(counts, Obstacle):
        return _cell_without_ours(published, counts)
    measured = _in_unit(row, column, counts)
    if published is None:
        return CellReport(published=None, measured=measured, verdict=DASH.verdict, why=DASH.why)
    verdict: Verdict = "differs"
    if _agree(row, column, published, measured):
        verdict = "matches"
    return CellReport(published=published, measured=measured, verdict=verdict)


def _trained_cell(
    table: PaperTable, row: PaperRow, column: PaperColumn, trained: Sequence[Trained] | None
) -> CellReport:
    published = row.published[column.name]
    if row.gate is None:
        return _cell_without_ours(published, NO_GATE)
    if trained is None:
        return _cell_without_ours(published, UNTRAINED)
    found = find_measured(table, row, column, trained)
    if found is None:
        return _cell_without_ours(published, NOT_FOUND)
    if found.mean is None:
        return _cell_without_ours(published, Obstacle("not run", found.obstacle))
    verdict, why = _judge(published, found)
    return CellReport(
        published=published,
        measured=found.mean,
        verdict=verdict,
        why=why,
        half_width=found.half_width,
        n=found.n,
    )


def _judge(published: Published | None, found: Measured) -> tuple[Verdict, str]:
    """How a trained mean stands beside a printed figure: within its interval, or not.

    One seed has none.
    """
    assert found.mean is not None
    if published is None:
        return DASH.verdict, DASH.why
    if found.obstacle:
        return "not comparable", found.obstacle
    distance = abs(published.value - found.mean)
    if published.rounds(found.mean) or distance <= (found.half_width or 0.0):
        return "matches", ""
    if found.half_width is None:
        return "not comparable", one_seed_note()
    return "differs", ""


def _cell_without_ours(published: Published | None, obstacle: Obstacle) -> CellReport:
    if published is None:
        obstacle = DASH
    return CellReport(
        published=published, measured=None, verdict=obstacle.verdict, why=obstacle.why
    )


def _agree(row: PaperRow, column: PaperColumn, published: Published, measured: float) -> bool:
    """Whether ours, rounded, is the printed figure, or near it where another counter printed it."""
    if published.rounds(measured * UNITS[published.unit]):
        return True
    distance = abs(measured / published.value - 1)
    return row.convention == "module_leaves" and distance <= TOLERANCES[column.name]


def _in_unit(row: PaperRow, column: PaperColumn, counts: Mapping[str, Count]) -> float:
    """Our count by the row's own convention, in the unit of the printed figure."""
    number = count_in(column, counts[row.convention])
    assert number is not None, "what is counted here has both numbers"
    return number / UNITS[row.unit_of(column)]


def _row_counts(table: PaperTable, row: PaperRow) -> Mapping[str, Count] | Obstacle:
    """Our counts of a row by convention, or why there are none; empty if it prints no counts."""
    if not row.convention:
        return {}
    obstacle = _unbuildable(row)
    if obstacle:
        return obstacle
    if table.task == "detection":
        return count_detector(table, row)
    return _count_network(table, row)


def _unbuildable(row: PaperRow) -> Obstacle | None:
    """Why this version cannot build a row's network, if it cannot."""
    if row.backbone not in BACKBONES:
        return Obstacle("not run", f"this version has no backbone '{row.backbone}'")
    if row.gate is None:
        return NO_GATE
    if row.gate.name not in GATES:
        return Obstacle("not run", f"this version has no gate '{row.gate.name}'")
    return None


def _count_network(table: PaperTable, row: PaperRow) -> Mapping[str, Count] | Obstacle:
    """Our counts of a row's network by convention; nothing is trained."""
    assert table.image_size is not None, "every table with counts says for which images"
    assert table.num_classes is not None, "every table with counts says for how many classes"
    size: InputSize = (3, table.image_size, table.image_size)
    asked = _network(row, num_classes=table.num_classes, input_size=size)
    try:
        network = inference_form(build_model(resolve_network(asked)))
        cost = measure_cost(network, size)
        counts = {
            "full": Count(cost.params_full, cost.macs_full),
            "paper": Count(cost.params_paper, cost.macs_paper),
        }
        if row.convention != "paper":
            leaves = count_module_leaves(network, size)
            counts["module_leaves"] = Count(leaves.params, leaves.macs)
    except DasbenchError as error:
        return Obstacle("not run", str(error))
    return counts


def _network(row: PaperRow, *, num_classes: int, input_size: InputSize) -> Network:
    """The network that a row of the paper is about."""
    return Network.model_validate(
        {**row.trial_fields(), "num_classes": num_classes, "input_size": input_size}
    )


def count_detector(table: PaperTable, row: PaperRow) -> Mapping[str, Count]:
    """Parameters of a row's detector: those of the plain detector and of the gates.

    The gates have no frozen norms. A detector's multiply-adds depend on how many regions it
    proposes, so they are not counted.
    """
    assert table.num_classes is not None, "every table with counts says for how many classes"
    asked = _network(row, num_classes=1000, input_size=(3, 224, 224))
    network = build_model(resolve_network(asked))
    plain = num_parameters(network.backbone)
    cost = measure_cost(network, asked.input_size)
    with torch.device("meta"):
        body = BACKBONES[row.backbone].make(1000).module
        empty = faster_rcnn(body, network.stage_ends, num_classes=table.num_classes)
    detector = num_parameters(empty)
    full = Count(detector + cost.params_full - plain, None)
    return {
        "full": full,
        "paper": Count(detector + cost.params_paper - plain, None),
        "module_leaves": full,
    }
