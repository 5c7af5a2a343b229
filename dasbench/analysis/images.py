"""Would a difference be there on new images? Seeds and test images are both a draw from many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.families import holm
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import Comparison, is_equivalent, known_number

Hits = NDArray[np.bool_] | NDArray[np.uint8]
"""Which images a variant had right, a row for each seed: shape [n, N]."""


@dataclass(frozen=True, kw_only=True)
class NewImages:
    """The difference a minus b, as it would be on all images of the kind; in percentage points.

    Args:
        num_seeds: paired seeds.
        num_images: images of the test part.
        difference: mean difference of top-1, None without a seed.
        seed_variance: variance of that mean which comes from the seeds; None, as all that follows,
            where no spread is known.
        image_variance: what the choice of the images adds to it, at least 0.
        df: degrees of freedom of the two together.
        half_width: half the 95 % interval of the difference.
        least_half_width: what would be left of it with endless seeds.
        p: two-sided p value.
        p_holm: `p` adjusted for the family that it was tested in, None for a pair on its own.
        resolved: the (adjusted) p value is at most the level.
        equivalent: the interval lies inside plus or minus the smallest difference that matters.
        alpha: level of the test.
    """

    num_seeds: int
    num_images: int
    difference: float | None
    seed_variance: float | None = None
    image_variance: float | None = None
    df: float | None = None
    half_width: float | None = None
    least_half_width: float | None = None
    p: float | None = None
    p_holm: float | None = None
    resolved: bool = False
    equivalent: bool = False
    alpha: float

    @property
    def image_share(self) -> float | None:
        """Which share of the variance is the images', 0 to 1; None where none is known."""
        if self.seed_variance is None or self.image_variance is None:
            return None
        variance = self.seed_variance + self.image_variance
        if variance == 0:
            return None
        return self.image_variance / variance


class _Variance(NamedTuple):
    """A mean square over the number of all cells: what it puts into the variance of the mean."""

    size: float
    df: float


def compare_on_new_images(a: Hits, b: Hits, here: Comparison) -> NewImages:
    """Compare two variants for the population that the test images are a sample of.

    Image i at seed s differs by d_is = mu + image_i + seed_s + rest_is. For independent images and
    independent seeds, crossed, these parts are uncorrelated whatever their distributions. With
    n seeds and N images, the mean squares (MS) expect, in the variances v of the parts:
    seeds v_rest + N v_seed, images v_rest + n v_image, rest v_rest. The mean of all d_is has the
    variance v_seed / n + v_image / N + v_rest / nN, so that without a bias it is

        (MS_seeds + MS_images - MS_rest) / nN.

    MS_seeds / nN is the squared error of the difference on this test set; the noise of single
    images is in it, which is why MS_rest goes off. What images add, (MS_images - MS_rest) / nN, is
    cut at 0. The degrees of freedom are Satterthwaite's, never below those of the smaller side.
    A difference that this test set does not show is not on new images either: the interval is no
    shorter, and p no smaller, than here.

    Args:
        a: which images the first variant had right, a row for each seed.
        b: the same of the second, for the same seeds and images.
        here: the comparison of their top-1 in percent on this test set, at the same seeds.

    Shape:
        a, b: [n, N]

    Source:
        Satterthwaite, 1946, Biometrics Bulletin 2; crossed random effects: Cornfield and Tukey,
        1956. The same design with readers for seeds: Dorfman, Berbaum and Metz, 1992; Hillis, 2007.

    Raises:
        ValueError: if the shapes differ, or there are other seeds.

    Example:
        >>> from dasbench.analysis.stats import paired
        >>> random = np.random.default_rng(0)
        >>> hard = random.random(200)
        >>> a, b = (random.random((5, 200)) < 0.9 - 0.4 * hard for _ in "ab")
        >>> here = paired(*(dict(enumerate(100 * hits.mean(axis=1))) for hits in (a, b)))
        >>> found = compare_on_new_images(a, b, here)
        >>> round(found.difference, 2), round(found.half_width, 2), found.resolved
        (-3.2, 7.48, False)
    """
    if a.shape != b.shape or len(a) != here.n:
        raise ValueError(
            f"hits of the same seeds and images are needed, not {a.shape} and {b.shape} "
            f"for {here.n} seeds"
        )
    num_seeds, num_images = a.shape
    found = NewImages(
        num_seeds=num_seeds, num_images=num_images, difference=here.difference, alpha=here.alpha
    )
    if here.difference is None or here.error is None or here.df is None or num_images < 2:
        return found
    if here.half_width is None or here.p is None:
        return found
    images, rest = _image_variances(100 * (a.astype(np.float64) - b))
    seeds = _Variance(here.error**2, here.df)
    image_variance = max(0.0, images.size - rest.size)
    variance = seeds.size + image_variance
    df = max(min(seeds.df, images.df), _satterthwaite(variance, [seeds, images, rest]))
    half_width, p = here.half_width, here.p
    if image_variance > 0:
        half_width = max(half_width, _half_width(variance, df))
        p = max(p, _p_value(here.difference, variance, df))
    return replace(
        found,
        seed_variance=seeds.size,
        image_variance=image_variance,
        df=df,
        half_width=half_width,
        least_half_width=_half_width(image_variance, images.df),
        p=p,
        resolved=p <= here.alpha,
        equivalent=is_equivalent(here.difference, half_width, here.min_effect),
    )


def adjust_family(found: Sequence[NewImages]) -> list[NewImages]:
    """The same comparisons with Holm's correction over all of them.

    Example:
        >>> def one(p):
        ...     return NewImages(num_seeds=5, num_images=269, difference=1.0, p=p, alpha=0.05)
        >>> [(pair.p_holm, pair.resolved) for pair in adjust_family([one(0.01), one(0.04)])]
        [(0.02, True), (0.04, True)]
    """
    adjusted = holm([nan if one.p is None else one.p for one in found])
    family = []
    for one, p in zip(found, adjusted, strict=True):
        family.append(replace(one, p_holm=known_number(p), resolved=bool(p <= one.alpha)))
    return family


def _image_variances(differences: Floats) -> tuple[_Variance, _Variance]:
    """What images, and what is left beyond seeds and images, put into the mean; of [n, N]."""
    num_seeds, num_images = differences.shape
    mean = differences.mean()
    seeds = differences.mean(axis=1, keepdims=True) - mean
    images = differences.mean(axis=0, keepdims=True) - mean
    rest = differences - mean - seeds - images
    image_df = num_images - 1
    rest_df = (num_seeds - 1) * image_df
    image_square = num_seeds * float((images**2).sum()) / image_df
    rest_square = float((rest**2).sum()) / rest_df
    return (
        _Variance(image_square / differences.size, image_df),
        _Variance(rest_square / differences.size, rest_df),
    )


def _satterthwaite(variance: float, parts: Sequence[_Variance]) -> float:
    """Degrees of freedom of a sum; they may fall to 0 where one of its parts is taken off."""
    spread = sum(part.size**2 / part.df for part in parts)
    if spread == 0:
        return 0.0
    return variance**2 / spread


def _half_width(variance: float, df: float) -> float:
    from scipy.special import stdtrit  # here for start-up time

    return float(stdtrit(df, 0.975)) * sqrt(variance)


def _p_value(difference: float, variance: float, df: float) -> float:
    from scipy.special import stdtr  # here for start-up time

    return 2 * float(stdtr(df, -abs(difference) / sqrt(variance)))
