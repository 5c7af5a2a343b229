"""Beforehand: which differences from the baseline a study will resolve, and with how many runs."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np

from dasbench.analysis.arm_wise import pair_tests
from dasbench.analysis.families import V, seed_table
from dasbench.analysis.looks import State, take_look
from dasbench.analysis.moderated import noise_of
from dasbench.analysis.power import POWER
from dasbench.analysis.significance import Floats

SIMULATED_ARMS = 400
"""Arms of all simulated studies together, which keeps the simulation below a third of a second."""

MOST_STUDIES = 20
"""Studies that are simulated, at the most."""

TESTS = 500
"""Tests of a variant that are simulated."""


def noise_between_seeds(scores: Mapping[V, Mapping[int, float]]) -> float | None:
    """Standard deviation of a trial's score about what its variant and its seed make expect.

    The mean of the arms' moderated variances; where there are none, of the variances within
    variants.

    Args:
        scores: finite score by seed, by variant.

    Returns:
        None if no variant has two seeds.

    Example:
        >>> near, far = {0: 1.0, 1: 2.0, 2: 3.5}, {0: 4.0, 1: 4.9, 2: 6.1}
        >>> round(noise_between_seeds({"a": near, "b": far, "c": {0: 0.0, 1: 1.0, 2: 1.8}}), 3)
        0.174
        >>> round(noise_between_seeds({"a": near}), 3), noise_between_seeds({"a": {0: 1.0}})
        (1.258, None)
    """
    table = seed_table(scores)
    noise = noise_of(table)
    if noise is not None:
        return sqrt(np.nanmean(noise.variance))
    there = ~np.isnan(table)
    df = np.maximum(there.sum(axis=1) - 1, 0).sum()
    if df == 0:
        return None
    centred = table - np.nansum(table, axis=1, keepdims=True) / there.sum(axis=1, keepdims=True)
    return sqrt(np.nansum(centred**2) / df)


def resolvable_difference(sd: float, *, arms: int, seeds: int, level: float) -> float | None:
    """Smallest true difference from the baseline that is resolved with 80 % power, about.

    From a few simulated studies of equally noisy arms, always the same ones: for each variant, the
    difference that would just have been resolved. Every variant is tested against the baseline, at
    the level of Holm's first test, which the others are not below.

    Args:
        sd: standard deviation of a trial's score, from `noise_between_seeds`.
        arms: number of variants, the baseline among them.
        seeds: seeds of each.
        level: error rate of the family.

    Returns:
        In the unit of `sd`; None below two arms or two seeds, or without noise.

    Example:
        >>> round(resolvable_difference(1.0, arms=9, seeds=3, level=0.05), 1)
        3.8
        >>> round(resolvable_difference(1.0, arms=9, seeds=10, level=0.05), 1)
        1.7
    """
    from scipy.special import stdtrit  # here for start-up time

    if arms < 2 or seeds < 2 or not sd > 0:
        return None
    random = np.random.default_rng(0)
    variants = np.arange(1, arms)
    just_resolved: list[Floats] = []
    for _ in range(max(MOST_STUDIES, TESTS // len(variants))):
        table = random.normal(0.0, 1.0, (arms, seeds))
        tests = pair_tests(table, variants, 0, noise=noise_of(table))
        critical = stdtrit(tests.df, 1 - level / len(variants) / 2)
        just_resolved.append(critical * tests.error - tests.mean)
    return sd * float(np.quantile(np.concatenate(just_resolved), POWER))


def expected_runs(
    sd: float,
    *,
    arms: int,
    looks: Sequence[int],
    levels: Sequence[float],
    min_effect: float,
) -> float:
    """How many trials a study trains until every variant is settled, about.

    The mean over a few simulated studies, always the same ones. Their variants differ from the
    baseline by normal effects with a standard deviation of `min_effect`.

    Args:
        sd: standard deviation of a trial's score.
        arms: number of variants, the baseline among them.
        looks: seeds at each planned look, ascending.
        levels: error rate that each of them spends.
        min_effect: smallest difference that matters, in the unit of `sd`.

    Example:
        >>> plan = {"looks": [3, 5, 8], "levels": [0.01, 0.02, 0.02]}
        >>> expected_runs(0.01, arms=4, min_effect=1.0, **plan)
        12.0
    """
    random = np.random.default_rng(0)
    number = max(1, min(MOST_STUDIES, SIMULATED_ARMS // arms))
    total = 0
    for _ in range(number):
        scores = random.normal(0.0, sd, (arms, looks[-1]))
        scores[1:] += random.normal(0.0, min_effect, (arms - 1, 1))
        total += _runs(scores, looks, levels, min_effect)
    return total / number


def _runs(scores: Floats, looks: Sequence[int], levels: Sequence[float], min_effect: float) -> int:
    """Trials that one simulated study trains; its first row is the baseline."""
    known: dict[int, dict[int, float]] = {arm: {} for arm in range(len(scores))}
    states: Mapping[int, State] = {}
    going_on: Sequence[int] = list(known)
    for number, seeds in enumerate(looks, start=1):
        for arm in going_on:
            known[arm] = dict(enumerate(scores[arm, :seeds].tolist()))
        look = take_look(
            known,
            0,
            looks=looks,
            levels=levels,
            number=number,
            min_effect=min_effect,
            settled=states,
            noise=noise_of(seed_table(known)),
        )
        states = look.states
        if look.next_seeds is None:
            break
        going_on = [0, *look.open]
    return sum(map(len, known.values()))
