"""Would a difference be there on new images? Seeds and test images are both a draw from many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.families import holm
from dasbench.analysis.significance import Floats, t_tests
from dasbench.analysis.stats import ALPHA, is_equivalent, known_number

Hits = NDArray[np.bool_] | NDArray[np.uint8]
"""Which images a variant had right, a row for each seed: shape [n, N]."""


@dataclass(frozen=True, kw_only=True)
class NewImages:
    """The difference a minus b, as it would be on all images of the kind; in percentage points.

    Args:
        num_seeds: paired seeds.
        num_images: images of the test part.
        difference: mean difference of top-1, None without a seed.
        seed_variance: variance of that mean which comes from the seeds; None below two seeds.
        image_variance: what the choice of the images adds to it, at least 0; None below two seeds.
        df: degrees of freedom of the two together.
        half_width: half the 95 % interval of the difference; None where no spread is known.
        least_half_width: what would be left of it with endless seeds.
        p: two-sided p value; None where no spread is known.
        p_holm: `p` adjusted for the family that it was tested in, None for a pair on its own.
        resolved: the (adjusted) p value is at most the level.
        equivalent: the interval lies inside plus or minus the smallest difference that matters.
        alpha: level of the test.
    """

    num_seeds: int
    num_images: int
    difference: float | None
    seed_variance: float | None
    image_variance: float | None
    df: float | None
    half_width: float | None
    least_half_width: float | None
    p: float | None
    p_holm: float | None = None
    resolved: bool
    equivalent: bool
    alpha: float = ALPHA

    @property
    def image_share(self) -> float | None:
        """Which share of the variance is the images', 0 to 1; None where none is known."""
        if self.seed_variance is None or self.image_variance is None:
            return None
        variance = self.seed_variance + self.image_variance
        if variance == 0:
            return None
        return self.image_variance / variance


class _MeanSquares(NamedTuple):
    """Mean squares of differences between the seeds, between the images, and of the rest."""

    seeds: float
    images: float
    rest: float


def compare_on_new_images(
    a: Hits, b: Hits, *, min_effect: float | None = None, alpha: float = ALPHA
) -> NewImages:
    """Compare two variants for the population that the test images are a sample of.

    Image i at seed s differs by d_is = mu + image_i + seed_s + rest_is. For independent images and
    independent seeds, crossed, these parts are uncorrelated whatever their distributions. With
    n seeds and N images, the mean squares (MS) expect, in the variances v of the parts:
    seeds v_rest + N v_seed, images v_rest + n v_image, rest v_rest. The mean of all d_is has the
    variance v_seed / n + v_image / N + v_rest / nN, so that without a bias it is

        (MS_seeds + MS_images - MS_rest) / nN.

    MS_seeds / nN is what the paired t test takes; it has the noise of single images in it, which is
    why MS_rest goes off. What images add, (MS_images - MS_rest) / nN, is cut at 0. The degrees of
    freedom are Satterthwaite's, never below those of the smaller side. A difference that this test
    set does not show is not on new images either: the interval is no shorter, and p no smaller,
    than that of the paired t test.

    Args:
        a: which images the first variant had right, a row for each seed.
        b: the same of the second, for the same seeds and images.
        min_effect: smallest difference that matters, in percentage points.
        alpha: level of the test.

    Shape:
        a, b: [n, N]

    Source:
        Satterthwaite, 1946, Biometrics Bulletin 2; crossed random effects: Cornfield and Tukey,
        1956. The same design with readers for seeds: Dorfman, Berbaum and Metz, 1992; Hillis, 2007.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> random = np.random.default_rng(0)
        >>> hard = random.random(200)
        >>> a, b = (random.random((5, 200)) < 0.9 - 0.4 * hard for _ in "ab")
        >>> found = compare_on_new_images(a, b)
        >>> round(found.difference, 2), round(found.half_width, 2), found.resolved
        (-3.2, 7.48, False)
    """
    if a.shape != b.shape:
        raise ValueError(f"hits of the same seeds and images are needed, not {a.shape}, {b.shape}")
    num_seeds, num_images = a.shape
    differences = 100 * (a.astype(np.float64) - b)
    here = t_tests(differences.mean(axis=1)[None], scale=100.0)
    difference = known_number(here.mean[0])
    seed_variance = image_variance = df = half_width = least = p = nan
    if num_seeds > 1 and num_images > 1:
        half_width, p = float(here.half_width[0]), float(here.p[0])
        squares = _mean_squares(differences)
        seed_variance = squares.seeds / differences.size
        image_variance = max(0.0, squares.images - squares.rest) / differences.size
        df = _degrees_of_freedom(squares, num_seeds, num_images)
        least = _half_width(image_variance, num_images - 1)
    if image_variance > 0:
        variance = seed_variance + image_variance
        half_width = float(np.maximum(half_width, _half_width(variance, df)))
        p = float(np.maximum(p, _p_value(float(here.mean[0]), variance, df)))
    return NewImages(
        num_seeds=num_seeds,
        num_images=num_images,
        difference=difference,
        seed_variance=known_number(seed_variance),
        image_variance=known_number(image_variance),
        df=known_number(df),
        half_width=known_number(half_width),
        least_half_width=known_number(least),
        p=known_number(p),
        resolved=p <= alpha,
        equivalent=is_equivalent(difference, known_number(half_width), min_effect),
        alpha=alpha,
    )


