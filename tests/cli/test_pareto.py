"""`pareto`, `importance` and `plot` on results that nobody trained."""

import csv
import io
import json
import re

import pytest
from command_line import Done, run_dasbench
from fabricated_studies import fabricate_study

from dasbench.cli import run_command

HOSTILE = [r"$\frac{$", "_x", "<script>alert(1)</script>", "[/]", "=cmd()", "\x1b[31mred\x1b[0m"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a results.db of several studies."""
    folder = tmp_path_factory.mktemp("results")
    db = folder / "results.db"
    norms = [({"gate.first_norm": a, "gate.second_norm": b}, 90 + 2 * (a == "in") + (b == "ln"), 8_000_000)
             for a in ("bn", "in") for b in ("bn", "ln")]  # fmt: skip
    fabricate_study(db, "norms", norms, failed={(0, 1)})
    fabricate_study(
        db,
        "alpha",
        [({"gate.alpha": a}, 80 + 10 * a, int(8e6 * (1 + 20 * a))) for a in (0.1, 0.5, 1.0)],
    )
    fabricate_study(
        db,
        "hostile",
        [({"gate": x}, 80 + i, 10 + i) for i, x in enumerate(HOSTILE)],
        question=HOSTILE[0],
    )
    fabricate_study(
        db, "single", [({"gate": x}, 80 - i, 10 + i) for i, x in enumerate("abc")], seeds=1
    )
    fabricate_study(db, "waiting", [({"gate": "a"}, 80, 10)], pending=True)
    fabricate_study(db, "empty", [])
    fabricate_study(db, "searched", [({"gate.alpha": i / 12, "gate.kernel": 3 + 2 * (i % 3)}, 70 + i, 10 + i)
                                     for i in range(1, 13)], seeds=1)  # fmt: skip
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs `dasbench ...` in that folder, in this process: a new one would spend seconds on imports."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        code = run_command([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


def points(run, *arguments):
    done = run("pareto", *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_points_have_their_standing_interval_and_study(run):
    found = {point["label"]: point for point in points(run, "norms", "--metric", "top1")}
    best = found["gate.first_norm=in gate.second_norm=ln"]

    assert best["standing"] == "front"
    assert best["on_front"] is True
    assert best["study"] == "norms"
    assert best["ci95"] > 0
    assert {
        "label",
        "variant",
        "cost",
        "mean",
        "sd",
        "n",
        "on_front",
        "standing",
        "ci95",
        "study",
    } <= best.keys()
    assert {point["failed"] for point in found.values()} == {0, 1}


def test_one_seed_leaves_what_is_off_the_front_open(run):
    assert [point["standing"] for point in points(run, "single")] == [
        "front",
        "possibly",
        "possibly",
    ]


@pytest.mark.parametrize(
    ("cost", "value"), [("params", 800_000), ("memory", 10**8), ("seconds", 5.0)]
)
def test_costs_of_every_kind_can_be_asked_for(run, cost, value):
    assert points(run, "norms", "--cost", cost)[0]["cost"] == value


def test_several_studies_share_one_front(run):
    found = points(run, "norms", "alpha")

    assert {point["study"] for point in found} == {"norms", "alpha"}
    assert {point["study"] for point in found if point["on_front"]} == {"norms"}


def test_a_front_over_three_objectives_lists_them_all(run):
    asked = ["--objective", "top1:max", "--objective", "macs:min", "--objective", "params:min"]
    found = points(run, "alpha", *asked)

    assert all({"top1", "macs_full", "params_full"} <= point.keys() for point in found)
    assert all(point["on_front"] for point in found)


def test_csv_holds_what_json_holds_and_no_formula(run):
    text = run("pareto", "hostile", "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(text)))

    assert len(lines) == len(points(run, "hostile"))
    assert lines[0].keys() == points(run, "hostile")[0].keys()


def test_the_hypervolume_states_its_reference_and_interval(run):
    done = run("pareto", "alpha", "--hypervolume", "--reference", "50,1e9", "--json")
    (curve,) = json.loads(done.out)

    assert curve["reference"] == [50.0, 1e9]
    assert [step["trial"] for step in curve["trace"]] == list(range(1, 10))
    assert curve["trace"][-1]["hypervolume"] == curve["hypervolume"]
    assert curve["ci95"] > 0
    assert curve["seeds"] == 3


def test_every_kind_of_file_is_drawn_and_named(run, tmp_path):
    files = [tmp_path / f"x.{ending}" for ending in ("png", "svg", "pdf", "html")]
    done = run("pareto", "alpha", "hostile", "--published", "table1",
                        *[part for file in files for part in ("-o", file)])  # fmt: skip

    assert done.code == 0, done.err
    assert done.out.split() == [str(file) for file in files]
    assert all(file.stat().st_size > 1000 for file in files)
    assert "<script>alert" not in files[-1].read_text()


def test_json_stays_json_when_a_figure_is_drawn_too(run, tmp_path):
    done = run("pareto", "alpha", "--json", "-o", tmp_path / "x.svg")

    assert len(json.loads(done.out)) == 3
    assert str(tmp_path / "x.svg") in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nroms"], "Did you mean 'norms'"),
        (["waiting"], "has no result yet; its trials: 3 pending"),
        (["empty"], "has no result yet; its trials: none at all"),
        (["norms", "--cost", "latency"], "dasbench cost STUDY --latency"),
        (["norms", "--metric", "top5"], "unknown metric 'top5'. Did you mean 'top1'"),
        (["norms", "--objective", "top1:max"], "two objectives or more"),
        (["norms", "--objective", "top1:max", "--objective", "top1:min"], "each a different one"),
        (["norms", "--objective", "top1", "--objective", "macs:min"], "METRIC:max or METRIC:min"),
        (["norms", "--published", "table7"], "unknown table of the paper"),
        (["norms", "--published", "table1", "--cost", "seconds"], "parameters and FLOPs"),
        (["norms", "--hypervolume", "--reference", "a,b"], "60,2e9"),
        (["norms", "--hypervolume", "--reference", "1,inf"], "two finite numbers"),
        (["norms", "--reference", "60,2e9"], "add --hypervolume"),
        (["norms", "-o", "x.docx"], "not in '.docx'"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(run, arguments, message):
    done = run("pareto", *arguments)

    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_importance_says_what_matters_and_what_is_not_resolved(run):
    table = run("importance", "norms").out
    records = json.loads(run("importance", "norms", "--json").out)
    effects = {record["effect"]: record for record in records}

    assert "Type II" in table
    assert effects["gate.first_norm"]["resolved"]
    assert effects["gate.first_norm"]["share"] > effects["gate.second_norm"]["share"]
    assert effects["gate.first_norm"]["p"] < 0.001
    assert effects["residual"]["p"] is None


def test_importance_of_a_search_shows_the_fit_of_its_forest(run, tmp_path):
    done = run("importance", "searched", "--json", "-o", tmp_path / "x.png")
    records = json.loads(done.out)

    assert {record["method"] for record in records} == {"fanova"}
    assert isinstance(records[0]["fit"], float)
    assert (tmp_path / "x.png").exists()


@pytest.mark.parametrize(("kind", "study"), [("norms", "norms"), ("alpha", "alpha"), ("pareto", "hostile"),
                                             ("hypervolume", "alpha"), ("importance", "norms")])  # fmt: skip
def test_any_plot_of_a_study_is_drawn_by_its_name(run, tmp_path, kind, study):
    done = run("plot", kind, study, "-o", tmp_path / "x.svg")

    assert done.code == 0, done.err
    assert re.match(rb"<\?xml", (tmp_path / "x.svg").read_bytes())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["norm", "norms"], "unknown plot 'norm'. Did you mean 'norms'"),
        (["alpha", "norms"], "no axis 'alpha'; it varies gate.first_norm, gate.second_norm"),
        (["placement", "norms"], "no axis 'placement'"),
        (["norms", "norms", "-o", "x.html"], "not in '.html'"),
        (["norms", "waiting"], "has no result yet"),
    ],
)
def test_a_plot_that_a_study_cannot_fill_is_refused(run, arguments, message):
    done = run("plot", *arguments)

    assert done.code == 2
    assert message in done.err


OWN_PLOT = """
from dasbench.catalog import PLOTS

def info(selection):
    return len(selection.rows)

@PLOTS.register("number of trials", info=info)
def draw(number, path):
    path.write_text(str(number))
"""


def test_a_plot_of_ones_own_computes_and_draws_in_one_file(folder, tmp_path):
    (tmp_path / "own_plot.py").write_text(OWN_PLOT)

    options = ("--db", folder / "results.db", "-o", tmp_path / "x.svg")
    done = run_dasbench(
        tmp_path, "--import", "own_plot.py", "plot", "number of trials", "alpha", *options
    )

    assert done.code == 0, done.err
    assert (tmp_path / "x.svg").read_text() == "9"
