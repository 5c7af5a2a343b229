"""How noisy each arm of a study is: its own residuals, moderated by those of all the others."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.significance import ROUNDING, Floats

MOST_PRIOR_DF = 4.0
"""The prior never counts for more degrees of freedom than this.

Estimated from few arms, its weight is often found infinite where arms do differ. With a cut, all
pairs of 16 arms of five seeds whose spreads are lognormal (.3) err in 3 % of studies, in 6 %
without."""

WILD = 4.0
"""An arm with more than this many times the median variance is wild."""

_LEAST_OF_MEDIAN = 1e-5  # a variance below this share of the median is taken as this: no log of 0
_NOTHING_LEFT = 1e-9  # of a residual; the fit goes through an arm's scores where no more is left


@dataclass(frozen=True)
class Noise:
    """The noise of a study's arms in one metric.

    Args:
        n: seeds of each arm that are shared with another arm.
        own: noise variance of each arm by its own residuals; NaN below two such seeds.
        df: degrees of freedom of `own`, n - 1; 0 where there are none.
        variance: moderated variance: (prior_df * prior_variance + df * own) / (prior_df + df).
        wild: arms that are far noisier than most; their tests are guarded by the paired t test.
        prior_variance: what the arms' variances scatter about.
        prior_df: degrees of freedom that the prior counts for, at most `MOST_PRIOR_DF`.
        total_df: degrees of freedom of all residuals together; no test of a pair has more.
        ratio: the largest of the study's own variances in units of the smallest.

    Shape:
        n, own, df, variance, wild: [K]
    """

    n: NDArray[np.int64]
    own: Floats
    df: NDArray[np.int64]
    variance: Floats
    wild: NDArray[np.bool_]
    prior_variance: float
    prior_df: float
    total_df: int
    ratio: float

    def scaled(self, factor: float) -> "Noise":
        """The noise of the same scores in another unit, of which a score has `factor` times more.

        Example:
            >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
            >>> noise_of(table).scaled(10.0).own.round(2)
            array([6.17, 0.17, 6.17])
        """
        squared = factor * factor
        return replace(
            self,
            own=squared * self.own,
            variance=squared * self.variance,
            prior_variance=squared * self.prior_variance,
        )

    def take(self, rows: NDArray[np.intp] | list[int]) -> "Noise":
        """The same noise for some of the arms, in the order of `rows`; the prior stays.

        Example:
            >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
            >>> noise_of(table).take([2, 0]).own.round(4)
            array([0.0617, 0.0617])
        """
        return replace(
            self,
            n=self.n[rows],
            own=self.own[rows],
            df=self.df[rows],
            variance=self.variance[rows],
            wild=self.wild[rows],
        )


def noise_of(table: Floats, *, step: float = 0.0) -> Noise | None:
    """Find how noisy each arm of a study is, from the scores of all of its arms.

    Scores are fitted by the sum of an arm's level and a seed's; what is left is noise. Variances of
    a few residuals are poor, so each is drawn towards what they scatter about, as far as their
    scatter allows. Take all arms of a study, before any filter, so that it has one prior.

    Cells may be missing: an arm's squares are divided by what the fit leaves it on average if all
    arms are equally noisy, (n - 1)(1 - 1/K) if none is missing.

    Args:
        table: score of each arm and seed, NaN where there is none.
        step: what one example of the test part is worth, in the unit of the scores; a variance is
            not taken to be less than that of rounding to it, step^2 / 12.

    Returns:
        The noise; None if there is too little for it, so that plain paired t tests are to be used:
        fewer than three arms that share two seeds, or no spread in more than half of the arms.

    Shape:
        table: [K, S]

    Source:
        Smyth, 2004, Linear models and empirical Bayes methods for assessing differential expression
        (Statistical Applications in Genetics and Molecular Biology 3), section 6; the cut is ours.

    Example:
        >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
        >>> noise = noise_of(table)
        >>> noise.own.round(4), noise.variance.round(4), round(noise.prior_df, 2), noise.total_df
        (array([0.0617, 0.0017, 0.0617]), array([0.0418, 0.007 , 0.0418]), 1.44, 4)
        >>> noise_of(table[:2]) is None
        True
    """
    there = _shared_cells(table)
    n = there.sum(axis=1)
    used = there.any(axis=0)
    squares, left, total_df = _fit(table[:, used], there[:, used])
    counts = left > _NOTHING_LEFT
    rounding = (ROUNDING * np.abs(np.where(there, table, 0.0)).max(initial=0.0)) ** 2
    own = np.where(counts, squares / np.where(counts, left, 1.0), np.nan)
    own[own <= rounding] = 0.0
    if counts.sum() < 3 or np.nanmedian(own) == 0:
        return None
    median = float(np.nanmedian(own))
    own = np.maximum(own, max(_LEAST_OF_MEDIAN * median, step * step / 12))
    wild = own > WILD * np.nanmedian(own)
    df = np.where(counts, n - 1, 0)
    prior_variance, found = _prior(own[counts], df[counts])
    prior_df = min(MOST_PRIOR_DF, found)
    return Noise(
        n=n,
        own=own,
        df=df,
        variance=(prior_df * prior_variance + df * own) / (prior_df + df),
        wild=wild,
        prior_variance=prior_variance,
        prior_df=prior_df,
        total_df=total_df,
        ratio=float(np.nanmax(own) / np.nanmin(own)),
    )


def _shared_cells(table: Floats) -> NDArray[np.bool_]:
    """The cells that say something of noise: not alone in their row, nor in their column."""
    there = ~np.isnan(table)
    while True:
        alone = (there.sum(axis=1, keepdims=True) == 1) | (there.sum(axis=0) == 1)
        if not (there & alone).any():
            return there
        there &= ~alone


def _fit(table: Floats, there: NDArray[np.bool_]) -> tuple[Floats, Floats, int]:
    """Fit arms and seeds by least squares.

    Without a missing cell by their means. Else the arms' levels are eliminated, which leaves
    equations for the seeds alone.

    Returns:
        Squares of each arm's residuals, how many of them would be left of equal noise of variance
        1, and that number for all arms together.
    """
    if table.size and there.all():
        num_arms, num_seeds = table.shape
        means = table.mean(axis=1, keepdims=True) + table.mean(axis=0) - table.mean()
        left = np.full(num_arms, (num_seeds - 1) * (1 - 1 / num_arms))
        return ((table - means) ** 2).sum(axis=1), left, (num_arms - 1) * (num_seeds - 1)
    weight = there.astype(np.float64)
    n = np.maximum(weight.sum(axis=1), 1.0)
    centred = np.where(there, table, 0.0)
    centred = np.where(there, centred - centred.sum(axis=1, keepdims=True) / n[:, None], 0.0)
    equations = np.diag(weight.sum(axis=0)) - weight.T @ (weight / n[:, None])
    inverse, rank = _inverse_of(equations)
    seeds = inverse @ centred.sum(axis=0)
    residuals = np.where(there, centred - seeds + (weight @ seeds / n)[:, None], 0.0)
    taken = weight @ np.diag(inverse) - ((weight @ inverse) * weight).sum(axis=1) / n
    left = np.maximum(weight.sum(axis=1) - 1, 0.0) - taken
    total_df = int(weight.sum()) - int(there.any(axis=1).sum()) - rank
    return (residuals**2).sum(axis=1), left, total_df


def _inverse_of(equations: Floats) -> tuple[Floats, int]:
    """The pseudoinverse of a symmetric matrix, and its rank."""
    values, vectors = np.linalg.eigh(equations)
    kept = values > 1e-9 * values.max(initial=0.0)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse, int(kept.sum())


def _prior(own: Floats, df: NDArray[np.int64]) -> tuple[float, float]:
    """What variances scatter about, and for how many degrees of freedom that counts.

    By the mean and the variance of their logarithms. Infinitely many, if they scatter no more than
    equal variances would.
    """
    from scipy.special import digamma, zeta  # here for start-up time

    half = df / 2
    logs = np.log(own) - digamma(half) + np.log(half)
    scatter = logs.var(ddof=1) - zeta(2, half).mean()
    if scatter <= 0:
        return float(np.exp(logs.mean())), np.inf
    half_prior = _inverse_trigamma(float(scatter))
    middle = logs.mean() + digamma(half_prior) - np.log(half_prior)
    return float(np.exp(middle)), float(2 * half_prior)


def _inverse_trigamma(value: float) -> float:
    """The number whose trigamma function is `value`, above 0.

    Source:
        Smyth, 2004, appendix: Newton's method for 1 / trigamma, which converges from this start.
    """
    from scipy.special import zeta  # here for start-up time

    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(zeta(2, x))
        step = trigamma * (1 - trigamma / value) / (-2 * float(zeta(3, x)))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
