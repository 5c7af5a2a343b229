"""Results as files: what other programs read back is what the database holds."""

import csv
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from fabricated_results import HOSTILE, TOP1, fill, member

from dasbench.errors import StoreError, UsageError
from dasbench.render.files.export import COLUMNS, export
from dasbench.results.reading import read_store
from dasbench.results.store import open_store


@pytest.fixture
def db(tmp_path):
    """A filled database."""
    place = tmp_path / "results.db"
    with open_store(place) as store:
        fill(store)
    return str(place)


@pytest.fixture
def team(team_database):
    """A filled database on a server."""
    with open_store(team_database) as store:
        fill(store)
    return team_database


@pytest.mark.parametrize("what", COLUMNS)
def test_the_columns_of_a_file_begin_with_those_of_the_view(db, what):
    with read_store(db) as reader:
        assert tuple(reader.view(what)[0]) == COLUMNS[what]


def test_csv_holds_one_line_for_each_trial_and_exact_numbers(db, tmp_path):
    export(db, tmp_path / "t.csv", studies=["first"])

    rows = list(csv.DictReader((tmp_path / "t.csv").open(newline="")))
    assert len(rows) == 11
    found = {row["key"]: float(row["top1"]) for row in rows if row["top1"]}
    assert found == {key: value for key, value in TOP1.items() if math.isfinite(value)}
    assert rows[0]["variant.gate.alpha"] == "0.1"
    assert rows[0]["metrics.val_loss"] == ""
    assert json.loads(rows[0]["metrics"]) == {"top1": 61.25, "val_top1": 53.0, "val_loss": None}


def test_csv_holds_nothing_that_a_spreadsheet_or_a_terminal_would_obey(tmp_path):
    with open_store(tmp_path / "x.db") as store:
        store.plan("s", members=[member("aa0")])
        odd = member("bb0").__class__(
            key="bb0", spec={}, label="=cmd()", variant={"=f()": "@x\x1b[31m"}
        )
        store.plan("t", members=[odd])
    export(str(tmp_path / "x.db"), tmp_path / "t.csv", studies=["t"])

    text = (tmp_path / "t.csv").read_text()
    assert "\x1b" not in text
    assert all(
        not cell.startswith(("=", "@", "+"))
        for row in csv.reader(text.splitlines())
        for cell in row
    )


def test_json_lines_hold_exact_numbers_and_null_for_nan(db, tmp_path):
    export(db, tmp_path / "t.jsonl", studies=["first"])

    rows = {
        row["key"]: row for row in map(_strict, (tmp_path / "t.jsonl").read_text().splitlines())
    }
    assert rows["aa2"]["top1"] == 0.1 + 0.2
    assert rows["cc0"]["metrics"]["top1"] is None
    assert rows["bb0"]["label"] == HOSTILE
    assert rows["cc0"]["variant"] == {
        "gate": {"name": "das", "design": "c"},
        "placement.stages": [1, 2],
    }


def _strict(line):
    return json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


@pytest.mark.parametrize("what", COLUMNS)
def test_parquet_reads_back_with_types_in_pandas_and_duckdb(db, tmp_path, what):
    import duckdb
    import pandas as pd

    file = tmp_path / "t.parquet"
    export(db, file, what=what)

    frame = pd.read_parquet(file)
    with read_store(db) as reader:
        records = reader.view(what)
    assert len(frame) == len(records)
    assert tuple(frame)[: len(COLUMNS[what])] == COLUMNS[what]
    assert duckdb.sql(f"SELECT COUNT(*) FROM '{file}'").fetchall() == [(len(records),)]
    numbers = "epoch" if what == "epochs" else "planned" if what == "leaderboard" else "seed"
    assert duckdb.sql(f"SELECT SUM({numbers}) FROM '{file}'").fetchall() == [
        (sum(r[numbers] for r in records),)
    ]


