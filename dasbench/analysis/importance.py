"""Which axis of a study matters: by analysis of variance, or fANOVA for searched studies."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter
from typing import Any, Literal

import numpy as np

from dasbench.analysis.anova import HIGHER, Effect, anova
from dasbench.analysis.fanova import encode, forest_fit, forest_shares
from dasbench.analysis.levels import (
    Marginal,
    Observation,
    level_means,
    levels_by_axis,
    trials_by_variant,
    varied_axes,
)
from dasbench.analysis.significance import Floats
from dasbench.errors import UsageError
from dasbench.spec.labels import label
from dasbench.spec.plain import Variant

FEWEST_VARIANTS = 10
"""Variants with a score below which no forest is grown."""

_MOST_LEVELS = 20  # of an axis whose levels are listed one by one
_MOST_COLUMNS = 1500  # of a linear model; beyond, a study is treated as searched

_MOST_VARIANTS = 1000  # of a forest; it takes seconds, and more of them tell little more
_POOR_FIT = 0.5  # R^2 below which a forest is not worth reading

INTERACTIONS = "interactions"
"""What no axis of a forest explains on its own."""

Method = Literal["auto", "anova", "fanova"]


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What each axis explains of the variance of the scores.

    Args:
        method: `anova` or `fanova`.
        effects: axes and pairs, then the other parts of the variance.
        marginals: means of every level of every axis.
        trials: trials with a score.
        variants: variants with a score.
        seeds: different seeds.
        fit: R^2 of the surrogate on variants that it did not see, for `fanova`.
        notes: what to know before reading the shares.
    """

    method: Literal["anova", "fanova"]
    effects: Sequence[Effect]
    marginals: Sequence[Marginal]
    trials: int
    variants: int
    seeds: int
    fit: float | None = None
    notes: Sequence[str] = ()


def importance(
    observations: Sequence[Observation],
    planned: Sequence[tuple[Mapping[str, Any], int]],
    *,
    method: Method = "auto",
) -> Importance:
    """Say how much each axis explains.

    A study whose variants are all combinations of its axes' values gets an exact analysis of
    variance, with pairs of axes and seeds as blocks. Any other gets fANOVA: shares of the variance
    of a random forest over the whole space.

    Args:
        observations: trials with a score.
        planned: variant and seed of every trial of the study, with a score or not.
        method: `anova` or `fanova` to ask for one of them.

    Source:
        Hutter, Hoos and Leyton-Brown, 2014, An efficient approach for assessing hyperparameter
        importance (fANOVA).

    Raises:
        UsageError: if nothing varies, nothing has a score, or the study does not carry the method.

    Example:
        >>> grid = [({"a": a, "b": b}, seed) for a in (1, 2) for b in (1, 2) for seed in (0, 1)]
        >>> scored = [Observation(variant=v, seed=s, score=v["a"] + s / 9) for v, s in grid]
        >>> found = importance(scored, grid)
        >>> found.method, [(effect.name, round(effect.share, 2)) for effect in found.effects[:3]]
        ('anova', [('a', 0.99), ('b', 0.0), ('a x b', 0.0)])
    """
    if not observations:
        raise UsageError("no trial has a score yet, so nothing can be explained")
    axes = varied_axes([variant for variant, _ in planned])
    if not axes:
        raise UsageError(
            "all trials are of one variant: the study varies nothing, so nothing can be important"
        )
    if method == "fanova":
        return _by_fanova(observations, axes)
    variants = {label(variant): variant for variant, _ in planned}
    if _is_factorial(list(variants.values()), axes):
        return _by_anova(observations, planned, axes)
    if method == "auto":
        return _by_fanova(observations, axes)
    raise UsageError(
        f"`method` anova: {len(variants)} variants are not all combinations of {', '.join(axes)}; "
        "use fanova, or choose a part of the study that is complete with `where`"
    )


def _is_factorial(variants: Sequence[Variant], axes: Sequence[str]) -> bool:
    """Whether the variants are all combinations of the axes, few enough for a linear model."""
    counts = [len(set(own)) for own in levels_by_axis(variants, axes).values()]
    degrees = [count - 1 for count in counts]
    columns = sum(degrees) + sum(map(math.prod, combinations(degrees, 2)))
    return math.prod(counts) == len(variants) and columns <= _MOST_COLUMNS


