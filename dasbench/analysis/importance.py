"""Which axis of a study matters: analysis of variance for factorial studies, fANOVA for searched ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dasbench.analysis.anova import HIGHER, Effect, anova
from dasbench.analysis.fanova import NOT_SET, encode, forest_fit, forest_shares
from dasbench.analysis.stats import summarise
from dasbench.errors import UsageError
from dasbench.spec.labels import label, worded

FEWEST_VARIANTS = 10
"""Variants with a score below which no forest is grown."""

_MOST_LEVELS = 20  # of an axis whose levels are listed one by one
_MOST_COLUMNS = 1500  # of a linear model; beyond, a study is treated as searched

_MOST_VARIANTS = (
    1000  # that a forest is grown from; it takes seconds, and more of them tell little more
)
_POOR_FIT = 0.5  # R^2 below which a forest is not worth reading

INTERACTIONS = "interactions"
"""What no axis of a forest explains on its own."""

Method = Literal["auto", "anova", "fanova"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A finished trial.

    Args:
        variant: the varied fields and their values.
        seed: its seed.
        score: finite score.
    """

    variant: Mapping[str, Any]
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
        >>> found = importance([Observation(variant=v, seed=s, score=v["a"] + s / 9) for v, s in grid], grid)
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
    variants = {label(variant): variant for variant, _ in planned}
    factorial = _is_factorial(list(variants.values()), axes)
    if method == "anova" and not factorial:
        raise UsageError(
            f"--method anova: {len(variants)} variants are not all combinations of {', '.join(axes)}; "
            "use fanova, or choose a part of the study that is complete with --where"
        )
    if method == "anova" or (method == "auto" and factorial):
        return _by_anova(observations, planned, axes)
    return _by_fanova(observations, axes)