@pytest.mark.parametrize("name", ["e.csv", "e.parquet", "e.jsonl"])
def test_a_study_without_trials_gives_a_file_without_rows(db, tmp_path, name):
    import pandas as pd

    export(db, tmp_path / name, studies=["empty"])

    if name.endswith("jsonl"):
        assert (tmp_path / name).read_bytes() == b""
        return
    frame = (
        pd.read_csv(tmp_path / name) if name.endswith("csv") else pd.read_parquet(tmp_path / name)
    )
    assert (len(frame), tuple(frame)) == (0, COLUMNS["trials"])


@pytest.mark.parametrize("studies", [(), ("first",), ("second", "first"), ("empty",)])
def test_a_copy_answers_as_the_original_does(db, tmp_path, studies):
    export(db, tmp_path / "copy.db", studies=studies)

    with read_store(db) as original, read_store(tmp_path / "copy.db") as copy:
        names = list(studies) or ["first", "second", "empty"]
        assert {record.name for record in copy.studies()} == set(names)
        for name in names:
            assert _plain(copy.rows(name)) == _plain(original.rows(name))
            assert copy.looks(name) == original.looks(name)
        for row in original.rows(names):
            kept, there = copy.trial(row.key), original.trial(row.key)
            assert (kept.spec, kept.epochs, kept.attempts, repr(kept.outcome)) == (
                there.spec, there.epochs, there.attempts, repr(there.outcome)
            )  # fmt: skip


def _plain(rows):
    return [repr(row) for row in rows]  # NaN equals itself


def test_a_copy_is_a_database_that_goes_on(db, tmp_path):
    export(db, tmp_path / "copy.db", studies=["first"])

    with open_store(tmp_path / "copy.db") as store:
        store.plan("third", members=[member("aa0")])
        assert store.rows("third")[0].metrics["top1"] == 61.25
    assert not list(tmp_path.glob(".copy.db*"))


@pytest.mark.slow
@pytest.mark.parametrize("studies", [(), ("second",)])
def test_a_servers_results_are_copied_into_a_file(team, tmp_path, studies):
    export(team, tmp_path / "copy.db", studies=studies)

    with read_store(team) as original, read_store(tmp_path / "copy.db") as copy:
        assert _plain(copy.rows("second")) == _plain(original.rows("second"))
        assert len(copy.studies()) == (1 if studies else 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_servers_results_are_exported_like_a_files(team, db, tmp_path, name):
    times = {"created", "finished"}
    export(team, tmp_path / f"server-{name}")
    export(db, tmp_path / f"file-{name}")

    assert _read(tmp_path / f"server-{name}", without=times) == _read(
        tmp_path / f"file-{name}", without=times
    )


def _read(path, *, without):
    import pandas as pd

    read = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".jsonl": lambda file: pd.read_json(file, lines=True),
    }
    frame = read[path.suffix](path)
    return repr(frame.drop(columns=list(without)).to_dict("records"))


def test_an_optuna_storage_holds_what_has_ended(db, tmp_path):
    import optuna

    export(db, tmp_path / "o.db", format_="optuna")

    storage = f"sqlite:///{tmp_path / 'o.db'}"
    assert sorted(optuna.get_all_study_names(storage)) == ["empty", "first", "second"]
    study = optuna.load_study(study_name="first", storage=storage)
    trials = {trial.user_attrs["key"]: trial for trial in study.trials}
    assert {key: trial.state.name for key, trial in trials.items()} == {
        **dict.fromkeys(("aa0", "aa1", "aa2", "bb0", "bb1", "cc1"), "COMPLETE"),
        "cc0": "FAIL",
        "dd0": "FAIL",
        "dd1": "PRUNED",
    }
    assert trials["aa2"].value == 0.1 + 0.2
    assert trials["aa0"].params == {"gate.alpha": 0.1, "gate.norm": "in"}
    assert trials["bb0"].user_attrs["label"] == HOSTILE
    assert trials["aa0"].user_attrs["seed"] == 0
    assert trials["aa0"].intermediate_values == {1: 51.0, 2: 52.0, 3: 53.0}
    assert study.best_value == 80.0
    assert study.metric_names == ["top1"]


