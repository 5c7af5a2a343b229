"""`dasbench reproduce`: published figures beside ours, and a verdict for each of them."""

import csv
import io
import json
from decimal import Decimal
from functools import cache

import pytest
from click.testing import CliRunner, Result

from dasbench.cli import run_command
from dasbench.cli.reproduce import command
from dasbench.paper.figures import Count, PaperColumn, PaperRow, PaperTable, Published
from dasbench.paper.tables import load_tables, table
from dasbench.records import Outcome
from dasbench.reproduction import rows as reproduction_rows
from dasbench.reproduction.rows import CellReport, RowReport, reproduce_row
from dasbench.reproduction.table import reproduction_tables
from dasbench.reproduction.trained import read_trained
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.spec.recipes import recipes
from dasbench.spec.trial import Trial

FAST = (
    "ResNet-18",
    "ResNet-18 + SENet",
    "ResNet-18 + EMCA",
    "ResNet-18 + DAS",
    "MobileNetV2 + Triplet Attention",
)
EXCEPTIONS = {
    ("ResNet-50 + A2-Nets", "flops_g"),
    ("ResNet-50 + ASR", "params_m"),
    ("ResNet-101 + ASR", "params_m"),
    ("MobileNetV2 + DAS", "params_m"),
}
"""Counts of Table 1 that differ, each with a note."""


