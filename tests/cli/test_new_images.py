"""`dasbench compare --new-images` as a user types it, and what is said of the test set."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from drawn_hits import HARDER

from dasbench.cli import cli, run_command
from dasbench.records import Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store

DOCS = Path(__file__).parents[2] / "docs" / "comparisons.md"
PAIR = ("compare", "gate=a", "gate=b", "photos")
NOTE = "On this test set: one of its 269 images is 0.37 pp"
SENTENCE = (
    "On new images of the same kind: not resolved; gate=a is 1.67 ± 2.18 pp above gate=b (95% CI), "
    "p = 0.13, 10 paired seeds x 269 images; 71% of the variance is between images: "
    "more seeds alone leave ± 1.81 pp."
)


def write_study(db, name, hits, *, dropped=(), scores=None, task="classification"):
    """Write a study whose trials keep their hits.

    Args:
        db: the database's file.
        name: the study's name.
        hits: by the values of gate and norm, a row for each seed.
        dropped: (gate, norm, seed) of trials that keep none.
        scores: top1 of trials by (gate, norm, seed), where it is not that of the hits.
        task: what the trials did.
    """
    outcomes, members = [], []
    for (gate, norm), rows in hits.items():
        variant = {"gate": gate} | ({"norm": norm} if norm else {})
        for seed, row in enumerate(rows):
            key = f"{name}{gate}{norm}{seed}".encode().hex()
            label = " ".join(f"{field}={value}" for field, value in variant.items())
            members.append(
                Member(
                    key=key,
                    spec={},
                    variant=variant,
                    label=label,
                    seed=seed,
                    dataset="d",
                    task=task,
                )
            )
            top1 = (scores or {}).get((gate, norm, seed), 100 * row.mean())
            bits = np.packbits(row).tobytes().hex()
            if (gate, norm, seed) in dropped:
                bits = ""
            metrics = {"top1": top1, "loss": 2 - top1 / 100}
            outcomes.append(Outcome(key=key, status="done", metrics=metrics, correct=bits))
    with open_store(db) as store:
        store.plan(name, members=members, question="Which?")
        for outcome in outcomes:
            store.add(outcome, store.claim(outcome.key, name))


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Studies of two gates with hits, of more and of groups, and of trials that keep none or wrong ones."""
    path = str(tmp_path_factory.mktemp("db") / "results.db")
    a, b = HARDER.draw(np.random.default_rng(43), 10, 269)
    better = np.maximum(a, np.arange(269) % 9 == 0)
    both = {("a", ""): a, ("b", ""): b}
    write_study(path, "photos", both)
    write_study(path, "family", {**both, ("c", ""): better, ("d", ""): b[:1]})
    write_study(path, "groups", dict.fromkeys(product("ab", ("bn", "ln")), a))
    write_study(path, "older", both, dropped=[("b", "", 3)])
    write_study(path, "wrong", both, scores={("b", "", 3): 12.5})
    write_study(path, "formula", both, dropped=product("ab", [""], range(10)), task="probe")
    return path


def dasbench(db, *arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments, "--db", db], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def as_line(text: str) -> str:
    return " ".join(text.split())


def test_a_verdict_says_that_it_is_of_this_test_set(db):
    text = as_line(dasbench(db, *PAIR))

    assert "gate=a" in text
    assert "resolved" in text
    assert f"{NOTE}; --new-images asks about others." in text


def test_what_holds_on_this_test_set_may_not_hold_on_new_images(db):
    record = json.loads(dasbench(db, *PAIR, "--json"))
    text = as_line(dasbench(db, *PAIR, "--new-images"))

    assert record["resolved"]
    assert "images" not in record
    assert f"{NOTE}. " in text
    assert text.endswith(SENTENCE)


def test_the_page_shows_what_is_said():
    assert f"{NOTE}. {SENTENCE}" in as_line(DOCS.read_text())