def adjust_family(found: Sequence[NewImages]) -> list[NewImages]:
    """The same comparisons with Holm's correction over all of them.

    Example:
        >>> random = np.random.default_rng(0)
        >>> hits = random.random((3, 5, 200)) < 0.8
        >>> pairs = [compare_on_new_images(hits[k], hits[0]) for k in (1, 2)]
        >>> [(round(one.p, 2), round(one.p_holm, 2)) for one in adjust_family(pairs)]
        [(0.63, 1.0), (0.64, 1.0)]
    """
    adjusted = holm([nan if one.p is None else one.p for one in found])
    family = []
    for one, p in zip(found, adjusted, strict=True):
        family.append(replace(one, p_holm=known_number(p), resolved=bool(p <= one.alpha)))
    return family


def _mean_squares(differences: Floats) -> _MeanSquares:
    """What varies between rows (seeds), between columns (images), and beyond both; [n, N]."""
    num_seeds, num_images = differences.shape
    mean = differences.mean()
    seeds = differences.mean(axis=1, keepdims=True) - mean
    images = differences.mean(axis=0, keepdims=True) - mean
    rest = differences - mean - seeds - images
    return _MeanSquares(
        seeds=num_images * float((seeds**2).sum()) / (num_seeds - 1),
        images=num_seeds * float((images**2).sum()) / (num_images - 1),
        rest=float((rest**2).sum()) / ((num_seeds - 1) * (num_images - 1)),
    )


def _degrees_of_freedom(squares: _MeanSquares, num_seeds: int, num_images: int) -> float:
    """Satterthwaite's, which may fall to 0 where a mean square is taken off: no less than one's."""
    seeds, images = num_seeds - 1, num_images - 1
    least = float(min(seeds, images))
    spread = squares.seeds**2 / seeds + squares.images**2 / images
    spread += squares.rest**2 / (seeds * images)
    if spread == 0:
        return least
    total = squares.seeds + max(0.0, squares.images - squares.rest)
    return max(least, total**2 / spread)


def _half_width(variance: float, df: float) -> float:
    from scipy.special import stdtrit  # here for start-up time

    return float(stdtrit(df, 0.975)) * sqrt(variance)


def _p_value(difference: float, variance: float, df: float) -> float:
    from scipy.special import stdtr  # here for start-up time

    return 2 * float(stdtr(df, -abs(difference) / sqrt(variance)))