def _by_anova(
    observations: Sequence[Observation],
    planned: Sequence[tuple[Mapping[str, Any], int]],
    axes: Sequence[str],
) -> Importance:
    """The exact analysis, with what has to be said about it."""
    levels = levels_by_axis([one.variant for one in observations], axes)
    scores = np.array([one.score for one in observations])
    seeds = [one.seed for one in observations]
    effects = anova(levels, scores, seeds)
    num_seeds = len(set(seeds))
    variants = trials_by_variant(observations)
    return Importance(
        method="anova",
        effects=effects,
        marginals=level_means(variants, axes),
        trials=len(observations),
        variants=len(variants),
        seeds=num_seeds,
        notes=_anova_notes(effects, len(observations), len(planned), num_seeds),
    )


def _anova_notes(
    effects: Sequence[Effect], num_scored: int, num_planned: int, num_seeds: int
) -> list[str]:
    """What to know before reading the shares of an analysis of variance."""
    notes = []
    missing = num_planned - num_scored
    if missing > 0:
        notes.append(
            f"{missing} of {num_planned} trials have no score: "
            "Type II sums of squares, which need not add up to 100 %"
        )
    if num_seeds == 1:
        notes.append(
            "1 seed: the noise is unknown, so nothing is tested and the shares hold noise too"
        )
    elif all(effect.p is None for effect in effects):
        notes.append("no spread is left within variants to test against")
    if any(effect.axes == (HIGHER,) and effect.df for effect in effects):
        notes.append(
            "interactions of three or more axes are one line; they are not part of the residual"
        )
    return notes


def _by_fanova(observations: Sequence[Observation], axes: Sequence[str]) -> Importance:
    """Shares of a random forest's variance, and how well it predicts variants it did not see."""
    known = trials_by_variant(observations)
    if len(known) < FEWEST_VARIANTS:
        raise UsageError(
            f"{len(known)} variants have a score: not enough to tell axes apart, as these are not "
            f"all combinations of {', '.join(axes)}. Run at least {FEWEST_VARIANTS}."
        )
    chosen = _drawn_variants(known)
    variants = [trials[0].variant for trials in chosen]
    scores = _mean_scores(chosen)
    if np.ptp(scores) == 0:
        raise UsageError(
            f"all {len(variants)} variants have the same score, {scores[0]:g}: "
            "there is nothing to explain"
        )
    levels = levels_by_axis(variants, axes)
    columns = {}
    for axis, texts in levels.items():
        columns[axis] = encode([variant.get(axis) for variant in variants], texts)
    shares, fit = forest_shares(columns, scores), forest_fit(columns, scores)
    short = [axis for axis, own in levels.items() if len(set(own)) <= _MOST_LEVELS]
    return Importance(
        method="fanova",
        effects=_forest_effects(shares),
        marginals=level_means(known, short),
        trials=len(observations),
        variants=len(known),
        seeds=len({one.seed for one in observations}),
        fit=fit,
        notes=_forest_notes(len(chosen), len(known), fit),
    )


def _drawn_variants(known: Sequence[Sequence[Observation]]) -> list[Sequence[Observation]]:
    """As many variants as a forest takes, at random: every n-th might have the same level."""
    order = np.random.default_rng(0).permutation(len(known))
    return [known[place] for place in sorted(order[:_MOST_VARIANTS])]


def _mean_scores(variants: Sequence[Sequence[Observation]]) -> Floats:
    """The mean score of each variant."""
    means = np.empty(len(variants))
    for place, trials in enumerate(variants):
        means[place] = np.mean([one.score for one in trials])
    return means


def _forest_effects(shares: Mapping[str, float]) -> list[Effect]:
    """What each axis of a forest explains, the most first, and what none does on its own."""
    effects = [Effect(axes=(axis,), share=share) for axis, share in shares.items()]
    effects.sort(key=attrgetter("share"), reverse=True)
    rest = max(0.0, 1.0 - sum(shares.values()))
    return [*effects, Effect(axes=(INTERACTIONS,), share=rest)]


def _forest_notes(num_chosen: int, num_known: int, fit: float) -> list[str]:
    """What to know before reading the shares of a forest."""
    notes = [
        "shares are of the variance of a forest's predictions over the whole space; "
        "they are not tested for noise"
    ]
    if num_chosen < num_known:
        notes.append(
            f"the forest is grown from {num_chosen:,} of {num_known:,} variants, drawn at random"
        )
    if fit < _POOR_FIT:
        what = "nothing"
        if fit > 0:
            what = f"only {fit:.0%}"
        notes.append(
            f"the forest explains {what} of the variance that it did not see: "
            "do not read its shares"
        )
    return notes