def varied_axes(variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """The fields that take more than one value, not being set counting as one.

    Example:
        >>> varied_axes([{"gate": "none", "width": 4}, {"gate": "das", "gate.alpha": 0.1, "width": 4}])
        ['gate', 'gate.alpha']
    """
    keys = list(dict.fromkeys(key for variant in variants for key in variant))
    return [key for key in keys if len({level(variant, key) for variant in variants}) > 1]


def level(variant: Mapping[str, Any], axis: str) -> str:
    """The value of an axis as text.

    Example:
        >>> level({"gate": {"name": "das", "alpha": 0.1}}, "gate"), level({}, "gate.alpha")
        ('das(alpha=0.1)', '(not set)')
    """
    return worded(axis, variant[axis]) if axis in variant else NOT_SET


def _is_factorial(variants: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> bool:
    """Whether the variants are all combinations of the axes' levels, few enough for a linear model."""
    counts = [len({level(variant, axis) for variant in variants}) for axis in axes]
    columns = sum(a - 1 for a in counts) + sum(
        (a - 1) * (b - 1) for i, a in enumerate(counts) for b in counts[:i]
    )
    return math.prod(counts) == len(variants) and columns <= _MOST_COLUMNS


def _by_anova(
    observations: Sequence[Observation],
    planned: Sequence[tuple[Mapping[str, Any], int]],
    axes: Sequence[str],
) -> Importance:
    """The exact analysis, with what has to be said about it."""
    levels = {axis: [level(one.variant, axis) for one in observations] for axis in axes}
    scores, seeds = (
        np.array([one.score for one in observations]),
        [one.seed for one in observations],
    )
    effects = anova(levels, scores, seeds)
    num_seeds, missing = len(set(seeds)), len(planned) - len(observations)
    tested = any(effect.p is not None for effect in effects)
    notes = []
    if missing > 0:
        notes.append(
            f"{missing} of {len(planned)} trials have no score: Type II sums of squares, which need not add up to 100 %"
        )
    if num_seeds == 1:
        notes.append(
            "1 seed: the noise is unknown, so nothing is tested and the shares hold noise too"
        )
    elif not tested:
        notes.append("no spread is left within variants to test against")
    if any(effect.axes == (HIGHER,) and (effect.df or 0) > 0 for effect in effects):
        notes.append(
            "interactions of three or more axes are one line; they are not part of the residual"
        )
    return Importance(
        method="anova",
        effects=effects,
        marginals=_marginals(observations, axes),
        trials=len(observations),
        variants=len({label(one.variant) for one in observations}),
        seeds=num_seeds,
        notes=notes,
    )


def _marginals(observations: Sequence[Observation], axes: Sequence[str]) -> list[Marginal]:
    """Every level of every axis: the mean of its variants' means, and the spread over seeds that all of them have."""
    marginals = []
    for axis in axes:
        groups: dict[str, dict[str, dict[int, float]]] = {}
        for one in observations:
            groups.setdefault(level(one.variant, axis), {}).setdefault(label(one.variant), {})[
                one.seed
            ] = one.score
        for name, variants in groups.items():
            common = set.intersection(*(set(own) for own in variants.values()))
            by_seed = [
                float(np.mean([own[seed] for own in variants.values()])) for seed in sorted(common)
            ]
            means = [float(np.mean(list(own.values()))) for own in variants.values()]
            marginals.append(
                Marginal(
                    axis=axis,
                    level=name,
                    mean=float(np.mean(means)),
                    ci95=summarise(by_seed).half_width,
                    variants=len(variants),
                    n=len(by_seed),
                )
            )
    return marginals


def _by_fanova(observations: Sequence[Observation], axes: Sequence[str]) -> Importance:
    """Shares of a random forest's variance, with how well such a forest predicts variants that it did not see."""
    by_variant: dict[str, list[Observation]] = {}
    for one in observations:
        by_variant.setdefault(label(one.variant), []).append(one)
    if len(by_variant) < FEWEST_VARIANTS:
        raise UsageError(
            f"{len(by_variant)} variants have a score: not enough to tell axes apart, as these are not all "
            f"combinations of {', '.join(axes)}. Run at least {FEWEST_VARIANTS}."
        )
    known = list(by_variant.values())
    order = np.random.default_rng(0).permutation(
        len(known)
    )  # every n-th variant might have the same level of an axis
    chosen = [known[place] for place in sorted(order[:_MOST_VARIANTS])]
    variants = [some[0].variant for some in chosen]
    scores = np.array([np.mean([one.score for one in some]) for some in chosen])
    if np.ptp(scores) == 0:
        raise UsageError(
            f"all {len(variants)} variants have the same score, {scores[0]:g}: there is nothing to explain"
        )
    levels = {axis: [level(variant, axis) for variant in variants] for axis in axes}
    columns = {
        axis: encode([variant.get(axis) for variant in variants], texts)
        for axis, texts in levels.items()
    }
    shares, fit = forest_shares(columns, scores), forest_fit(columns, scores)
    effects = [
        Effect(axes=(axis,), share=share)
        for axis, share in sorted(shares.items(), key=lambda item: -item[1])
    ]
    notes = [
        "shares are of the variance of a forest's predictions over the whole space; they are not tested for noise"
    ]
    if len(chosen) < len(known):
        notes.append(
            f"the forest is grown from {len(chosen):,} of {len(known):,} variants, drawn at random"
        )
    if fit < _POOR_FIT:
        what = "nothing" if fit <= 0 else f"only {fit:.0%}"
        notes.append(
            f"the forest explains {what} of the variance that it did not see: do not read its shares"
        )
    return Importance(
        method="fanova",
        effects=[
            *effects,
            Effect(axes=(INTERACTIONS,), share=max(0.0, 1.0 - sum(shares.values()))),
        ],
        marginals=_marginals(
            observations, [axis for axis, own in levels.items() if len(set(own)) <= _MOST_LEVELS]
        ),
        trials=len(observations),
        variants=len(by_variant),
        seeds=len({one.seed for one in observations}),
        fit=fit,
        notes=notes,
    )
