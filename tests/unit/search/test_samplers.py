"""Samplers learn from what they are told, in whichever order; what all of them keep is a contract."""

import math

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.coordinates import coordinate
from dasbench.search.samplers.sampler import Proposal, Result, identity
from dasbench.spec.space import Axis
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

BASE = Trial(backbone="resnet18", gate="das", dataset="digits")
NAMES = ("random", "qmc", "tpe", "nsga2", pytest.param("gp", marks=pytest.mark.slow))
PARAMS = {"tpe": {"startup": 5}, "nsga2": {"population": 6}, "gp": {"startup": 5}}
MIXED = [
    {"key": "gate", "values": ["none", "das", {"name": "se", "reduction": 8}]},
    {"key": "gate.alpha", "low": 0.1, "high": 0.9, "when": {"gate": "das"}},
    {"key": "gate.kernel", "values": [3, 5, 7], "when": {"gate": "das"}},
    {"key": "placement.stages", "values": [[1, 2], [3], [4]], "when": {"gate": ["das", "se"]}},
    {"key": "training.lr", "low": 1e-4, "high": 1.0, "log": True},
    {"key": "training.epochs", "low": 2, "high": 64, "log": True, "integer": True},
    {"key": "training.batch_size", "low": 16, "high": 64, "step": 16},
]
NUMBERS = [
    {"key": "gate.alpha", "low": 0.0, "high": 1.0},
    {"key": "training.lr", "low": 0.0, "high": 1.0},
    {"key": "training.momentum", "low": 0.0, "high": 0.9},
    {"key": "training.weight_decay", "low": 0.0, "high": 1.0},
]
FINITE = [
    {"key": "gate.first_norm", "values": ["bn", "fn", "in", "ln"]},
    {"key": "gate.kernel", "values": [1, 3, 5, 7]},
]


def study(name, axes=MIXED, objectives=("top1 max",), **fields):
    sampler = {"name": name, **PARAMS.get(name, {}), **fields}
    return Study(
        name="s",
        question="?",
        base=BASE,
        axes=axes,
        sampler=sampler,
        trials=9,
        objectives=list(objectives),
        seeds=3,
    )


def make(asked):
    return SAMPLERS[asked.sampler.name].make(asked, **asked.sampler.params)


def score(asked, variant):
    """A result that depends on the variant: better with a lower learning rate, without a gate, with kernel 3."""
    good = 50 - 5 * math.log10(variant.get("training.lr", 1.0)) - variant.get("gate.kernel", 0)
    return Result(
        fate="done",
        values=(good, float(variant.get("training.epochs", 1)))[: len(asked.objectives)],
    )


def run(asked, sampler, number, judge=score):
    """Ask and tell one after another; returns what was told."""
    told = []
    for _ in range(number):
        (proposal,) = sampler.propose()
        told.append((proposal, judge(asked, proposal.variant)))
        sampler.tell(*told[-1])
    return told


@pytest.mark.parametrize("name", NAMES)
def test_what_is_proposed_depends_on_the_order_of_results_alone_not_on_how_many_were_open_at_a_time(
    name,
):
    asked = study(name)
    parallel, rebuilt = make(asked), make(asked)
    opened = [parallel.propose()[0] for _ in range(4)] + [parallel.propose()[0] for _ in range(4)]
    for place in (2, 0, 1, 7, 3, 6, 5, 4):
        result = score(asked, opened[place].variant)
        parallel.tell(opened[place], result)
        rebuilt.tell(opened[place], result)

    assert parallel.propose() == rebuilt.propose()


@pytest.mark.parametrize("name", NAMES)
def test_proposals_that_are_known_do_not_keep_a_sampler_from_finding_the_rest(name):
    asked = study(name, axes=FINITE)
    sampler, seen = make(asked), set()

    for _ in range(400):
        (proposal,) = sampler.propose()
        if identity(proposal.variant) in seen:
            sampler.tell(proposal, Result(fate="known"))
        else:
            seen.add(identity(proposal.variant))
            sampler.tell(proposal, score(asked, proposal.variant))

    assert len(seen) == 16


