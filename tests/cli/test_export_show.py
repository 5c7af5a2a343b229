"""`dasbench export` and `dasbench show` as a user runs them."""

import csv
import io
import json
import sqlite3
from contextlib import closing

import pytest
from fabricated_results import fill

from dasbench.results.store import open_store


@pytest.fixture
def filled(tmp_path):
    """A folder with a filled results.db."""
    with open_store(tmp_path / "results.db") as store:
        fill(store)
    return tmp_path


def test_a_trained_study_is_exported_shown_and_compared(trained, dasbench, tmp_path):
    db = trained / "results.db"
    assert dasbench("export", "tiny", "--db", db, "-o", "t.jsonl").code == 0
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    keys = [row["key"] for row in rows]

    shown = dasbench("show", keys[0][:8], "--db", db, "--json", "-o", "curve.svg")
    diff = dasbench("show", "--diff", keys[0], keys[-1], "--db", db, "--json")

    assert [row["state"] for row in rows] == ["done"] * 4
    record = json.loads(shown.out)
    assert record["metrics"]["top1"] == rows[0]["top1"]
    assert len(record["epochs"]) == 2
    assert (tmp_path / "curve.svg").read_text().startswith("<?xml")
    fields = {(one["part"], one["field"]) for one in json.loads(diff.out)}
    assert {("spec", "seed"), ("spec", "backbone.width"), ("costs", "params_full")} <= fields


def test_sqlite_alone_reads_the_views(trained):
    with closing(sqlite3.connect(trained / "results.db")) as connection:
        [(planned, n)] = connection.execute(
            "SELECT SUM(planned), SUM(n) FROM v_leaderboard WHERE study = 'tiny'"
        )
        [(epochs,)] = connection.execute(
            "SELECT COUNT(*) FROM v_epochs WHERE val_top1 IS NOT NULL AND seconds > 0"
        )

    assert (planned, n, epochs) == (4, 4, 8)


def test_export_says_where_it_wrote(filled, dasbench):
    done = dasbench("export", "-o", "out/all.csv", "--what", "leaderboard")

    assert (done.code, done.out) == (0, "out/all.csv\n")
    assert len(list(csv.reader((filled / "out" / "all.csv").open(newline="")))) == 1 + 5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["fist", "-o", "t.csv"], 2, "unknown study 'fist'. Did you mean 'first'?"),
        (["first", "-o", "t.xlsx"], 2, "names no format"),
        (["first"], 2, "Missing option"),
        (["first", "-o", "results.db", "--force"], 2, "this is the database itself"),
        (["first", "-o", "."], 2, "it is a directory"),
        (["first", "-o", "t.csv", "--db", "none.db"], 3, "there are no results yet"),
        (["first", "-o", "t.db", "--what", "epochs"], 2, "holds everything"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(filled, dasbench, words, code, message):
    before = {path.name for path in filled.iterdir()}

    done = dasbench("export", *words)

    assert done.code == code
    assert message in done.err
    assert {path.name for path in filled.iterdir()} <= before | {"results.db-wal", "results.db-shm"}


@pytest.mark.slow
def test_show_goes_on_showing_backbones(dasbench):
    first = dasbench("show", "backbone", "resnet18", "--set", "backbone.width=8", "--json")
    second = dasbench("show", "resnet18", "--set", "backbone.width=8", "--json")

    assert (first.code, first.out) == (0, second.out)
    assert json.loads(first.out)[-1]["channels"] == 64


def test_show_prints_a_trial_as_text(filled, dasbench):
    done = dasbench("show", "dd0")

    assert done.code == 0
    assert "RuntimeError: boom" in done.out
    assert "\x1b" not in done.out


def test_show_lists_facts_for_a_spreadsheet(filled, dasbench):
    rows = list(csv.DictReader(io.StringIO(dasbench("show", "aa0", "--format", "csv").out)))

    assert {"part": "metrics", "field": "top1", "value": "61.25"} in rows


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["aa9"], 2, "Did you mean 'aa"),
        (["b"], 2, "several trials' keys begin with 'b': bb0, bb1"),
        (["resnet8"], 2, "Did you mean the backbone 'resnet"),
        (["resnet8", "--db", "none.db"], 2, "Did you mean the backbone 'resnet"),
        (["aa0", "--db", "none.db"], 3, "there are no results yet"),
        (["aa0", "-o", "c.bmp"], 2, "not in '.bmp'"),
        (["aa0", "--set", "backbone.width=3"], 2, "a trial is what it was"),
        (["resnet18", "-o", "c.png"], 2, "a backbone has none"),
        (["--diff", "aa0"], 2, "show --diff A B"),
        (["aa0", "bb0"], 2, "--diff compares two trials"),
        ([], 2, "Missing argument"),
        (["%"], 2, "no trial's key begins with '%'"),
        (["[/]\x1b[31m"], 2, "no trial's key begins with"),
    ],
)
def test_show_says_what_is_wrong(filled, dasbench, words, code, message):
    done = dasbench("show", *words)

    assert done.code == code
    assert message in done.err
    assert done.out == ""


def test_the_help_names_the_new_verb(dasbench):
    assert "export" in dasbench("--help").out
    assert "--what" in dasbench("export", "--help").out
