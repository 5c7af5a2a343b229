"""What `dasbench plan` shows of a plan: its trials, what is left to do, what is yet to come."""

from dataclasses import replace

import pytest

from dasbench.records import Cost, Row
from dasbench.render.forecast import forecast_sentences
from dasbench.render.plan import plan_records, plan_tables
from dasbench.results.planning import Member
from dasbench.views.forecast import Forecast, TrialNoise
from dasbench.views.plan import PlanView, expected_seconds, plan_rows

COST = Cost(
    params_full=760_654,
    macs_full=10_005_752,
    params_paper=720_622,
    macs_paper=9_476_840,
    input_size=(3, 8, 8),
)


def plan(states, *, label="first_norm=bn", **fields):
    members = [
        Member(key=f"{seed:012d}", spec={}, label=label, seed=seed) for seed in range(len(states))
    ]
    known = {
        member.key: state for member, state in zip(members, states, strict=True) if state != "new"
    }
    rows = plan_rows(members, {member.key: COST for member in members}, known)
    return PlanView(question="Which?", rows=rows, **{"seconds": None, **fields})


def last_note(found):
    return plan_tables(found)[0].notes[-1]


def test_a_row_holds_exact_counts():
    [table] = plan_tables(plan(["new"]))

    assert table.title == "Which?"
    assert list(table.rows) == [
        (
            "first_norm=bn",
            "0",
            "new",
            "760,654",
            "10,005,752",
            "720,622",
            "9,476,840",
            "000000000000",
        )
    ]


@pytest.mark.parametrize(
    ("states", "seconds", "said"),
    [
        (["new"], 90.0, "1 trial, 1 to run: about 1.5 minutes."),
        (["done", "stopped", "new"], 90.0, "3 trials, 1 to run: about 1.5 minutes."),
        (
            ["failed", "running", "pending"],
            None,
            "3 trials, 3 to run: expected time unknown until a first trial",
        ),
        (["done", "stopped"], 0.0, "2 trials, 0 to run: nothing to train."),
        ([], None, "0 trials, 0 to run: nothing to train."),
        (["new"] * 1200, 60.0, "1,200 trials, 1,200 to run: about 1.0 minutes."),
    ],
)
def test_what_is_left_to_do_is_said_below(states, seconds, said):
    assert last_note(plan(states, seconds=seconds)).startswith(said)


def test_a_search_says_who_proposes_how_many_more():
    assert last_note(plan([], to_come=40, sampler="tpe(seed=1)")).endswith(
        "40 more will be proposed by tpe(seed=1)."
    )
    assert "proposed" not in last_note(plan(["done"], to_come=0, sampler="tpe"))


def test_a_variant_in_which_nothing_varies_has_a_name_on_screen_alone():
    found = plan(["new"], label="")

    assert plan_tables(found)[0].rows[0][0] == "(the base)"
    assert plan_records(found)[0]["label"] == ""


def test_the_time_comes_from_trials_of_the_same_size_of_images():
    fields = {
        "label": "",
        "seed": 0,
        "state": "done",
        "metrics": {"epochs": 2},
        "cost": COST,
        "seconds": 10.0,
    }
    history = [Row(study="s", key="0", variant={}, **fields)]
    missing = [("a", 2), ("b", 4)]

    assert expected_seconds(missing, {"a": COST, "b": COST}, history, workers=1) == pytest.approx(
        30.0
    )
    assert expected_seconds(missing, {"a": COST, "b": COST}, history, workers=8) == pytest.approx(
        15.0
    )
    assert expected_seconds(missing, {"a": COST, "b": COST}, [], workers=1) is None


FORECAST = Forecast(
    noise=TrialNoise(sd=0.8934, source="trials", number=48),
    unit="pp",
    num_comparisons=15,
    seeds=3,
    differences={3: 1.912},
    has_looks=False,
    min_effect=1.9,
    runs=56.3,
    most_runs=320,
)


def told(**fields):
    return " ".join(forecast_sentences(replace(FORECAST, **fields)))


def test_what_seeds_resolve_stands_below_the_trials():
    assert list(plan_tables(plan(["new"], forecast=FORECAST))[0].notes[1:-1]) == [
        "3 seeds: differences above about 1.9 pp (80 % power); "
        "`seeds: {until: resolved, min_effect: 1.9}`: about 56 runs, at most 320.",
        "15 variants beside the baseline.",
        "Runs are simulated, with true differences of a standard deviation of 1.9 pp.",
        "The noise of a trial is taken as 0.89 pp, as 48 trials of the study show.",
    ]


def test_looks_are_told_at_the_first_and_the_last():
    assert told(has_looks=True, differences={3: 12.3, 20: 0.874}).startswith(
        "3 seeds: differences above about 12 pp; 20 seeds: differences above about 0.87 pp "
        "(80 % power); until resolved: about 56 runs, at most 320."
    )


def test_no_runs_are_told_where_no_difference_is_too_small_to_matter():
    assert "runs" not in told(runs=None, min_effect=None)


def test_a_single_seed_resolves_nothing():
    assert told(seeds=1).startswith("1 seed: no difference; 3 seeds: differences above about 1.9")


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (
            TrialNoise(sd=1.93, source="test part", number=269, score=80.0),
            "1.9 pp, the floor of 269 test examples at 80 %: no two seeds of a variant are known",
        ),
        (TrialNoise(sd=1.0, source="guess"), "1 pp, a guess: no two seeds of a variant are known"),
    ],
)
def test_it_is_said_who_knows_the_noise(noise, said):
    assert f"The noise of a trial is taken as {said} yet." in told(noise=noise)


def test_each_record_holds_what_the_study_can_resolve():
    [record] = plan_records(plan(["new"], forecast=FORECAST))

    assert record["forecast"]["differences"] == {3: 1.912}
    assert record["forecast"]["noise"]["source"] == "trials"
    assert "forecast" not in plan_records(plan(["new"]))[0]
