"""Which classes are taken for which: a matrix for each variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dasbench.confusion import Confusion
from dasbench.errors import UsageError
from dasbench.views.classes import Mistake, mistakes
from dasbench.views.selection import Selection
from dasbench.views.variants import gather_all

MOST_PANELS = 12
"""Variants that one figure shows."""

_NUM_MISTAKES = 3  # that are told of a matrix


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The matrix of one variant.

    Args:
        label: the variant.
        shares: of each class, what it is taken for, in percent; a row of NaN for one without
            examples, [K, K].
        accuracy: mean of the classes' own shares.
        seeds: trials that were added up.
        mistakes: what is most often taken for another class.
    """

    label: str
    shares: NDArray[np.float64]
    accuracy: float
    seeds: int
    mistakes: Sequence[Mistake]


@dataclass(frozen=True, kw_only=True)
class ConfusionInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        classes: their names.
        panels: one for each variant with a result, in the order of the study.
    """

    question: str
    classes: Sequence[str]
    panels: Sequence[Panel]


def info(selection: Selection) -> ConfusionInfo:
    """Add up the confusions of each variant's seeds.

    Raises:
        UsageError: if there are too many variants to show, or they tell other classes apart.
    """
    found: list[tuple[str, list[Confusion]]] = []
    classes: set[Sequence[str]] = set()
    for entry in gather_all(selection.rows, metric=selection.metric):
        known = [selection.confusions[key] for key in entry.keys if key in selection.confusions]
        if known:
            found.append((entry.label, known))
            classes.update(confusion.classes for confusion in known)
    if len(found) > MOST_PANELS:
        raise UsageError(
            f"plot confusion: {len(found)} variants are more than the {MOST_PANELS} that fit; "
            "use `where`"
        )
    if len(classes) > 1:
        raise UsageError(
            "plot confusion: not all of these trials have the same classes; use `where`"
        )
    return ConfusionInfo(
        question=selection.question,
        classes=next(iter(classes), ()),
        panels=[_panel(label, confusions) for label, confusions in found],
    )


def _panel(label: str, confusions: Sequence[Confusion]) -> Panel:
    """The matrix of one variant, from those of its seeds."""
    total = Confusion.total(confusions)
    counts = np.array(total.matrix, dtype=np.float64)
    numbers = counts.sum(axis=1, keepdims=True)
    shares = 100 * np.divide(counts, numbers, out=np.full_like(counts, np.nan), where=numbers > 0)
    return Panel(
        label=label,
        shares=shares,
        accuracy=float(np.nanmean(shares.diagonal())),
        seeds=len(confusions),
        mistakes=mistakes(total)[:_NUM_MISTAKES],
    )
