"""What a handful of seeds says: the summary of one variant, and the paired comparison of two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dasbench.analysis.power import detectable_effect, seeds_needed
from dasbench.analysis.significance import SIGN_FLIP_FROM, sign_flip_p, t_tests

Direction = Literal["max", "min"]
"""Whether more or less of a quantity is better."""

ALPHA = 0.05
"""Level of every test that does not say otherwise."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One variant over its seeds.

    Args:
        n: seeds that gave a score.
        failed: seeds that gave none; never averaged away in silence.
        mean: mean score, None without a score.
        sd: standard deviation between seeds (n - 1 below the fraction line), None below two seeds.
        half_width: half the 95 % t interval of the mean, None below two seeds.
        worst: the worst score, None without a score.
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
        half_width: half the 95 % t interval of the difference, None where no spread is known.
        p: two-sided p value of the paired t test, None where no spread is known.
        p_sign_flip: two-sided p value of the sign-flip test, None below `SIGN_FLIP_FROM` seeds.
        p_holm: `p` adjusted for the family that it was tested in, None for a pair on its own.
        family_size: tests in that family.
        min_effect: smallest difference that matters to the reader, if one was named.
        more_seeds: further seeds for a difference of `min_effect` (else the observed one) to be resolved with 80 %
            power; 0 if there are enough, None if nothing can be planned.
        detectable: minimum detectable effect with these seeds and 80 % power.
        resolved: the (adjusted) p value is at most the level.
        equivalent: the 95 % interval lies inside plus or minus `min_effect`.
        alpha: level of the test.
    """

    n: int
    left_out: int
    difference: float | None
    sd: float | None
    half_width: float | None
    p: float | None
    p_sign_flip: float | None
    p_holm: float | None = None
    family_size: int = 1
    min_effect: float | None
    more_seeds: int | None
    detectable: float | None
    resolved: bool
    equivalent: bool
    alpha: float = ALPHA


def summarise(values: Sequence[float], failed: int = 0, *, direction: Direction = "max") -> Summary:
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
    scores = np.asarray(values, dtype=np.float64)
    if not np.isfinite(scores).all():
        raise ValueError(f"scores have to be finite, not {scores[~np.isfinite(scores)][0]}; count the seed as failed")
    tests = t_tests(scores[None])
    worst = (scores.min() if direction == "max" else scores.max()) if scores.size else np.nan
    sd = _known(tests.sd[0])
    half_width = 0.0 if sd == 0 else _known(tests.half_width[0])
    return Summary(
        n=scores.size, failed=failed, mean=_known(tests.mean[0]), sd=sd, half_width=half_width, worst=_known(worst)
    )


def paired(
    a: Mapping[int, float], b: Mapping[int, float], *, min_effect: float | None = None, alpha: float = ALPHA
) -> Comparison:
    """Compare two variants over the seeds that both have.

    Without any spread (all differences equal) there is no t test. Below `SIGN_FLIP_FROM` seeds nothing is concluded
    from that; from there on the half-width is 0 and `p` is that of the sign-flip test.

    Args:
        a: finite score by seed.
        b: finite score by seed.
        min_effect: smallest difference that matters, in the unit of the scores, above 0.
        alpha: level of the test.

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
        raise ValueError(f"scores have to be finite, not {pairs[~np.isfinite(pairs)][0]}; leave the seed out")
    differences = pairs[:, 0] - pairs[:, 1]
    tests = t_tests(differences[None], scale=float(np.abs(pairs).max(initial=0.0)))
    n, mean, sd = len(seeds), _known(tests.mean[0]), _known(tests.sd[0])
    half_width, p = _known(tests.half_width[0]), _known(tests.p[0])
    return Comparison(
        n=n,
        left_out=len(a.keys() | b.keys()) - n,
        difference=mean,
        sd=sd,
        half_width=half_width,
        p=p,
        p_sign_flip=sign_flip_p(differences) if n >= SIGN_FLIP_FROM else None,
        min_effect=min_effect,
        more_seeds=more_seeds(n, mean, sd, min_effect=min_effect, alpha=alpha),
        detectable=None if sd is None else detectable_effect(sd, n, alpha=alpha),
        resolved=p is not None and p <= alpha,
        equivalent=is_equivalent(mean, half_width, min_effect),
        alpha=alpha,
    )


def more_seeds(
    n: int, difference: float | None, sd: float | None, *, min_effect: float | None, alpha: float
) -> int | None:
    """Seeds beyond `n` that a plan asks for; None if nothing can be planned.

    Example:
        >>> more_seeds(5, 0.30, 0.369, min_effect=None, alpha=0.05)
        9
    """
    if difference is None or sd is None:
        return None
    total = seeds_needed(min_effect or difference, sd, alpha=alpha)
    return None if total is None else max(0, total - n)


def is_equivalent(difference: float | None, half_width: float | None, min_effect: float | None) -> bool:
    """Whether the 95 % interval lies inside plus or minus the smallest difference that matters.

    Example:
        >>> is_equivalent(0.1, 0.3, 0.5), is_equivalent(0.3, 0.3, 0.5), is_equivalent(0.1, 0.3, None)
        (True, False, False)
    """
    if difference is None or half_width is None or min_effect is None:
        return False
    return abs(difference) + half_width < min_effect


def _known(value: float) -> float | None:
    """A plain float, None for NaN."""
    return None if np.isnan(value) else float(value)
