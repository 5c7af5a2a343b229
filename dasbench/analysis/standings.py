"""Where variants stand against the front when scores are not exact, for a handful of them or for many thousands."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.families import seed_table, significantly_better
from dasbench.analysis.pareto import Standing, classify, pareto_front
from dasbench.analysis.significance import Floats, t_tests
from dasbench.analysis.stats import ALPHA, Direction

ALL_PAIRS_UP_TO = 300
"""Variants that are all compared with each other; of more, each is compared with one."""

_CELLS = 10_000_000  # comparisons of costs that are made at once


def standings(
    scores: Sequence[Mapping[int, float]],
    costs: Floats,
    *,
    direction: Direction = "max",
    all_pairs_up_to: int = ALL_PAIRS_UP_TO,
    alpha: float = ALPHA,
) -> list[Standing]:
    """Say which variants are on the front, possibly on it, or significantly dominated.

    Up to `all_pairs_up_to` variants every pair is tested, with Holm's correction. Of more, a
    variant off the front of the means is tested against one other: the best mean among those that
    cost no more. It was picked by its scores, so the correction still counts every pair that might
    have been picked (Bonferroni over all pairs). What is called dominated there would be called so
    by testing every pair; what is `possibly` on the front may not be.

    Args:
        scores: finite score by seed of each variant.
        costs: exact cost of each variant, less is better; one column for each kind of cost.
        direction: whether more or less of the score is better.
        all_pairs_up_to: number of variants up to which every pair is tested.
        alpha: chance of at least one variant called dominated that is not.

    Shape:
        costs: [N] or [N, C]

    Raises:
        ValueError: if a score is not finite, or there is not one cost for each variant.

    Example:
        >>> close, far = {0: 70.0, 1: 70.1, 2: 69.9}, {0: 90.0, 1: 90.1, 2: 89.8}
        >>> standings([far, close, {0: 80.0}], np.array([1.0, 2.0, 2.0]))
        ['front', 'dominated', 'possibly']
    """
    by_variant = dict(enumerate(scores))
    if len(scores) > all_pairs_up_to and max(map(len, scores)) < 2:
        alone = [next(iter(own.values()), np.nan) for own in scores]
        return _untested(np.array(alone), costs, direction=direction)
    table = seed_table(by_variant)
    means = t_tests(table).mean
    if len(scores) <= all_pairs_up_to:
        better = significantly_better(by_variant, direction=direction, alpha=alpha).better
        return classify(means, costs, better, direction=direction)
    standing = np.array(_untested(means, costs, direction=direction), dtype=object)
    columns = costs[:, None] if costs.ndim == 1 else costs
    front, rest = standing == "front", np.flatnonzero(standing == "possibly")
    rivals = _best_that_costs_no_more(
        means, columns, np.flatnonzero(front), rest, direction=direction
    )
    tests = t_tests(
        table[rivals] - table[rest], scale=float(np.nan_to_num(np.abs(table)).max(initial=0.0))
    )
    num_pairs = len(scores) * (len(scores) - 1) / 2
    ahead = tests.mean > 0 if direction == "max" else tests.mean < 0
    standing[rest[ahead & (tests.p * num_pairs <= alpha)]] = "dominated"
    return list(standing)


def _untested(means: Floats, costs: Floats, *, direction: Direction) -> list[Standing]:
    """Standings before anything is tested: on the front of the means, or possibly on the front."""
    columns = costs[:, None] if costs.ndim == 1 else costs
    if len(columns) != len(means):
        raise ValueError(
            f"{len(means)} scores and {len(columns)} costs are not of the same variants"
        )
    front = pareto_front(
        np.column_stack([means, columns]), [direction] + ["min"] * columns.shape[1]
    )
    standing = np.where(front, "front", "possibly").astype(object)
    standing[np.isnan(means) | np.isnan(columns).any(axis=1)] = "unknown"
    return list(standing)


def _best_that_costs_no_more(
    means: Floats,
    costs: Floats,
    front: NDArray[np.intp],
    rest: NDArray[np.intp],
    *,
    direction: Direction,
) -> NDArray[np.intp]:
    """For each variant off the front, the one on it with the best mean that costs no more; there always is one."""
    ranked = front[np.argsort(-means[front] if direction == "max" else means[front], kind="stable")]
    step = max(1, _CELLS // max(1, len(ranked)))
    chunks = [rest[start : start + step] for start in range(0, len(rest), step)]
    picks = [
        (costs[ranked][None] <= costs[chunk][:, None]).all(axis=2).argmax(axis=1)
        for chunk in chunks
    ]
    return np.asarray(ranked[np.concatenate(picks)] if picks else rest, dtype=np.intp)