@cache
def reproduced(name: str, format_: str = "json") -> Result:
    done = CliRunner(env={"DASBENCH_DB": None}).invoke(
        command, [name, "--format", format_], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done


def records(name: str) -> dict[str, dict]:
    return {record["label"]: record for record in json.loads(reproduced(name).stdout)}


def test_table4_holds_the_recounted_integers_and_every_count_matches():
    rows = records("table4")

    for row in table("table4").rows:
        record = rows[row.label]
        assert Count(record["params_paper"], record["macs_paper"]) == row.exact["paper"]
        assert (record["params_m_verdict"], record["flops_g_verdict"]) == ("matches", "matches")
        if "full" in row.exact:
            assert Count(record["params_full"], record["macs_full"]) == row.exact["full"]


def test_designs_without_a_deformable_kernel_have_the_same_parameters_by_both_conventions():
    same = {
        label
        for label, record in records("table4").items()
        if record["params_full"] == record["params_paper"]
    }

    assert same == set("abef")


def test_the_kernel_alone_is_what_the_printed_parameters_of_design_d_leave_out():
    record = records("table4")["d"]

    assert record["params_full"] - record["params_paper"] == sum(
        9 * c**2 for c in (64, 128, 256, 512)
    )


@pytest.mark.slow
def test_figure3_is_counted_at_every_alpha_though_its_heights_are_not_printed():
    rows = records("fig3")

    for row in table("figure3").rows:
        record = rows[row.label]
        assert record["macs_paper"] == row.exact["paper"].macs
        assert record["flops_g_measured"] == row.exact["paper"].macs / 1e9
        assert record["flops_g_verdict"] == "not comparable"
        assert record["flops_g_why"]


@pytest.mark.parametrize("label", FAST)
def test_counts_of_table1_match(label):
    row = table("table1").row(label)

    report = reproduce_row(table("table1"), row)

    assert {report.cells[name].verdict for name in ("params_m", "flops_g")} == {"matches"}
    assert report.counts["full"].params == row.exact["full"].params


@pytest.mark.slow
def test_every_count_of_table1_matches_but_for_known_exceptions_that_say_why():
    rows = records("table1")

    differ = {
        (label, name)
        for label, record in rows.items()
        for name in ("params_m", "flops_g")
        if record[f"{name}_verdict"] == "differs"
    }
    assert len(rows) == 34
    assert differ == EXCEPTIONS
    assert all(rows[label][f"{name}_note"] for label, name in differ)
    assert rows["ResNet-101"]["params_m_note"]
    for row in table("table1").rows:
        assert rows[row.label]["params_full"] == row.exact["full"].params
        if row.convention == "paper":
            measured = Count(rows[row.label]["params_paper"], rows[row.label]["macs_paper"])
            assert measured.params == row.exact["paper"].params
            assert row.exact["paper"].macs in (None, measured.macs)


@pytest.mark.slow
def test_in_full_rows_without_das_stay_near_their_printed_counts_and_das_in_resnet50_does_not():
    rows = records("table1")

    def off(record: dict, count: str, figure: str) -> float:
        unit = {"M": 1e6, "G": 1e9, "Mi": 2**20, "Gi": 2**30}[record[f"{figure}_unit"]]
        return record[count] / (record[f"{figure}_published"] * unit) - 1

    for record in rows.values():
        if record["convention"] == "module_leaves":
            assert abs(off(record, "params_full", "params_m")) < 0.03
            assert (
                record["flops_g_published"] is None
                or abs(off(record, "macs_full", "flops_g")) < 0.03
            )
    das = rows["ResNet-50 + DAS"]
    assert off(das, "params_full", "params_m") > 0.35
    assert off(das, "macs_full", "flops_g") > 0.3


@pytest.mark.slow
def test_the_detectors_of_table2_have_the_printed_parameters():
    for label, record in records("table2").items():
        row = table("table2").row(label)
        assert record["params_full"] == row.exact["full"].params
        assert record["params_m_verdict"] == "matches"
    assert (
        records("table2")["DAS-50"]["params_paper"]
        == table("table2").row("DAS-50").exact["paper"].params
    )


@pytest.mark.parametrize("name", ["table3", "table5", "fig4", "section4_4"])
def test_what_needs_training_is_listed_as_not_run(name):
    rows = records(name)

    verdicts = {
        value
        for record in rows.values()
        for key, value in record.items()
        if key.endswith("_verdict")
    }
    assert len(rows) == len(table(name.replace("fig", "figure")).rows)
    assert verdicts <= {"not run", "not comparable"}
    assert all(
        record[key.replace("verdict", "why")]
        for record in rows.values()
        for key in record
        if "verdict" in key
    )


def test_rows_of_table5_that_the_text_no_longer_identifies_are_not_comparable():
    rows = records("table5")

    assert {rows[f"row {number}"]["top1_verdict"] for number in range(1, 11)} == {"not comparable"}
    assert rows["IN, LN"]["top1_verdict"] == "not run"


PAPER = {
    "backbone": "resnet18",
    "dataset": {"name": "stanford_dogs", "image_size": 224},
    "training": {"recipe": "stanford_dogs"},
}
LAPTOP = {
    "backbone": {"name": "resnet18", "width": 16},
    "dataset": {"name": "digits", "image_size": 16},
}


def stored(tmp_path, scores, *, study="mine", gate="das", **fields):
    """A database in which a network has these scores, one a seed; None for a seed that failed."""
    path = str(tmp_path / "results.db")
    trials = [
        Trial.model_validate(
            {**PAPER, "gate": gate, **fields, "seed": seed}, context={"recipes": recipes()}
        )
        for seed in range(len(scores))
    ]
    members = [
        Member(
            key=trial.key,
            spec=trial.model_dump(mode="json"),
            seed=trial.seed,
            dataset=str(trial.dataset),
        )
        for trial in trials
    ]
    with open_store(path) as store:
        store.plan(study, members=members)
        for trial, top1 in zip(trials, scores, strict=True):
            outcome = Outcome(key=trial.key, status="failed", reason="nan")
            if top1 is not None:
                outcome = Outcome(key=trial.key, status="done", metrics={"top1": top1})
            store.add(outcome, store.claim(trial.key, study))
    return path


def cell(path, label="c", name="table4"):
    found = table(name)
    return reproduce_row(found, found.row(label), read_trained(path)).cells["top1"]


def test_a_printed_figure_inside_of_the_interval_matches(tmp_path):
    found = cell(stored(tmp_path, [66.0, 66.6, 66.3]))

    assert (found.verdict, found.n) == ("matches", 3)
    assert found.measured == pytest.approx(66.3)
    assert found.half_width == pytest.approx(4.302652729911275 * 0.3 / 3**0.5)


def test_a_printed_figure_outside_of_the_interval_differs(tmp_path):
    assert cell(stored(tmp_path, [60.0, 60.1, 60.2])).verdict == "differs"


@pytest.mark.slow
def test_one_seed_matches_when_rounded_and_otherwise_says_nothing(tmp_path):
    (tmp_path / "other").mkdir()

    assert cell(stored(tmp_path, [66.41])).verdict == "matches"
    other = cell(stored(tmp_path / "other", [66.0]))
    assert (other.verdict, other.measured) == ("not comparable", 66.0)
    assert "1 seed: no spread known" in other.why


def test_failed_seeds_are_no_score(tmp_path):
    found = cell(stored(tmp_path, [None, None]))

    assert (found.verdict, found.measured) == ("not run", None)
    assert "none of 2 trials has a score (2 failed)" in found.why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            LAPTOP,
            "dataset digits, not stanford_dogs, images of 16 px, not 224, backbone.width 16, not 64",
        ),
        ({"training": {"recipe": "stanford_dogs", "epochs": 3}}, "training.epochs 3, not 100"),
        ({"backbone": {"name": "resnet18", "stem": "small"}}, "backbone.stem small, not "),
    ],
)
def test_another_setting_than_the_papers_is_not_comparable_and_says_why(tmp_path, fields, why):
    found = cell(stored(tmp_path, [66.41, 66.41], **fields))

    assert found.verdict == "not comparable"
    assert why in found.why


@pytest.mark.parametrize(
    "fields", [{"gate": "se"}, {"backbone": "resnet34"}, {"placement": {"after": "block"}}]
)
def test_another_network_is_not_the_rows(tmp_path, fields):
    found = cell(stored(tmp_path, [66.41, 66.41], **fields))

    assert (found.verdict, found.measured) == ("not run", None)


