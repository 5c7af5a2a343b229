"""Scored trials by the levels of a study's axes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

import numpy as np

from dasbench.analysis.fanova import NOT_SET
from dasbench.analysis.stats import summarise
from dasbench.spec.labels import label, worded
from dasbench.spec.plain import Variant


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A finished trial.

    Args:
        variant: the varied fields and their values.
        seed: its seed.
        score: finite score.
    """

    variant: Variant
    seed: int
    score: float


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """One level of an axis, averaged over all other axes.

    Args:
        axis: the axis.
        level: its value as text.
        mean: mean of the variants' mean scores.
        ci95: half the 95 % interval over seeds, None where not two seeds have a score from all
            these variants.
        variants: variants with this level.
        n: seeds that the interval is over.
    """

    axis: str
    level: str
    mean: float
    ci95: float | None
    variants: int
    n: int


def varied_axes(variants: Sequence[Variant]) -> list[str]:
    """The fields that take more than one value, not being set counting as one.

    Example:
        >>> varied_axes([{"gate": "none", "w": 4}, {"gate": "das", "gate.alpha": 0.1, "w": 4}])
        ['gate', 'gate.alpha']
    """
    levels = levels_by_axis(variants, dict.fromkeys(chain.from_iterable(variants)))
    return [key for key, own in levels.items() if len(set(own)) > 1]


def level(variant: Variant, axis: str) -> str:
    """The value of an axis as text.

    Example:
        >>> level({"gate": {"name": "das", "alpha": 0.1}}, "gate"), level({}, "gate.alpha")
        ('das(alpha=0.1)', '(not set)')
    """
    if axis not in variant:
        return NOT_SET
    return worded(axis, variant[axis])


def levels_by_axis(variants: Sequence[Variant], axes: Iterable[str]) -> dict[str, list[str]]:
    """The level of each variant, by axis."""
    levels = {}
    for axis in axes:
        levels[axis] = [level(variant, axis) for variant in variants]
    return levels


def trials_by_variant(observations: Sequence[Observation]) -> list[list[Observation]]:
    """The trials of each variant, in the order in which the variants come first."""
    groups: dict[str, list[Observation]] = defaultdict(list)
    for one in observations:
        groups[label(one.variant)].append(one)
    return list(groups.values())


def level_means(variants: Sequence[Sequence[Observation]], axes: Sequence[str]) -> list[Marginal]:
    """Every level of every axis."""
    marginals = []
    for axis in axes:
        groups: dict[str, list[Mapping[int, float]]] = defaultdict(list)
        for trials in variants:
            by_seed = {one.seed: one.score for one in trials}
            groups[level(trials[0].variant, axis)].append(by_seed)
        marginals += [_marginal(axis, name, scores) for name, scores in groups.items()]
    return marginals


def _marginal(axis: str, name: str, scores: Sequence[Mapping[int, float]]) -> Marginal:
    """The mean of variants' means, and the spread over the seeds that all of them have.

    Args:
        axis: the axis.
        name: of the level.
        scores: by seed, of each variant with this level.
    """
    common = sorted(set.intersection(*map(set, scores)))
    means = [_mean(own.values()) for own in scores]
    seed_means = [_mean(map(itemgetter(seed), scores)) for seed in common]
    return Marginal(
        axis=axis,
        level=name,
        mean=_mean(means),
        ci95=summarise(seed_means).half_width,
        variants=len(scores),
        n=len(seed_means),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
