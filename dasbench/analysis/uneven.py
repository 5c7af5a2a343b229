"""Tests of an analysis of variance whose variants are not equally noisy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.moderated import noise_of
from dasbench.analysis.significance import Floats


@dataclass(frozen=True)
class TrialNoise:
    """The noise of each trial of a study.

    Args:
        variance: of each trial, that of its variant.
        variant: number of the variant that each trial is of.
        df: degrees of freedom of each variant's variance.
        total_df: those of all of them together.

    Shape:
        variance, variant: [n]; df: [K]
    """

    variance: Floats
    variant: NDArray[np.intp]
    df: Floats
    total_df: int


@dataclass(frozen=True)
class ExpectedSquares:
    """What noise alone makes of a sum of squares.

    Args:
        mean: its expectation.
        df: degrees of freedom as which it scatters about that.
        noise_df: degrees of freedom of `mean`, which is estimated.
    """

    mean: float
    df: float
    noise_df: float


def noise_of_trials(
    variants: Sequence[object], scores: Floats, seeds: Sequence[int]
) -> TrialNoise | None:
    """The noise of trials by that of their variants, each by its own seeds.

    It is not moderated: a sum of squares has the noise of many variants in it, and with moderated
    variances the error rate was up to .17 where variants differ in noise; so it is .07 at most.

    Args:
        variants: what each trial is of.
        scores: score of each trial.
        seeds: seed of each trial.

    Returns:
        None where too little is known of single variants, so that all count as equally noisy.

    Shape:
        scores: [n], and n variants and seeds

    Example:
        >>> scores = np.array([1.0, 2.0, 3.5, 4.0, 4.9, 6.1, 0.0, 1.0, 1.8])
        >>> noise = noise_of_trials(list("aaabbbccc"), scores, [0, 1, 2] * 3)
        >>> noise.variance[::3].round(4), noise.df
        (array([0.0617, 0.0017, 0.0617]), array([2., 2., 2.]))
    """
    row = {variant: number for number, variant in enumerate(dict.fromkeys(variants))}
    column = {seed: number for number, seed in enumerate(sorted(set(seeds)))}
    own = np.array([row[variant] for variant in variants], dtype=np.intp)
    table = np.full((len(row), len(column)), np.nan)
    table[own, [column[seed] for seed in seeds]] = scores
    noise = noise_of(table)
    if noise is None:
        return None
    is_known = ~np.isnan(noise.variance)
    variance = np.where(is_known, noise.own, noise.prior_variance)
    df = np.where(is_known, noise.df, noise.prior_df)
    return TrialNoise(variance[own], own, df, noise.total_df)


def expected_squares(directions: Floats, noise: TrialNoise) -> ExpectedSquares:
    """What noise alone makes of the sum of squares that is explained by some directions.

    Args:
        directions: orthonormal columns.
        noise: of the trials.

    Shape:
        directions: [n, q]

    Source:
        Box, 1954, Some theorems on quadratic forms (Annals of Mathematical Statistics 25), with
        Satterthwaite's degrees of freedom for the variances, as Brunner, Dette and Munk, 1997.

    Example:
        >>> noise = TrialNoise(np.ones(4), np.arange(4), np.full(4, 5.0), 12)
        >>> expected_squares(np.eye(4)[:, :2], noise)
        ExpectedSquares(mean=2.0, df=2.0, noise_df=10.0)
    """
    weighted = directions * noise.variance[:, None]
    of_trials = (directions * weighted).sum(axis=1)
    mean = float(of_trials.sum())
    of_variants = np.bincount(noise.variant, weights=of_trials, minlength=len(noise.df))
    noise_df = mean**2 / float((of_variants**2 / noise.df).sum())
    df = mean**2 / float(((directions.T @ weighted) ** 2).sum())
    return ExpectedSquares(mean, df, min(noise_df, noise.total_df))
