"""Which trials are looked at: several studies at once, and what is never mixed."""

import pytest

from dasbench.errors import UsageError
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.views.board import make_board
from dasbench.views.selection import select_studies


def member(label, seed, *, dataset="digits", task="classification", study=""):
    key = f"{study}{label}{seed}"
    return Member(
        key=key,
        spec={"seed": seed},
        variant={"gate": label},
        label=label,
        seed=seed,
        dataset=dataset,
        task=task,
    )


@pytest.fixture
def planned(tmp_path):
    path = str(tmp_path / "r.db")
    with open_store(path) as store:
        store.plan(
            "one",
            members=[member("das", 0, study="1"), member("se", 0, study="1")],
            question="One?",
        )
        store.plan("two", members=[member("das", 0, study="2")], question="Two?")
        store.plan(
            "other", members=[member("das", 0, study="3", dataset="cifar10")], question="Other?"
        )
        store.plan("probed", members=[member("das", 0, study="4", task="probe")], question="Probe?")
        store.plan(
            "loss",
            members=[member("x", 0)],
            document={"objectives": [{"metric": "loss", "direction": "min"}]},
        )
        store.plan(
            "cheap", members=[member("y", 0)], document={"objectives": ["macs min", "top5 max"]}
        )
        store.plan("empty", members=[])
    return path


def test_the_same_variant_of_two_studies_stays_two(planned):
    chosen = select_studies(planned, ["one", "two", "one"])

    assert (chosen.name, chosen.question) == ("one+two", "One? / Two?")
    assert sorted(line.entry.label for line in make_board(chosen).lines) == [
        "one: das",
        "one: se",
        "two: das",
    ]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (
            ["one", "other"],
            "different data.*cifar10; digits; look at one.*`where` .dataset = .cifar10..",
        ),
        (["one", "probed"], "different tasks.*classification; probe"),
        (["one", "loss"], "different metrics.*one by top1 max; loss by loss min"),
        (["one", "tow"], "unknown study 'tow'. Did you mean 'two'"),
        ([], "name a study"),
    ],
)
def test_what_cannot_be_compared_is_never_mixed(planned, names, complaint):
    with pytest.raises(UsageError, match=complaint):
        select_studies(planned, names)


def test_a_study_is_ranked_by_its_first_measured_objective(planned):
    assert (
        select_studies(planned, ["loss"]).metric,
        select_studies(planned, ["loss"]).maximise,
    ) == ("loss", False)
    assert select_studies(planned, ["cheap"]).metric == "top5"


def test_an_empty_study_is_an_empty_selection(planned):
    assert list(select_studies(planned, ["empty"], where="top1 > 3").rows) == []


def test_a_filter_on_a_metric_that_nothing_has_yet_shows_nothing(planned):
    assert list(select_studies(planned, ["one"], where="top1 > 60").rows) == []
