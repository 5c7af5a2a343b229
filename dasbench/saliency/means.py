"""Means of scores over images, some of which may have none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mean:
    """A mean over images.

    Args:
        n: images with a score.
        undefined: images without, as the network's map is zero everywhere.
        mean: NaN if no image has a score.
        sd: standard deviation over images; NaN below two.
    """

    n: int
    undefined: int
    mean: float
    sd: float


def mean_over(scores: NDArray[np.float64]) -> Mean:
    """Mean and standard deviation of the scores that are not NaN, and how many are.

    Example:
        >>> mean_over(np.array([0.5, 1.0, np.nan]))
        Mean(n=2, undefined=1, mean=0.75, sd=0.3535533905932738)
    """
    known = scores[~np.isnan(scores)]
    mean = sd = float("nan")
    if len(known) > 0:
        mean = float(known.mean())
    if len(known) > 1:
        sd = float(known.std(ddof=1))
    return Mean(len(known), len(scores) - len(known), mean, sd)
