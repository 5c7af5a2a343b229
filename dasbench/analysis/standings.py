"""Where variants stand against the front when scores are not exact, be they few or many."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.families import largest_size, seed_table, significantly_better
from dasbench.analysis.moderated import Noise
from dasbench.analysis.pareto import Standing, classify, standings_of_means
from dasbench.analysis.significance import Floats, t_tests
from dasbench.analysis.stats import ALPHA, GAIN, Direction

MOST_PLACED_BY_ALL_PAIRS = 300
"""Variants whose standings come from tests of every pair; of more, each is compared with one rival.

All pairs of 300 variants with five seeds take 0.08 s, of 600 0.24 s; one rival each, 0.003 s
and 0.007 s. A board tests all pairs of more (`MOST_RANKED_BY_ALL_PAIRS`): ranks need every pair."""

_CELLS = 10_000_000  # comparisons of costs that are made at once


def standings(
    scores: Sequence[Mapping[int, float]],
    costs: Floats,
    *,
    direction: Direction = "max",
    all_pairs_up_to: int = MOST_PLACED_BY_ALL_PAIRS,
    alpha: float = ALPHA,
    noise: Noise | None = None,
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
        noise: of the variants, in the order of `scores`, for the tests of every pair; those against
            one rival are paired t tests.

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
    columns = costs
    if columns.ndim == 1:
        columns = columns[:, None]
    if len(scores) <= all_pairs_up_to:
        means = t_tests(seed_table(by_variant)).mean
        better = significantly_better(
            by_variant, direction=direction, alpha=alpha, noise=noise
        ).better
        return classify(means, columns, better, direction=direction)
    if max(map(len, scores)) < 2:
        alone = np.array([next(iter(own.values()), np.nan) for own in scores])
        return list(standings_of_means(alone, columns, direction=direction))
    return _tested_against_one(seed_table(by_variant), columns, direction=direction, alpha=alpha)


def _tested_against_one(
    table: Floats, costs: Floats, *, direction: Direction, alpha: float
) -> list[Standing]:
    """Standings by a test of each variant off the front against its rival on it."""
    means = t_tests(table).mean
    standing = standings_of_means(means, costs, direction=direction)
    front, rest = np.flatnonzero(standing == "front"), np.flatnonzero(standing == "possibly")
    rivals = _best_that_costs_no_more(means, costs, front, rest, direction=direction)
    tests = t_tests(table[rivals] - table[rest], scale=largest_size(table))
    num_pairs = len(table) * (len(table) - 1) / 2
    is_behind = GAIN[direction] * tests.mean > 0
    standing[rest[is_behind & (tests.p * num_pairs <= alpha)]] = "dominated"
    return list(standing)


def _best_that_costs_no_more(
    means: Floats,
    costs: Floats,
    front: NDArray[np.intp],
    rest: NDArray[np.intp],
    *,
    direction: Direction,
) -> NDArray[np.intp]:
    """For each variant off the front, the one on it with the best mean that costs no more.

    There always is one.
    """
    ranked = front[np.argsort(-GAIN[direction] * means[front], kind="stable")]
    step = max(1, _CELLS // max(1, len(ranked)))
    rivals = np.empty(len(rest), dtype=np.intp)
    for start in range(0, len(rest), step):
        some = rest[start : start + step]
        costs_no_more = (costs[ranked][None] <= costs[some][:, None]).all(axis=2)
        rivals[start : start + step] = ranked[costs_no_more.argmax(axis=1)]
    return rivals
