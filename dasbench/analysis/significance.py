"""The tests behind every comparison: paired t tests, many rows at once, and the sign-flip test."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TestChoice = Literal["arm-wise", "t"]
"""Which test is asked for; the arm-wise one is made where a study allows it."""

SIGN_FLIP_FROM = 6
"""Paired seeds from which a sign-flip test can reach 5 %: its smallest p is 2^(1 - n)."""

ROUNDING = 1e-12
"""Of the size of scores: a spread below it comes from subtracting floats."""

_EXACT_UP_TO = 30
_DRAWS = 100_000
_TIES = 1e-9  # of the sum of sizes: sums closer than that are equal


@dataclass(frozen=True)
class PairedTests:
    """Many tests of paired differences at once, one value each, all of shape [M].

    Args:
        n: paired seeds.
        mean: mean difference, NaN for n = 0.
        sd: standard deviation of the differences, NaN below two seeds.
        error: standard error of the mean difference, NaN where nothing can be said.
        df: degrees of freedom of `error`, NaN below two seeds.
        p: two-sided p value, NaN where nothing can be said.
        arm_wise: the arm-wise moderated test gave `error`, `df` and `p`; else the paired t test.
        wild: one of the two is a wild arm, so the larger p of both tests holds.
    """

    n: NDArray[np.int64]
    mean: Floats
    sd: Floats
    error: Floats
    df: Floats
    p: Floats
    arm_wise: NDArray[np.bool_]
    wild: NDArray[np.bool_]

    @property
    def half_width(self) -> Floats:
        """Half the 95 % interval of the mean difference, NaN where nothing can be said."""
        from scipy.special import stdtrit  # here for start-up time

        return np.asarray(stdtrit(self.df, 0.975) * self.error, dtype=np.float64)


def t_tests(differences: Floats, *, scale: float | None = None) -> PairedTests:
    """Test many rows of paired differences against zero.

    The arithmetic behind every comparison here.

    A row without spread gets what `paired` says about it.

    Args:
        differences: one row for each pair of variants, NaN where a seed is missing on either side.
        scale: size of the scores that were subtracted; spreads below 1e-12 of it are rounding, and
            taken as none. The largest difference of a row if left out.

    Shape:
        [M, S] -> fields of [M]

    Example:
        >>> differences = [[0.80, -0.10, 0.55, 0.05, 0.20], [1.0, 2.0, 3.0, np.nan, np.nan]]
        >>> t_tests(np.array(differences)).p.round(3)
        array([0.143, 0.074])
    """
    from scipy.special import stdtr  # here for start-up time

    there = ~np.isnan(differences)
    n = there.sum(axis=1)
    filled = np.where(there, differences, 0.0)
    size: float | Floats = np.abs(filled).max(axis=1, initial=0.0)
    if scale is not None:
        size = scale
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=1) / n
        squares = np.where(there, (differences - mean[:, None]) ** 2, 0.0).sum(axis=1)
        sd = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
        rounding = ROUNDING * size
        flat = sd <= rounding
        sd = np.where(flat, 0.0, sd)
        df = np.where(n > 1, n - 1.0, np.nan)
        error = sd / np.sqrt(n)
        p = np.where(flat, np.nan, 2 * stdtr(df, -np.abs(mean) / error))
    settled = flat & (n >= SIGN_FLIP_FROM)
    p = np.where(settled, np.where(np.abs(mean) <= rounding, 1.0, 2.0 ** (1.0 - n)), p)
    error = np.where(flat & ~settled, np.nan, error)
    neither = np.zeros(len(n), dtype=np.bool_)
    return PairedTests(
        n=n, mean=mean, sd=sd, error=error, df=df, p=p, arm_wise=neither, wild=neither
    )


def sign_flip_p(differences: Floats) -> float:
    """Two-sided p value of the sign-flip test.

    It is how often random signs give a sum at least as far from zero. Exact up to 30
    differences; 100,000 seeded random draws above, counting the observed one.

    Args:
        differences: paired differences, shape [n]. Below n = 6 the p value cannot reach 5 %.

    Source:
        Fisher, 1935, The Design of Experiments, section 21; draws as in Phipson and Smyth, 2010.

    Example:
        >>> sign_flip_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))  # 2 of 64 patterns of signs
        0.03125
    """
    sizes = np.abs(differences)
    bar = abs(float(differences.sum())) - _TIES * float(sizes.sum())
    if sizes.size > _EXACT_UP_TO:
        signs = np.random.default_rng(0).integers(0, 2, size=(_DRAWS, sizes.size), dtype=np.int8)
        sums = 2.0 * (signs @ sizes) - sizes.sum()
        return float((1 + (np.abs(sums) >= bar).sum()) / (1 + _DRAWS))
    middle = sizes.size // 2
    left, right = _signed_sums(sizes[:middle]), np.sort(_signed_sums(sizes[middle:]))
    above = right.size - np.searchsorted(right, bar - left, side="left")
    below = np.searchsorted(right, -bar - left, side="right")
    hits = int(above.sum() + below.sum())
    return min(1.0, hits * 0.5**sizes.size)  # at a bar of 0 both sides count every sum


def _signed_sums(sizes: Floats) -> Floats:
    """The sums of `sizes` under all 2^n patterns of signs."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums
