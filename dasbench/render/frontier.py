"""The points of a frontier, and how it grew, as records for JSON and CSV."""

from collections.abc import Sequence

from dasbench.spec.plain import Record
from dasbench.views.figures.hypervolume import HypervolumeInfo
from dasbench.views.frontier import Point


def frontier_records(points: Sequence[Point]) -> list[Record]:
    """One record for each point, its objectives and counts at the end."""
    return list(map(_point_record, points))


def _point_record(point: Point) -> Record:
    return {
        "label": point.label,
        "variant": dict(point.variant),
        "study": point.study,
        "cost": point.cost,
        "mean": point.mean,
        "sd": point.sd,
        "ci95": point.ci95,
        "n": point.n,
        "failed": point.failed,
        "on_front": point.on_front,
        "standing": point.standing,
        **point.values,
        **point.counts,
    }


def hypervolume_records(growth: HypervolumeInfo) -> list[Record]:
    """One record for each study, its curve inside."""
    records = []
    for curve in growth.curves:
        hypervolume = 0.0
        if curve.steps:
            hypervolume = curve.steps[-1].hypervolume
        record = {
            "study": curve.study,
            "metric": growth.metric,
            "cost": growth.cost,
            "reference": list(growth.reference),
            "hypervolume": hypervolume,
            "ci95": curve.ci95,
            "seeds": curve.seeds,
            "trace": [step._asdict() for step in curve.steps],
        }
        records.append(record)
    return records


def step_records(growth: HypervolumeInfo) -> list[Record]:
    """One record for each step of each curve, as CSV holds them."""
    records = []
    for curve in growth.curves:
        records += [{"study": curve.study, **step._asdict()} for step in curve.steps]
    return records
