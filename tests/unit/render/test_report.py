"""The ablation section says what the results carry, and no more."""

import base64
import csv
import json
import os
import random
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fabricated_results import HOSTILE, fill
from fabricated_studies import fabricate_study

from dasbench.errors import StoreError, UsageError
from dasbench.records import Cost, Outcome
from dasbench.render.pages import page as html_page
from dasbench.render.section import report as report_module
from dasbench.render.section.report import report
from dasbench.render.section.section import make_section
from dasbench.render.section.tex import section_tex
from dasbench.render.text.tex import tex
from dasbench.results.answers import LookRecord
from dasbench.results.store import Member, open_store
from dasbench.spec.trial import Trial
from dasbench.views.evidence import gather_evidence

ENVIRONMENT = {"dasbench": "0.1.0", "python": "3.11.2", "torch": "2.6.0", "cuda": "12.4", "device": "cuda",
               "device_name": "NVIDIA X", "threads": 2, "git_commit": "0a1b2c3", "git_dirty": True,
               "git_of": "dasbench", "components": {}, "host": "secret-host"}  # fmt: skip
COST = Cost(
    params_full=10**6,
    macs_full=2 * 10**6,
    params_paper=9 * 10**5,
    macs_paper=10**6,
    input_size=(3, 32, 32),
)
NAMES = ["a_b", "50%", "A&B", "$x$", "back\\slash", "{", "[3pt]", "*", "~^#", "é ø 中 🙂 β ﬁ",
         "--all", "<b>", '"q"', "`", "?`"]  # fmt: skip


def write(
    db,
    name,
    scores,
    *,
    document=None,
    looks=(),
    roles=None,
    environments=(ENVIRONMENT,),
    fields=None,
    **training,
):
    """A study of one axis, its gate: scores by seed of each gate; None for a trial that diverged.

    What `fields` has for a gate replaces the fields of its trials.
    """
    with open_store(db) as store:
        members, outcomes = [], []
        for place, (gate, by_seed) in enumerate(scores.items()):
            for seed, score in by_seed.items():
                usual = {
                    "backbone": {"name": "resnet18", "width": 16},
                    "gate": gate,
                    "dataset": {"name": "digits", "image_size": 32},
                    "training": training,
                    "seed": seed,
                    "data_fingerprint": "f" * 16,
                }
                trial = Trial.model_validate({**usual, **(fields or {}).get(gate, {})})
                role = (roles or {}).get((gate, seed), "")
                key = f"{name[:6]}-{trial.key}"
                members.append(
                    Member(key=key, spec=trial.model_dump(mode="json"), variant={"gate": gate}, label=f"gate={gate}",
                           seed=seed, dataset="digits 32", role=role)
                )  # fmt: skip
                usual = {
                    "cost": replace(COST, macs_full=COST.macs_full + place),
                    "seconds": 1800.0,
                    "environment": environments[len(outcomes) % len(environments)],
                }
                ended = {"status": "failed", "reason": "nan"}
                if score is not None:
                    ended = {"status": "done", "metrics": {"top1": score, "val_top1": score + 1}}
                outcomes.append(Outcome(key=key, **usual, **ended))
        store.plan(name, members=members, question="Which gate?", document=document or {})
        for outcome in outcomes:
            assert store.add(outcome, store.claim(outcome.key, name))
        for look in looks:
            store.add_look(name, look)


def seeds(*scores):
    return dict(enumerate(scores))


@pytest.fixture
def db(tmp_path):
    return str(tmp_path / "results.db")


@pytest.fixture
def section(db):
    """Computes the section of a study."""
    return lambda study, **options: make_section(gather_evidence(db, study, **options))


@pytest.fixture
def source(section):
    """Computes the section of a study, in LaTeX."""
    return lambda study, **options: section_tex(section(study, **options))


@pytest.fixture
def page(db, tmp_path):
    """Writes the report of a study and reads its page."""

    def read(study):
        report(db, study, tmp_path / study)
        return (tmp_path / study / "index.html").read_text()

    return read