def test_trials_are_found_by_what_they_are_and_shown_with_their_seeds(tmp_path):
    path = stored(tmp_path, [66.0, 66.6, 66.3], study="a_name_of_my_own")

    done = CliRunner().invoke(
        command, ["table5", "--db", path, "--study", "a_name_of_my_own"], catch_exceptions=False
    )

    [line] = [line for line in done.stdout.splitlines() if "66.30 ± 0.75" in line]
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells[1:] == ["Top-1 (%)", "66.41", "66.30 ± 0.75", "3", "matches"]
    assert "match if the printed figure lies within it" in done.stdout


def test_a_study_without_a_database_is_a_usage_error(capsys, monkeypatch):
    monkeypatch.delenv("DASBENCH_DB", raising=False)

    assert run_command(["reproduce", "table5", "--study", "x"]) == 2
    assert "add --db FILE" in capsys.readouterr().err


def test_a_missing_database_and_an_unknown_study_are_named(tmp_path, capsys):
    path = stored(tmp_path, [66.0])

    assert run_command(["reproduce", "table5", "--db", str(tmp_path / "no.db")]) == 3
    assert run_command(["reproduce", "table5", "--db", path, "--study", "mien"]) == 2
    assert "Did you mean 'mine'" in capsys.readouterr().err


def test_a_gate_that_this_version_lacks_is_not_run_and_does_no_harm(monkeypatch):
    monkeypatch.setattr(reproduction_rows, "GATES", ())

    report = reproduce_row(table("table4"), table("table4").row("c"))

    assert report.cells["params_m"].verdict == "not run"
    assert report.cells["params_m"].why == "this version has no gate 'das'"


@pytest.mark.slow
def test_the_table_shows_notes_full_counts_and_why_they_differ():
    text = reproduced("table4", "table").stdout

    assert "matches 16, not run 8" in text
    assert "do not see its own deformable kernel" in text
    assert "networks with 1000 classes, although" in text
    assert "12.449" in text


def test_each_figure_has_a_line_and_each_row_is_named_once():
    found = table("table3")

    [shown] = reproduction_tables(found, [reproduce_row(found, row) for row in found.rows])

    assert [column.key for column in shown.columns] == [
        "row",
        "figure",
        "printed",
        "here",
        "verdict",
    ]
    assert len(shown.rows) == len(found.rows) * len(found.columns)
    assert [cells[0] for cells in shown.rows if cells[0]] == [row.label for row in found.rows]
    assert shown.notes[0] == "12 figures: not run 12"


def report(published, cell):
    """One row with one figure, in a table of its own."""
    column = PaperColumn(
        name="top1", title="Top-1", unit="%", direction="max", metric="top1", dataset=None
    )
    row = PaperRow(
        label="r",
        backbone="resnet18",
        gate=None,
        published={"top1": published},
        convention="",
        exact={},
        note="odd",
    )
    found = PaperTable(
        name="t", title="T", caption="", task="classification", dataset=None, image_size=None, num_classes=None,
        columns={"top1": column}, rows=(row,),
    )  # fmt: skip
    return reproduction_tables(found, [RowReport(row=row, cells={"top1": cell})])[0]


def test_one_seed_has_no_interval_and_a_noted_figure_a_star():
    printed = Published(Decimal("66.41"), "%", "misprinted")

    shown = report(
        printed,
        CellReport(published=printed, measured=66.0, verdict="not comparable", why="1 seed", n=1),
    )

    assert list(shown.rows) == [["r*", "Top-1 (%)*", "66.41", "66.00", "1", "not comparable"]]
    assert shown.notes[:2] == [
        "1 figure: not comparable 1",
        "not comparable: 1 seed (Top-1 of all rows)",
    ]
    assert "* r, Top-1: misprinted" in shown.notes


def test_there_is_no_verdict_on_a_dash():
    shown = report(
        None, CellReport(published=None, measured=66.0, verdict="not comparable", why="a dash")
    )

    assert list(shown.rows) == [["r*", "Top-1 (%)", "-", "66.000", ""]]


def test_markdown_is_a_table():
    lines = reproduced("table3", "md").stdout.splitlines()

    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + 2 * len(table("table3").rows)
    assert len({line.count("|") for line in rows}) == 1


def test_csv_has_a_line_for_each_row():
    lines = list(csv.DictReader(io.StringIO(reproduced("table3", "csv").stdout)))

    assert [line["label"] for line in lines] == [row.label for row in table("table3").rows]


@pytest.mark.parametrize("name", [*load_tables(), "fig3", "fig4", "Table4"])
def test_every_table_is_found_by_its_names(name):
    from dasbench.paper.tables import find_table

    assert find_table(name).rows


def test_an_unknown_table_is_answered_with_the_nearest(capsys):
    assert run_command(["reproduce", "tabel4"]) == 2
    assert "unknown table of the paper 'tabel4'. Did you mean 'table4'?" in capsys.readouterr().err
