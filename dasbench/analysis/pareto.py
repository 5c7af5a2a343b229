"""What is worth its cost: Pareto fronts of exact and of noisy scores, and hypervolume."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.dominance import undominated
from dasbench.analysis.power import critical_t
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import GAIN, Direction

Standing = Literal["front", "possibly", "dominated", "unknown", "tried"]
"""Where a variant stands: on the front of the means, possibly on the front, surely not; or unknown.

Unknown is one without a score or a cost. One that a search tried and did not confirm
stands nowhere: its score took part in the choice of the front."""


@dataclass(frozen=True)
class Estimate:
    """A number and half its 95 % interval, in the same unit; None where no spread is known."""

    value: float
    half_width: float | None


def pareto_front(points: Floats, directions: Sequence[Direction]) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point dominates another if it is at least as good in every objective and better in one. So
    equal points do not dominate each other: copies are all on the front, or none is. Of two points
    that tie in one objective, the one that is better in another dominates. A point with a NaN is
    never on the front and dominates nothing; infinities are ordinary values.

    One sort and one sweep for two objectives, O(N log N); divide and conquer for more, O(N log^(k -
    1) N).

    Args:
        points: one row for each point, one column for each objective.
        directions: whether more or less is better, for each objective.

    Shape:
        [N, k] -> [N]

    Source:
        Kung, Luccio and Preparata, 1975, On finding the maxima of a set of vectors.

    Raises:
        ValueError: if `points` is no table with one column for each direction.

    Example:
        >>> points = [[78.0, 2.0], [76.0, 1.0], [75.0, 1.5], [78.0, 2.0], [99.0, np.nan]]
        >>> pareto_front(np.array(points), ["max", "min"])
        array([ True,  True, False,  True, False])
    """
    costs = as_costs(points, directions)
    whole = np.flatnonzero(~np.isnan(costs).any(axis=1))
    rows = costs[whole]
    order = np.lexsort(rows.T[::-1])
    ranked = rows[order]
    first_copy = np.ones(len(ranked), dtype=np.bool_)
    first_copy[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    survives = undominated(ranked[first_copy])
    mask = np.zeros(len(costs), dtype=np.bool_)
    mask[whole[order]] = survives[np.cumsum(first_copy) - 1]
    return mask


def classify(
    mean: Floats, cost: Floats, better: NDArray[np.bool_], *, direction: Direction = "max"
) -> list[Standing]:
    """Say which variants are on the front when costs are exact and scores are not.

    A variant is dominated only if another costs no more and is *significantly* better. Of the
    others, those on the front of the means are `front`; those that are off it by a difference that
    is not resolved are `possibly`.

    Args:
        mean: mean score of each variant, NaN for one without a score, which is `unknown`.
        cost: exact cost of each variant; one column for each kind of cost (parameters,
            multiply-adds), less is better.
        better: `better[i, j]` says that i is significantly better than j: from
            `significantly_better` for paired scores.
        direction: whether more or less of the score is better.

    Shape:
        mean: [N]; cost: [N] or [N, C]; better: [N, N]

    Raises:
        ValueError: if the shapes do not fit together.

    Example:
        >>> mean, cost = np.array([76.0, 75.9, 70.0]), np.array([1.0, 1.2, 1.1])
        >>> classify(mean, cost, mean[:, None] > mean + 0.6)
        ['front', 'possibly', 'dominated']
    """
    costs = cost
    if costs.ndim == 1:
        costs = costs[:, None]
    standing = standings_of_means(mean, costs, direction=direction)
    if better.shape != (len(mean), len(mean)):
        raise ValueError(
            f"better has to compare all {len(mean)} variants with each other, not {better.shape}"
        )
    costs_no_more = (costs[:, None] <= costs[None]).all(axis=2)
    is_beaten = (costs_no_more & better).any(axis=0)
    standing[is_beaten & (standing != "unknown")] = "dominated"
    return list(standing)


def standings_of_means(
    means: Floats, costs: Floats, *, direction: Direction
) -> NDArray[np.object_]:
    """Standings before anything is tested: on the front of the means, or possibly on the front.

    Arguments as for `classify`.

    Shape:
        means: [N]; costs: [N, C]
    """
    if len(costs) != len(means):
        raise ValueError(f"{len(means)} scores and {len(costs)} costs are not of the same variants")
    front = pareto_front(np.column_stack([means, costs]), [direction] + ["min"] * costs.shape[1])
    standing = np.where(front, "front", "possibly").astype(object)
    standing[np.isnan(means) | np.isnan(costs).any(axis=1)] = "unknown"
    return standing


def hypervolume(
    points: Floats, reference: Sequence[float], directions: Sequence[Direction]
) -> float:
    """Area that is dominated by the points and better than the reference in both objectives.

    Points that are not better than the reference in both objectives add nothing, nor do points with
    a NaN.

    Args:
        points: one row for each point, two objectives.
        reference: the corner that bounds the area, in the units of the points.
        directions: whether more or less is better, for both objectives.

    Shape:
        [N, 2] -> area in the product of the two units

    Source:
        Zitzler and Thiele, 1998, Multiobjective optimization using evolutionary algorithms.

    Raises:
        ValueError: if there are not two objectives or the reference is not finite.

    Example:
        >>> hypervolume(np.array([[78.0, 2.0], [76.0, 1.0]]), [70.0, 3.0], ["max", "min"])
        14.0
    """
    costs, corner = (
        as_costs(points, directions),
        as_costs(np.array([reference], dtype=np.float64), directions)[0],
    )
    if len(directions) != 2 or not np.isfinite(corner).all():
        raise ValueError(
            f"hypervolume takes two objectives and a finite reference, not {list(reference)}"
        )
    inside = costs[(costs < corner).all(axis=1)]
    front = np.unique(inside[pareto_front(inside, ["min", "min"])], axis=0)
    right = np.append(front[1:, 0], corner[0])
    return float(((right - front[:, 0]) * (corner[1] - front[:, 1])).sum())


def hypervolume_of_means(
    scores: Floats, cost: Floats, reference: Sequence[float], *, direction: Direction = "max"
) -> Estimate:
    """Hypervolume of mean score against cost, with a 95 % interval over seeds.

    The interval is that of the jackknife: each seed is left out once. It takes the best of noisy
    means as they are, so it says how much other seeds would move this number, not how far the
    number lies above that of the true means.

    Args:
        scores: score of each variant and seed, NaN where one is missing. Only seeds that every
            variant has are used.
        cost: exact cost of each variant, less is better.
        reference: score and cost of the corner that bounds the area.
        direction: whether more or less of the score is better.

    Shape:
        scores: [N, S]; cost: [N]

    Source:
        Tukey, 1958 (jackknife); Miller, 1974, The jackknife: a review.

    Raises:
        ValueError: if no seed has a score from every variant.

    Example:
        >>> scores = np.array([[78.0, 78.4, 77.6], [76.0, 76.2, 75.8]])
        >>> area = hypervolume_of_means(scores, np.array([2.0, 1.0]), [70.0, 3.0])
        >>> round(area.value, 2), round(area.half_width, 2)
        (14.0, 1.49)
    """
    common = scores[:, ~np.isnan(scores).any(axis=0)]
    n = common.shape[1]
    if n == 0:
        raise ValueError(
            "no seed has a score from every variant, so there is no front of means to measure"
        )

    def area(chosen: Floats) -> float:
        return hypervolume(
            np.column_stack([chosen.mean(axis=1), cost]), reference, [direction, "min"]
        )

    value = area(common)
    if n == 1:
        return Estimate(value, None)
    left_out = np.array([area(np.delete(common, seed, axis=1)) for seed in range(n)])
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    return Estimate(value, critical_t(n - 1) * error)


def as_costs(points: Floats, directions: Sequence[Direction]) -> Floats:
    """The points with less being better in every objective.

    Args:
        points: one row for each point, one column for each objective.
        directions: whether more or less is better, for each objective.

    Raises:
        ValueError: if `points` is no table with one column for each direction.
    """
    if points.ndim != 2 or points.shape[1] != len(directions) or not directions:
        raise ValueError(
            f"points of shape {points.shape} do not have one column for each of {list(directions)}"
        )
    signs = []
    for direction in directions:
        if direction not in GAIN:
            raise ValueError(f"a direction is 'max' or 'min', not {direction!r}")
        signs.append(-GAIN[direction])
    return np.asarray(points, dtype=np.float64) * signs