def table(section, name):
    """The records behind a table."""
    return next(table.records for table in section.tables if table.name == name)


GOOD = seeds(70.0, 70.2, 69.9, 70.1)
CLOSE = seeds(69.9, 70.3, 69.8, 70.1)
BAD = seeds(60.0, 60.2, 59.8, 60.1)


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


def test_ties_with_the_best_are_bold_together(db, source):
    write(db, "gates", {"se": GOOD, "cbam": CLOSE, "none": BAD})

    text = source("gates").partition("tab:gates-scores")[2].partition("end{table}")[0]

    assert r"\textbf{gate=se} & \textbf{70.05 $\pm$ 0.21} & 1-2" in text
    assert r"\textbf{gate=cbam}" in text
    assert r"\textbf{gate=none}" not in text
    assert r"\toprule" in text
    assert "Not distinguishable from it: gate=cbam. 1 variant is significantly worse." in source(
        "gates"
    )


def test_nothing_is_bold_where_tests_resolve_nothing(db, source):
    write(db, "gates", {"se": seeds(70.0, 72.0, 69.0), "none": seeds(69.0, 71.5, 70.5)})

    text = source("gates")

    assert "Nothing is bold: tests place the best mean above no other." in text
    assert r"\textbf" not in text


def test_what_ties_with_the_best_but_beats_fewer_is_not_bold(db, source):
    write(db, "gates", {"se": GOOD, "cbam": seeds(75.0, 62.0, 71.0, 66.0), "none": BAD})

    text = source("gates").partition("tab:gates-scores")[2].partition("end{table}")[0]

    assert r"\textbf{gate=se}" in text
    assert "\n    gate=cbam & " in text
    assert "& 1-3 &" in text


def test_a_score_stands_with_its_interval_and_a_single_one_alone(db, section):
    write(db, "gates", {"se": {0: 71.0}, "none": BAD})

    shown = section("gates").tables[0].shown

    assert shown.columns[1].title == "test top1 (%) ± 95 %"
    assert [row[1] for row in shown.rows] == ["71.00", "60.02 ± 0.27"]


def test_a_difference_has_the_decimals_of_its_interval(db, section):
    write(db, "gates", {"se": seeds(70.0, 70.2, 69.9, 70.101), "none": BAD})

    shown = section("gates").tables[1].shown

    assert [row[1] for row in shown.rows] == ["+10.025 ± 0.079"]


def test_failures_are_told_beside_the_mean(db, source):
    write(db, "gates", {"se": {**GOOD, 3: None}, "none": BAD})

    text = source("gates")

    assert "Trials failed of gate=se (1 diverged, of 4 seeds)" in text
    assert "3/4 & 1 diverged" in text
    assert "1 failed trial: means are over the seeds that ended with a score." in text


def test_a_score_reads_alike_in_the_text_and_in_the_table(db, section):
    write(db, "gates", {"se": seeds(100.0, 100.0, 100.0), "none": BAD})

    found = section("gates")

    assert found.tables[0].shown.rows[0][1] == "100.00 ± 0.00"
    assert "gate=se with 100.00 ± 0.00 % (3 seeds)" in found.results


def test_a_variant_alone_has_no_rank(db, section):
    write(db, "alone", {"se": GOOD})

    found = section("alone")

    assert [column.key for column in found.tables[0].shown.columns][:3] == [
        "variant",
        "score",
        "validation",
    ]
    assert "old" not in found.tables[0].caption
    assert "Rank" not in found.tables[0].caption + found.methods


def test_the_methods_tell_what_labels_stand_for(db, section):
    variants = [({"gate": {"name": "das", "alpha": 0.1}}, 70, 100), ({"gate": "none"}, 60, 90)]
    fabricate_study(Path(db), "labels", variants, labels=["weak", ""])

    methods = section("labels").methods

    assert "Labels: weak is gate=das(alpha=0.1). Each" in methods


def test_values_that_are_lists_are_told_apart(db, section):
    variants = [({"placement.stages": stages}, 70, 100) for stages in ([1, 2, 3], [4], [3, 4])]
    fabricate_study(Path(db), "places", variants)

    assert "(placement.stages: [1,2,3], 4 and [3,4])" in section("places").methods


