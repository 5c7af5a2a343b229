"""The arm-wise moderated test: many pairs of a study's arms at once, by the noise of each arm."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.moderated import Noise
from dasbench.analysis.power import Freedom
from dasbench.analysis.significance import Floats, PairedTests, t_tests

Rows = int | NDArray[np.intp]
"""One row of a table, or many."""


def pair_tests(
    table: Floats,
    first: Rows,
    second: Rows,
    *,
    noise: Noise | None = None,
    scale: float | None = None,
) -> PairedTests:
    """Test pairs of arms over the seeds that both have; differences are first minus second.

    The arm-wise test divides the mean difference by sqrt((a + b) / n), where a and b are the arms'
    moderated variances and n their common seeds. Of a pair with a wild arm, whichever of this and
    the paired t test has the larger p value gives error, degrees of freedom and p.

    Args:
        table: score of each arm and seed, NaN where there is none.
        first: rows of the first arms.
        second: rows of the second.
        noise: of the table's arms, in the order of its rows; paired t tests without it, and for
            pairs with an arm whose noise is not known.
        scale: size of the scores, as for `t_tests`.

    Shape:
        table: [K, S]; first, second: [M] -> fields of [M]

    Source:
        Satterthwaite, 1946, An approximate distribution of estimates of variance components;
        Welch, 1947. That no pair has more degrees of freedom than all residuals together is ours:
        with it, three or four arms of three seeds err in 3 to 5 % of studies
        (`benchmarks/power.py small`), without it in 7 %.

    Raises:
        ValueError: if the noise is not of as many arms as the table has.

    Example:
        >>> from dasbench.analysis.moderated import noise_of
        >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
        >>> plain = pair_tests(table, 0, np.array([1, 2]))
        >>> arm_wise = pair_tests(table, 0, np.array([1, 2]), noise=noise_of(table))
        >>> plain.p.round(4), arm_wise.p.round(4)
        (array([0.0018, 0.034 ]), array([0.    , 0.0018]))
    """
    plain = t_tests(np.atleast_2d(table[first] - table[second]), scale=scale)
    if noise is None:
        return plain
    if len(noise.n) != len(table):
        raise ValueError(f"noise of {len(noise.n)} arms does not fit the {len(table)} of the table")
    return _moderated(plain, noise, first, second)


def freedom_of(noise: Noise, n: int) -> Freedom:
    """The degrees of freedom that the arm-wise test of two arms would have with other seed counts.

    The residuals of other arms stay as they are: only the two get more seeds.

    Args:
        noise: of the two arms.
        n: seeds that both have now.

    Example:
        >>> from dasbench.analysis.moderated import noise_of
        >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
        >>> freedom = freedom_of(noise_of(table).take([0, 2]), 3)
        >>> freedom.at(3), freedom.at(5)
        (4.0, 6.0)
    """
    a, b = noise.variance.tolist()
    return Freedom(
        prior=noise.prior_df,
        arms=(a + b) ** 2 / (a**2 + b**2),
        others=max(0.0, noise.total_df - (n - 1.0)),
    )


def _moderated(plain: PairedTests, noise: Noise, first: Rows, second: Rows) -> PairedTests:
    """The arm-wise test wherever it can be made, and its guard does not hold."""
    from scipy.special import stdtr  # here for start-up time

    one, other = noise.variance[first], noise.variance[second]
    weights = one**2 / (noise.prior_df + noise.df[first])
    weights = weights + other**2 / (noise.prior_df + noise.df[second])
    df = np.minimum((one + other) ** 2 / weights, noise.total_df)
    is_known = ~np.isnan(df) & (plain.n > 1)
    wild = is_known & (noise.wild[first] | noise.wild[second])
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt((one + other) / plain.n)
        p = 2 * stdtr(df, -np.abs(plain.mean) / error)
    arm_wise = is_known & ~(wild & (plain.sd > 0) & (plain.p > p))
    return replace(
        plain,
        error=np.where(arm_wise, error, plain.error),
        df=np.where(arm_wise, df, plain.df),
        p=np.where(arm_wise, p, plain.p),
        arm_wise=arm_wise,
        wild=wild,
    )
