"""Replicate until resolved: after each look, which variants need more seeds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, Literal

import numpy as np

from dasbench.analysis.arm_wise import freedom_of, pair_tests
from dasbench.analysis.families import V, holm, largest_size, seed_table
from dasbench.analysis.moderated import Noise
from dasbench.analysis.power import PAIRED_T, Freedom, critical_t, t_power
from dasbench.analysis.stats import ALPHA, is_equivalent
from dasbench.errors import UsageError, unknown_name
from dasbench.spec.replication import Replication

State = Literal["resolved", "equivalent", "out of reach", "open"]
"""Where a variant stands beside the baseline; only an open one gets more seeds."""

UNTIL_RESOLVED_ALPHA = 0.04
"""Error rate of the looks that `until: resolved` plans.

The first of them comes at 3 seeds, where the test errs a little more often than it says.
"""

UNTIL_RESOLVED_SHARES = (1, 2, 2, 2, 3)
"""How these looks share it, the first ones if there are fewer."""

REACH = 0.1
"""A variant whose chance of being resolved at the last look is below this is out of reach."""


@dataclass(frozen=True)
class Look(Generic[V]):
    """What one look at the scores decided.

    Args:
        number: which look this was, from 1.
        level: share of the error rate that it spent.
        states: state of every variant but the baseline, also of those settled before.
        next_seeds: seeds that the open variants and the baseline have at the next look; None if
            there is none.
        exploratory: it was not one of the planned looks, so its verdicts carry no error rate.
    """

    number: int
    level: float
    states: Mapping[V, State]
    next_seeds: int | None
    exploratory: bool

    @property
    def open(self) -> tuple[V, ...]:
        """The variants that are still open."""
        return tuple(variant for variant, state in self.states.items() if state == "open")


def spend(looks: int, alpha: float = ALPHA) -> tuple[float, ...]:
    """Divide the error rate over the planned looks, the later ones getting more.

    Shares grow as 2 : 3 : 5 : 8 : ..., each the sum of the two before it.

    Args:
        looks: number of planned looks, at least 1.
        alpha: error rate to divide.

    Raises:
        ValueError: if no look is planned.

    Example:
        >>> [round(level, 4) for level in spend(3)]
        [0.01, 0.015, 0.025]
    """
    if looks < 1:
        raise ValueError(f"a plan has at least 1 look, not {looks}")
    shares = [2, 3]
    while len(shares) < looks:
        shares.append(shares[-1] + shares[-2])
    return _divide(alpha, shares[:looks])


def planned_levels(seeds: Replication) -> tuple[float, ...]:
    """What each planned look of a study spends; empty without looks.

    Looks that a study lists spend 0.05 as `spend` divides it. Those of `until: resolved` spend 0.04
    as 1 : 2 : 2 : 2 : 3, or the first of these shares where `max` leaves fewer looks.

    Example:
        >>> asked = {"until": "resolved", "max": 20, "min_effect": 0.5}
        >>> planned_levels(Replication.model_validate(asked))
        (0.004, 0.008, 0.008, 0.008, 0.012)
        >>> planned_levels(Replication.model_validate({"looks": [3]}))
        (0.05,)
    """
    if not seeds.looks:
        return ()
    if seeds.until is None:
        return spend(len(seeds.looks))
    return _divide(UNTIL_RESOLVED_ALPHA, UNTIL_RESOLVED_SHARES[: len(seeds.looks)])


def _divide(alpha: float, shares: Sequence[int]) -> tuple[float, ...]:
    """An error rate in parts that are as large as the shares say."""
    return tuple(alpha * share / sum(shares) for share in shares)


def take_look(
    scores: Mapping[V, Mapping[int, float]],
    baseline: V,
    *,
    looks: Sequence[int],
    levels: Sequence[float] | None = None,
    number: int,
    min_effect: float | None = None,
    settled: Mapping[V, State] | None = None,
    noise: Noise | None = None,
) -> Look[V]:
    """Decide after a look which variants are resolved, equivalent, out of reach or open.

    The look spends its level on tests against the baseline with Holm's correction, which counts
    every variant that was not resolved before, dropped ones too. So the chance of one false alarm
    over all planned looks is at most the sum of their levels, whatever else makes a variant stop.

    A variant is equivalent if its 95 % interval lies inside plus or minus `min_effect`. It is out
    of reach if, with the spread seen so far, the last look would resolve neither the observed
    difference nor `min_effect` with a chance of `REACH`, and would not make the interval narrow
    enough for equivalence either. Both only save runs.

    Args:
        scores: finite score by seed, by variant, of all seeds so far.
        baseline: the variant that the others are compared with.
        looks: seeds at each planned look, ascending.
        levels: error rate that each of them spends; by default 0.05 in all, as `spend` divides it.
        number: which look this is, from 1; one beyond the plan is exploratory and spends the last
            level again.
        min_effect: smallest difference that matters, in the unit of the scores.
        settled: states after the look before; all but open ones are kept.
        noise: of the variants, in the order of `scores`: from `noise_of` all of them, those that
            have stopped with the seeds that they have. Paired t tests without it.

    Source:
        Bonferroni over looks and Holm within one; compare Mathieu et al., 2023, AdaStop, arXiv
        2306.10882.

    Raises:
        UsageError: if there is no variant of the baseline's name.
        ValueError: if the plan is empty or not ascending, or has not a level for each look, if
            `number` is below 1, or a score is not finite.

    Example:
        >>> seeds = range(5)
        >>> near = dict(zip(seeds, [0.8, -0.1, 0.55, 0.05, 0.2]))
        >>> far = dict(zip(seeds, [4.1, 3.9, 4.0, 4.2, 3.8]))
        >>> scores = {"f": dict.fromkeys(seeds, 0.0), "c": near, "g": far}
        >>> look = take_look(scores, "f", looks=[5, 10, 20], number=1)
        >>> look.states, look.next_seeds
        ({'c': 'open', 'g': 'resolved'}, 10)
    """
    _check(scores, baseline, looks, levels, number)
    levels = levels or spend(len(looks))
    level = levels[min(number, len(looks)) - 1]
    states: dict[V, State] = {v: state for v, state in (settled or {}).items() if state != "open"}
    dropped = len(states) - list(states.values()).count("resolved")
    left_out = {baseline, *states}
    variants = [v for v in scores if v not in left_out]
    num_tests = len(variants) + dropped
    has_next = number < len(looks)
    last = None
    if has_next:
        last = _LastLook(looks[-1], levels[-1] / max(1, num_tests), min_effect)
    for difference in _differences(scores, baseline, variants, num_tests, noise):
        states[difference.variant] = _state(difference, level, min_effect, last)
    next_seeds = None
    if has_next and "open" in states.values():
        next_seeds = looks[number]
    return Look(
        number=number,
        level=level,
        states=_in_order(states, scores),
        next_seeds=next_seeds,
        exploratory=number > len(looks),
    )


def _in_order(states: Mapping[V, State], scores: Iterable[V]) -> dict[V, State]:
    """The states in the order of the variants."""
    return {variant: states[variant] for variant in scores if variant in states}


@dataclass(frozen=True)
class _Difference(Generic[V]):
    """A variant beside the baseline at one look; NaN where nothing is known.

    Args:
        variant: the variant.
        mean: mean difference over seeds.
        sd: standard deviation of the differences, as the test has it.
        half_width: half the 95 % interval of the mean.
        p_holm: p value, adjusted for every variant that was not resolved before.
        freedom: degrees of freedom of the test.
    """

    variant: V
    mean: float
    sd: float
    half_width: float
    p_holm: float
    freedom: Freedom


def _differences(
    scores: Mapping[V, Mapping[int, float]],
    baseline: V,
    variants: Sequence[V],
    num_tests: int,
    noise: Noise | None,
) -> Iterator[_Difference[V]]:
    """Each variant beside the baseline; tests that are not made count as if nothing was found."""
    table, place = seed_table(scores), {v: row for row, v in enumerate(scores)}
    base, rows = place[baseline], np.array([place[v] for v in variants], dtype=np.intp)
    tests = pair_tests(table, rows, base, noise=noise, scale=largest_size(table))
    p_values = np.ones(num_tests)
    p_values[: len(variants)] = np.nan_to_num(tests.p, nan=1.0)
    sd = np.where(tests.arm_wise, tests.error * np.sqrt(tests.n), tests.sd)
    columns = [tests.mean, sd, tests.half_width, holm(p_values)[: len(variants)]]
    for number, (mean, own_sd, half_width, p_holm) in enumerate(np.column_stack(columns).tolist()):
        freedom = PAIRED_T
        if noise is not None and tests.arm_wise[number]:
            freedom = freedom_of(noise.take([rows[number], base]), int(tests.n[number]))
        yield _Difference(variants[number], mean, own_sd, half_width, p_holm, freedom)


@dataclass(frozen=True)
class _LastLook:
    """What the last planned look can still settle.

    Args:
        n: seeds that every open variant will have.
        level: level of a single test there.
        min_effect: smallest difference that matters.
    """

    n: int
    level: float
    min_effect: float | None

    def may_settle(self, mean: float, sd: float, freedom: Freedom) -> bool:
        """Whether more seeds may resolve the difference or show equivalence.

        Yes, while no spread is known.
        """
        if not sd > 0:
            return True
        min_effect = self.min_effect or 0.0
        effect = max(abs(mean), min_effect)
        half_width = critical_t(freedom.at(self.n)) * sd / sqrt(self.n)
        power = t_power(effect, sd, self.n, alpha=self.level, freedom=freedom)
        return half_width < min_effect or power >= REACH


def _state(
    difference: _Difference[V], level: float, min_effect: float | None, last: _LastLook | None
) -> State:
    """Where a variant stands after a look at this level."""
    if difference.p_holm <= level:
        return "resolved"
    if is_equivalent(difference.mean, difference.half_width, min_effect):
        return "equivalent"
    if last is None or last.may_settle(difference.mean, difference.sd, difference.freedom):
        return "open"
    return "out of reach"


def _check(
    scores: Mapping[V, Mapping[int, float]],
    baseline: V,
    looks: Sequence[int],
    levels: Sequence[float] | None,
    number: int,
) -> None:
    """Refuse a plan or a baseline that makes no sense."""
    if baseline not in scores:
        raise UsageError(unknown_name("baseline", baseline, map(str, scores)))
    if not looks or looks[0] < 2 or list(looks) != sorted(set(looks)):
        raise ValueError(
            "looks are ascending numbers of seeds from 2 on, for example [5, 10, 20], "
            f"not {list(looks)}"
        )
    if levels and len(levels) != len(looks):
        raise ValueError(f"a plan of {len(looks)} looks has a level for each, not {len(levels)}")
    if number < 1:
        raise ValueError(f"looks are numbered from 1, not {number}")