def test_a_name_of_many_axes_is_printed_whole(db, section, source):
    names = ("gate.alpha", "gate.kernel", "gate.first_norm", "gate.second_norm")
    variants = [
        ({**dict.fromkeys(names, "a_value"), "gate.mask": mask}, 70, 100) for mask in (True, False)
    ]
    fabricate_study(Path(db), "long", variants)

    shown = section("long").tables[0].shown

    assert {row[0].rpartition(" ")[2] for row in shown.rows} == {
        "gate.mask=True",
        "gate.mask=False",
    }
    assert r"\begin{tabular}{p{0.4\linewidth}rr" in source("long")


def test_the_frontier_of_one_seed_claims_no_test(db, section):
    write(db, "single", {"se": seeds(70.0), "cbam": seeds(65.0), "none": seeds(60.0)})

    captions = {figure.name: figure.caption for figure in section("single").figures}

    assert "Standings: one seed: no test tells variants apart." in captions["pareto"]
    assert "dominated" not in captions["pareto"]


def test_one_seed_gets_no_order(db, source):
    write(db, "single", {"se": seeds(70.0), "none": seeds(60.0)})

    text = source("single")

    assert "1 seed: no spread known" in text
    assert "significantly worse" not in text
    assert ": resolved" not in text
    assert r"\textbf" not in text


def test_nothing_is_bold_where_a_single_seed_has_the_best_mean(db, source):
    write(db, "gates", {"se": {0: 71.0}, "cbam": CLOSE, "none": BAD})

    text = source("gates")

    assert "The seeds carry no order of the variants." in text
    assert r"\textbf" not in text.partition("tab:gates-scores")[2].partition("end{table}")[0]


def test_nothing_is_said_without_results(db, tmp_path):
    fabricate_study(Path(db), "waiting", [({"gate": "se"}, 70, 10**6)], pending=True)

    files = report(db, "waiting", tmp_path / "out")

    assert "No trial has a score yet" in (tmp_path / "out" / "section.tex").read_text()
    assert not [path for path in files if path.parent.name == "figures"]
    assert "Plotly" not in (tmp_path / "out" / "index.html").read_text()


def test_every_variant_is_compared_with_the_one_without_a_gate(db, source):
    write(db, "gates", {"se": GOOD, "none": BAD, "cbam": CLOSE})

    text = source("gates")

    assert r"\item gate=se beats gate=none by 10.02" in text
    assert "Differences of top1 from gate=none" in text


def test_the_baseline_metric_and_convention_can_be_chosen(db, source):
    write(db, "gates", {"se": GOOD, "none": BAD})

    text = source("gates", baseline="se", metric="val_top1", convention="paper")

    assert "Differences of val\\_top1 from gate=se" in text
    assert "& val\\_top1 (\\%) $\\pm$ 95 \\% &" in text
    assert "Costs in the 'paper' convention" in text
    with pytest.raises(UsageError, match="no variant is called 'sse'"):
        source("gates", baseline="sse")


LOOKS = [
    LookRecord(
        plan=(2, 4), number=1, level=0.02, states={"gate=se": "open", "gate=cbam": "out of reach"}
    ),
    LookRecord(
        plan=(2, 4),
        number=2,
        level=0.03,
        states={"gate=se": "resolved", "gate=cbam": "out of reach"},
    ),
]


def test_looks_give_the_verdicts_and_say_what_they_spent(db, section, source):
    document = {"seeds": {"values": [0, 1, 2, 3], "looks": [2, 4], "min_effect": 0.5}}
    write(db, "looked", {"none": BAD, "se": GOOD, "cbam": CLOSE}, document=document, looks=LOOKS)

    text = source("looked")

    assert "2 looks of those planned at 2 and 4 seeds taken so far" in text
    assert "They spent 0.050 of the error rate" in text
    assert (
        "After look 2 (planned) against the baseline, resolved: gate=se; out of reach: gate=cbam."
        in text
    )
    assert "significantly worse" not in text
    assert "exploratory, without" not in text
    assert "ranks above" not in text
    assert re.search(r"gate=cbam & .*out of reach", text)
    rows = table(section("looked"), "comparisons")
    assert {row["a"]: row["verdict"] for row in rows} == {
        "gate=se": "resolved",
        "gate=cbam": "out of reach",
    }


