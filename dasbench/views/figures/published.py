"""What the paper prints, as a layer of its own beside what was trained here."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from dasbench.errors import UsageError
from dasbench.paper.figures import UNITS, Count, PaperRow, PaperTable
from dasbench.paper.tables import find_table, load_tables
from dasbench.records import Row
from dasbench.results.reading import read_store
from dasbench.views.sources import name_of

_COLUMNS = {"macs": "flops_g", "params": "params_m"}


@dataclass(frozen=True, kw_only=True)
class PublishedPoint:
    """A row of a table of the paper.

    Args:
        label: its label in the paper.
        cost: parameters or multiply-adds: as recounted in the convention of the axis, else as
            printed.
        value: the printed score.
    """

    label: str
    cost: float
    value: float


def published_points(
    name: str, *, metric: str, cost: str, backbones: Collection[str]
) -> list[PublishedPoint]:
    """The rows of a table of the paper that have both a score and a cost.

    Args:
        name: the table (`table1`, `fig3`).
        metric: the score that is compared (`top1`).
        cost: `macs_full`, `macs_paper`, `params_full` or `params_paper`.
        backbones: only rows of these; all rows if it is empty.

    Raises:
        UsageError: if there is no such table, or nothing in it to show.

    Example:
        >>> points = published_points(
        ...     "table4", metric="top1", cost="params_paper", backbones=["resnet18"]
        ... )
        >>> len(points), points[2].label, points[2].cost
        (8, 'c', 11816764)
    """
    table = find_table(name)
    kind = cost.partition("_")[0]
    if kind not in _COLUMNS:
        raise UsageError(
            f"`published` {name}: the paper prints parameters and FLOPs, no {kind}; use `cost` macs"
        )
    wanted = metric.removeprefix("val_")
    rows = [row for row in table.rows if not backbones or row.backbone in backbones]
    points = list(_points(table, rows, wanted, cost))
    if not points:
        raise UsageError(_why_no_points(table, wanted, kind, backbones, rows))
    return points


def backbones_of(db: str, rows: Sequence[Row]) -> set[str]:
    """The names of the backbones of some trials, from what they vary and from their studies.

    Empty if unknown.
    """
    with read_store(db) as reader:
        bases = {study.name: study.document.get("base") or {} for study in reader.studies()}
    found = set()
    for row in rows:
        usual = bases.get(row.study, {}).get("backbone")
        chosen = row.variant.get("backbone.name", row.variant.get("backbone", usual))
        found.add(name_of(chosen))
    return found - {""}


def _points(
    table: PaperTable, rows: Sequence[PaperRow], metric: str, cost: str
) -> Iterator[PublishedPoint]:
    """The points of some rows of a table, in the order of the paper."""
    for row, column in product(rows, table.columns.values()):
        if column.metric == metric and (point := _point(row, column.name, cost)):
            yield point


def _point(row: PaperRow, column: str, cost: str) -> PublishedPoint | None:
    kind, _, convention = cost.partition("_")
    score, printed = row.published.get(column), row.published.get(_COLUMNS[kind])
    recounted = getattr(row.exact.get(convention, Count()), kind)
    if recounted is None and printed is not None:
        recounted = printed.value * UNITS[printed.unit]
    if score is None or recounted is None:
        return None
    return PublishedPoint(label=row.label, cost=recounted, value=score.value)


def _why_no_points(
    table: PaperTable, metric: str, kind: str, backbones: Collection[str], rows: Sequence[PaperRow]
) -> str:
    """Why a table has no point to show, and which have."""
    good = []
    for name, other in load_tables().items():
        if any(_points(other, other.rows, metric, f"{kind}_full")):
            good.append(name)
    why = f"has no row of {', '.join(sorted(backbones))}"
    if rows:
        why = f"prints no '{metric}' with a cost"
    return f"`published` {table.name}: it {why}. Tables with both: {', '.join(good) or '(none)'}."
