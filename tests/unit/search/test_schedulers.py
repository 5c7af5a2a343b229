"""Which trials a scheduler gives up, whom it must never touch, and how it hears of epochs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dasbench
from dasbench.catalog import SCHEDULERS
from dasbench.code.lock import lock_digest
from dasbench.search.executors.ray_answers import AnswerBook
from dasbench.search.executors.ray_worker import DrivingProcess
from dasbench.search.schedulers.hyperband import Hyperband
from dasbench.spec.trial import Trial

ray_pruning = pytest.importorskip("dasbench.search.executors.ray_pruning")
BASE = Trial(backbone="resnet18", dataset="digits", training={"epochs": 9})


class RayTrial:
    """As much of Tune's trial as a scheduler sees."""

    PENDING = "PENDING"

    def __init__(self, seed: int, *, epochs: int = 9):
        spec = BASE.with_values({"seed": seed, "training.epochs": epochs})
        self.trial_id = f"t{seed}"
        self.config = {"trial": spec.model_dump_json(), "key": f"key{seed}"}
        self.status = "PENDING"


class Inner:
    """A scheduler that gives up whom it is told to, and writes down what it hears."""

    def __init__(self, hopeless=()):
        self.hopeless = hopeless
        self.heard = []

    def on_trial_add(self, controller, trial):
        self.heard.append(("add", trial.trial_id))

    def on_trial_result(self, controller, trial, result):
        self.heard.append((trial.trial_id, result["training_iteration"]))
        return "STOP" if trial.trial_id in self.hopeless else "CONTINUE"

    def on_trial_complete(self, controller, trial, result):
        self.heard.append(("complete", trial.trial_id))

    def on_trial_remove(self, controller, trial):
        self.heard.append(("remove", trial.trial_id))


def make(name: str, *, max_epochs: int = 9, **params):
    return (
        SCHEDULERS[name].make(**params).make(metric="val_top1", mode="max", max_epochs=max_epochs)
    )


def pruning(inner, prunable=None, metric="val_top1"):
    """A scheduler whose `told` lists what trials were answered."""
    told = []
    scheduler = ray_pruning.Pruning(
        inner, metric=metric, prunable=prunable, answer=lambda *answer: told.append(answer)
    )
    scheduler.told = told
    return scheduler


def report(scheduler, trial: RayTrial, number: int, value: str) -> str:
    text = f'{{"number": {number}, "metrics": {{"val_top1": {value}}}}}'
    return scheduler.on_trial_result(None, trial, {"epoch": text, "training_iteration": number})


def race(scheduler, values: dict[int, float], *, epochs: int = 9) -> dict[int, int]:
    """Trials with constant values, one after another; returns after how many epochs each was told to stop, or ended."""
    lengths = {}
    for seed, value in values.items():
        trial = RayTrial(seed, epochs=epochs)
        scheduler.on_trial_add(None, trial)
        for number in range(1, epochs + 1):
            assert report(scheduler, trial, number, str(value)) == "CONTINUE"
            lengths[seed] = number
            if (f"key{seed}", "stop") in scheduler.told:
                break
        scheduler.on_trial_complete(None, trial, {})
    return lengths


def test_these_schedulers_are_known():
    assert set(SCHEDULERS.names()) >= {"none", "asha", "hyperband", "median"}


def test_none_stops_nobody():
    assert race(pruning(make("none")), {seed: -float(seed) for seed in range(8)}) == dict.fromkeys(
        range(8), 9
    )


def test_asha_stops_whoever_is_worse_than_those_before_at_a_rung():
    lengths = race(pruning(make("asha", reduction_factor=3)), {0: 50, 1: 90, 2: 40, 3: 95})

    assert lengths == {0: 9, 1: 9, 2: 1, 3: 9}


def test_asha_lets_every_trial_have_its_grace():
    lengths = race(pruning(make("asha", grace_epochs=4)), {0: 90, 1: 10})

    assert lengths == {0: 9, 1: 4}


def test_grace_beyond_the_last_epoch_stops_nobody():
    assert race(pruning(make("asha", grace_epochs=50)), {0: 90, 1: 10}) == {0: 9, 1: 9}


def test_a_smaller_value_is_better_where_the_mode_says_so():
    inner = SCHEDULERS["asha"].make().make(metric="val_top1", mode="min", max_epochs=9)

    assert race(pruning(inner), {0: 0.5, 1: 2.0}) == {0: 9, 1: 1}


def test_the_median_rule_waits_for_its_grace_and_for_enough_others():
    lengths = race(
        pruning(make("median", grace_epochs=2, min_trials=2)), {0: 50, 1: 60, 2: 10, 3: 70}
    )

    assert lengths == {0: 9, 1: 9, 2: 2, 3: 9}


def test_hyperband_stops_some_and_gives_each_the_grace_of_its_bracket():
    lengths = race(
        pruning(make("hyperband", reduction_factor=3)), {seed: 100.0 - seed for seed in range(40)}
    )

    assert set(lengths.values()) <= {1, 3, 9}
    assert list(lengths.values()).count(9) < 40