@pytest.mark.parametrize(
    "other", [{"baseline": "se"}, {"metric": "val_top1"}], ids=["baseline", "metric"]
)
def test_looks_give_no_verdict_on_what_they_did_not_compare(db, section, other):
    write(db, "looked", {"none": BAD, "se": GOOD, "cbam": CLOSE}, looks=LOOKS)

    assert {record["verdict"] for record in table(section("looked", **other), "comparisons")} == {
        "no verdict"
    }


def test_a_look_that_was_not_planned_makes_the_verdict_exploratory(db, source):
    late = LookRecord(
        plan=(4,), number=1, level=0.05, states={"gate=se": "resolved"}, exploratory=True
    )
    write(db, "looked", {"none": BAD, "se": GOOD}, looks=[late])

    text = source("looked")

    assert "After look 1 (exploratory, without an error rate)" in text
    assert "resolved (exploratory)" in text
    assert "carry no error rate" in text


def test_a_search_without_fresh_seeds_names_no_winner(db, source):
    roles = {(gate, seed): "search" for gate in ("se", "none", "cbam") for seed in range(4)}
    document = {"sampler": {"name": "tpe"}, "trials": 12}
    write(db, "searched", {"se": GOOD, "none": BAD, "cbam": CLOSE}, document=document, roles=roles)

    text = source("searched")

    assert "no winner was trained again on fresh seeds" in text
    assert "The sampler tpe proposed the variants, 12 trials in all" in text
    assert not re.search(r"significantly worse|textbf|: resolved|\\item", text)


def test_a_searchs_winner_is_reported_on_fresh_seeds_beside_its_first_score(db, source):
    scores = {"se": {0: 75.0, **{seed: 70.0 + seed / 10 for seed in (4, 5, 6)}}, "cbam": {0: 66.0},
              "none": {seed: 60.0 + seed / 10 for seed in (4, 5, 6)}}  # fmt: skip
    roles = {
        (gate, seed): "search" if seed == 0 else "confirm"
        for gate in scores
        for seed in scores[gate]
    }
    write(db, "searched", scores, document={"sampler": "tpe"}, roles=roles)

    text = source("searched")

    assert (
        r"gate=se scored 75.00 \% when it was selected; on fresh seeds, 70.50 $\pm$ 0.25 \% (3 seeds)."
        in text
    )
    assert "trained again in 6 trials on seeds that took part in no choice" in text
    assert "cbam" not in text.partition("tab:searched-scores")[2].partition("end{table}")[0]


def test_a_winner_that_fails_on_all_fresh_seeds_is_not_shown_with_its_first_score(db, source):
    scores = {"se": {0: 75.0, 4: None, 5: None}, "none": {4: 60.0, 5: 60.1}}
    roles = {
        (gate, seed): "search" if seed == 0 else "confirm"
        for gate in scores
        for seed in scores[gate]
    }
    write(db, "searched", scores, document={"sampler": "tpe"}, roles=roles)

    text = source("searched")

    assert "75" not in text.partition("tab:searched-scores")[2].partition("end{table}")[0]
    assert "gate=se (2 diverged, of 2 seeds)" in text


