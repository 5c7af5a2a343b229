"""How well each class is told, and which are taken for which: as tables and as records."""

from collections.abc import Sequence
from typing import Any

from dasbench.confusion import Confusion
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.words import counted
from dasbench.views.classes import (
    ConfusionCell,
    TrialCell,
    cells,
    class_scores,
    mistakes,
    scores_by_label,
)

MOST_CLASSES = 12
"""Classes, and pairs of classes that were mistaken for each other, that a page shows."""

CELL_COLUMNS: Sequence[str] = ("study", "key", "label", "seed", "class", "taken_for", "number")
"""What `cell_records` says of a cell."""


def class_tables(confusion: Confusion) -> list[Table]:
    """The worst classes of the test part, and what was most often taken for something else."""
    tables = [_class_table(confusion)]
    if confusion.mistakes:
        tables.append(_mistake_table(confusion))
    return tables


def confusion_record(confusion: Confusion) -> dict[str, Any]:
    """A confusion as plain data, for programs: the scores of classes in the order of their labels, and the cells.

    Example:
        >>> confusion_record(Confusion.from_places(["cat", "dog"], [0, 2], [8, 1]))["cells"]
        [{'class': 'cat', 'taken_for': 'cat', 'number': 8}, {'class': 'dog', 'taken_for': 'cat', 'number': 1}]
    """
    classes = [
        {
            "class": score.name,
            "number": score.number,
            "right": score.right,
            "accuracy": score.accuracy,
        }
        for score in scores_by_label(confusion)
    ]
    return {"classes": classes, "cells": [_cell_record(cell) for cell in cells(confusion)]}


def cell_records(found: Sequence[TrialCell]) -> list[dict[str, Any]]:
    """The cells of trials' confusions as plain data."""
    return [
        {
            "study": each.row.study,
            "key": each.row.key,
            "label": each.row.label,
            "seed": each.row.seed,
        }
        | _cell_record(each.cell)
        for each in found
    ]


def _cell_record(cell: ConfusionCell) -> dict[str, Any]:
    return {"class": cell.name, "taken_for": cell.taken_for, "number": cell.number}


def _class_table(confusion: Confusion) -> Table:
    scores = class_scores(confusion)
    rows = [
        (
            score.name,
            score.taken_for,
            _share(score.accuracy),
            f"{score.right:,}",
            f"{score.number:,}",
        )
        for score in scores[:MOST_CLASSES]
    ]
    left_out = len(scores) - len(rows)
    more = counted(left_out, "more class", "more classes")
    return Table(
        title="Classes of the test part, the worst first",
        columns=(
            Column(key="class", title="class", is_text=True),
            Column(key="taken_for", title="wrongly taken for", is_text=True),
            Column(key="accuracy", title="accuracy (%)"),
            Column(key="right", title="right", priority=1),
            Column(key="number", title="of", priority=1),
        ),
        rows=rows,
        notes=[f"{more}, all as good or better: --json has every one"] if left_out else [],
    )


def _mistake_table(confusion: Confusion) -> Table:
    worst = mistakes(confusion)[:MOST_CLASSES]
    return Table(
        title="Most often taken for another class",
        columns=(
            Column(key="class", title="class", is_text=True),
            Column(key="taken_for", title="taken for", is_text=True),
            Column(key="number", title="number"),
            Column(key="share", title="of the class (%)"),
        ),
        rows=[
            (each.name, each.taken_for, f"{each.number:,}", _share(each.share)) for each in worst
        ],
    )


def _share(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:.1f}"
