"""How many seeds a comparison needs, and what it can see: the power of its t test."""

from bisect import bisect_left
from dataclasses import dataclass
from math import inf, isfinite, sqrt

POWER = 0.8
"""Chance of resolving a difference that is really there, for which seeds are planned."""

MAX_SEEDS = 10_000
"""No plan looks further than this many seeds."""

_EXACT_BELOW = (
    1000.0  # critical values from here on belong to two or three seeds at levels below 0.001
)


@dataclass(frozen=True)
class Freedom:
    """How many degrees of freedom a test has with any number of seeds; as it stands, a paired t.

    Args:
        prior: those that the prior counts for.
        arms: of how many arms the variances count in full, 1 to 2: (a + b)^2 / (a^2 + b^2) for
            moderated variances a and b. The paired t test has one, that of the difference.
        others: those that the residuals of other arms bring, at the most.

    Example:
        >>> Freedom().at(5), Freedom(prior=4.0, arms=2.0, others=28.0).at(5)
        (4.0, 16.0)
    """

    prior: float = 0.0
    arms: float = 1.0
    others: float = inf

    def at(self, n: int) -> float:
        """Degrees of freedom with `n` paired seeds."""
        return min(self.arms * (self.prior + n - 1), self.others + n - 1)


PAIRED_T = Freedom()
"""The paired t test's: n - 1."""


def t_power(
    effect: float, sd: float, n: int, *, alpha: float = 0.05, freedom: Freedom = PAIRED_T
) -> float:
    """Chance that a test of `n` paired seeds resolves a true difference, with the right sign.

    Args:
        effect: the true mean difference, in the unit of the scores; its sign does not matter.
        sd: standard deviation of the differences, above 0.
        n: paired seeds, at least 2.
        alpha: level of the test.
        freedom: its degrees of freedom, those of the paired t test by default.

    Source:
        Noncentral t distribution with noncentrality effect * sqrt(n) / sd.

    Raises:
        ValueError: if `n` is below 2 or `sd` is not above 0.

    Example:
        >>> round(t_power(0.5, 0.5, 10), 3)
        0.803
    """
    if n < 2 or sd <= 0:
        raise ValueError(f"power needs n of at least 2 and sd above 0, not n = {n} and sd = {sd}")
    return _power(abs(effect) / sd * sqrt(n), freedom.at(n), alpha)


def seeds_needed(
    effect: float,
    sd: float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    freedom: Freedom = PAIRED_T,
) -> int | None:
    """Smallest number of paired seeds that resolves a difference with the wanted power.

    Args:
        effect: the true mean difference to resolve.
        sd: standard deviation of the differences, in the same unit.
        alpha: level of the two-sided test.
        power: wanted chance of resolving it, 0 to 1.
        freedom: degrees of freedom of the test.

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

    def power_with(n: int) -> float:
        return t_power(effect, sd, n, alpha=alpha, freedom=freedom)

    counts = range(2, MAX_SEEDS + 1)
    place = bisect_left(counts, power, key=power_with)
    if place == len(counts):
        return None
    return counts[place]


def more_seeds(
    n: int,
    difference: float | None,
    sd: float | None,
    *,
    min_effect: float | None,
    alpha: float,
    freedom: Freedom = PAIRED_T,
) -> int | None:
    """Seeds beyond `n` that a plan asks for; None if nothing can be planned.

    Example:
        >>> more_seeds(5, 0.30, 0.369, min_effect=None, alpha=0.05)
        9
    """
    if difference is None or sd is None:
        return None
    total = seeds_needed(min_effect or difference, sd, alpha=alpha, freedom=freedom)
    if total is None:
        return None
    return max(0, total - n)


def detectable_effect(
    sd: float | None,
    n: int,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    freedom: Freedom = PAIRED_T,
) -> float | None:
    """Smallest true difference that `n` seeds resolve with the wanted power, in the unit of `sd`.

    Args:
        sd: standard deviation of the differences, None if it is not known.
        n: paired seeds.
        alpha: level of the two-sided test.
        power: wanted chance of resolving it, 0 to 1.
        freedom: degrees of freedom of the test.

    Returns:
        The minimum detectable effect; None below two seeds or without spread.

    Example:
        >>> round(detectable_effect(0.369, 5), 2)
        0.62
    """
    if n < 2 or sd is None or sd <= 0:
        return None
    df = freedom.at(n)
    low, high = 0.0, 2.0 * critical_t(df, alpha) + 4.0
    for _ in range(60):  # halving: exact to the last digit
        middle = (low + high) / 2
        if _power(middle, df, alpha) < power:
            low = middle
        else:
            high = middle
    return high * sd / sqrt(n)


def critical_t(df: float, alpha: float = 0.05) -> float:
    """Value that |t| has to pass with `df` degrees of freedom.

    Times the standard error it is the half-width of an interval.

    Example:
        >>> round(critical_t(4), 3)
        2.776
    """
    from scipy.special import stdtrit  # here for start-up time

    return float(stdtrit(df, 1 - alpha / 2))


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


def _power(noncentrality: float, df: float, alpha: float) -> float:
    """Chance that t passes its critical value on the side of the effect.

    The other side is not counted.
    """
    from scipy.special import chdtr, nctdtr  # here for start-up time

    critical = critical_t(df, alpha)
    if critical < _EXACT_BELOW:
        power = float(1 - nctdtr(df, noncentrality, critical))
        if isfinite(power):
            return power
    # Where the mean is all but exact beside its own spread, only the spread is random; scipy's
    # series ends before.
    return float(chdtr(df, df * (noncentrality / critical) ** 2))