def test_the_record_has_every_number_of_the_sentence(db):
    record = json.loads(dasbench(db, *PAIR, "--new-images", "--json"))

    images = record["images"]
    assert {f"{NOTE}.", SENTENCE} <= set(record["notes"])
    assert (images["num_seeds"], images["num_images"]) == (10, 269)
    assert images["difference"] == pytest.approx(record["difference"])
    assert images["seed_variance"] == pytest.approx(record["sd"] ** 2 / 10)
    assert images["half_width"] > record["half_width"]
    assert (images["p_holm"], images["resolved"], images["equivalent"]) == (None, False, False)
    assert sorted(images) == [
        "alpha", "df", "difference", "equivalent", "half_width", "image_share", "image_variance",
        "least_half_width", "num_images", "num_seeds", "p", "p_holm", "resolved", "seed_variance",
    ]  # fmt: skip


def test_the_order_of_the_question_does_not_matter(db):
    text = as_line(dasbench(db, "compare", "gate=b", "gate=a", "photos", "--new-images"))

    assert text.endswith(SENTENCE)


def test_a_small_difference_is_equivalent_on_new_images(db):
    text = as_line(dasbench(db, *PAIR, "--new-images", "--min-effect", "4.5"))

    assert "On new images of the same kind: equivalent within ±4.5 pp; gate=a is 1.67" in text
    assert text.endswith("p = 0.13, 10 paired seeds x 269 images.")


def test_a_seed_alone_says_nothing_of_new_images(db):
    text = as_line(dasbench(db, "compare", "gate=a", "gate=d", "family", "--new-images"))

    assert text.endswith(
        "On new images of the same kind: not resolved; "
        "that takes two seeds and images, not 1 paired seed x 269 images."
    )


def test_a_family_has_columns_and_is_corrected(db):
    family = ("compare", "--baseline", "gate=a", "family", "--new-images")
    records = {record["a"]: record for record in json.loads(dasbench(db, *family, "--json"))}
    table = dasbench(db, *family, "--format", "md")

    c, b, d = (records[f"gate={gate}"] for gate in "cbd")
    assert c["images"]["p_holm"] == pytest.approx(2 * c["images"]["p"])
    assert (c["images"]["resolved"], b["images"]["resolved"]) == (True, False)
    assert (d["images"]["p_holm"], d["images"]["resolved"]) == (None, False)
    assert "On new images of the same kind: resolved" in c["notes"][-1]
    assert "(Holm: " in c["notes"][-1]
    (line,) = (line for line in table.splitlines() if line.startswith("| **gate=b"))
    assert f"| ± {b['images']['half_width']:.2f} | not resolved |" in line
    assert "New images: the same differences on all images of the kind" in as_line(table)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("a", "b", "older"), "1 of 20 trials have not kept it (6f6c6465726233)"),
        (("a", "b", "older"), "--again"),
        (("a", "b", "wrong"), "do not give its top1 of 12.5"),
        (("a", "b", "formula"), "trials of classification keep that, these are of probe"),
        (("gate=a", "gate=b", "groups"), "compares two variants, and 'gate=a' or 'gate=b' is"),
        (("a", "b", "photos", "--metric", "loss"), "keep top1 alone, not loss"),
        (("a", "b", "--csv", "scores.csv"), "--csv FILE has nothing but scores"),
    ],
)
def test_what_has_no_images_is_refused_and_says_what_would_be_right(
    db, capsys, arguments, complaint
):
    assert run_command(["compare", *arguments, "--new-images", "--db", db]) == 2
    assert complaint in capsys.readouterr().err


def test_nothing_is_said_of_images_where_their_number_is_unknown(db):
    for arguments in (("formula",), ("photos", "--metric", "loss")):
        assert "test set" not in dasbench(db, "compare", "gate=a", "gate=b", *arguments)


def test_groups_are_not_sent_to_what_refuses_them(db):
    text = as_line(dasbench(db, "compare", "gate=a", "gate=b", "groups"))

    assert f"{NOTE}." in text
