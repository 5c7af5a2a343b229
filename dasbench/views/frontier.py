"""The points of a frontier: every variant's value and spread, and where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.moderated import Noise
from dasbench.analysis.pareto import Standing, as_costs, pareto_front
from dasbench.analysis.significance import Floats, t_tests
from dasbench.analysis.standings import MOST_PLACED_BY_ALL_PAIRS, standings
from dasbench.analysis.stats import known_number
from dasbench.spec.plain import Variant
from dasbench.spec.study import Objective
from dasbench.views.quantities import is_cost_name, values_of
from dasbench.views.variants import VariantScores, known_counts

Grounds = Literal["all_pairs", "best_cheaper", "means", "exact"]
"""What standings rest on.

Tests of all pairs; a test of each against the best that costs no more; nothing is tested, as
several objectives are measured, or as none is."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One variant.

    Args:
        label: the variant in a few words.
        variant: the varied fields and their values.
        study: the study that it belongs to.
        cost: value on the horizontal axis, in units, bytes or seconds.
        mean: mean score over seeds.
        sd: standard deviation over seeds, None for one seed.
        ci95: half the 95 % interval of the mean, None for one seed.
        n: number of seeds with a score.
        failed: number of seeds without.
        on_front: no other variant is at least as good in every objective and better in one, going
            by the means.
        standing: `front`; `possibly`, if nothing that costs no more is significantly better;
            `tried`, if a search tried it and did not confirm it, so that it is on no front; else
            `dominated`.
        values: value by objective.
        counts: parameters and multiply-adds by convention, empty where they are not known.
    """

    label: str
    variant: Variant
    study: str = ""
    cost: float
    mean: float
    sd: float | None
    ci95: float | None = None
    n: int
    failed: int = 0
    on_front: bool
    standing: Standing
    values: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def frontier(
    entries: Sequence[VariantScores],
    objectives: Sequence[Objective],
    *,
    x: Objective,
    y: Objective,
    noise: Noise | None = None,
) -> list[Point]:
    """One point for each entry that has a value of every objective.

    Args:
        entries: variants, by falling score.
        objectives: all that decide who dominates whom.
        x: the one on the horizontal axis.
        y: the one on the vertical axis, whose spread is shown.
        noise: of the entries in the one objective that is measured, in their order; paired t tests
            without it.
    """
    names = [objective.metric for objective in objectives]
    known, rows = _with_all_values(entries, names)
    table = np.array(rows, dtype=np.float64).reshape(-1, len(objectives))
    spread = t_tests(_seed_table([entry.scores_of(y.metric) for entry in known]))
    half_widths = np.where(spread.sd == 0, 0.0, spread.half_width)
    place = {id(entry): row for row, entry in enumerate(entries)}
    known_noise = noise and noise.take([place[id(entry)] for entry in known])
    on_front, where = _places(known, table, objectives, known_noise)
    place_x, place_y = objectives.index(x), objectives.index(y)
    points = []
    for number, (entry, values) in enumerate(zip(known, rows, strict=True)):
        point = Point(
            label=entry.label,
            variant=entry.variant,
            study=entry.study,
            cost=values[place_x],
            mean=values[place_y],
            sd=known_number(spread.sd[number]),
            ci95=known_number(half_widths[number]),
            n=entry.num_done,
            failed=entry.failed,
            on_front=on_front[number],
            standing=where[number],
            values=dict(zip(names, values, strict=True)),
            counts=known_counts(entry.cost),
        )
        points.append(point)
    return points


def _with_all_values(
    entries: Sequence[VariantScores], names: Sequence[str]
) -> tuple[list[VariantScores], list[list[float]]]:
    """The variants that have a value of everything that is named, and the values of each."""
    columns = [values_of(entries, name) for name in names]
    whole: list[VariantScores] = []
    rows: list[list[float]] = []
    for entry, values in zip(entries, zip(*columns, strict=True), strict=True):
        known = [value for value in values if value is not None]
        if len(known) == len(names):
            whole.append(entry)
            rows.append(known)
    return whole, rows


def measured_objectives(objectives: Sequence[Objective]) -> list[Objective]:
    """Those that are scores, with noise in them, and no exact costs."""
    return [objective for objective in objectives if not is_cost_name(objective.metric)]


def grounds_of(num_variants: int, objectives: Sequence[Objective]) -> Grounds:
    """What standings rest on.

    Args:
        num_variants: how many have one.
        objectives: all that decide who dominates whom.
    """
    num_measured = len(measured_objectives(objectives))
    if num_measured == 0:
        return "exact"
    if num_measured > 1:
        return "means"
    if num_variants > MOST_PLACED_BY_ALL_PAIRS:
        return "best_cheaper"
    return "all_pairs"


def _places(
    entries: Sequence[VariantScores],
    table: Floats,
    objectives: Sequence[Objective],
    noise: Noise | None,
) -> tuple[Sequence[bool], Sequence[Standing]]:
    """Whether each is on the front, and its standing.

    What a search tried and did not confirm takes no part. Where all objectives are exact, no score
    took part in the choice, and every variant is judged.
    """
    takes_part = np.ones(len(entries), dtype=np.bool_)
    if measured_objectives(objectives):
        takes_part[:] = [not entry.is_unconfirmed for entry in entries]
    costs = as_costs(table, [objective.direction for objective in objectives])[takes_part]
    best = pareto_front(costs, ["min"] * len(objectives))
    judged = list(compress(entries, takes_part))
    on_front = np.zeros(len(entries), dtype=np.bool_)
    on_front[takes_part] = best
    where = np.full(len(entries), "tried", dtype=object)
    judged_noise = noise and noise.take(np.flatnonzero(takes_part))
    where[takes_part] = _standings(judged, costs, objectives, best, judged_noise)
    return on_front.tolist(), where.tolist()


def _standings(
    entries: Sequence[VariantScores],
    costs: Floats,
    objectives: Sequence[Objective],
    on_front: NDArray[np.bool_],
    noise: Noise | None,
) -> Sequence[Standing]:
    """Standings where one objective is measured and the others are exact; else by the means alone.

    If all objectives are exact, what is off the front is dominated; if several are measured,
    nothing is.
    """
    measured = measured_objectives(objectives)
    if len(measured) != 1:
        off = "dominated"
        if measured:
            off = "possibly"
        by_means: list[Standing] = np.where(on_front, "front", off).tolist()
        return by_means
    score = measured[0]
    exact = np.delete(costs, objectives.index(score), axis=1)
    scores = [entry.scores[score.metric] for entry in entries]
    return standings(scores, exact, direction=score.direction, noise=noise)


def _seed_table(scores: Sequence[Mapping[int, float]]) -> Floats:
    """Scores as [variants, seeds], padded with NaN; a spread does not ask which seed it is of."""
    table = np.full((len(scores), max(map(len, scores), default=0)), np.nan)
    for row, own in enumerate(scores):
        table[row, : len(own)] = list(own.values())
    return table
