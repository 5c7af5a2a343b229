"""Rank intervals for a table: of all variants while they are hundreds, else of those shown."""

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

from dasbench.analysis.families import RankInterval, largest_size, rank_intervals, seed_table
from dasbench.analysis.moderated import Noise
from dasbench.analysis.significance import t_tests
from dasbench.analysis.stats import ALPHA, Direction

MOST_RANKED_BY_ALL_PAIRS = 600
"""Variants whose ranks come from tests of every pair; at five seeds, 600 take 0.24 s."""

MAX_TESTS = 100_000
"""Tests that are made at the most of more variants."""


def find_ranks(
    scores: Sequence[Mapping[int, float]],
    *,
    shown: int | None = None,
    direction: Direction = "max",
    noise: Noise | None = None,
) -> list[RankInterval | None]:
    """The rank interval of each variant; None below two seeds, or where it was not tested.

    Up to `MOST_RANKED_BY_ALL_PAIRS` variants every pair is tested (Holm). Of more, the best mean
    and the first of those that are shown are tested against all others, and Bonferroni's correction
    counts every pair that there is: nothing is called better that a test of all pairs would not
    call better too.

    Args:
        scores: finite score by seed of each variant, the best mean first; empty for one that has
            none.
        shown: how many of them, from the first, somebody will see; all by default.
        direction: whether more or less is better.
        noise: of those that have a score, in their order, for tests of every pair; paired t tests
            without it.

    Example:
        >>> close, far = {0: 1.0, 1: 1.1, 2: 0.9}, {0: 9.0, 1: 9.1, 2: 8.8}
        >>> [rank and (rank.low, rank.high) for rank in find_ranks([far, close, {0: 5.0}])]
        [(1, 2), (2, 3), None]
    """
    scored = {place: own for place, own in enumerate(scores) if own}
    if len(scored) <= MOST_RANKED_BY_ALL_PAIRS:
        found = rank_intervals(scored, direction=direction, noise=noise)
    else:
        if shown is None:
            shown = len(scores)
        num_tested = max(1, min(shown, MAX_TESTS // len(scored)))
        found = _ranks_against_all(scored, num_tested, direction)
    ranks: list[RankInterval | None] = [None] * len(scores)
    for place, rank in found.items():
        if len(scores[place]) > 1:
            ranks[place] = rank
    return ranks


def _ranks_against_all(
    scores: Mapping[int, Mapping[int, float]], num_tested: int, direction: Direction
) -> dict[int, RankInterval]:
    """The ranks of the first variants, each tested against all others; the very first is best."""
    table = seed_table(scores)
    scale = largest_size(table)
    level = ALPHA / (len(table) * (len(table) - 1) / 2)
    found = {}
    for row, place in enumerate(islice(scores, num_tested)):
        tests = t_tests(table[row] - table, scale=scale)
        resolved = np.nan_to_num(tests.p, nan=1.0) <= level
        ahead = (tests.mean > 0) == (direction == "max")
        is_worse = resolved & ~ahead
        found[place] = RankInterval(
            low=1 + int(is_worse.sum()),
            high=len(table) - int((resolved & ahead).sum()),
            best=row == 0,
            ties_with_best=not is_worse[0],
        )
    return found