@given(grace=st.integers(1, 50), factor=st.floats(1.5, 10), epochs=st.integers(1, 1000))
def test_hyperband_has_as_many_brackets_as_there_are_rungs(grace, factor, epochs):
    brackets = Hyperband(grace_epochs=grace, reduction_factor=factor).brackets(max_epochs=epochs)

    assert brackets == 1 or grace * factor ** (brackets - 1) <= epochs * (1 + 1e-9)
    assert grace * factor**brackets > epochs * (1 - 1e-9)


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_a_trial_of_one_epoch_is_never_stopped(name):
    lengths = race(
        pruning(make(name, max_epochs=1)), {seed: -float(seed) for seed in range(8)}, epochs=1
    )

    assert set(lengths.values()) == {1}


def test_a_trial_that_must_run_is_neither_stopped_nor_compared_with():
    inner = Inner(hopeless={"t0", "t1"})
    scheduler = pruning(inner, prunable=lambda trial: trial.seed != 0)

    lengths = race(scheduler, {0: 1.0, 1: 1.0})

    assert lengths == {0: 9, 1: 1}
    assert inner.heard == [("add", "t1"), ("t1", 1), ("complete", "t1")]


def test_after_its_last_epoch_a_trial_is_done_whatever_the_scheduler_says():
    trial = RayTrial(1, epochs=2)
    scheduler = pruning(make("asha"))
    race(scheduler, {0: 99.0}, epochs=2)
    scheduler.on_trial_add(None, trial)

    report(scheduler, trial, 2, "1.0")

    assert scheduler.told == []


def test_an_epoch_that_is_reported_again_after_a_restart_is_heard_once():
    inner, trial = Inner(), RayTrial(0)
    scheduler = pruning(inner)
    scheduler.on_trial_add(None, trial)
    for number in (1, 2, 3):
        report(scheduler, trial, number, "5.0")
    scheduler.on_trial_error(None, trial)
    scheduler.on_trial_add(None, trial)
    for number in (2, 3, 4):
        report(scheduler, trial, number, "5.0")

    assert inner.heard == [("add", "t0"), ("t0", 1), ("t0", 2), ("t0", 3), ("t0", 4)]


def test_a_trial_that_was_given_up_is_told_again_when_its_worker_died_meanwhile():
    inner, trial = Inner(hopeless={"t0"}), RayTrial(0)
    scheduler = pruning(inner)
    scheduler.on_trial_add(None, trial)
    report(scheduler, trial, 1, "5.0")
    scheduler.on_trial_add(None, trial)
    report(scheduler, trial, 2, "5.0")

    assert scheduler.told == [("key0", "stop")] * 2
    assert inner.heard == [("add", "t0"), ("t0", 1)]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_values_that_are_not_finite_are_not_compared(value):
    inner, trial = Inner(hopeless={"t0"}), RayTrial(0)
    scheduler = pruning(inner)
    scheduler.on_trial_add(None, trial)

    report(scheduler, trial, 1, value)

    assert scheduler.told == []
    assert inner.heard == [("add", "t0")]


def test_a_curve_without_the_metric_stops_nobody():
    trial = RayTrial(0)
    scheduler = pruning(Inner(hopeless={"t0"}), metric="val_mAP")
    scheduler.on_trial_add(None, trial)

    report(scheduler, trial, 1, "5.0")

    assert scheduler.told == []


def test_a_trial_that_ends_without_an_epoch_is_forgotten_by_the_inner_scheduler():
    inner, trial = Inner(), RayTrial(0)
    scheduler = pruning(inner)
    scheduler.on_trial_add(None, trial)

    scheduler.on_trial_complete(None, trial, {})

    assert inner.heard == [("add", "t0"), ("remove", "t0")]


def test_trials_run_in_the_order_in_which_they_came():
    scheduler, trials = pruning(None), [RayTrial(seed) for seed in range(3)]
    for trial in trials:
        scheduler.on_trial_add(None, trial)
    trials[0].status = "RUNNING"

    assert scheduler.choose_trial_to_run(None) is trials[1]
    trials[1].status = trials[2].status = "TERMINATED"
    assert scheduler.choose_trial_to_run(None) is None


def test_a_worker_with_another_version_of_dasbench_is_refused():
    stranger = DrivingProcess(node="n", pid=1, version="0.0.0", lock=lock_digest())

    refusal = stranger.refusal()

    assert "the driver dasbench 0.0.0" in refusal
    assert refusal.endswith("install the same everywhere")


def test_a_worker_whose_dasbench_was_released_with_other_code_is_refused():
    stranger = DrivingProcess(node="n", pid=1, version=dasbench.__version__, lock="0" * 12)

    assert "the driver dasbench" in stranger.refusal()
    assert replace(stranger, lock=lock_digest()).refusal() == ""


def test_an_answer_waits_for_its_trial_alone_and_is_given_once():
    book = AnswerBook()

    book.put("a", "stop")
    book.put("b", "interrupt")

    assert [book.take(key) for key in "abca"] == ["stop", "interrupt", "continue", "continue"]
