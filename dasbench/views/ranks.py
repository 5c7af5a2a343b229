"""Rank intervals for a whole table: of all variants while there are hundreds, of those that are shown beyond."""

from collections.abc import Mapping, Sequence

import numpy as np

from dasbench.analysis.families import RankInterval, rank_intervals, seed_table
from dasbench.analysis.significance import t_tests
from dasbench.analysis.stats import ALPHA, Direction

ALL_PAIRS_UP_TO = 600
"""Variants up to which every pair is tested; it takes an eighth of a second."""

MAX_TESTS = 100_000
"""Tests that are made at the most of more variants."""


def find_ranks(
    scores: Sequence[Mapping[int, float]], *, shown: int | None = None, direction: Direction = "max"
) -> list[RankInterval | None]:
    """The rank interval of each variant; None for one that has fewer than two seeds, or was not tested.

    Up to `ALL_PAIRS_UP_TO` variants every pair is tested (Holm). Of more, the best mean and the
    first of those that are shown are tested against all others, and Bonferroni's correction counts
    every pair that there is: nothing is called better that a test of all pairs would not call
    better too.

    Args:
        scores: finite score by seed of each variant, the best mean first; empty for one that has
            none.
        shown: how many of them, from the first, somebody will see; all by default.
        direction: whether more or less is better.

    Example:
        >>> close, far = {0: 1.0, 1: 1.1, 2: 0.9}, {0: 9.0, 1: 9.1, 2: 8.8}
        >>> [rank and (rank.low, rank.high) for rank in find_ranks([far, close, {0: 5.0}])]
        [(1, 2), (2, 3), None]
    """
    scored = [place for place, own in enumerate(scores) if own]
    found: dict[int, RankInterval] = {}
    if len(scored) <= ALL_PAIRS_UP_TO:
        found = rank_intervals({place: scores[place] for place in scored}, direction=direction)
    else:
        tested = scored[
            : max(1, min(len(scores) if shown is None else shown, MAX_TESTS // len(scored)))
        ]
        found = _against_all({place: scores[place] for place in scored}, tested, direction)
    return [found.get(place) if len(own) > 1 else None for place, own in enumerate(scores)]


def _against_all(
    scores: Mapping[int, Mapping[int, float]], tested: Sequence[int], direction: Direction
) -> dict[int, RankInterval]:
    table = seed_table(scores)
    rows = {place: row for row, place in enumerate(scores)}
    scale = float(np.nan_to_num(np.abs(table)).max(initial=0.0))
    level = ALPHA / (len(table) * (len(table) - 1) / 2)
    found = {}
    best = tested[0]
    for place in tested:
        tests = t_tests(table[rows[place]] - table, scale=scale)
        resolved = np.nan_to_num(tests.p, nan=1.0) <= level
        ahead = (tests.mean > 0) == (direction == "max")
        found[place] = RankInterval(
            low=1 + int((resolved & ~ahead).sum()),
            high=len(table) - int((resolved & ahead).sum()),
            best=place == best,
            ties_with_best=not (resolved & ~ahead)[rows[best]],
        )
    return found
