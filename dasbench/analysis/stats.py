"""What a handful of seeds says: the summary of one variant, and the paired comparison of two."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.arm_wise import freedom_of, pair_tests
from dasbench.analysis.moderated import Noise
from dasbench.analysis.power import PAIRED_T, detectable_effect, more_seeds
from dasbench.analysis.significance import SIGN_FLIP_FROM, PairedTests, sign_flip_p, t_tests

Direction = Literal["max", "min"]
"""Whether more or less of a quantity is better."""

Test = Literal["arm-wise", "paired t"]
"""What a comparison rests on: the noise of a whole study's arms, or of one pair's differences."""

GAIN: Mapping[Direction, float] = {"max": 1.0, "min": -1.0}
"""What a score is multiplied by so that more of it is better."""

ALPHA = 0.05
"""Level of every test that does not say otherwise."""


@dataclass(frozen=True, kw_only=True)
class SeedSummary:
    """One variant over its seeds.

    Args:
        n: seeds that gave a score.
        failed: seeds that gave none; never averaged away in silence.
        mean: mean score, None without a score.
        sd: standard deviation between seeds (n - 1 below the fraction line), None below two seeds.
        half_width: half the 95 % t interval of the mean, None below two seeds.
        worst: the worst score, None without a score or without a direction.
    """

    n: int
    failed: int
    mean: float | None
    sd: float | None
    half_width: float | None
    worst: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Variant a against variant b over the seeds that both have; differences are a minus b.

    Args:
        n: paired seeds.
        left_out: seeds that only one of the two has a score for.
        difference: mean difference in the unit of the scores, None for n = 0.
        sd: standard deviation of the differences, None below two seeds.
        error: standard error of the difference, None where no spread is known.
        df: degrees of freedom of `error`, None below two seeds.
        half_width: half the 95 % t interval of the difference, None where no spread is known.
        p: two-sided p value, None where no spread is known.
        test: which test gave `error`, `df`, `half_width` and `p`.
        wild: one of the two is far noisier than most arms of its study; of both tests, the one with
            the larger p value was taken.
        p_sign_flip: two-sided p value of the sign-flip test, None below `SIGN_FLIP_FROM` seeds.
        p_holm: `p` adjusted for the family that it was tested in, None for a pair on its own.
        family_size: tests in that family.
        min_effect: smallest difference that matters to the reader, if one was named.
        more_seeds: further seeds for a difference of `min_effect` (else the observed one) to be
            resolved with 80 % power; 0 if there are enough, None if nothing can be planned.
        detectable: minimum detectable effect with these seeds and 80 % power.
        resolved: the (adjusted) p value is at most the level.
        equivalent: the 95 % interval lies inside plus or minus `min_effect`.
        alpha: level of the test.
    """

    n: int
    left_out: int
    difference: float | None
    sd: float | None
    error: float | None = None
    df: float | None = None
    half_width: float | None
    p: float | None
    test: Test = "paired t"
    wild: bool = False
    p_sign_flip: float | None
    p_holm: float | None = None
    family_size: int = 1
    min_effect: float | None
    more_seeds: int | None
    detectable: float | None
    resolved: bool
    equivalent: bool
    alpha: float = ALPHA


def summarise(
    values: Sequence[float], failed: int = 0, *, direction: Direction = "max"
) -> SeedSummary:
    """Sum up the scores of one variant.

    Args:
        values: one finite score for each seed that gave one.
        failed: seeds that gave none.
        direction: whether more or less is better; decides what is worst.

    Source:
        Student, 1908: mean +- t(.975, n - 1) * sd / sqrt(n).

    Raises:
        ValueError: if a score is not finite: it has to be counted as failed.

    Example:
        >>> s = summarise([78.0, 78.5, 77.9], failed=2)
        >>> s.n, s.failed, round(s.mean, 2), round(s.sd, 2), round(s.half_width, 2), s.worst
        (3, 2, 78.13, 0.32, 0.8, 77.9)
    """
    return summarise_each([values], [failed], direction=direction)[0]


def summarise_each(
    values: Sequence[Sequence[float]], failed: Sequence[int], *, direction: Direction | None = "max"
) -> list[SeedSummary]:
    """Sum up the scores of many variants at once, which is a hundred times faster than one by one.

    Args:
        values: the scores of each variant, as in `summarise`.
        failed: failed seeds of each variant.
        direction: whether more or less is better; None if nobody said so, then none of them is the
            worst.

    Raises:
        ValueError: if a score is not finite.

    Example:
        >>> [summary.mean for summary in summarise_each([[1.0, 3.0], [], [4.0]], [0, 2, 0])]
        [2.0, None, 4.0]
    """
    places: dict[int, list[int]] = defaultdict(list)
    for place, own in enumerate(values):
        places[len(own)].append(place)
    summaries: dict[int, SeedSummary] = {}
    for n, some in places.items():
        scores = np.array([values[place] for place in some], dtype=np.float64).reshape(len(some), n)
        if not np.isfinite(scores).all():
            wrong = scores[~np.isfinite(scores)][0]
            raise ValueError(f"scores have to be finite, not {wrong}; count the seed as failed")
        num_failed = [failed[place] for place in some]
        summaries.update(zip(some, _summaries(scores, num_failed, direction), strict=True))
    return [summaries[place] for place in range(len(values))]


