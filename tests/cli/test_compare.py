"""`dasbench leaderboard` and `dasbench compare` as a user types them."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result
from command_line import run_dasbench

from dasbench.cli import cli, run_command
from dasbench.records import Cost, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store

GAINS = {
    "c": (66.8, 65.9, 66.55, 66.05, 66.2),
    "f": (66.0,) * 5,
    "g": (60.0, 60.1, 59.9, 60.2, None),
}
VERDICT = (
    "design=c and design=f: not resolved; design=c is 0.30 ± 0.46 pp above design=f "
    "in 5 paired seeds (95% CI), p = 0.14; about 9 more seeds"
)


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """A database with a study `norms` of three designs at five seeds, one of which failed."""
    path = str(tmp_path_factory.mktemp("db") / "results.db")
    cost = Cost(params_full=10, macs_full=20, params_paper=9, macs_paper=19, input_size=(3, 8, 8))
    members = {
        (design, seed): Member(
            key=f"{design}0000000000{seed}", spec={}, variant={"gate.design": design}, label=f"design={design}",
            seed=seed, dataset="digits",
        )
        for design, scores in GAINS.items()
        for seed in range(len(scores))
    }  # fmt: skip
    with open_store(path) as store:
        store.plan(
            "norms",
            members=list(members.values()),
            question="Which?",
            document={"objectives": ["top1 max"]},
        )
        for (design, seed), member in members.items():
            top1 = GAINS[design][seed]
            outcome = Outcome(key=member.key, status="failed", reason="nan")
            if top1 is not None:
                outcome = Outcome(
                    key=member.key,
                    status="done",
                    metrics={"top1": top1, "loss": 2 - top1 / 100},
                    cost=cost,
                )
            store.add(outcome, store.claim(member.key, "norms"))
    return path


def dasbench(db, *arguments: str) -> Result:
    done = CliRunner().invoke(cli, [*arguments, "--db", db], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_the_leaderboard_says_what_is_resolved_and_what_failed(db):
    text = " ".join(dasbench(db, "leaderboard", "norms").stdout.split())

    assert "1-2 ≈" in text
    assert "1 diverged" in text
    assert "not distinguishable from the best" in text


def test_a_study_is_an_argument_or_an_option_and_one_is_needed(db, capsys):
    assert (
        dasbench(db, "leaderboard", "norms", "--json").stdout
        == dasbench(db, "leaderboard", "--study", "norms", "--json").stdout
    )
    assert run_command(["leaderboard", "--db", db]) == 2
    assert "name a study" in capsys.readouterr().err


def test_a_filter_chooses_variants(db):
    found = json.loads(
        dasbench(db, "leaderboard", "norms", "--where", "top1 > 66.1", "--json").stdout
    )

    assert [row["label"] for row in found] == ["design=c"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["leaderboard", "norms", "--where", "topp1 > 3"], "Did you mean 'top1'"),
        (["leaderboard", "norms", "--where", "1=1; DROP TABLE das_trials"], "cannot read ';'"),
        (["leaderboard", "norms", "--sort", "marcs"], "unknown column 'marcs'"),
        (["leaderboard", "norms", "--group-by", "gate.des"], "Did you mean 'gate.design'"),
        (["leaderboard", "norms", "--top", "0"], "0 is not in the range"),
        (["leaderboard", "nroms"], "Did you mean 'norms'"),
        (["compare", "c", "norms"], "expected A B STUDY here, not c norms"),
        (["compare", "c", "x", "norms"], "Candidates: design="),
        (["compare", "c", "f", "norms", "--min-effect", "0"], "a number above 0"),
        (["compare", "c", "f", "norms", "--min-effect", "nan"], "a number above 0"),
        (["compare", "c", "f", "norms", "--metric", "top2"], "Did you mean 'top1'"),
        (["compare", "c", "f", "--csv", "no.csv"], "no.csv: cannot be read"),
        (
            ["compare", "c", "f", "--csv", "no.csv", "--where", "n=1"],
            "choose among the results of a study",
        ),
        (["compare", "--baseline", "q", "norms"], "no variant is called 'q'"),
        (
            ["compare", "c", "f", "norms", "--where", "top1 > 100"],
            "no trial passes --where top1 > 100",
        ),
        (["pareto", "norms", "--where", "top1 > 100"], "no trial passes --where top1 > 100"),
        (["importance", "norms", "--where", "top1 > 100"], "no trial passes --where top1 > 100"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2_and_says_what_would_be_right(
    db, capsys, arguments, complaint
):
    assert run_command([*arguments, "--db", db]) == 2
    assert complaint in capsys.readouterr().err


def test_a_pair_is_compared_in_words_and_as_one_object(db):
    text = " ".join(dasbench(db, "compare", "c", "f", "norms").stdout.split())
    assert text.startswith(VERDICT)
    record = json.loads(dasbench(db, "compare", "c00000", "design=f", "norms", "--json").stdout)
    assert record["verdict"].startswith(VERDICT)
    assert (record["n"], record["more_seeds"], record["resolved"], record["equivalent"]) == (
        5,
        9,
        False,
        False,
    )


def test_a_loss_is_better_when_it_is_less(db):
    text = dasbench(db, "compare", "f", "g", "norms", "--metric", "loss").stdout

    assert text.startswith("design=f beats design=g by 0.0595 ± 0.0021 (95% CI)")


def test_a_family_is_a_list(db):
    found = json.loads(
        dasbench(db, "compare", "--baseline", "f", "norms", "--min-effect", "1", "--json").stdout
    )

    assert [(record["a"], record["n"], record["family_size"]) for record in found] == [
        ("design=c", 5, 2),
        ("design=g", 4, 2),
    ]
    assert [record["equivalent"] for record in found] == [True, False]
    assert found[1]["failed_a"] == 1
    assert found[1]["p_holm"] < 0.05


def test_scores_from_elsewhere_get_the_same_verdict(tmp_path, db):
    path = tmp_path / "scores.csv"
    lines = [
        f"design={design},{seed},{top1}"
        for design, scores in GAINS.items()
        for seed, top1 in enumerate(scores)
        if top1
    ]
    path.write_text("\n".join(["variant,seed,top1", *lines]))

    expected = dasbench(db, "compare", "c", "f", "norms").stdout
    assert (
        dasbench(db, "compare", "c", "f", "--csv", str(path), "--direction", "max").stdout
        == expected
    )


@pytest.mark.parametrize("column", ["val_loss", "nll", "RMSE", "my score", "top1"])
def test_larger_scores_from_elsewhere_are_taken_as_better_and_it_is_said(tmp_path, db, column):
    path = tmp_path / "scores.csv"
    path.write_text(f"variant,seed,{column}\na,0,21.5\na,1,21.0\nb,0,12.0\nb,1,11.51\n")
    said = f"Larger is taken as better, whatever {column} is; --direction min says otherwise."

    pair = dasbench(db, "compare", "a", "b", "--csv", str(path)).stdout
    family = dasbench(db, "compare", "--baseline", "b", "--csv", str(path)).stdout
    smaller = dasbench(db, "compare", "a", "b", "--csv", str(path), "--direction", "min").stdout

    assert pair.startswith("a is 9.495 ± 0.064 ")
    assert pair.splitlines()[1] == said
    assert "Larger is taken as better, whatever" in family
    assert smaller.startswith("b beats a by 9.495 ± 0.064 ")
    assert "taken as better" not in smaller + dasbench(db, "compare", "c", "f", "norms").stdout


def test_the_nameless_index_of_a_data_frame_is_no_column_of_scores(tmp_path, db):
    path = tmp_path / "frame.csv"
    path.write_text(",variant,seed,top1\n0,a,0,1.0\n1,b,0,2.5\n")

    assert "b is 1.50 pp above a" in dasbench(db, "compare", "a", "b", "--csv", str(path)).stdout


def test_comparing_imports_neither_torch_nor_ray(trained):
    code = "import sys; from dasbench.cli import run_command\n"
    code += "assert run_command(['compare', 'width=2', 'width=4', 'tiny']) == 0\n"
    code += "print([m for m in ('torch', 'ray', 'matplotlib') if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=trained
    )

    assert done.stdout.endswith("[]\n")


def test_a_trained_study_is_compared_from_its_file(trained):
    done = run_dasbench(trained, "compare", "2", "4", "study.yaml")

    assert done.code == 0
    assert "2 paired seeds" in done.out


def test_a_leaderboard_is_a_page_too(db):
    page = dasbench(db, "leaderboard", "norms", "--format", "html").stdout

    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "design=c" in page
