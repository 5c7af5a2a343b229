"""What whoever asks the database directly sees, on SQLite and on PostgreSQL alike."""

import math
import sqlite3
from contextlib import closing
from statistics import stdev

import pytest
from alembic import command
from alembic.config import Config
from fabricated_results import COST, TOP1, fill, member
from hypothesis import given, settings
from hypothesis import strategies as st
from older_layouts import undo_fourth
from sqlalchemy import create_engine, insert

from dasbench.records import Epoch, Outcome
from dasbench.results.encoding import dump_metrics
from dasbench.results.engine import APPLICATION_ID, locate, writing_engine
from dasbench.results.migrations import FOLDER
from dasbench.results.reading import read_store
from dasbench.results.schema import members, metadata, trials
from dasbench.results.store import open_store
from dasbench.results.views import VIEWS, create_views, read_view
from dasbench.views.variants import leaderboard


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path, monkeypatch):
    """A filled database."""
    monkeypatch.chdir(tmp_path)
    where = (
        str(tmp_path / "results.db")
        if request.param == "sqlite"
        else request.getfixturevalue("team_database")
    )
    with open_store(where) as store:
        fill(store)
        yield where


@pytest.fixture
def ask(place):
    """Asks the database in SQL, past everything of ours; answers a pandas frame."""
    import pandas as pd

    url = (
        place.replace("postgresql:", "postgresql+psycopg:")
        if "://" in place
        else f"sqlite:///{place}"
    )
    engine = create_engine(url)
    yield lambda query: pd.read_sql(query, engine)
    engine.dispose()


def test_the_trials_are_the_rows_of_the_reports(place, ask):
    frame = ask("SELECT * FROM v_trials ORDER BY study, position").astype(object)
    frame = frame.where(frame.notna(), None)

    with read_store(place) as reader:
        rows = reader.rows(["first", "second"])
    assert len(frame) == len(rows)
    for row, cells in zip(rows, frame.to_dict("records"), strict=True):
        value = row.metrics.get("top1")
        assert cells["top1"] == (value if value is not None and math.isfinite(value) else None)
        assert [cells[name] for name in ("study", "key", "label", "seed", "role", "state", "reason", "finished")] == [
            row.study, row.key, row.label, row.seed, row.role, row.state, row.reason, row.finished
        ]  # fmt: skip
        assert (cells["seconds"], cells["peak_memory"], bool(cells["reused"])) == (
            row.seconds, row.peak_memory, row.reused
        )  # fmt: skip
        assert cells["macs_full"] == (row.cost.macs_full if row.cost else None)


@pytest.mark.parametrize("view", VIEWS)
def test_views_need_no_dasbench(ask, view):
    assert len(ask(f"SELECT * FROM {view}")) > 0


def test_epochs_are_those_of_the_attempt_that_counts(place, ask):
    frame = ask("SELECT * FROM v_epochs ORDER BY key, epoch")

    with read_store(place) as reader:
        for key in TOP1:
            points = frame[frame["key"] == key]
            epochs = reader.epochs(key)
            assert points["epoch"].tolist() == [epoch.number for epoch in epochs]
            assert points["val_top1"].tolist() == [epoch.metrics["val_top1"] for epoch in epochs]
    assert frame[frame["key"] == "cc1"]["attempt"].tolist() == [1, 2]


def test_a_metric_that_is_not_finite_is_null_and_stays_in_the_json(ask):
    [row] = ask("SELECT train_loss, metrics FROM v_epochs WHERE key = 'aa0' AND epoch = 2").to_dict(
        "records"
    )

    assert row["train_loss"] is None or math.isnan(row["train_loss"])
    assert '"train_loss":"Infinity"' in row["metrics"]


