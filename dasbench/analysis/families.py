"""Many variants at once: Holm's correction, all against a baseline, rank intervals for ranks."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.arm_wise import pair_tests
from dasbench.analysis.moderated import Noise
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import ALPHA, GAIN, Comparison, Direction, paired, plan_seeds
from dasbench.errors import UsageError, unknown_name

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True)
class Superiority(Generic[V]):
    """Which variant is significantly better than which.

    Args:
        variants: the variants in the order of the rows and columns.
        better: `better[i, j]` says that variant i is significantly better than variant j.

    Shape:
        better: [K, K]
    """

    variants: tuple[V, ...]
    better: NDArray[np.bool_]


@dataclass(frozen=True)
class RankInterval:
    """The ranks that a variant may hold, given what was resolved.

    Args:
        low: 1 + number of variants that are significantly better.
        high: K - number of variants that are significantly worse.
        best: it has the best mean.
        ties_with_best: it has a score and is not significantly worse than the variant with the best
            mean.
    """

    low: int
    high: int
    best: bool
    ties_with_best: bool


def holm(p_values: Floats | Sequence[float]) -> Floats:
    """Adjust p values so that testing all of them keeps the chance of one false alarm at the level.

    Args:
        p_values: one for each test; NaN for a test that could not be made, which stays NaN and does
            not count.

    Shape:
        [M] -> [M]

    Source:
        Holm, 1979: the k-th smallest of m is multiplied by m - k + 1, kept in order, and cut at 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(made.size, 0, -1)))
    return adjusted


def family(
    scores: Mapping[V, Mapping[int, float]],
    baseline: V,
    *,
    min_effect: float | None = None,
    alpha: float = ALPHA,
    noise: Noise | None = None,
) -> dict[V, Comparison]:
    """Compare every other variant with the baseline, p values adjusted for testing them all.

    Intervals stay those of the single comparison. Whether a comparison is resolved, the seeds it
    still needs and what it can detect follow the level that Holm's procedure asks of it at its
    place: alpha / (m - k + 1) for the k-th smallest of m p values.

    Args:
        scores: finite score by seed, by variant.
        baseline: the variant that the others are compared with; differences are variant minus
            baseline.
        min_effect: smallest difference that matters, in the unit of the scores.
        alpha: chance of at least one false alarm in the whole family.
        noise: of the variants, in the order of `scores`: from `noise_of` all arms of the study,
            with `take`. Paired t tests without it.

    Source:
        Holm, 1979; Demsar, 2006, section 3.2.2.

    Raises:
        UsageError: if there is no variant of the baseline's name.
        ValueError: if a score is not finite.

    Example:
        >>> seeds = range(5)
        >>> zeros = dict.fromkeys(seeds, 0.0)
        >>> a = dict(zip(seeds, [2.1, 1.9, 2.0, 2.2, 1.8]))
        >>> b = dict(zip(seeds, [0.8, -0.1, 0.55, 0.05, 0.2]))
        >>> found = family({"f": zeros, "a": a, "b": b}, "f")
        >>> {name: (round(c.p_holm, 4), c.resolved) for name, c in found.items()}
        {'a': (0.0, True), 'b': (0.1433, False)}
    """
    if baseline not in scores:
        raise UsageError(unknown_name("baseline", baseline, map(str, scores)))
    row = {variant: place for place, variant in enumerate(scores)}

    def noise_beside_baseline(variant: V) -> Noise | None:
        return noise and noise.take([row[variant], row[baseline]])

    found = {}
    for variant, own in scores.items():
        if variant != baseline:
            found[variant] = paired(
                own,
                scores[baseline],
                min_effect=min_effect,
                alpha=alpha,
                noise=noise_beside_baseline(variant),
            )
    p_values = {variant: c.p for variant, c in found.items() if c.p is not None}
    rising = sorted(p_values, key=p_values.__getitem__)
    adjusted = holm(sorted(p_values.values()))
    for place, variant in enumerate(rising):
        level = alpha / (len(rising) - place)
        planned = plan_seeds(found[variant], level=level, noise=noise_beside_baseline(variant))
        p_holm = float(adjusted[place])
        found[variant] = replace(
            planned, p_holm=p_holm, family_size=len(rising), resolved=p_holm <= alpha
        )
    return found