def test_an_optuna_storage_keeps_several_objectives(db, tmp_path):
    import optuna

    export(db, tmp_path / "o.db", studies=["second"], format_="optuna")

    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'o.db'}")
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["top1", "macs"]
    assert study.trials[0].values == [61.25, 34_000.0]


@pytest.mark.slow
def test_the_real_optuna_dashboard_serves_the_storage(db, tmp_path):
    pytest.importorskip("optuna_dashboard")
    export(db, tmp_path / "o.db", format_="optuna")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [f"sqlite:///{tmp_path / 'o.db'}", "--host", "127.0.0.1", "--port", str(port)]
    program = Path(sys.executable).with_name("optuna-dashboard")
    server = subprocess.Popen(
        [program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}/api/studies"
        summaries = {
            summary["study_name"]: summary for summary in _fetch(address, server)["study_summaries"]
        }
        first = _fetch(f"{address}/{summaries['first']['study_id']}", server)
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait(30)

    assert set(summaries) == {"empty", "first", "second"}
    assert len(first["trials"]) == 9
    assert first["objective_names"] == ["top1"]


def _fetch(address, server):
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, "the dashboard ended"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)
        except OSError:
            assert time.monotonic() < deadline, "the dashboard did not start"
            time.sleep(0.2)


def test_an_existing_file_is_left_alone_unless_forced(db, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("precious")

    with pytest.raises(UsageError, match="the file exists; `force` replaces it"):
        export(db, file)
    assert file.read_text() == "precious"
    export(db, file, force=True)
    assert file.read_text().startswith("study,key")


def test_the_database_itself_is_never_replaced(db, tmp_path):
    (tmp_path / "link.db").symlink_to(db)

    for name in ("results.db", "link.db"):
        with pytest.raises(UsageError, match="this is the database itself"):
            export(db, tmp_path / name, force=True)
    with read_store(db) as reader:
        assert len(reader.studies()) == 3


def test_the_log_of_a_database_that_is_replaced_does_not_stay(db, tmp_path):
    export(db, tmp_path / "copy.db", studies=["second"])
    with open_store(tmp_path / "copy.db") as store:
        store.plan("other", members=[member("aa1")])
        log = (tmp_path / "copy.db-wal").read_bytes()
    (tmp_path / "copy.db-wal").write_bytes(log)

    export(db, tmp_path / "copy.db", studies=["first"], force=True)

    with read_store(tmp_path / "copy.db") as reader:
        assert [record.name for record in reader.studies()] == ["first"]


@pytest.mark.parametrize("format_", ["csv", "parquet", "jsonl", "sqlite", "optuna"])
def test_a_failed_export_leaves_nothing(db, tmp_path, format_):
    folder = tmp_path / "out"

    with pytest.raises(UsageError, match=r"unknown study 'fist'. Did you mean 'first'\?"):
        export(db, folder / "x", studies=["fist"], format_=format_)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(db, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="its folder cannot be made"):
        export(db, tmp_path / "file" / "t.csv")


def test_a_full_disk_is_an_error_that_teaches(db, tmp_path, monkeypatch):
    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)

    with pytest.raises(StoreError, match="the file cannot be written: No space left"):
        export(db, tmp_path / "t.csv")
    assert not list(tmp_path.glob("*t.csv*"))


def test_a_pipe_is_never_replaced(db, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(UsageError, match="it is a pipe or a device"):
        export(db, tmp_path / "pipe.csv", force=True)
    assert (tmp_path / "pipe.csv").is_fifo()


def test_an_ending_that_names_no_format_is_refused(db, tmp_path):
    with pytest.raises(
        UsageError, match=r"the ending '.xlsx' names no format; end the file in .csv, .parquet"
    ):
        export(db, tmp_path / "t.xlsx")


def test_a_copy_takes_no_choice_of_a_table(db, tmp_path):
    with pytest.raises(UsageError, match="format sqlite holds everything"):
        export(db, tmp_path / "t.db", what="epochs")


def test_exporting_never_creates_a_database(tmp_path):
    with pytest.raises(StoreError, match="there are no results yet"):
        export(str(tmp_path / "none.db"), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