def test_the_figures_that_suit_the_axes_are_there_with_their_numbers(db, tmp_path):
    norms = [
        ({"gate.first_norm": a, "gate.second_norm": b}, 90 + i, 10**7 + i)
        for i, a in enumerate("xy")
        for b in "zw"
    ]
    fabricate_study(Path(db), "norms", norms)

    report(db, "norms", tmp_path / "out")

    figures = sorted(path.name for path in (tmp_path / "out" / "figures").iterdir())
    assert figures == [
        f"{name}.{end}"
        for name in ("importance", "norms", "pareto")
        for end in ("csv", "pdf", "png")
    ]
    rows = list(csv.DictReader((tmp_path / "out" / "figures" / "norms.csv").open()))
    assert [row["first_norm"] for row in rows] == ["x", "x", "y", "y"]
    assert all(row["n"] == "3" and float(row["ci95"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("variants", "reasons"),
    [
        ([({"gate": "se"}, 70, 10**6), ({"gate": "none"}, 60, 10**6)],
         {"pareto": "the same macs_full", "importance": "varies gate alone"}),
        ([({"gate": "se"}, 70, 10**6)], {"pareto": "one variant has a result"}),
        ([({"gate.alpha": 0.1, "gate.kernel": 3}, 70, 10**6), ({"gate.alpha": 0.1, "gate.kernel": 5}, 71, 2 * 10**6)],
         {"alpha": "one alpha has a result"}),
        ([({"gate.first_norm": "bn", "gate.second_norm": "bn"}, 70, 10**6)], {"norms": "one pair of norms"}),
        ([({"placement.stages": [1]}, 70, 10**6)], {"placement": "one placement has a result"}),
    ],
    ids=["costs are equal", "one variant", "one alpha", "one pair", "one placement"],
)  # fmt: skip
def test_a_figure_that_says_nothing_is_left_out_with_the_reason(db, section, variants, reasons):
    fabricate_study(Path(db), "few", variants)

    found = section("few")

    assert not reasons.keys() & {figure.name for figure in found.figures}
    assert {
        name: words in found.left_out[name] for name, words in reasons.items()
    } == dict.fromkeys(reasons, True)


def test_equal_results_give_equal_bytes(db, tmp_path):
    write(db, "gates", {"se": GOOD, "none": BAD})

    first, second = (report(db, "gates", tmp_path / name) for name in ("first", "second"))

    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_folder_that_is_not_empty_is_left_alone(db, tmp_path):
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match=r"not empty \(it holds 'notes.txt'\).*--force"):
        report(db, "gates", out)

    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_force_replaces_a_report_and_keeps_what_is_not_of_it(db, tmp_path):
    alphas = [({"gate.alpha": alpha}, 70 + alpha, 10**6) for alpha in (0.1, 0.2)]
    fabricate_study(Path(db), "alpha", alphas)
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    report(db, "alpha", out)
    (out / "notes.txt").write_text("mine")
    assert (out / "figures" / "alpha.pdf").exists()

    report(db, "gates", out, force=True)

    assert not list((out / "figures").glob("alpha.*"))
    assert "Ablation: gates" in (out / "section.tex").read_text()
    assert (out / "notes.txt").read_text() == "mine"
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an older report"])
def test_a_failure_leaves_no_half_written_report(db, tmp_path, monkeypatch, there):
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    if there:
        report(db, "gates", out)
    before = contents(tmp_path)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_module, "csv_text", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        report(db, "gates", out, force=True)

    assert contents(tmp_path) == before
    assert out.exists() == there


def contents(folder):
    """Every file but those of the database."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "results.db" not in path.name
    }


class References(HTMLParser):
    """Collects what a page would load, and what it shows."""

    def __init__(self):
        super().__init__()
        self.found, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [
            value
            for name, value in attrs
            if name in ("src", "href", "srcset", "data", "poster", "action")
        ]
        self.found += [value for name, value in attrs if name == "style" and "url(" in value]

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    page = References()
    page.feed(text)
    return page


def test_the_page_holds_everything_that_it_shows(db, page):
    write(db, "gates", {"se": GOOD, "none": BAD})

    text = page("gates")

    html = parsed(text)
    assert {reference.partition(":")[0] for reference in html.found if reference[0] != "#"} == {
        "data"
    }
    assert not {"link", "iframe", "object", "base"} & set(html.tags)
    assert text.count("plotly.js v") == 1
    assert "connect-src" not in text
    assert "default-src 'none'" in text
    shown = "".join(html.text)
    assert "gate=se beats gate=none" in shown
    assert "git commit 0a1b2c3" in shown
    png = next(
        reference for reference in html.found if reference.startswith("data:image/png;base64,")
    )
    assert base64.b64decode(png.partition(",")[2]).startswith(b"\x89PNG")


def test_the_page_shows_pictures_where_plotly_is_not_installed(db, monkeypatch, page):
    def missing(path):
        raise UsageError("not installed")

    write(db, "gates", {"se": GOOD, "none": BAD})
    monkeypatch.setattr("dasbench.render.section.page.plotly_library", missing)

    text = page("gates")

    assert "<script" not in text
    assert "noscript" not in text
    assert html_page.plotly_library is not missing
    assert parsed(text).tags.count("img") == 1


@pytest.mark.slow
def test_a_browser_without_a_network_draws_the_page(db, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium is installed")
    hostile_study(db)
    report(db, "names", tmp_path / "out")

    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
         (tmp_path / "out" / "index.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip

    assert 'class="main-svg"' in done.stdout
    assert done.stdout.count("<script") == 2  # the library and its call: no name became a script
    assert "Refused to" not in done.stderr


def hostile_study(db):
    write(db, "hostile", {"none": BAD}, document={"objectives": ["top1 max"]})
    variants = [
        ({"gate": name}, 60 + place, 10**6 + place)
        for place, name in enumerate([*NAMES, HOSTILE, "x" * 300])
    ]
    fabricate_study(
        Path(db),
        "names",
        variants,
        question=f"{HOSTILE} </script><script>alert(1)</script> 100 % \\end",
    )


def test_hostile_names_are_text_on_the_page(db, tmp_path, page):
    hostile_study(db)

    text = page("names")

    html = parsed(text)
    assert html.tags.count("script") == 2
    assert "<b>" not in text.partition("<script>")[0]
    assert "\x1b" not in text
    assert {reference.partition(":")[0] for reference in html.found} == {"data"}
    assert "\n=cmd" not in (tmp_path / "names" / "tables" / "scores.csv").read_text()
    assert (tmp_path / "names" / "section.tex").read_text().isascii()
    assert text.count("<table>") == text.count('<div class="wide"') == 1


@pytest.mark.parametrize(
    ("text", "source"),
    [("\u00e9", r"\'{e}"), ("\u0416", r"\texttt{U+0416}\allowbreak{}"), ("--", "-{}-"), ("[", "{[}"),
     ("\u03bb\u039b", r"$\lambda$$\Lambda$"), ("\u2013", "--"), ("?`", "?{}`"),
     ("\ud800", r"\texttt{U+D800}\allowbreak{}")],
)  # fmt: skip
def test_characters_beyond_ascii_become_commands(text, source):
    assert tex(text) == source


def test_every_component_is_cited_in_every_format(db, tmp_path):
    document = {"sampler": {"name": "tpe"}, "scheduler": "asha"}
    write(db, "gates", {"se": GOOD, "none": BAD, "das": CLOSE}, document=document)

    report(db, "gates", tmp_path / "out")

    tex_source, bib, page, words = (
        (tmp_path / "out" / name).read_text()
        for name in ("section.tex", "references.bib", "index.html", "methods.txt")
    )
    cited = re.findall(r"(\w[\w ]*)~\\cite\{([\w,-]+)\}", tex_source)
    entries = re.findall(r"@misc\{([\w-]+),", bib)
    assert [what for what, _ in cited] == [
        "backbone resnet18", "gate das", "gate se", "data set digits", "sampler tpe", "scheduler asha"
    ]  # fmt: skip
    assert [key for _, keys in cited for key in keys.split(",")] == entries
    assert re.findall(r'<li id="([^"]+)">', page) == entries
    assert len(re.findall(r"(?m)^\[\d\] ", words)) == len(entries) == 7
    assert "\\bibliography{references}" in (tmp_path / "out" / "document.tex").read_text()


def test_a_report_without_literature_has_no_bibliography(db, tmp_path):
    write(db, "gates", {"se": GOOD})
    fabricate_study(Path(db), "bare", [({"gate": "se"}, 70, 10**6)])
    out = tmp_path / "out"
    report(db, "gates", out)
    assert (out / "references.bib").exists()

    report(db, "bare", out, force=True)

    assert not (out / "references.bib").exists()
    assert (
        "bibliography" not in (out / "document.tex").read_text() + (out / "section.tex").read_text()
    )
    assert "References" not in (out / "index.html").read_text()


MEASURE = """<script>addEventListener("load", () => setTimeout(() => {
const outside = [...document.querySelectorAll("body *")].filter(
  one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".wide, svg"));
document.title = JSON.stringify([innerWidth, document.documentElement.scrollWidth, outside.map(one => one.tagName)]);
}, 1500))</script>"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "width", [500, 800, 1200, 1600]
)  # a window of chromium is never narrower than 500 pixels
def test_a_browser_cuts_the_page_off_nowhere(db, tmp_path, width):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium is installed")
    hostile_study(db)
    report(db, "names", tmp_path / "out")
    page = tmp_path / "out" / "index.html"
    page.write_text(page.read_text().replace("</body>", f"{MEASURE}</body>"))

    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip

    inner, scrolled, outside = json.loads(
        unescape(re.search("<title>(.*?)</title>", done.stdout)[1])
    )
    assert scrolled <= inner
    assert outside == []


