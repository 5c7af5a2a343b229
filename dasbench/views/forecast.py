"""Beforehand: what a study can resolve, by the noise that its trials show or that is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from dasbench.analysis.forecast import expected_runs, noise_between_seeds, resolvable_difference
from dasbench.analysis.looks import planned_levels
from dasbench.analysis.stats import ALPHA
from dasbench.records import Row
from dasbench.spec.replication import UNTIL_RESOLVED, Replication
from dasbench.spec.study import Study
from dasbench.views.board import seed_floor
from dasbench.views.units import score_unit
from dasbench.views.variants import gather_all

PERCENT_POINTS = "pp"

GUESSED_SCORE = 80.0
"""Score in percent that the floor is taken at where no trial has one."""

GUESSED_NOISE = 1.0
"""Noise of a score in percentage points where not even the size of the test part is known."""


@dataclass(frozen=True, kw_only=True)
class TrialNoise:
    """Standard deviation of a trial's score about what its variant and its seed make expect.

    Args:
        sd: in the unit of the scores.
        source: whether trials of the study show it, the size of the test part alone causes it, or
            it is guessed.
        number: trials that show it, or examples of the test part.
        score: score in percent that the floor is of.
    """

    sd: float
    source: Literal["trials", "test part", "guess"]
    number: int = 0
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a study can resolve, about.

    Args:
        noise: of a trial.
        unit: of differences.
        num_comparisons: variants that are compared with the baseline.
        seeds: of each variant, at first.
        differences: smallest true difference that is resolved with 80 % power, by number of seeds;
            with looks at the first and the last of them.
        has_looks: whether the study takes looks; else the rest is of `until: resolved`.
        min_effect: smallest difference that matters; without looks, what the seeds can resolve.
        runs: trials until every variant is settled; None without a smallest difference, or with
            a single look.
        most_runs: trials if no variant is settled before the last look.
    """

    noise: TrialNoise
    unit: str
    num_comparisons: int
    seeds: int
    differences: Mapping[int, float]
    has_looks: bool
    min_effect: float | None
    runs: float | None
    most_runs: int


def forecast(
    study: Study, rows: Sequence[Row], *, num_variants: int, num_test_examples: int | None = None
) -> Forecast | None:
    """Say what a study can resolve against its baseline.

    Args:
        study: what is asked.
        rows: what the database lists for it.
        num_variants: its variants, the baseline among them.
        num_test_examples: size of the test part, if it is known.

    Returns:
        None of a search, of a single variant, or where nothing is known of the metric's noise.
    """
    metric = study.score.metric
    noise = trial_noise(metric, rows, num_test_examples)
    if study.is_searched or num_variants < 2 or noise is None:
        return None
    planned = _seeds_and_levels(study.seeds)
    differences: dict[int, float] = {}
    for seeds, level in planned.items():
        found = resolvable_difference(noise.sd, arms=num_variants, seeds=seeds, level=level)
        if found is not None:
            differences[seeds] = found
    looks = study.seeds
    if looks.looks is None:
        looks = _until_resolved(differences[max(differences)])
    return Forecast(
        noise=noise,
        unit=score_unit(metric),
        num_comparisons=num_variants - 1,
        seeds=min(planned),
        differences=differences,
        has_looks=study.seeds.looks is not None,
        min_effect=looks.min_effect,
        runs=_runs(looks, noise.sd, num_variants),
        most_runs=num_variants * len(looks),
    )


def trial_noise(
    metric: str, rows: Sequence[Row], num_test_examples: int | None = None
) -> TrialNoise | None:
    """The noise of a trial: what trials show, else the least that a test part causes, else a guess.

    Args:
        metric: what is scored.
        rows: trials of one study.
        num_test_examples: size of the test part, if it is known.

    Returns:
        None if trials show no noise at all, or nothing can be guessed of the metric.

    Example:
        >>> noise = trial_noise("top1", [], 8580)
        >>> round(noise.sd, 2), noise.source
        (0.34, 'test part')
        >>> trial_noise("loss", []) is None
        True
    """
    scores = {}
    for place, entry in enumerate(gather_all(rows, metric=metric, only=[metric])):
        if own := entry.scores_of(metric):
            scores[place] = own
    values = list(chain.from_iterable(own.values() for own in scores.values()))
    sd = noise_between_seeds(scores)
    if sd is not None:
        if not sd > 0:
            return None
        return TrialNoise(sd=sd, source="trials", number=len(values))
    score = GUESSED_SCORE
    if values:
        score = float(np.mean(values))
    floor = seed_floor(metric, score, num_test_examples)
    if floor is not None:
        number = num_test_examples or 0
        return TrialNoise(sd=floor, source="test part", number=number, score=score)
    if score_unit(metric) == PERCENT_POINTS:
        return TrialNoise(sd=GUESSED_NOISE, source="guess")
    return None


def _seeds_and_levels(seeds: Replication) -> dict[int, float]:
    """The numbers of seeds that something is said of, and the level of the tests at each.

    The first and the last look, or all seeds; beside a single seed, which resolves nothing, three.
    """
    levels = planned_levels(seeds)
    if seeds.looks:
        return {seeds.looks[0]: levels[0], seeds.looks[-1]: levels[-1]}
    if len(seeds) < UNTIL_RESOLVED[0]:
        return {len(seeds): ALPHA, UNTIL_RESOLVED[0]: ALPHA}
    return {len(seeds): ALPHA}


def _until_resolved(difference: float) -> Replication:
    """The usual looks, for differences of this size in two digits."""
    min_effect = float(f"{difference:.2g}")
    return Replication.model_validate({"until": "resolved", "min_effect": min_effect})


def _runs(seeds: Replication, sd: float, arms: int) -> float | None:
    """Trials until every variant is settled.

    None where no difference is too small to matter, or a single look settles nothing earlier.
    """
    if seeds.looks is None or seeds.min_effect is None or len(seeds.looks) < 2:
        return None
    return expected_runs(
        sd,
        arms=arms,
        looks=seeds.looks,
        levels=planned_levels(seeds),
        min_effect=seeds.min_effect,
    )
