"""The ablation section says how its results came about, and claims nothing that no trial recorded."""

import re
from pathlib import Path

from fabricated_reports import BAD, CLOSE, ENVIRONMENT, GOOD, table, write
from fabricated_studies import fabricate_study


def test_the_methods_paragraph_says_how_the_results_came_about(db, section):
    write(
        db,
        "gates",
        {"none": BAD, "se": GOOD},
        epochs=5,
        lr=0.05,
        schedule="step",
        milestones=[2, 4],
        select="best",
    )

    text = section("gates").methods

    for said in ["resnet18 (width 16)", "digits (image_size 32)", "f" * 16, "5 epochs of batches of 64",
                 "SGD (learning rate 0.05, momentum 0.9, weight decay 0.0001)", "after epochs 2 and 4", "seeds 0 to 3",
                 "best score on the validation part", "touches the test part once", "CUDA 12.4",
                 "NVIDIA X", "dasbench 0.1.0 (at git commit 0a1b2c3 with uncommitted changes)", "8 done", "4.0 hours",
                 "Holm"]:  # fmt: skip
        assert said in text
    assert "secret-host" not in text


def test_what_no_trial_recorded_is_not_claimed(db, section):
    fabricate_study(Path(db), "bare", [({"gate": "se"}, 70, 10**6), ({"gate": "none"}, 60, 10**6)])

    text = section("bare").methods

    assert "6 trials recorded no environment" in text
    assert not re.search("epoch|backbone|validation|commit|fingerprint", text, re.IGNORECASE)


def test_a_commit_of_the_folder_that_one_stood_in_is_not_taken_for_that_of_dasbench(db, section):
    old = {"dasbench": "0.1.0", "git_commit": "0a1b2c3", "git_dirty": False}
    write(db, "old", {"none": BAD}, environments=(old,))

    text = section("old").methods

    assert "Trials ran with dasbench 0.1.0, started in a folder at git commit 0a1b2c3" in text


def test_components_of_ones_own_are_told_with_their_commits(db, section):
    source = "Doe 2024, A gate, arXiv 2401.00001"
    own = {"gate": {"name": "freq", "source": source, "git_commit": "9f8e", "git_dirty": True}}
    write(db, "own", {"freq": GOOD}, environments=({**ENVIRONMENT, "components": own},))

    found = section("own")

    assert "gate freq (4 trials) at git commit 9f8e with uncommitted changes" in found.methods
    assert "gate freq" in [citation.what for citation in found.citations]
    row = next(row for row in table(found, "components") if row["kind"] == "gate")
    assert (row["own"], row["git_commit"], row["git_dirty"]) == (True, "9f8e", True)


def test_a_component_without_a_known_commit_is_told_so(db, section):
    own = {"gate": {"name": "freq", "source": "mine", "git_commit": None, "git_dirty": None}}
    write(db, "own", {"freq": GOOD}, environments=({**ENVIRONMENT, "components": own},))

    assert "gate freq (4 trials) at no known git commit." in section("own").methods


def test_gates_are_described_beside_a_baseline_without_one(db, section):
    das = {"gate": {"name": "das", "alpha": 0.2}, "placement": {"after": "stage", "stages": [3, 4]}}
    write(db, "gates", {"none": BAD, "das": GOOD}, fields={"das": das})

    text = section("gates").methods

    assert "The gate is das (alpha 0.2). It stands at the end of stages 3 and 4 (2 sites)." in text
    assert "Beside them stands the backbone alone, with the gate none." in text


def test_each_place_is_told_with_the_gates_that_stand_there(db, section):
    fields = {
        "se": {
            "gate": {"name": "se", "reduction": 16},
            "placement": {"after": "before_add", "blocks": "all"},
        },
        "cbam": {"placement": {"after": "before_add", "blocks": "all"}},
        "bam": {"placement": {"after": "stage", "stages": [1, 2, 3]}},
    }
    write(db, "gates", {"se": GOOD, "cbam": CLOSE, "bam": BAD}, fields=fields)

    text = section("gates").methods

    assert "The gates are se (reduction 16), cbam and bam." in text
    assert (
        "in every block of each of the 4 stages (se and cbam) and at the end of stages 1 to 3 (3 sites) (bam)"
        in text
    )


def test_a_gate_that_moves_is_told_at_every_place(db, section):
    fields = {
        "a": {"gate": "das", "placement": {"after": "stage"}},
        "b": {"gate": "das", "placement": {"sites": ["layer4"]}},
    }
    write(db, "moving", {"a": GOOD, "b": CLOSE}, fields=fields)

    text = section("moving").methods

    assert (
        "It stands at the end of each of the 4 stages (4 sites) and at layer4 (1 site), by variant."
        in text
    )


def test_a_study_without_gates_says_so(db, section):
    write(db, "plain", {"none": GOOD})

    text = section("plain").methods

    assert "The networks have no attention gate." in text
    assert "stands" not in text


def test_every_environment_is_listed_with_its_trials(db, section):
    write(db, "two", {"none": BAD}, environments=(ENVIRONMENT, {"torch": "2.7.1", "device": "cpu"}))

    text = section("two").methods

    assert "2 environments" in text
    assert text.count("2 trials: ") == 2
    assert "torch 2.7.1 on cpu" in text
    assert "2.7.1" in str(table(section("two"), "environments"))