@pytest.mark.parametrize(
    "name", ["random", "tpe", "nsga2", pytest.param("gp", marks=pytest.mark.slow)]
)
def test_known_proposals_change_nothing_that_a_resumed_search_would_miss(name):
    asked = study(name, axes=FINITE)
    rows: list[tuple[Proposal, Result]] = []
    seen = set()
    sampler = make(asked)
    while len(rows) < 9:
        (proposal,) = sampler.propose()
        fresh = identity(proposal.variant) not in seen
        seen.add(identity(proposal.variant))
        result = score(asked, proposal.variant) if fresh else Result(fate="known")
        sampler.tell(proposal, result)
        rows += [(proposal, result)] if fresh else []

    resumed = make(asked)
    for proposal, result in rows:
        resumed.tell(proposal, result)

    assert resumed.propose() == sampler.propose()


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
@pytest.mark.parametrize("objectives", [["top1 max"], ["top1 max", "macs min"]], ids=["one", "two"])
def test_infeasible_proposals_teach_where_the_feasible_ones_are(name, objectives):
    asked = study(name, axes=NUMBERS, objectives=objectives)

    def judge(asked, variant):
        excess = variant["gate.alpha"] - 0.2
        values = (variant["training.lr"], variant["training.momentum"])[: len(objectives)]
        return (
            Result(fate="infeasible", violations=(excess,))
            if excess > 0
            else Result(fate="done", values=values)
        )

    fates = [result.fate for _, result in run(asked, make(asked), 100, judge)]

    assert fates[-50:].count("done") > 25  # a fifth by chance


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_a_model_that_cannot_be_built_ranks_below_every_violation(name):
    asked = study(name, axes=NUMBERS)

    def judge(asked, variant):
        alpha = variant["gate.alpha"]
        return (
            Result(fate="infeasible", violations=(alpha * 1e9,))
            if alpha < 0.5
            else Result(fate="infeasible")
        )

    late = run(asked, make(asked), 100, judge)[-50:]

    assert (
        sum(proposal.variant["gate.alpha"] < 0.5 for proposal, _ in late) > 38
    )  # a half by chance


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("objectives", [["top1 max"], ["top1 max", "macs min"]], ids=["one", "two"])
def test_no_result_breaks_a_sampler(name, objectives):
    asked = study(name, objectives=objectives)
    width = len(objectives)
    results = [
        Result(fate="failed"),
        Result(fate="stopped"),
        Result(fate="stopped", metrics={"val_top1": 40.0, "epochs": 2}),
        Result(fate="stopped", metrics={"val_top1": math.nan, "epochs": 1}),
        Result(fate="infeasible"),
        Result(fate="infeasible", violations=(0.0, 3e7)),
        Result(fate="known"),
        Result(fate="done"),
        Result(fate="done", values=(math.nan,) * width),
        Result(fate="done", values=(math.inf,) * width),
        Result(fate="done", values=(1.0, 2.0, 3.0)),
        *[Result(fate="done", values=(50.0,) * width)] * 8,
    ]
    fates = iter(results * 2)

    told = run(asked, make(asked), 2 * len(results), lambda *_: next(fates))

    assert all(asked.holds(proposal.variant) for proposal, _ in told)


def test_a_stopped_trial_counts_as_worse_than_every_finished_one():
    asked = study("tpe", axes=[{"key": "gate.alpha", "low": 0.0, "high": 1.0}])

    def judge(asked, variant):
        stopped = Result(fate="stopped", metrics={"val_top1": 99.0, "epochs": 1})
        return stopped if variant["gate.alpha"] > 0.3 else Result(fate="done", values=(50.0,))

    late = run(asked, make(asked), 60, judge)[-20:]

    assert sum(proposal.variant["gate.alpha"] <= 0.3 for proposal, _ in late) > 14


