"""A result that is replaced on purpose stays in the history of its attempts; what is forgotten is gone."""

import pytest
from fabricated_results import TOP1, curve, finish, member

from dasbench.errors import LockedError, UsageError
from dasbench.results.store import open_store


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "results.db") as opened:
        opened.plan("first", members=[member("aa0"), member("aa1"), member("bb0")])
        opened.plan("second", members=[member("aa0")])
        finish(opened, "aa0", "first", epochs=curve(1, 2, 3))
        yield opened


def test_a_result_that_is_set_aside_is_whole_in_its_attempt(store):
    before = store.trial("aa0").outcome

    assert store.set_aside(["aa0", "aa1"]) == ["aa0"]

    trial = store.trial("aa0")
    assert (trial.state.state, trial.outcome, trial.epochs) == ("pending", None, ())
    [attempt] = trial.attempts
    assert attempt.outcome.metrics["top1"] == TOP1["aa0"]
    assert attempt.outcome.cost == before.cost
    assert attempt.outcome.environment == before.environment


def test_the_new_result_counts_in_every_study(store):
    store.set_aside(["aa0"])
    finish(store, "aa0", "second", metrics={"top1": 12.0}, epochs=curve(1))

    assert [
        row.metrics["top1"]
        for study in ("first", "second")
        for row in store.rows(study)
        if row.key == "aa0"
    ] == [
        12.0,
        12.0,
    ]
    assert [epoch.number for epoch in store.epochs("aa0")] == [1]
    assert [record["epoch"] for record in store.view("epochs", "second")] == [1]
    assert [row.repeats for row in store.rows("first")] == [1, 0, 0]


def test_every_repeat_is_kept(store):
    for score in (1.0, 2.0):
        store.set_aside(["aa0"])
        finish(store, "aa0", "first", metrics={"top1": score})

    replaced = [
        attempt.outcome and attempt.outcome.metrics["top1"]
        for attempt in store.trial("aa0").attempts
    ]
    assert replaced == [TOP1["aa0"], 1.0, None]
    assert store.rows("second")[0].repeats == 2


def test_a_running_trial_is_neither_set_aside_nor_forgotten(store):
    store.claim("aa1", "first")

    for act in (store.set_aside, store.forget_trials):
        with pytest.raises(LockedError, match="trial aa1 is running"):
            act(["aa1"])
    with pytest.raises(LockedError):
        store.forget_study("first")


def test_a_forgotten_study_leaves_the_trials_of_others(store):
    assert store.forget_study("first") == 2

    assert [record.name for record in store.studies()] == ["second"]
    assert [row.key for row in store.rows("second")] == ["aa0"]
    with pytest.raises(UsageError, match="no trial's key begins with 'bb0'"):
        store.trial("bb0")


def test_a_forgotten_trial_leaves_every_study(store):
    assert store.forget_trials(["aa0"]) == 1

    assert [row.key for row in store.rows()] == ["aa1", "bb0"]
    assert store.epochs("aa0") == ()


def test_a_study_that_is_not_there_cannot_be_forgotten(store):
    with pytest.raises(UsageError, match=r"unknown study 'first_'\. Did you mean 'first'"):
        store.forget_study("first_")
