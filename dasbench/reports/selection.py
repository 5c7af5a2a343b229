"""Which rows a report is about: one study's, and the objective that ranks them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dasbench.errors import UsageError, unknown_name
from dasbench.records import Row
from dasbench.results.reading import read_store


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The rows of one study.

    Args:
        name: the study's name.
        question: what it asks.
        metric: its first measured objective.
        maximise: whether larger is better.
        rows: its trials.
    """

    name: str
    question: str
    metric: str
    maximise: bool
    rows: Sequence[Row]


def select_study(db: str, name: str) -> Selection:
    """All rows of a study.

    Raises:
        UsageError: if the database has no such study, naming the nearest; or if its rows cannot be compared because
            they come from different data sets or input sizes.
        StoreError: if there is no database.
    """
    with read_store(db) as reader:
        studies = {record.name: record for record in reader.studies()}
        if name not in studies:
            raise UsageError(f"{db}: {unknown_name('study', name, studies)}")
        rows = reader.rows(name)
    record = studies[name]
    objective = next(iter(record.document.get("objectives", [])), {"metric": "top1", "direction": "max"})
    refuse_mixed(rows)
    return Selection(
        name=name,
        question=record.question,
        metric=objective["metric"],
        maximise=objective["direction"] == "max",
        rows=rows,
    )


def refuse_mixed(rows: Sequence[Row]) -> None:
    """Refuse rows whose scores or costs mean different things.

    Raises:
        UsageError: naming what differs.
    """
    datasets = sorted({row.dataset for row in rows})
    if len(datasets) > 1:
        raise UsageError(
            f"these trials were scored on different data and cannot be ranked together: {'; '.join(datasets)}"
        )
    sizes = sorted({row.cost.input_size for row in rows if row.cost})
    if len(sizes) > 1:
        shown = "; ".join("x".join(map(str, size)) for size in sizes)
        raise UsageError(f"these costs were counted at different input sizes and cannot be compared: {shown}")
