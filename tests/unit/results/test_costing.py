"""What a network costs is kept once for its code and way of counting; another number is an error."""

from dataclasses import replace

import pytest

from dasbench.errors import StoreError
from dasbench.records import Cost, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.spec.cost_key import CostKey, cost_key
from dasbench.spec.trial import Trial

COST = Cost(
    params_full=1200, macs_full=34_000, params_paper=1100, macs_paper=33_000, input_size=(1, 8, 8)
)
OTHER = replace(COST, macs_full=34_001)
NETWORK = CostKey("a" * 12, "")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "results.db") as opened:
        opened.plan("s", members=[Member(key="aa01", spec={}, **NETWORK._asdict())])
        yield opened


def train(store, cost):
    attempt = store.claim("aa01", "s")
    store.add(Outcome(key="aa01", status="done", metrics={"top1": 50.0}, cost=cost), attempt)
    return store.trial("aa01").outcome


def test_the_same_cost_may_be_kept_again(store):
    store.keep_costs({NETWORK: COST}, 1)

    assert store.keep_costs({NETWORK: COST}, 1) == []
    assert store.known_costs() == {NETWORK: {1: (1200, 34_000, 1100, 33_000)}}


def test_another_number_under_the_same_code_and_revision_is_refused(store):
    store.keep_costs({NETWORK: COST}, 1)

    with pytest.raises(StoreError, match=r"macs_full 34,000 before and 34,001 now"):
        store.keep_costs({NETWORK: OTHER}, 1)


def test_other_code_may_cost_something_else(store):
    store.keep_costs({NETWORK: COST}, 1)

    assert store.keep_costs({CostKey(NETWORK.network, "b" * 12): OTHER}, 1) == []


def test_a_new_revision_gives_trials_that_are_done_their_new_counts(store):
    store.keep_costs({NETWORK: COST}, 1)
    train(store, COST)

    assert store.keep_costs({NETWORK: OTHER}, 2) == [NETWORK]
    [row] = store.rows("s")
    assert row.cost.macs_full == 34_001
    assert row.metrics == {"top1": 50.0}


def test_an_older_revision_changes_nothing(store):
    store.keep_costs({NETWORK: COST}, 2)
    train(store, COST)

    assert store.keep_costs({NETWORK: OTHER}, 1) == []
    assert store.rows("s")[0].cost.macs_full == 34_000


def test_a_trial_that_was_counted_otherwise_has_failed_and_keeps_its_scores(store):
    store.keep_costs({NETWORK: COST}, 1)

    outcome = train(store, OTHER)

    assert (outcome.status, outcome.reason) == ("failed", "error")
    assert "34001" in outcome.error
    assert outcome.metrics == {"top1": 50.0}


def test_a_network_is_the_same_for_every_seed_and_training():
    trial = Trial(backbone="resnet18", gate="das", dataset="digits")
    same = trial.with_values({"seed": 3, "training.lr": 0.01})
    edited = trial.model_copy(update={"code": {"gate": "3f9a2c81d0be"}})
    retrained = trial.model_copy(update={"code": {"training": "3f9a2c81d0be"}})

    assert cost_key(same) == cost_key(retrained) == cost_key(trial)
    assert cost_key(trial.with_values({"gate.alpha": 0.1})) != cost_key(trial)
    assert cost_key(edited).network == cost_key(trial).network
    assert cost_key(edited).network_code != cost_key(trial).network_code == ""
