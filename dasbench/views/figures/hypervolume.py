"""How the front grew: hypervolume over finished trials and over time."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, nan
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from dasbench.analysis.families import seed_table
from dasbench.analysis.pareto import hypervolume, hypervolume_of_means
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import Direction
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.views.figures.means import variants_with_scores
from dasbench.views.quantities import values_of
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores

MOST_STEPS = 300
"""Points of a curve; of more trials, so many are taken evenly."""

_BEYOND = 0.1  # share of the range by which the usual reference lies beyond the worst values


class Step(NamedTuple):
    """The front after some trials.

    Args:
        trial: finished trials so far.
        finished: when the last of them did, ISO 8601, `""` if unknown.
        hypervolume: of the means so far.
    """

    trial: int
    finished: str
    hypervolume: float


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the front of one study grew.

    Args:
        study: its name.
        steps: from the first finished trial to the last.
        ci95: half the 95 % interval of the last hypervolume over seeds, by the jackknife; None with
            one seed, or if no two seeds have a score from every variant.
        seeds: seeds that every variant has a score for, which the interval is over.
    """

    study: str
    steps: Sequence[Step]
    ci95: float | None
    seeds: int


@dataclass(frozen=True, kw_only=True)
class HypervolumeInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score.
        cost: what it is held against.
        reference: score and cost of the corner that bounds the area; the same for all studies.
        curves: one for each study.
    """

    question: str
    metric: str
    cost: str
    reference: tuple[float, float]
    curves: Sequence[Growth]


def info(
    selection: Selection, *, cost: str = "macs_full", reference: tuple[float, float] | None = None
) -> HypervolumeInfo:
    """Measure the front of the means after every trial, in the order in which trials finished.

    Args:
        selection: rows of one study or of several.
        cost: what is held against the score; less is better.
        reference: score and cost of the corner that bounds the area. By default the worst mean and
            the highest cost, each a tenth of its range further out: it moves as trials are added,
            so name one to compare over time.

    Raises:
        UsageError: if the reference is not finite.
    """
    direction = selection.direction
    entries = _entries_with_cost(selection, cost)
    if reference is not None and not np.isfinite(reference).all():
        raise UsageError(
            f"`reference` {reference[0]},{reference[1]}: "
            "write two finite numbers, a score and a cost"
        )
    corner = reference or _usual_reference(entries, selection.metric, cost, direction)
    by_study: dict[str, list[VariantScores]] = defaultdict(list)
    for entry in entries:
        by_study[entry.study].append(entry)
    curves = []
    for study, own in by_study.items():
        curves.append(_growth(study, selection, own, cost, corner, direction))
    return HypervolumeInfo(
        question=selection.question,
        metric=selection.metric,
        cost=cost,
        reference=corner,
        curves=curves,
    )


def _entries_with_cost(selection: Selection, cost: str) -> list[VariantScores]:
    """The variants that have a score and a cost."""
    entries = variants_with_scores(selection)
    costs = values_of(entries, cost)
    return [entry for entry, value in zip(entries, costs, strict=True) if value is not None]


def _usual_reference(
    entries: Sequence[VariantScores], metric: str, cost: str, direction: Direction
) -> tuple[float, float]:
    """The worst mean and highest cost, a tenth of the ranges further out: they count too."""
    if not entries:
        return (0.0, 1.0)
    means, costs = _known_values(entries, metric), _known_values(entries, cost)
    score = min(means) - _margin(means)
    if direction == "min":
        score = max(means) + _margin(means)
    return (score, max(costs) + _margin(costs))


def _known_values(entries: Sequence[VariantScores], name: str) -> list[float]:
    return [value for value in values_of(entries, name) if value is not None]


def _margin(values: Sequence[float]) -> float:
    """A tenth of the range of some values; of their size where all are the same."""
    value_range = max(values) - min(values)
    return _BEYOND * (value_range or abs(values[0]) or 1.0)


def _growth(
    study: str,
    selection: Selection,
    entries: Sequence[VariantScores],
    cost: str,
    corner: tuple[float, float],
    direction: Direction,
) -> Growth:
    """The hypervolume of the means after each step, and the interval of the last one."""
    place: dict[str, int] = {}
    scores: dict[int, Mapping[int, float]] = {}
    for number, entry in enumerate(entries):
        place |= dict.fromkeys(entry.keys, number)
        scores[number] = entry.scores_of(entry.metric)
    done = _scored_rows(selection, study, place)
    costs = np.array(values_of(entries, cost), dtype=np.float64)
    sums, counts = np.zeros(len(entries)), np.zeros(len(entries))
    steps, start = [], 0
    stops = np.linspace(1, len(done), min(len(done), MOST_STEPS)).astype(int)
    for stop in np.unique(stops).tolist():
        for row in done[start:stop]:
            sums[place[row.key]] += row.metrics[selection.metric]
            counts[place[row.key]] += 1
        seen = counts > 0
        means = np.column_stack([sums[seen] / counts[seen], costs[seen]])
        area = hypervolume(means, corner, [direction, "min"])
        steps.append(Step(stop, done[stop - 1].finished, area))
        start = stop
    ci95, seeds = _interval(seed_table(scores), costs, corner, direction)
    return Growth(study=study, steps=steps, ci95=ci95, seeds=seeds)


def _scored_rows(selection: Selection, study: str, keys: Container[str]) -> list[Row]:
    """The trials of a study that have a score, as they finished."""
    found = []
    for row in selection.rows:
        is_scored = isfinite(row.metrics.get(selection.metric, nan))
        if row.study == study and row.key in keys and row.is_done and is_scored:
            found.append(row)
    return sorted(found, key=attrgetter("finished"))


def _interval(
    table: Floats, costs: Floats, corner: tuple[float, float], direction: Direction
) -> tuple[float | None, int]:
    """Half the interval of the front of the means, and over how many seeds."""
    common = int((~np.isnan(table)).all(axis=0).sum())
    if common < 2:
        return None, common
    return hypervolume_of_means(table, costs, corner, direction=direction).half_width, common


def seconds_since_first(steps: Sequence[Step]) -> list[float]:
    """Seconds since the first step; a step without a time stays where the one before it is."""
    seconds: list[float] = []
    first, last = None, 0.0
    for step in steps:
        if step.finished:
            time = datetime.fromisoformat(step.finished).timestamp()
            if first is None:
                first = time
            last = time - first
        seconds.append(last)
    return seconds
