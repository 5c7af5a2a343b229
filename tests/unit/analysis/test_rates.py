"""How often the statistics are right: rates measured over 2,000 simulated studies with fixed seeds.

A rate of 5 % over 2,000 studies has a standard error of half a point; the margins below are three
of them."""

from dataclasses import dataclass

import numpy as np
import pytest

from dasbench.analysis.families import holm, significantly_better
from dasbench.analysis.looks import take_look
from dasbench.analysis.pareto import hypervolume, hypervolume_of_means
from dasbench.analysis.power import planning_floor, seeds_needed
from dasbench.analysis.significance import t_tests
from dasbench.analysis.stats import summarise
from dasbench.paper.tables import table

STUDIES = 2000
MARGIN = 0.015
LOOKS = (5, 10, 20)


@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_of_a_mean_covers_it_in_95_percent_of_studies(n):
    draws = np.random.default_rng(n).normal(70.0, 0.44, (STUDIES, n))
    summaries = [summarise(draw.tolist()) for draw in draws]

    coverage = np.mean([abs(s.mean - 70.0) <= s.half_width for s in summaries])
    assert coverage == pytest.approx(0.95, abs=MARGIN)


@pytest.mark.parametrize("n", [3, 5])
def test_seven_equal_variants_against_a_baseline_raise_a_false_alarm_in_at_most_5_percent(n):
    draws = np.random.default_rng(10 + n).normal(0.0, 0.44, (STUDIES, 8, n))
    p = t_tests((draws[:, 1:] - draws[:, :1]).reshape(-1, n)).p.reshape(STUDIES, 7)

    family_wise = np.mean([(holm(row) <= 0.05).any() for row in p])
    assert 0.02 < family_wise < 0.05 + MARGIN
    assert (p <= 0.05).any(axis=1).mean() > 0.15  # without the correction


def test_all_pairs_of_equal_variants_raise_a_false_alarm_in_at_most_5_percent():
    draws = np.random.default_rng(20).normal(0.0, 0.44, (STUDIES, 4, 5))
    studies = [{v: dict(enumerate(row)) for v, row in enumerate(draw.tolist())} for draw in draws]

    family_wise = np.mean([significantly_better(scores).better.any() for scores in studies])
    assert 0.01 < family_wise < 0.05 + MARGIN


def test_the_seeds_that_are_asked_for_resolve_the_difference_in_80_percent_of_studies():
    n = seeds_needed(0.30, 0.369)
    differences = np.random.default_rng(30).normal(0.30, 0.369, (STUDIES, n))

    power = (t_tests(differences).p <= 0.05).mean()
    assert power == pytest.approx(0.80, abs=3 * 0.009)


@dataclass(frozen=True)
class Replicated:
    """What a study that looks at 5, 10 and 20 seeds came to: final states, runs spent, and means where it stopped."""

    states: dict
    runs: int
    differences: np.ndarray


def replicate(scores, *, min_effect=None):
    """Look after 5, 10 and 20 seeds; variant 0 is the baseline."""
    states: dict[int, str] = {}
    have = np.zeros(len(scores), dtype=int)
    for number, seeds in enumerate(LOOKS, start=1):
        have[[v for v in range(len(scores)) if v == 0 or states.get(v, "open") == "open"]] = seeds
        known = {
            v: dict(enumerate(row[:n].tolist()))
            for v, (row, n) in enumerate(zip(scores, have, strict=True))
        }
        look = take_look(
            known, 0, looks=LOOKS, number=number, min_effect=min_effect, settled=states
        )
        states = dict(look.states)
        if look.next_seeds is None:
            break
    differences = np.array(
        [(row[:n] - scores[0, :n]).mean() for row, n in zip(scores, have, strict=True)]
    )
    return Replicated(states, int(have.sum()), differences)


@pytest.mark.parametrize("min_effect", [None, 0.5])
def test_replicating_until_resolved_raises_a_false_alarm_in_at_most_5_percent(min_effect):
    draws = np.random.default_rng(40).normal(0.0, 0.44, (STUDIES, 8, LOOKS[-1]))
    studies = [replicate(draw, min_effect=min_effect) for draw in draws]

    family_wise = np.mean(["resolved" in study.states.values() for study in studies])
    assert 0.015 < family_wise < 0.05 + MARGIN


def test_replicating_until_resolved_needs_half_the_runs_on_effects_like_those_of_table_4():
    top1 = {row.label: float(row.published["top1"].value) for row in table("table4").rows}
    means = np.array([top1["c"], *(value for label, value in top1.items() if label != "c")])
    sd = planning_floor(top1["c"], 8580)
    draws = means[:, None] + np.random.default_rng(50).normal(
        0.0, sd, (STUDIES, len(means), LOOKS[-1])
    )
    studies = [replicate(draw, min_effect=0.5) for draw in draws]

    runs = np.mean([study.runs for study in studies])
    resolved = {
        v: np.mean([study.states[v] == "resolved" for study in studies])
        for v in range(1, len(means))
    }
    wrong = np.mean(
        [any(s.states[v] == "resolved" and s.differences[v] > 0 for v in s.states) for s in studies]
    )
    far = [v for v in resolved if means[0] - means[v] > 1.0]
    assert runs < 0.55 * draws[0].size
    assert min(resolved[v] for v in far) > 0.98
    assert wrong < 0.002


def test_the_interval_of_a_hypervolume_covers_the_true_one_about_as_often_as_it_says():
    top1, cost, corner = (
        np.array([70.0, 72.0, 75.0, 76.0]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        [65.0, 5.0],
    )
    truth = hypervolume(np.column_stack([top1, cost]), corner, ["max", "min"])
    draws = top1[:, None] + np.random.default_rng(60).normal(0.0, 0.44, (STUDIES // 2, 4, 5))
    areas = [hypervolume_of_means(draw, cost, corner) for draw in draws]

    coverage = np.mean([abs(area.value - truth) <= area.half_width for area in areas])
    assert coverage == pytest.approx(0.95, abs=2 * MARGIN)
