"""The layout of the database: how it is created and upgraded, and what is left alone."""

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fabricated_results import fill
from older_layouts import undo_fifth, undo_seventh

from dasbench.errors import ForeignStoreError, StoreError
from dasbench.results.engine import APPLICATION_ID, locate, writing_engine
from dasbench.results.migrations import FOLDER, upgrade
from dasbench.results.planning import Member
from dasbench.results.reading import read_store
from dasbench.results.schema import REVISION, VERSION_TABLE, metadata
from dasbench.results.store import open_store
from dasbench.spec.identity import question_of
from dasbench.spec.trial import Trial

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("das_trials") as table:
        table.alter_column("spec", new_column_name="asked")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of today's layout with one trial."""
    place = tmp_path / "results.db"
    with open_store(place) as store:
        store.plan("norms", members=[Member(key="aa01", spec={"seed": 7}, dataset="digits")])
    return place


def change(path: Path, *statements: str) -> bytes:
    """Change a database behind our back; returns its bytes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def ask(path: Path, question: str) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(question)]


def make_empty(path: Path) -> None:
    """A database of ours from before the first layout, with a table that an upgrade must not touch."""
    change(
        path,
        f"PRAGMA application_id = {APPLICATION_ID}",
        "CREATE TABLE note AS SELECT 'keep me' AS text",
    )


def test_the_version_is_that_of_the_newest_migration() -> None:
    assert ScriptDirectory(str(FOLDER)).get_current_head() == REVISION


def test_the_migrations_build_the_tables_of_the_schema(path: Path) -> None:
    engine = writing_engine(locate(path))
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), metadata
        )

    assert differences == []


def test_a_new_database_is_marked_as_ours(path: Path) -> None:
    assert ask(path, "PRAGMA application_id") == [APPLICATION_ID]
    assert ask(path, "PRAGMA user_version") == [int(REVISION)]


def test_creating_leaves_no_other_file(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["results.db"]


def test_a_folder_with_a_percent_sign_is_fine(tmp_path: Path) -> None:
    place = tmp_path / "50% ä?#" / "results.db"
    place.parent.mkdir()

    with open_store(place) as store:
        store.plan("norms", members=[])
    with read_store(place) as reader:
        assert [study.name for study in reader.studies()] == ["norms"]


def test_drivers_that_create_at_the_same_time_share_one_database(tmp_path: Path) -> None:
    place = tmp_path / "results.db"

    def plan(name: str) -> None:
        with open_store(place) as store:
            store.plan(name, members=[Member(key=name, spec={})])

    threads = [threading.Thread(target=plan, args=(f"study{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with read_store(place) as reader:
        assert {study.name for study in reader.studies()} == {
            "study0",
            "study1",
            "study2",
            "study3",
        }


def test_an_older_layout_is_brought_up_to_date(tmp_path: Path) -> None:
    place = tmp_path / "results.db"
    make_empty(place)

    with open_store(place) as store:
        store.plan("norms", members=[Member(key="aa01", spec={})])
        assert len(store.rows("norms")) == 1
    assert ask(place, "SELECT text FROM note") == ["keep me"]


def test_an_upgrade_leaves_a_copy_of_the_older_layout(tmp_path: Path) -> None:
    place = tmp_path / "results.db"
    make_empty(place)

    open_store(place).close()

    [copy] = tmp_path.glob("results.db.backup-0000-*Z")
    assert ask(copy, "SELECT name FROM sqlite_master") == ["note"]
    assert ask(copy, "PRAGMA quick_check") == ["ok"]


def test_a_layout_of_today_is_not_copied(path: Path) -> None:
    open_store(path).close()

    assert list(path.parent.glob("*backup*")) == []


def test_reading_never_upgrades(tmp_path: Path) -> None:
    place = tmp_path / "results.db"
    make_empty(place)
    before = place.read_bytes()

    with pytest.raises(
        StoreError, match=f"its layout is version 0000, this dasbench reads {REVISION}"
    ):
        read_store(place)
    assert place.read_bytes() == before


def test_rebuilding_a_table_keeps_what_refers_to_it(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "r9999_second.py").write_text(SECOND)

    engine = writing_engine(locate(path), foreign_keys=False)
    with engine.connect().execution_options(das_write=1.0) as connection, connection.begin():
        upgrade(connection, folder=folder)
    engine.dispose()

    assert ask(path, "SELECT asked FROM das_trials JOIN das_members USING (key)") == ['{"seed":7}']
    assert ask(path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("use", [open_store, read_store])
def test_a_newer_layout_is_refused_and_left_alone(path: Path, use) -> None:
    before = change(path, "UPDATE das_alembic_version SET version_num = '0999'")

    with pytest.raises(
        ForeignStoreError,
        match=rf"version 0999, this dasbench knows up to {REVISION}.*Upgrade dasbench",
    ):
        use(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("use", [open_store, read_store])
@pytest.mark.parametrize("mark", [0, 0x0F055112])
def test_a_database_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, use, mark: int
) -> None:
    place = tmp_path / "other.db"
    before = change(
        place,
        "PRAGMA journal_mode = WAL",
        f"PRAGMA application_id = {mark}",
        "CREATE TABLE studies (a)",
    )

    with pytest.raises(ForeignStoreError, match="a database of another program, left untouched"):
        use(place)
    assert place.read_bytes() == before


def older(folder: Path, path: Path, *, layout: int) -> None:
    """Create a database of an earlier layout."""
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (folder / "versions").glob("r*.py"):
        if int(file.name[1:5]) > layout:
            file.unlink()
    config = Config()
    config.set_main_option("script_location", str(folder))
    engine = writing_engine(locate(path), create=True)
    with engine.connect().execution_options(das_write=1.0) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    engine.dispose()


def test_results_from_before_code_was_in_the_key_are_read_and_known_to_be_older(
    tmp_path: Path,
) -> None:
    place = tmp_path / "results.db"
    older(tmp_path / "migrations", place, layout=3)
    spec = Trial(backbone="resnet18", dataset="digits").model_dump(mode="json")
    del spec["code"]
    change(
        place,
        "INSERT INTO das_studies VALUES ('s', 'Which?', '{}', 's.yaml', '2025')",
        "INSERT INTO das_trials (key, dataset, task, state, metrics, seconds, peak_memory, device, attempt, created, "
        "finished, spec, environment, error, correct) VALUES ('aa01', 'digits', 'classification', 'done', "
        f"""'{{"top1":61.0}}', 1, 1, 'cpu', 1, '2025', '2025', '{json.dumps(spec)}', '{{}}', '', '')""",
        "INSERT INTO das_members VALUES ('s', 'aa01', 0, '{}', 'base', 0, '')",
    )

    with open_store(place) as store:
        [row] = store.rows("s")
        [answer] = store.answers([question_of(spec)])

    assert (row.metrics, row.code, row.repeats) == ({"top1": 61.0}, {}, 0)
    assert (answer.key, answer.semantics) == ("aa01", 1)
    assert ask(place, "PRAGMA foreign_key_check") == []


def test_results_from_before_confusions_were_kept_are_read_without_one(tmp_path: Path) -> None:
    place = tmp_path / "results.db"
    with open_store(place) as store:
        fill(store)
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        undo_fifth(connection)
        connection.execute("UPDATE das_alembic_version SET version_num = '0004'")

    with open_store(place) as store:
        trial = store.trial("aa0")
        confusions = store.confusions(["aa0", "bb0"])

    assert trial.outcome is not None
    assert (trial.outcome.correct, trial.outcome.confusion, confusions) == ("ff0a", "", {})
    assert len(list(tmp_path.glob("results.db.backup-0004-*"))) == 1


def test_of_results_from_before_looks_were_noticed_none_is_known(tmp_path: Path) -> None:
    place = tmp_path / "results.db"
    with open_store(place) as store:
        fill(store)
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        undo_seventh(connection)
        connection.execute("UPDATE das_alembic_version SET version_num = '0006'")

    with open_store(place) as store:
        rows = store.rows()

    assert rows
    assert {len(row.looked_at) for row in rows} == {0}
