"""What the ablation section says of scores: intervals, ties, verdicts, looks and winners, and no more."""

import re
from pathlib import Path

import pytest
from fabricated_reports import BAD, CLOSE, GOOD, LOOKS, seeds, table, write
from fabricated_studies import fabricate_study

from dasbench.errors import UsageError
from dasbench.render.section.report import report
from dasbench.results.answers import LookRecord


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
    write(db, "gates", {"se": GOOD, "cbam": seeds(69.0, 63.0, 68.0, 60.5), "none": BAD})

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
    scores: dict[str, dict[int, float | None]] = {
        "se": {0: 75.0, 4: None, 5: None},
        "none": {4: 60.0, 5: 60.1},
    }
    roles = {
        (gate, seed): "search" if seed == 0 else "confirm"
        for gate in scores
        for seed in scores[gate]
    }
    write(db, "searched", scores, document={"sampler": "tpe"}, roles=roles)

    text = source("searched")

    assert "75" not in text.partition("tab:searched-scores")[2].partition("end{table}")[0]
    assert "gate=se (2 diverged, of 2 seeds)" in text


def test_a_study_of_costs_alone_has_no_verdicts(db, section):
    write(db, "costs", {"se": GOOD, "none": BAD}, document={"objectives": ["macs min"]})

    found = section("costs")

    assert found.results == "The variants are ranked by macs, which is counted exactly."
    assert [table.name for table in found.tables] == ["scores", "environments", "components"]
    assert "t interval" not in found.methods