@pytest.mark.parametrize("name", NAMES)
def test_results_of_another_space_teach_nothing(name):
    asked = study(name)
    sampler = make(asked)

    sampler.tell(Proposal({"gate.design": "c"}, 0), Result(fate="done", values=(90.0,)))
    sampler.tell(
        Proposal({"gate": "das", "gate.alpha": 7.0}, 0), Result(fate="done", values=(90.0,))
    )

    assert asked.holds(sampler.propose()[0].variant)


@pytest.mark.parametrize("name", NAMES)
def test_one_field_may_have_an_axis_for_each_condition(name):
    axes = [
        {"key": "gate", "values": ["se", "a2"]},
        {"key": "gate.reduction", "values": [8, 16], "when": {"gate": "se"}},
        {"key": "gate.reduction", "values": [2, 4], "when": {"gate": "a2"}},
    ]
    asked = study(name, axes=axes)

    variants = [proposal.variant for proposal, _ in run(asked, make(asked), 30)]

    assert {(variant["gate"], variant["gate.reduction"]) for variant in variants} == {
        *[("se", 8), ("se", 16)],
        *[("a2", 2), ("a2", 4)],
    }


def test_tpe_may_start_without_random_trials():
    asked = study("tpe", startup=0)

    assert asked.holds(make(asked).propose()[0].variant)


def test_tpe_finds_the_better_half_of_an_axis():
    asked = study("tpe", axes=[{"key": "training.lr", "low": 1e-4, "high": 1.0, "log": True}])

    late = run(asked, make(asked), 40)[-15:]

    assert sum(proposal.variant["training.lr"] < 1e-3 for proposal, _ in late) > 10


def test_sixteen_quasi_random_points_meet_every_pair_of_two_axes_of_four_values():
    asked = study("qmc", axes=FINITE)

    told = run(asked, make(asked), 16)

    assert len({identity(proposal.variant) for proposal, _ in told}) == 16


def test_optuna_is_silent_and_keeps_its_own_level_of_talk(capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    asked = study("tpe")

    run(asked, make(asked), 8)

    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


AXES = st.one_of(
    st.lists(st.integers(), min_size=1, unique=True).map(lambda values: {"values": values}),
    st.lists(st.text(), min_size=1, unique=True).map(lambda values: {"values": values}),
    st.tuples(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3), st.booleans()).map(
        lambda n: {"low": n[0], "high": n[0] + n[1], "log": n[2]}
    ),
    st.tuples(st.integers(1, 1000), st.integers(1, 1000), st.booleans()).map(
        lambda n: {"low": n[0], "high": n[0] + n[1], "log": n[2], "integer": True}
    ),
)


@given(AXES, st.floats(0, 1, exclude_max=True))
def test_every_share_of_an_axis_is_one_of_its_values(fields, share):
    axis = Axis(key="training.lr", **fields)
    seen = coordinate("0", axis)

    value = seen.at(share)

    assert axis.holds(value)
    assert seen.value(seen.number(value)) == value


def test_sampled_numbers_are_short_enough_to_be_read_and_stay_in_their_range():
    seen = coordinate("0", Axis(key="training.lr", low=1 / 3, high=2 / 3))

    assert (seen.value(0.5123456789), seen.at(0.5)) == (0.512346, 0.5)
    assert (seen.value(1 / 3), seen.value(2 / 3), seen.at(0)) == (1 / 3, 2 / 3, 1 / 3)


def test_every_value_of_an_axis_has_an_equal_share():
    whole = coordinate("0", Axis(key="training.epochs", low=1, high=8, integer=True, log=True))
    listed = coordinate("0", Axis(key="gate.kernel", values=[3, 5, 7, 9]))

    assert [listed.at(place / 8) for place in range(8)] == [3, 3, 5, 5, 7, 7, 9, 9]
    assert (whole.at(0), whole.at(0.99999)) == (1, 8)
