"""After looks at its scores, whatever is said of a study agrees with what the looks found."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from dasbench.analysis.looks import take_look
from dasbench.cli import cli
from dasbench.records import Outcome
from dasbench.render.comparison import answer_verdict, answer_word, comparison_record
from dasbench.render.comparison_notes import answer_notes
from dasbench.results.answers import LookRecord
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.views.comparisons.comparison import compare, compare_family
from dasbench.views.comparisons.question import Question, looks_baseline
from dasbench.views.variants import VariantScores

PLAN = (3, 6, 9)


def entry(label, by_seed):
    return VariantScores(
        variant={"gate": label}, label=label, planned=len(by_seed), failed=0, scores={"top1": by_seed}, cost=None,
        seconds=0.0, peak_memory=0,
    )  # fmt: skip


def replicate(draw, gains, *, min_effect):
    """Scores and looks of a study that trains until resolved, the first variant being its baseline."""
    scores: dict[str, dict[int, float]] = {name: {} for name in gains}
    settled: dict[str, str] = {}
    looks, wanted = [], list(gains)
    for number, until in enumerate(PLAN, start=1):
        for name in wanted:
            scores[name] |= {
                s: gains[name] + draw.normal() for s in range(len(scores[name]), until)
            }
        look = take_look(
            scores, "base", looks=PLAN, number=number, min_effect=min_effect, settled=settled
        )
        looks.append(LookRecord(plan=PLAN, number=number, level=look.level, states=look.states))
        settled, wanted = dict(look.states), ["base", *look.open]
        if look.next_seeds is None:
            break
    return scores, looks


def question(scores, look, *, min_effect, **fields):
    entries = [entry(name, own) for name, own in scores.items()]
    asked = {
        "metric": "top1",
        "unit": "pp",
        "direction": "max",
        "min_effect": min_effect,
        "look": look,
    }
    asked |= {"look_min_effect": min_effect, "look_baseline": looks_baseline(entries, look)}
    return Question(entries=entries, **{**asked, **fields})


@pytest.mark.parametrize("min_effect", [None, 1.5])
def test_a_family_says_of_each_variant_what_the_looks_said(min_effect):
    draw = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        gains = {"base": 0.0, **{f"v{n}": draw.choice([0.0, 1.0, 2.0, 4.0]) for n in range(4)}}
        scores, looks = replicate(draw, gains, min_effect=min_effect)

        answers = compare_family(question(scores, looks[-1], min_effect=min_effect), "base")

        for answer in answers:
            state = looks[-1].states[answer.a]
            seen.add(state)
            assert answer_word(answer).partition(",")[0] == state
            assert answer.comparison.resolved == (state == "resolved")
            assert comparison_record(answer)["look_state"] == state
            pair = answer_verdict(compare(answer.question, answer.a, "base"))
            assert ("not resolved" in pair) == (state in ("open", "out of reach"))
    assert {"resolved", "open"} <= seen


OPEN = LookRecord(plan=(3, 6), number=1, level=0.02, states={"a": "open", "b": "resolved"})
SCORES = {
    "base": {0: 1.0, 1: 1.1, 2: 1.2},
    "a": {0: 5.0, 1: 5.11, 2: 5.22},
    "b": {0: 9.0, 1: 9.1, 2: 9.25},
}


def test_a_pair_is_judged_as_the_look_judged_it_and_says_so():
    answer = compare(question(SCORES, OPEN, min_effect=0.5), "a", "base")

    assert "not resolved" in answer_verdict(answer)
    assert "Judged at 0.02, the level of look 1." in answer_notes(answer)
    assert any("verdict is that of the last look" in note for note in answer_notes(answer))
    assert "The study names 0.5 pp as the smallest difference that matters." in answer_notes(answer)


def test_two_variants_that_the_looks_did_not_compare_are_tested_at_their_level():
    answer = compare(question(SCORES, OPEN, min_effect=None), "a", "b")

    assert (answer.look_state, answer.comparison.alpha, answer.comparison.resolved) == (
        None,
        0.02,
        True,
    )


def test_another_effect_that_matters_is_another_question():
    answer = compare(question(SCORES, OPEN, min_effect=0.7, look_min_effect=0.5), "a", "base")

    assert (answer.look_state, answer.comparison.resolved) == (None, True)
    assert not any("The study names" in note for note in answer_notes(answer))


def test_a_variant_that_came_later_leaves_the_baseline_of_the_looks_unclear():
    asked = question({**SCORES, "new": {0: 1.0, 1: 1.0, 2: 1.5}}, OPEN, min_effect=None)

    assert asked.look_baseline is None
    assert compare(asked, "a", "base").look_state is None


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """A study that looked once with 0.5 as the difference that matters, and left `a` open."""
    path = str(tmp_path_factory.mktemp("looks") / "r.db")
    seeds = {"looks": [3, 6], "min_effect": 0.5, "values": list(range(6))}
    members = [
        Member(key=f"{name}{seed}", spec={"k": f"{name}{seed}"}, variant={"gate": name}, label=name, seed=seed)
        for name, own in SCORES.items() for seed in own
    ]  # fmt: skip
    with open_store(path) as store:
        store.plan(
            "s",
            members=members,
            question="Which?",
            document={"objectives": ["top1 max"], "seeds": seeds},
        )
        for member in members:
            metrics = {"top1": SCORES[member.label][member.seed], "loss": 1.0 + member.seed}
            store.add(
                Outcome(key=member.key, status="done", metrics=metrics),
                store.claim(member.key, "s"),
            )
        store.add_look("s", OPEN)
    return path


def dasbench(db, *arguments):
    done = CliRunner().invoke(cli, [*arguments, "--db", db], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_compare_takes_the_effect_that_matters_to_the_study(db):
    own = json.loads(dasbench(db, "compare", "a", "base", "s", "--json"))
    asked = json.loads(dasbench(db, "compare", "a", "base", "s", "--min-effect", "0.7", "--json"))
    other = json.loads(dasbench(db, "compare", "a", "base", "s", "--metric", "loss", "--json"))

    assert [found["min_effect"] for found in (own, asked, other)] == [0.5, 0.7, None]
    assert [found["look_state"] for found in (own, asked, other)] == ["open", None, None]


def test_the_leaderboard_names_the_states_and_the_effect(db):
    text = " ".join(dasbench(db, "leaderboard", "s").split())

    assert "a: open; b: resolved" in text
    assert "smallest difference that matters is 0.5 pp" in text


def test_some_of_the_seeds_are_not_what_the_look_saw(db):
    found = json.loads(dasbench(db, "compare", "b", "base", "s", "--where", "seed < 2", "--json"))

    assert (found["look_state"], found["n"]) == (None, 2)