def _summaries(
    scores: NDArray[np.float64], failed: Sequence[int], direction: Direction | None
) -> Iterator[SeedSummary]:
    """Summaries of variants that have equally many scores; shape [K, n]."""
    tests = t_tests(scores)
    half_widths = np.where(tests.sd == 0, 0.0, tests.half_width)
    worst = np.full(len(scores), np.nan)
    if scores.shape[1] and direction:
        worst = GAIN[direction] * (GAIN[direction] * scores).min(axis=1)
    rows = np.column_stack([tests.mean, tests.sd, half_widths, worst]).tolist()
    for num_failed, row in zip(failed, rows, strict=True):
        mean, sd, half_width, low = map(known_number, row)
        yield SeedSummary(
            n=scores.shape[1], failed=num_failed, mean=mean, sd=sd, half_width=half_width, worst=low
        )


def paired(
    a: Mapping[int, float],
    b: Mapping[int, float],
    *,
    min_effect: float | None = None,
    alpha: float = ALPHA,
    noise: Noise | None = None,
) -> Comparison:
    """Compare two variants over the seeds that both have.

    With the noise of their study's arms by the arm-wise moderated test, else by a paired t test.
    For the latter there is no test without any spread (all differences equal): below
    `SIGN_FLIP_FROM` seeds nothing is concluded from that; from there on the half-width is 0 and `p`
    is that of the sign-flip test.

    Args:
        a: finite score by seed.
        b: finite score by seed.
        min_effect: smallest difference that matters, in the unit of the scores, above 0.
        alpha: level of the test.
        noise: of the two, in this order: from `noise_of` all arms of the study, with `take`.

    Source:
        Bouthillier et al., 2021, arXiv 2103.03098; Colas et al., 2018, arXiv 1806.08295.

    Raises:
        ValueError: if a score is not finite, or `min_effect` is not above 0.

    Example:
        >>> gains = {0: 0.80, 1: -0.10, 2: 0.55, 3: 0.05, 4: 0.20}
        >>> c = paired(gains, dict.fromkeys(range(5), 0.0))
        >>> round(c.difference, 2), round(c.half_width, 2), round(c.p, 2), c.more_seeds, c.resolved
        (0.3, 0.46, 0.14, 9, False)
    """
    if min_effect is not None and not 0 < min_effect < np.inf:
        raise ValueError(f"min_effect has to be above 0 and finite, not {min_effect}")
    seeds = sorted(a.keys() & b.keys())
    pairs = np.array([[a[seed], b[seed]] for seed in seeds], dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(pairs).all():
        wrong = pairs[~np.isfinite(pairs)][0]
        raise ValueError(f"scores have to be finite, not {wrong}; leave the seed out")
    scale = float(np.abs(pairs).max(initial=0.0))
    tests = pair_tests(pairs.T, 0, 1, noise=noise, scale=scale)
    p_sign_flip = None
    if len(seeds) >= SIGN_FLIP_FROM:
        p_sign_flip = sign_flip_p(pairs[:, 0] - pairs[:, 1])
    left_out = len(a.keys() | b.keys()) - len(seeds)
    found = _comparison(tests, min_effect, alpha)
    found = replace(found, left_out=left_out, p_sign_flip=p_sign_flip)
    return plan_seeds(found, level=alpha, noise=noise)


def _comparison(tests: PairedTests, min_effect: float | None, alpha: float) -> Comparison:
    """What a single test says, with no seed left out and before further ones are planned."""
    mean, half_width = known_number(tests.mean[0]), known_number(tests.half_width[0])
    p = known_number(tests.p[0])
    test: Test = "paired t"
    if tests.arm_wise[0]:
        test = "arm-wise"
    return Comparison(
        n=int(tests.n[0]),
        left_out=0,
        difference=mean,
        sd=known_number(tests.sd[0]),
        error=known_number(tests.error[0]),
        df=known_number(tests.df[0]),
        half_width=half_width,
        p=p,
        test=test,
        wild=bool(tests.wild[0]),
        p_sign_flip=None,
        min_effect=min_effect,
        more_seeds=None,
        detectable=None,
        resolved=p is not None and p <= alpha,
        equivalent=is_equivalent(mean, half_width, min_effect),
        alpha=alpha,
    )


def plan_seeds(c: Comparison, *, level: float, noise: Noise | None = None) -> Comparison:
    """The same comparison with the seeds that it needs, and what it detects, at a level.

    Args:
        c: from `paired`.
        level: that of the single test.
        noise: as `paired` had it.

    Example:
        >>> c = paired({0: 1.0, 1: 2.0, 2: 4.0}, {0: 0.0, 1: 0.0, 2: 0.0})
        >>> c.more_seeds, plan_seeds(c, level=0.01).more_seeds
        (3, 6)
    """
    sd, freedom = c.sd, PAIRED_T
    if c.test == "arm-wise" and c.error is not None and noise is not None:
        sd, freedom = c.error * sqrt(c.n), freedom_of(noise, c.n)
    wanted = more_seeds(
        c.n, c.difference, sd, min_effect=c.min_effect, alpha=level, freedom=freedom
    )
    detectable = detectable_effect(sd, c.n, alpha=level, freedom=freedom)
    return replace(c, more_seeds=wanted, detectable=detectable)


def is_equivalent(
    difference: float | None, half_width: float | None, min_effect: float | None
) -> bool:
    """Whether the 95 % interval lies inside plus or minus the smallest difference that matters.

    Example:
        >>> is_equivalent(0.1, 0.3, 0.5), is_equivalent(0.3, 0.3, 0.5)
        (True, False)
    """
    if difference is None or half_width is None or min_effect is None:
        return False
    return abs(difference) + half_width < min_effect


def known_number(value: float) -> float | None:
    """A plain float, None for NaN.

    Example:
        >>> known_number(np.float64(2.5)), known_number(float("nan"))
        (2.5, None)
    """
    if isnan(value):
        return None
    return float(value)
