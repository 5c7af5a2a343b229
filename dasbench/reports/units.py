"""Units of counts (M or G) and of scores (percentage points or none), and in which direction a score is better."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple


class Unit(NamedTuple):
    """How a count is shown.

    Args:
        size: what it is divided by.
        title: the column's or axis' title.
    """

    size: float
    title: str


def count_unit(kind: str, counts: Iterable[int]) -> Unit:
    """The unit for some counts of one kind.

    Args:
        kind: `params` or `macs`.
        counts: what will be shown.

    Example:
        >>> count_unit("macs", [1_819_065_856]).title, count_unit("macs", [8_839_936]).title
        ('FLOPs (G)', 'FLOPs (M)')
    """
    if kind == "params":
        return Unit(1e6, "params (M)")
    return Unit(1e9, "FLOPs (G)") if max(counts, default=0) >= 5e8 else Unit(1e6, "FLOPs (M)")


PERCENT = re.compile(r"(val_|train_|test_)?(top\d+|ap(\d+|_\w+)?|miou)")
"""Metrics that are shares in percent, whose differences are percentage points."""

ACCURACY = re.compile(r"(^|_)acc(uracy)?(_|$)", re.IGNORECASE)
"""What may be a share in percent or a fraction."""


def score_unit(metric: str, scores: Iterable[float] = ()) -> str:
    """Unit of a metric's differences: `pp` for shares in percent, none otherwise.

    Args:
        metric: its name. What is called an accuracy elsewhere is taken for percent if a score is above 1.
        scores: some of its scores.

    Example:
        >>> score_unit("val_top1"), score_unit("loss"), score_unit("accuracy", [0.9]), score_unit("accuracy", [90.1])
        ('pp', '', '', 'pp')
    """
    if ACCURACY.search(metric) and max(scores, default=0.0) > 1:
        return "pp"
    return "pp" if PERCENT.fullmatch(metric) else ""


LESS_IS_BETTER = frozenset(("loss", "error", "err", "seconds", "latency", "memory", "params", "macs", "perplexity"))
"""Words in the name of a metric of which less is better."""


def better_direction(metric: str, objectives: Iterable[tuple[str, str]] = ()) -> Literal["max", "min"]:
    """Whether more or less of a metric is better: as a study's objectives say, else less only of a loss or a cost.

    Example:
        >>> better_direction("val_loss"), better_direction("top1"), better_direction("val_f", [("f", "min")])
        ('min', 'max', 'min')
    """
    known = dict(objectives)
    plain = re.sub("^(val|train|test)_", "", metric)
    said = known.get(metric, known.get(plain))
    if said is not None:
        return "min" if said == "min" else "max"
    words = plain.lower().split("_")
    return "min" if LESS_IS_BETTER.intersection(words) else "max"
