"""How many seeds a comparison needs, and what it can see: the power of the paired t test."""

from bisect import bisect_left
from math import isfinite, sqrt

POWER = 0.8
"""Chance of resolving a difference that is really there, for which seeds are planned."""

MAX_SEEDS = 10_000
"""No plan looks further than this many seeds."""

_EXACT_BELOW = (
    1000.0  # critical values from here on belong to two or three seeds at levels below 0.001
)


def t_power(effect: float, sd: float, n: int, *, alpha: float = 0.05) -> float:
    """Chance that a paired t test of `n` seeds resolves a true difference, with the right sign.

    Args:
        effect: the true mean difference, in the unit of the scores; its sign does not matter.
        sd: standard deviation of the differences, above 0.
        n: paired seeds, at least 2.
        alpha: level of the test.

    Source:
        Noncentral t distribution with n - 1 degrees of freedom and noncentrality effect * sqrt(n) /
        sd.

    Raises:
        ValueError: if `n` is below 2 or `sd` is not above 0.

    Example:
        >>> round(t_power(0.5, 0.5, 10), 3)
        0.803
    """
    if n < 2 or sd <= 0:
        raise ValueError(f"power needs n of at least 2 and sd above 0, not n = {n} and sd = {sd}")
    return _power(abs(effect) / sd * sqrt(n), n, alpha)


def seeds_needed(
    effect: float, sd: float, *, alpha: float = 0.05, power: float = POWER
) -> int | None:
    """Smallest number of paired seeds that resolves a difference with the wanted power.

    Args:
        effect: the true mean difference to resolve.
        sd: standard deviation of the differences, in the same unit.
        alpha: level of the two-sided test.
        power: wanted chance of resolving it, 0 to 1.

    Returns:
        Number of seeds, at least 2. None if nothing can be planned: no effect, no spread, or more
            than `MAX_SEEDS`.

    Example:
        >>> seeds_needed(0.30, 0.369)
        14
        >>> seeds_needed(0.0, 0.369) is None
        True
    """
    if effect == 0 or sd <= 0:
        return None
    counts = range(2, MAX_SEEDS + 1)
    place = bisect_left(counts, power, key=lambda n: t_power(effect, sd, n, alpha=alpha))
    if place == len(counts):
        return None
    return counts[place]


def detectable_effect(
    sd: float | None, n: int, *, alpha: float = 0.05, power: float = POWER
) -> float | None:
    """Smallest true difference that `n` seeds resolve with the wanted power, in the unit of `sd`.

    Args:
        sd: standard deviation of the differences, None if it is not known.
        n: paired seeds.
        alpha: level of the two-sided test.
        power: wanted chance of resolving it, 0 to 1.

    Returns:
        The minimum detectable effect; None below two seeds or without spread.

    Example:
        >>> round(detectable_effect(0.369, 5), 2)
        0.62
    """
    if n < 2 or sd is None or sd <= 0:
        return None
    low, high = 0.0, 2.0 * critical_t(n, alpha) + 4.0
    for _ in range(60):  # halving: exact to the last digit
        middle = (low + high) / 2
        if _power(middle, n, alpha) < power:
            low = middle
        else:
            high = middle
    return high * sd / sqrt(n)


def critical_t(n: int, alpha: float = 0.05) -> float:
    """Value that |t| has to pass with `n` paired seeds.

    Times sd / sqrt(n) it is the half-width of an interval.

    Example:
        >>> round(critical_t(5), 3)
        2.776
    """
    from scipy.special import stdtrit  # here for start-up time

    return float(stdtrit(n - 1, 1 - alpha / 2))


def planning_floor(top1: float, num_examples: int) -> float:
    """Standard deviation between seeds that a test set's size alone causes, in percentage points.

    Args:
        top1: accuracy in percent, 0 to 100.
        num_examples: size of the test set.

    Source:
        Jordan, 2023, arXiv 2304.01910: the variance between runs is close to err / 2n.

    Raises:
        ValueError: if the accuracy is no percentage or the test set is empty.

    Example:
        >>> round(planning_floor(66.41, 8580), 2)
        0.44
    """
    if not 0 <= top1 <= 100 or num_examples < 1:
        raise ValueError(
            f"a floor needs 0 to 100 % and a test set, not {top1} % of {num_examples} examples"
        )
    return 100 * sqrt((1 - top1 / 100) / (2 * num_examples))


def noise_limit(floor: float) -> float:
    """Difference of two single runs below which 95 % fall by chance alone: 1.96 * sqrt(2) * floor.

    Example:
        >>> round(noise_limit(0.44), 1)
        1.2
    """
    return 1.96 * sqrt(2) * floor


def _power(noncentrality: float, n: int, alpha: float) -> float:
    """Chance that t passes its critical value on the side of the effect.

    The other side is not counted.
    """
    from scipy.special import chdtr, nctdtr  # here for start-up time

    critical = critical_t(n, alpha)
    if critical < _EXACT_BELOW:
        power = float(1 - nctdtr(n - 1, noncentrality, critical))
        if isfinite(power):
            return power
    # Where the mean is all but exact beside its own spread, only the spread is random; scipy's
    # series ends before.
    return float(chdtr(n - 1, (n - 1) * (noncentrality / critical) ** 2))
