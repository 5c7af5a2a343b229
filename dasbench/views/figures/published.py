"""What the paper prints, as a layer of its own beside what was trained here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

from dasbench.errors import UsageError
from dasbench.paper.figures import UNITS, Count, PaperRow, PaperTable
from dasbench.paper.tables import find_table, load_tables
from dasbench.records import Row
from dasbench.results.reading import read_store

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
            f"--published {name}: the paper prints parameters and FLOPs, no {kind}; use --cost macs"
        )
    wanted = metric.removeprefix("val_")
    scores = [column.name for column in table.columns.values() if column.metric == wanted]
    rows = [row for row in table.rows if not backbones or row.backbone in backbones]
    points: list[PublishedPoint] = []
    for row, score in product(rows, scores):
        point = _point(row, score, cost)
        if point:
            points.append(point)
    if not points:
        raise UsageError(_nothing(table, wanted, kind, backbones, rows))
    return points


def backbones_of(db: str, rows: Sequence[Row]) -> set[str]:
    """The names of the backbones of some trials, from what they vary and from their studies.

    Empty if unknown.
    """
    with read_store(db) as reader:
        bases = {study.name: study.document.get("base") for study in reader.studies()}
    found = set()
    for row in {(row.study, row.label): row for row in rows}.values():
        base = bases.get(row.study)
        backbone = base.get("backbone", "") if isinstance(base, dict) else ""
        chosen = row.variant.get("backbone.name", row.variant.get("backbone", backbone))
        found.add(str(chosen.get("name", "")) if isinstance(chosen, dict) else str(chosen))
    return found - {""}


def _point(row: PaperRow, column: str, cost: str) -> PublishedPoint | None:
    kind, _, convention = cost.partition("_")
    score, printed = row.published.get(column), row.published.get(_COLUMNS[kind])
    recounted = getattr(row.exact.get(convention, Count()), kind)
    if recounted is None and printed is not None:
        recounted = printed.value * UNITS[printed.unit]
    if score is None or recounted is None:
        return None
    return PublishedPoint(label=row.label, cost=recounted, value=score.value)


def _nothing(
    table: PaperTable, metric: str, kind: str, backbones: Collection[str], rows: Sequence[PaperRow]
) -> str:
    """Why a table has no point to show, and which have."""
    good = [name for name, other in load_tables().items() if _has_points(other, metric, kind)]
    why = f"has no row of {', '.join(sorted(backbones))}"
    if rows:
        why = f"prints no '{metric}' with a cost"
    return f"--published {table.name}: it {why}. Tables with both: {', '.join(good) or '(none)'}."


def _has_points(table: PaperTable, metric: str, kind: str) -> bool:
    """Whether a table of the paper prints a metric and a cost of some row."""
    metrics = [column.metric for column in table.columns.values()]
    if _COLUMNS[kind] not in table.columns or metric not in metrics:
        return False
    return any(_point(row, metric, f"{kind}_full") for row in table.rows)
