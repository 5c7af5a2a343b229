"""Every verb tests a study by the noise of all its variants, whatever is asked about."""

import json
import math
from statistics import fmean

import pytest
from click.testing import CliRunner
from scipy.stats import ttest_rel

from dasbench.cli import cli
from dasbench.records import Cost, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store

SCORES = {
    "none": (70.0, 71.2, 69.5),
    "se": (74.9, 76.3, 74.8),
    "eca": (74.0, 75.9, 73.1),
    "cbam": (71.1, 71.7, None),
    "sa": (66.0, 68.1, 65.2),
    "bam": (69.8, 71.9, 69.9),
}


def write(path: str, scores: dict[str, tuple[float | None, ...]]) -> str:
    """A database with a study `gates`."""
    members, outcomes = [], []
    for number, (gate, by_seed) in enumerate(scores.items()):
        cost = Cost(
            params_full=10,
            macs_full=20 + number,
            params_paper=9,
            macs_paper=19,
            input_size=(3, 8, 8),
        )
        for seed, top1 in enumerate(by_seed):
            key = f"{number:010d}{seed:02d}"
            members.append(
                Member(
                    key=key,
                    spec={},
                    variant={"gate": gate},
                    label=f"gate={gate}",
                    seed=seed,
                    dataset="digits",
                )
            )
            outcome = Outcome(key=key, status="failed", reason="nan")
            if top1 is not None:
                outcome = Outcome(key=key, status="done", metrics={"top1": top1}, cost=cost)
            outcomes.append(outcome)
    with open_store(path) as store:
        store.plan(
            "gates", members=members, question="Which?", document={"objectives": ["top1 max"]}
        )
        for outcome in outcomes:
            store.add(outcome, store.claim(outcome.key, "gates"))
    return path


@pytest.fixture(scope="module")
def db(tmp_path_factory) -> str:
    return write(str(tmp_path_factory.mktemp("db") / "results.db"), SCORES)


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def asked(db: str, *arguments: str):
    return json.loads(printed(*arguments, "--db", db, "--format", "json"))


def test_a_filter_changes_no_noise(db):
    whole = asked(db, "compare", "se", "none", "gates")
    some = asked(db, "compare", "se", "none", "gates", "--where", "gate in ('se', 'none')")

    assert whole["test"] == "arm-wise"
    for name in ("p", "error", "df", "ci95", "more_seeds", "detectable", "prior_sd", "prior_df"):
        assert whole[name] == some[name], name


def test_the_same_numbers_stand_behind_p_interval_and_the_leaderboard(db):
    found = asked(db, "compare", "se", "none", "gates")
    lines = {line["label"]: line for line in asked(db, "leaderboard", "gates")}
    a, b = (lines[f"gate={gate}"]["noise_sd"] ** 2 for gate in ("se", "none"))

    assert found["error"] == pytest.approx(math.sqrt((a + b) / 3))
    assert found["difference"] == pytest.approx(fmean(SCORES["se"]) - fmean(SCORES["none"]))
    assert found["resolved"] == (abs(found["difference"]) > found["ci95"])
    assert found["prior_df"] == lines["gate=se"]["prior_df"]


def test_paired_t_tests_for_whom_wants_them(db):
    found = asked(db, "compare", "se", "none", "gates", "--test", "t")

    assert found["test"] == "paired t"
    assert found["p"] == pytest.approx(ttest_rel(SCORES["se"], SCORES["none"]).pvalue)
    assert all(
        line["noise_sd"] is None for line in asked(db, "leaderboard", "gates", "--test", "t")
    )


def test_two_variants_are_compared_by_their_own_differences(tmp_path):
    db = write(str(tmp_path / "two.db"), {gate: SCORES[gate] for gate in ("none", "se")})

    assert asked(db, "compare", "se", "none", "gates")["test"] == "paired t"


def test_a_failed_seed_is_a_missing_cell(db):
    found = asked(db, "compare", "cbam", "none", "gates")

    assert (found["n"], found["left_out"], found["failed_a"]) == (2, 1, 1)
    assert found["difference"] == pytest.approx(
        fmean(SCORES["cbam"][:2]) - fmean(SCORES["none"][:2])
    )
    assert found["test"] == "arm-wise"


def test_what_is_resolved_with_few_seeds_is_ranked_and_dominates(db):
    ranks = {
        line["label"]: (line["rank_low"], line["rank_high"])
        for line in asked(db, "leaderboard", "gates")
    }
    plain = {
        line["label"]: (line["rank_low"], line["rank_high"])
        for line in asked(db, "leaderboard", "gates", "--test", "t")
    }

    def left_open(ranks: dict) -> int:
        return sum(high - low for low, high in ranks.values())

    assert left_open(ranks) < left_open(plain)
    assert ranks["gate=sa"] == (6, 6)


def test_tables_say_what_the_tests_rest_on(db):
    told = " ".join(printed("leaderboard", "gates", "--db", db).split())
    plain = " ".join(printed("leaderboard", "gates", "--db", db, "--test", "t").split())

    assert "Tests: arm-wise, by each variant's noise; that of all variants of the study (sd" in told
    assert "Tests: paired t, each by the noise of its own pair alone." in plain


def test_fractions_are_tested_as_percent_are(db, tmp_path):
    file = tmp_path / "scores.csv"
    lines = ["variant,seed,acc"]
    for gate, by_seed in SCORES.items():
        lines += [f"{gate},{seed},{top1 / 100}" for seed, top1 in enumerate(by_seed) if top1]
    file.write_text("\n".join(lines))

    told = printed(
        "compare", "se", "none", "--csv", str(file), "--unit", "fraction", "--format", "json"
    )

    found, from_study = json.loads(told), asked(db, "compare", "se", "none", "gates")
    assert found["test"] == "arm-wise"
    assert found["p"] == pytest.approx(from_study["p"])
    assert found["error"] == pytest.approx(from_study["error"])


def test_a_report_names_its_tests(db, tmp_path):
    methods = {}
    for test in ("arm-wise", "t"):
        folder = tmp_path / test
        printed(
            "report", "gates", "-o", str(folder), "--db", db, "--baseline", "none", "--test", test
        )
        methods[test] = " ".join((folder / "methods.txt").read_text().split())

    assert "two-sided arm-wise moderated t tests" in methods["arm-wise"]
    assert "(Smyth, 2004)" in methods["arm-wise"]
    assert "Ranks rest on two-sided paired t tests" in methods["t"]
