"""What is said beforehand of a study is about what then happens."""

import time

import numpy as np
import pytest

from dasbench.analysis.arm_wise import pair_tests
from dasbench.analysis.families import holm
from dasbench.analysis.forecast import expected_runs, noise_between_seeds, resolvable_difference
from dasbench.analysis.moderated import noise_of

PLAN = {"looks": (3, 5, 8, 12, 20), "levels": (0.004, 0.008, 0.008, 0.008, 0.012)}


@pytest.mark.parametrize(("arms", "seeds"), [(2, 3), (4, 3), (9, 3), (9, 5), (16, 10)])
def test_a_difference_of_the_size_that_is_said_is_resolved_in_about_80_percent(arms, seeds):
    difference = resolvable_difference(2.0, arms=arms, seeds=seeds, level=0.05)
    random = np.random.default_rng(1)
    resolved = 0
    for _ in range(400):
        table = random.normal(0.0, 2.0, (arms, seeds)) + random.normal(size=seeds)
        table[1] += difference
        p = pair_tests(table, np.arange(1, arms), 0, noise=noise_of(table)).p
        resolved += holm(p)[0] <= 0.05

    assert resolved / 400 == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(("arms", "seeds", "sd"), [(1, 3, 1.0), (4, 1, 1.0), (4, 3, 0.0)])
def test_nothing_is_resolved_without_two_variants_two_seeds_and_noise(arms, seeds, sd):
    assert resolvable_difference(sd, arms=arms, seeds=seeds, level=0.05) is None


def test_the_noise_is_that_beside_the_effects_of_variants_and_seeds():
    random = np.random.default_rng(2)
    table = random.normal(0.0, 0.5, (30, 20))
    table += random.normal(0.0, 9.0, (30, 1)) + random.normal(0.0, 9.0, 20)
    scores = {arm: dict(enumerate(row.tolist())) for arm, row in enumerate(table)}

    assert noise_between_seeds(scores) == pytest.approx(0.5, rel=0.1)


def test_the_noise_of_two_variants_is_that_within_them():
    scores = {"a": {0: 1.0, 1: 3.0}, "b": {0: 5.0, 2: 5.0}, "c": {7: 80.0}}

    assert noise_between_seeds(scores) == pytest.approx(1.0)


@pytest.mark.parametrize("scores", [{}, {"a": {}}, {"a": {0: 1.0}, "b": {1: 2.0}}])
def test_single_seeds_show_no_noise(scores):
    assert noise_between_seeds(scores) is None


def test_runs_lie_between_the_first_look_and_the_last():
    few = expected_runs(0.01, arms=8, min_effect=1.0, **PLAN)
    some = expected_runs(0.5, arms=8, min_effect=1.0, **PLAN)
    many = expected_runs(3.0, arms=8, min_effect=0.1, **PLAN)

    assert 24 <= few < some < 160
    assert few < 30
    assert many <= 160


def test_the_same_study_is_told_the_same():
    first, second = (expected_runs(0.4, arms=8, min_effect=0.5, **PLAN) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("arms", [2, 16, 500])
def test_a_forecast_does_not_keep_anybody_waiting(arms):
    resolvable_difference(0.4, arms=2, seeds=3, level=0.05)  # imports scipy
    start = time.perf_counter()
    resolvable_difference(0.4, arms=arms, seeds=3, level=0.05)
    expected_runs(0.4, arms=arms, min_effect=0.5, **PLAN)

    assert time.perf_counter() - start < 3.0
