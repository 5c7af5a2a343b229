"""Looks that are planned by themselves: when they come, what each spends, how often they err."""

import numpy as np
import pytest

from dasbench.analysis.families import seed_table
from dasbench.analysis.looks import State, planned_levels, take_look
from dasbench.analysis.moderated import noise_of
from dasbench.paper.tables import table
from dasbench.spec.replication import Replication

STUDIES = 1000
MARGIN = 0.02
"""Three standard errors of a rate of 5 % over so many studies."""


def until_resolved(**fields):
    return Replication.model_validate({"until": "resolved", "min_effect": 0.5, **fields})


@pytest.mark.parametrize(
    ("most", "looks", "shares"),
    [
        (20, (3, 5, 8, 12, 20), (1, 2, 2, 2, 3)),
        (13, (3, 5, 8, 12, 13), (1, 2, 2, 2, 3)),
        (12, (3, 5, 8, 12), (1, 2, 2, 2)),
        (10, (3, 5, 8, 10), (1, 2, 2, 2)),
        (4, (3, 4), (1, 2)),
        (3, (3,), (1,)),
        (25, (3, 5, 8, 12, 25), (1, 2, 2, 2, 3)),
    ],
)
def test_the_last_look_is_at_the_most_seeds_and_what_is_left_spends_the_whole(most, looks, shares):
    seeds = until_resolved(max=most)

    assert seeds.looks == looks
    assert planned_levels(seeds) == pytest.approx([0.04 * each / sum(shares) for each in shares])


@pytest.mark.parametrize("most", range(3, 26))
def test_any_number_of_seeds_makes_a_plan_that_spends_four_percent(most):
    seeds = until_resolved(max=most)
    assert seeds.looks is not None
    levels = planned_levels(seeds)

    assert (seeds.looks[0], seeds.looks[-1], len(seeds)) == (3, most, most)
    assert list(seeds.looks) == sorted(set(seeds.looks))
    assert len(levels) == len(seeds.looks)
    assert sum(levels) == pytest.approx(0.04)
    assert list(levels) == sorted(levels)


def test_twenty_seeds_are_the_most_where_nothing_is_said():
    assert until_resolved().looks == until_resolved(max=20).looks == until_resolved(max=None).looks


def test_looks_that_are_listed_spend_as_ever():
    listed = Replication.model_validate({"looks": [5, 10, 20], "min_effect": 0.5})

    assert planned_levels(listed) == pytest.approx((0.01, 0.015, 0.025))
    assert planned_levels(Replication.model_validate(3)) == ()


def test_a_look_spends_the_level_that_it_is_given():
    seeds = until_resolved(max=5)
    scores = {
        name: dict(enumerate(np.arange(3.0) ** 2 + number)) for number, name in enumerate("abc")
    }
    plan = {"looks": seeds.looks, "levels": planned_levels(seeds)}

    assert take_look(scores, "a", number=1, **plan).level == pytest.approx(0.04 / 3)
    assert take_look(scores, "a", number=3, **plan).level == pytest.approx(0.08 / 3)


def test_a_plan_without_a_level_for_each_look_is_refused():
    with pytest.raises(ValueError, match="2 looks has a level for each, not 1"):
        take_look({"a": {0: 1.0}}, "a", looks=[3, 5], levels=[0.05], number=1)


def replicate(scores, seeds):
    """The states in which the variants end, and the runs; row 0 is the baseline."""
    known: dict[int, dict[int, float]] = {arm: {} for arm in range(len(scores))}
    states: dict[int, State] = {}
    going_on = list(known)
    for number, count in enumerate(seeds.looks, start=1):
        for arm in going_on:
            known[arm] = dict(enumerate(scores[arm, :count].tolist()))
        look = take_look(
            known,
            0,
            looks=seeds.looks,
            levels=planned_levels(seeds),
            number=number,
            min_effect=seeds.min_effect,
            settled=states,
            noise=noise_of(seed_table(known)),
        )
        states = dict(look.states)
        going_on = [0, *look.open]
        if look.next_seeds is None:
            break
    return states, sum(map(len, known.values()))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_equal_variants_raise_a_false_alarm_in_about_5_percent_of_studies(spread):
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(STUDIES):
        sd = 0.4 * np.exp(random.normal(0.0, spread, (8, 1)))
        states, _ = replicate(random.normal(0.0, sd, (8, 20)), until_resolved())
        alarms += "resolved" in states.values()

    assert 0.01 < alarms / STUDIES < 0.05 + MARGIN


@pytest.mark.slow
def test_effects_like_those_of_table_4_are_settled_with_a_third_of_the_trials():
    top1 = {row.label: float(row.published["top1"].value) for row in table("table4").rows}
    means = np.array([top1["c"], *(value for label, value in top1.items() if label != "c")])
    random = np.random.default_rng(6)
    runs = []
    for _ in range(STUDIES // 2):
        _, trials = replicate(random.normal(means, 0.4, (20, 8)).T, until_resolved())
        runs.append(trials)

    assert np.mean(runs) == pytest.approx(55, abs=2)