@pytest.mark.parametrize("study", ["first", "second"])
def test_the_leaderboard_is_that_of_the_reports(place, ask, study):
    found = {
        row["label"]: row
        for row in ask(f"SELECT * FROM v_leaderboard WHERE study = '{study}'").to_dict("records")
    }

    with read_store(place) as reader:
        entries = leaderboard(reader.rows(study))
    assert set(found) == {entry.label for entry in entries}
    for entry in entries:
        row, scores = found[entry.label], list(entry.scores.get("top1", {}).values())
        assert (row["n"], row["planned"], row["failed"]) == (
            entry.num_done,
            entry.planned,
            entry.failed,
        )
        assert row["stopped"] == entry.states.get("stopped", 0)
        assert row["top1_mean"] == pytest.approx(
            sum(scores) / len(scores) if scores else math.nan, nan_ok=True
        )
        assert row["top1_sd"] == pytest.approx(
            stdev(scores) if len(scores) > 1 else math.nan, nan_ok=True, abs=1e-9
        )


def test_equal_scores_have_no_spread(ask):
    [row] = ask("SELECT n, top1_sd FROM v_leaderboard WHERE top1_mean = 80").to_dict("records")

    assert row == {"n": 2, "top1_sd": 0.0}


@settings(max_examples=50)
@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_the_spread_is_exact_for_any_scores(scores):
    metrics = [dump_metrics({"top1": score}) for score in scores]
    times = {
        "created": "",
        "dataset": "",
        "task": "",
        "state": "done",
        "spec": "{}",
        "semantics": 2,
        "question": "",
    }
    with create_engine("sqlite://").connect() as connection:
        metadata.create_all(connection)
        create_views(connection)
        connection.execute(
            insert(trials),
            [{"key": str(n), "metrics": text, **times} for n, text in enumerate(metrics)],
        )
        listed = {"study": "s", "position": 0, "variant": "{}", "label": ""}
        connection.execute(
            insert(members), [{"key": str(n), "seed": n, **listed} for n in range(len(scores))]
        )
        [row] = read_view(connection, "leaderboard", ["s"])

    assert row["top1_sd"] == pytest.approx(stdev(scores), rel=1e-9, abs=1e-9)


def test_the_reader_decodes_the_json_of_views(place):
    with read_store(place) as reader:
        row = reader.view("trials", "second")[0]

    assert (row["variant"], row["reused"]) == ({"gate.alpha": 0.1, "gate.norm": "in"}, True)
    assert row["metrics"] == {"top1": 61.25, "val_top1": 53.0, "val_loss": math.inf}


def test_an_attempt_that_reached_less_hides_what_lies_behind(tmp_path):
    with open_store(tmp_path / "results.db") as store:
        store.plan("s", members=[member("aa0")])
        for numbers in ((1, 2, 3), (1, 2)):
            epochs = tuple(Epoch(n, {"val_top1": n / len(numbers)}) for n in numbers)
            store.add(
                Outcome(key="aa0", status="interrupted", epochs=epochs), store.claim("aa0", "s")
            )
        seen = [
            (row["epoch"], row["attempt"], row["val_top1"]) for row in store.view("epochs", "s")
        ]

        assert seen == [(1, 2, 0.5), (2, 2, 1.0)]
        assert [epoch.number for epoch in store.epochs("aa0")] == [1, 2]


def test_a_database_of_the_second_layout_gets_the_views_and_keeps_its_rows(tmp_path):
    place = tmp_path / "results.db"
    with open_store(place) as store:
        fill(store)
    with read_store(place) as reader:
        before = repr(reader.rows())
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        undo_fourth(connection)
        connection.execute("UPDATE das_alembic_version SET version_num = '0002'")

    with open_store(place) as store:
        assert repr(store.rows()) == before
        assert len(store.view("trials")) == len(store.rows())
    assert len(list(tmp_path.glob("results.db.backup-0002-*"))) == 1


def test_every_earlier_layout_comes_to_the_same_views(tmp_path):
    place = tmp_path / "results.db"
    place.touch()
    engine = writing_engine(locate(place), foreign_keys=False)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.connect().execution_options(das_write=1.0) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    engine.dispose()

    with open_store(place) as store:
        store.plan("s", members=[member("aa0")])
        assert [row["key"] for row in store.view("trials")] == ["aa0"]


def test_costs_of_a_variant_stand_in_the_leaderboard(place):
    with read_store(place) as reader:
        rows = reader.view("leaderboard", "first")

    assert {row["macs_full"] for row in rows} == {COST.macs_full}