def compiled(folder, document="document.tex"):
    """The log of a run of pdflatex."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document],
        cwd=folder, capture_output=True, check=False, timeout=200, env={**os.environ, "max_print_line": "1000"},
    )  # fmt: skip
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-3000:]
    return log


@pytest.mark.slow
def test_the_document_compiles_with_hostile_names(db, tmp_path):
    hostile_study(db)
    report(db, "names", tmp_path / "out")

    log = compiled(tmp_path / "out")

    assert "pareto.pdf" in log
    assert "Missing character" not in log


@pytest.mark.slow
def test_the_section_can_be_read_into_another_document(db, tmp_path):
    write(db, "gates", {"se": GOOD, "none": BAD, "cbam": {**CLOSE, 2: None}}, looks=LOOKS)
    report(db, "gates", tmp_path / "out")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\newcommand{\dasbenchfigures}{out/figures}"
        r"\begin{document}\input{out/section}See Table~\ref{tab:gates-scores}."
        r"\bibliographystyle{plain}\bibliography{out/references}\end{document}"
    )

    compiled(tmp_path, "paper.tex")
    subprocess.run(["bibtex", "paper"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    compiled(tmp_path, "paper.tex")
    log = compiled(tmp_path, "paper.tex")

    assert "undefined references" not in log


def test_a_study_of_costs_alone_has_no_verdicts(db, section):
    write(db, "costs", {"se": GOOD, "none": BAD}, document={"objectives": ["macs min"]})

    found = section("costs")

    assert found.results == "The variants are ranked by macs, which is counted exactly."
    assert [table.name for table in found.tables] == ["scores", "environments", "components"]
    assert "t interval" not in found.methods


def test_all_that_may_happen_to_trials_has_a_report(db, tmp_path):
    with open_store(db) as store:
        fill(store)

    for study in ("first", "second", "empty"):
        report(db, study, tmp_path / study)
        assert json.dumps(HOSTILE)[1:-1] not in (tmp_path / study / "section.tex").read_text()

    assert "1 done" not in (tmp_path / "empty" / "methods.txt").read_text()
    assert "no trial yet" in (tmp_path / "empty" / "methods.txt").read_text()


def test_an_importance_that_explains_nothing_is_left_out(db, section):
    draw = random.Random(0)
    cells = [(alpha, norm) for alpha in range(6) for norm in range(6) if draw.random() < 0.7]
    variants = [
        ({"gate.alpha": alpha, "gate.norm": norm}, draw.gauss(70, 3), 100) for alpha, norm in cells
    ]
    fabricate_study(Path(db), "noise", variants)

    found = section("noise")

    assert "importance" not in [figure.name for figure in found.figures]
    assert found.left_out["importance"].endswith("explains nothing of those that it did not see")
