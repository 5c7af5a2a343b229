"""The points of a frontier: every variant's value and spread, and where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dasbench.analysis.pareto import Standing, pareto_front
from dasbench.analysis.significance import Floats, t_tests
from dasbench.analysis.standings import MOST_PLACED_BY_ALL_PAIRS, standings
from dasbench.records import COST_FIELDS
from dasbench.spec.study import Objective
from dasbench.views.quantities import is_cost_name, values_of
from dasbench.views.variants import VariantScores

Grounds = Literal["all_pairs", "best_cheaper", "means", "exact"]
"""What standings rest on: tests of all pairs; a test of each against the best that costs no more; nothing is tested as
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
    variant: Mapping[str, Any]
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
    entries: Sequence[VariantScores], objectives: Sequence[Objective], *, x: Objective, y: Objective
) -> list[Point]:
    """One point for each entry that has a value of every objective.

    Args:
        entries: variants, by falling score.
        objectives: all that decide who dominates whom.
        x: the one on the horizontal axis.
        y: the one on the vertical axis, whose spread is shown.
    """
    whole = _with_all_values(entries, objectives)
    table = np.array([values for _, values in whole], dtype=np.float64).reshape(-1, len(objectives))
    spread = t_tests(_seed_table([entry.scores.get(y.metric, {}) for entry, _ in whole]))
    half_widths = np.where(spread.sd == 0, 0.0, spread.half_width)
    on_front, where = _places([entry for entry, _ in whole], table, objectives)
    place_x, place_y = objectives.index(x), objectives.index(y)
    return [
        Point(
            label=entry.label,
            variant=entry.variant,
            study=entry.study,
            cost=values[place_x],
            mean=values[place_y],
            sd=_known(sd),
            ci95=_known(half_width),
            n=entry.num_done,
            failed=entry.failed,
            on_front=best,
            standing=standing,
            values={
                objective.metric: value for objective, value in zip(objectives, values, strict=True)
            },
            counts={name: getattr(entry.cost, name) for name in COST_FIELDS} if entry.cost else {},
        )
        for (entry, values), sd, half_width, best, standing in zip(
            whole, spread.sd.tolist(), half_widths.tolist(), on_front, where, strict=True
        )
    ]


def _with_all_values(
    entries: Sequence[VariantScores], objectives: Sequence[Objective]
) -> list[tuple[VariantScores, list[float]]]:
    """The variants that have a value of every objective, with these."""
    columns = [values_of(entries, objective.metric) for objective in objectives]
    whole = []
    for entry, values in zip(entries, zip(*columns, strict=True), strict=True):
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            whole.append((entry, known))
    return whole


def grounds_of(num_variants: int, objectives: Sequence[Objective]) -> Grounds:
    """What standings rest on.

    Args:
        num_variants: how many have one.
        objectives: all that decide who dominates whom.
    """
    num_noisy = sum(not is_cost_name(objective.metric) for objective in objectives)
    if num_noisy == 0:
        return "exact"
    if num_noisy > 1:
        return "means"
    return "all_pairs" if num_variants <= MOST_PLACED_BY_ALL_PAIRS else "best_cheaper"


def _places(
    entries: Sequence[VariantScores], table: Floats, objectives: Sequence[Objective]
) -> tuple[Sequence[bool], Sequence[Standing]]:
    """Whether each is on the front, and its standing; what a search tried and did not confirm takes no part.

    Where all objectives are exact, no score took part in the choice, and every variant is judged.
    """
    is_measured = any(not is_cost_name(objective.metric) for objective in objectives)
    judged = [
        place
        for place, entry in enumerate(entries)
        if entry.confirmed is not False or not is_measured
    ]
    best = pareto_front(table[judged], [objective.direction for objective in objectives]).tolist()
    found = _standings([entries[place] for place in judged], table[judged], objectives, best)
    on_front: list[bool] = [False] * len(entries)
    where: list[Standing] = ["tried"] * len(entries)
    for place, is_best, standing in zip(judged, best, found, strict=True):
        on_front[place], where[place] = is_best, standing
    return on_front, where


def _standings(
    entries: Sequence[VariantScores],
    table: Floats,
    objectives: Sequence[Objective],
    on_front: Sequence[bool],
) -> Sequence[Standing]:
    """Standings where one objective is measured and the others are taken as exact; else by the means alone.

    If all objectives are exact, what is off the front is dominated; if several are measured,
    nothing is.
    """
    noisy = [
        index for index, objective in enumerate(objectives) if not is_cost_name(objective.metric)
    ]
    if len(noisy) != 1:
        off: Standing = "possibly" if noisy else "dominated"
        return ["front" if best else off for best in on_front]
    signs = [1.0 if objective.direction == "min" else -1.0 for objective in objectives]
    costs = np.delete(table * signs, noisy[0], axis=1)
    measured = objectives[noisy[0]]
    scores = [entry.scores[measured.metric] for entry in entries]
    return standings(scores, costs, direction=measured.direction)


def _seed_table(scores: Sequence[Mapping[int, float]]) -> Floats:
    """Scores as [variants, seeds], padded with NaN; a spread does not ask which seed a score is of."""
    width = max((len(own) for own in scores), default=0)
    padded = [[*own.values(), *[np.nan] * (width - len(own))] for own in scores]
    return np.array(padded, dtype=np.float64).reshape(len(scores), width)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