def significantly_better(
    scores: Mapping[V, Mapping[int, float]],
    *,
    direction: Direction = "max",
    alpha: float = ALPHA,
    noise: Noise | None = None,
) -> Superiority[V]:
    """Find the pairs that are resolved: tests over common seeds, Holm over all pairs.

    Takes K steps of [K, seeds] for K variants; 200 variants are 19,900 tests and take well under a
    second. With that many tests only large differences are resolved at a handful of seeds.

    Args:
        scores: finite score by seed, by variant.
        direction: whether more or less is better.
        alpha: chance of at least one false alarm over all pairs.
        noise: of the variants, as for `family`.

    Example:
        >>> close, far = {0: 1.0, 1: 1.1, 2: 0.9}, {0: 9.0, 1: 9.1, 2: 8.8}
        >>> significantly_better({"close": close, "far": far}).better
        array([[False, False],
               [ True, False]])
    """
    table = seed_table(scores)
    first, second = np.triu_indices(len(table), k=1)
    scale = largest_size(table)
    p, mean = np.empty(len(first)), np.empty(len(first))
    start = 0
    for row in range(len(table) - 1):
        tests = pair_tests(table, row, np.arange(row + 1, len(table)), noise=noise, scale=scale)
        stop = start + len(tests.p)
        p[start:stop], mean[start:stop] = tests.p, tests.mean
        start = stop
    resolved = holm(p) <= alpha
    first_is_better = (mean > 0) == (direction == "max")
    better = np.zeros((len(table), len(table)), dtype=np.bool_)
    better[first, second] = resolved & first_is_better
    better[second, first] = resolved & ~first_is_better
    return Superiority(tuple(scores), better)


def rank_intervals(
    scores: Mapping[V, Mapping[int, float]],
    *,
    direction: Direction = "max",
    alpha: float = ALPHA,
    noise: Noise | None = None,
) -> dict[V, RankInterval]:
    """Give every variant the ranks that the tests leave open.

    With one seed each, every interval is [1, K]. The best mean is the best of the variants' own
    seeds.

    Args:
        scores: finite score by seed, by variant; empty for a variant all of whose seeds failed.
        direction: whether more or less is better.
        alpha: chance of at least one false alarm over all pairs.
        noise: of the variants, as for `family`.

    Source:
        Al Mohamad, Goeman and van Zwet, 2022, Simultaneous confidence intervals for ranks
        (Biometrics 78).

    Example:
        >>> close, far = {0: 1.0, 1: 1.1, 2: 0.9}, {0: 9.0, 1: 9.1, 2: 8.8}
        >>> rank_intervals({"close": close, "far": far})["close"]
        RankInterval(low=2, high=2, best=False, ties_with_best=False)
    """
    better = significantly_better(scores, direction=direction, alpha=alpha, noise=noise).better
    sign = GAIN[direction]
    means = np.full(len(scores), -np.inf)
    for row, own in enumerate(scores.values()):
        if own:
            means[row] = sign * np.mean(list(own.values()))
    is_scored = np.isfinite(means)
    best = -1
    if is_scored.any():
        best = int(means.argmax())
    intervals = {}
    for row, variant in enumerate(scores):
        intervals[variant] = RankInterval(
            low=1 + int(better[:, row].sum()),
            high=len(scores) - int(better[row].sum()),
            best=row == best,
            ties_with_best=bool(is_scored[row] and not better[best, row]),
        )
    return intervals


def seed_table(scores: Mapping[V, Mapping[int, float]]) -> Floats:
    """Lay scores out as [variants, seeds], seeds in ascending order, NaN where one is missing.

    Raises:
        ValueError: if a score is not finite.

    Example:
        >>> seed_table({"a": {0: 1.0, 1: 2.0}, "b": {1: 3.0}})
        array([[ 1.,  2.],
               [nan,  3.]])
    """
    seeds = sorted(set[int]().union(*scores.values()))
    place = {seed: column for column, seed in enumerate(seeds)}
    table = np.full((len(scores), len(seeds)), np.nan)
    for row, own in enumerate(scores.values()):
        for seed, value in own.items():
            if not isfinite(value):
                raise ValueError(
                    f"scores have to be finite, not {value} at seed {seed}; leave the seed out"
                )
            table[row, place[seed]] = value
    return table


def largest_size(table: Floats) -> float:
    """The size of the largest score, by which rounding is told from spread; NaN counts as nothing.

    Example:
        >>> largest_size(np.array([[1.0, -3.0], [np.nan, 2.0]]))
        3.0
    """
    return float(np.nan_to_num(np.abs(table)).max(initial=0.0))
