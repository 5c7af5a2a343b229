"""How well each class is told, and which are taken for which: as tables and as records."""

from collections.abc import Sequence

from dasbench.confusion import Confusion
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import number_text
from dasbench.render.text.words import counted
from dasbench.spec.plain import Record
from dasbench.views.classes import (
    ClassScore,
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


def confusion_record(confusion: Confusion) -> Record:
    """A confusion as plain data, for programs: the scores of classes by label, and the cells.

    Example:
        >>> confusion_record(Confusion.from_places(["cat", "dog"], [0, 2], [8, 1]))["cells"]
        [{'class': 'cat', 'taken_for': 'cat', 'number': 8},
         {'class': 'dog', 'taken_for': 'cat', 'number': 1}]
    """
    return {
        "classes": list(map(_class_record, scores_by_label(confusion))),
        "cells": list(map(_cell_record, cells(confusion))),
    }


def cell_records(found: Sequence[TrialCell]) -> list[Record]:
    """The cells of trials' confusions as plain data."""
    records = []
    for each in found:
        row = each.row
        trial = {"study": row.study, "key": row.key, "label": row.label, "seed": row.seed}
        records.append(trial | _cell_record(each.cell))
    return records


def _class_record(score: ClassScore) -> Record:
    return {
        "class": score.name,
        "number": score.number,
        "right": score.right,
        "accuracy": score.accuracy,
    }


def _cell_record(cell: ConfusionCell) -> Record:
    return {"class": cell.name, "taken_for": cell.taken_for, "number": cell.number}


def _class_table(confusion: Confusion) -> Table:
    scores = class_scores(confusion)
    rows = []
    for score in scores[:MOST_CLASSES]:
        counts = (f"{score.right:,}", f"{score.number:,}")
        accuracy = number_text(score.accuracy, ".1f")
        rows.append((score.name, score.taken_for, accuracy, *counts))
    notes = []
    if left_out := len(scores) - len(rows):
        more = counted(left_out, "more class", "more classes")
        notes.append(f"{more}, all as good or better: `json` has every one")
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
        notes=notes,
    )


def _mistake_table(confusion: Confusion) -> Table:
    rows = []
    for each in mistakes(confusion)[:MOST_CLASSES]:
        share = number_text(each.share, ".1f")
        rows.append((each.name, each.taken_for, f"{each.number:,}", share))
    return Table(
        title="Most often taken for another class",
        columns=(
            Column(key="class", title="class", is_text=True),
            Column(key="taken_for", title="taken for", is_text=True),
            Column(key="number", title="number"),
            Column(key="share", title="of the class (%)"),
        ),
        rows=rows,
    )
