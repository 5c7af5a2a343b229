"""Before a database is used: look at it untouched, create it, bring its layout up to date."""

import os
import secrets
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError

from dasbench.atomic import sync
from dasbench.errors import EmptyStoreError, OutdatedStoreError, StoreError
from dasbench.results.engine import (
    APPLICATION_ID,
    PATIENCE_S,
    Location,
    reading_uri,
    writing_engine,
)
from dasbench.results.faults import check_path, foreign_error, newer_error, store_error
from dasbench.results.schema import REVISION, VERSION_QUERY, VERSION_TABLE

BASE = "0000"
"""The version of a database that is ours and still empty."""


def prepare_database(place: Location) -> Engine:
    """Make a database ready for writing: it exists, is sound and has today's layout.

    Raises:
        StoreError: if it cannot be used; it is left as it was.
        ForeignStoreError: if it is another program's or a newer version's; it is left as it was.
    """
    try:
        if place.path is not None:
            _prepare_file(place, place.path)
        else:
            _prepare_server(place)
    except (OSError, sqlite3.Error, DBAPIError) as error:
        raise store_error(place.name, place.path, error, PATIENCE_S) from error
    return writing_engine(place)


def check_readable(place: Location, engine: Engine) -> None:
    """Make sure that a database can be read as it is.

    Raises:
        EmptyStoreError: if there is none.
        OutdatedStoreError: if its layout is older than today's.
        StoreError: if it is damaged.
        ForeignStoreError: if it is another program's or a newer version's.
    """
    missing = EmptyStoreError(
        f"{place.name}: there are no results yet. Run a study first: dasbench run STUDY.yaml"
    )
    if place.path is not None and not check_path(place.name, place.path):
        raise missing
    try:
        with engine.connect() as connection:
            if place.path is not None:
                _check_application(
                    place, connection.exec_driver_sql("PRAGMA application_id").scalar()
                )
            version = _layout_version(connection)
    except DBAPIError as error:
        raise store_error(place.name, place.path, error, PATIENCE_S) from error
    if _age(place, version) < 0:
        if place.path is None and version == BASE:
            raise missing
        raise OutdatedStoreError(
            f"{place.name}: its layout is version {version}, this dasbench reads {REVISION}. "
            "Bring it up to date (a copy is kept): dasbench run STUDY.yaml"
        )


def _prepare_file(place: Location, path: Path) -> None:
    if not check_path(place.name, path):
        _create_file(path)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StoreError(
            f"{place.name}: the file or its folder is read-only. "
            "Make both writable, or name another file with `db`; reading it works as it is."
        )
    version = _sound_version(place, path)
    if _age(place, version) < 0:
        _back_up(path, version)
        _upgrade(writing_engine(place, foreign_keys=False))


def _prepare_server(place: Location) -> None:
    engine = writing_engine(place)
    try:
        with engine.connect() as connection:
            version = _layout_version(connection)
        if _age(place, version) < 0:
            _upgrade(engine)
    finally:
        engine.dispose()


def _sound_version(place: Location, path: Path) -> str:
    """The version of a file's layout, read without changing a byte.

    Raises:
        ForeignStoreError: if it is another program's or a newer version's.
        sqlite3.Error: if it is damaged.
    """
    with closing(inspecting(path)) as connection:
        _check_application(place, connection.execute("PRAGMA application_id").fetchone()[0])
        known = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)
        ).fetchone()
        version = BASE
        if known and (row := connection.execute(VERSION_QUERY).fetchone()):
            version = str(row[0])
        _age(place, version)
        faults = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if faults != ["ok"]:
        raise sqlite3.DatabaseError(f"malformed: {'; '.join(faults)}")
    return version


def inspecting(path: Path) -> sqlite3.Connection:
    """A plain connection to a SQLite database that changes nothing in it."""
    return sqlite3.connect(reading_uri(path), uri=True, timeout=PATIENCE_S, isolation_level=None)


def _check_application(place: Location, found: object) -> None:
    if found != APPLICATION_ID:
        raise foreign_error(place.name)


def _layout_version(connection: Connection) -> str:
    if not inspect(connection).has_table(VERSION_TABLE):
        return BASE
    found = connection.exec_driver_sql(VERSION_QUERY).scalar()
    return str(found or BASE)


def _age(place: Location, version: str) -> int:
    """How much newer a layout is than today's: negative for an older one, else 0.

    Raises:
        ForeignStoreError: for a newer one.
    """
    if not version.isdigit() or int(version) > int(REVISION):
        raise newer_error(place.name, version, REVISION)
    return int(version) - int(REVISION)


def _create_file(path: Path) -> None:
    """Create a database aside and move it to its place: a crash never leaves half of one."""
    aside = path.with_name(f"{path.name}.new-{secrets.token_hex(4)}")
    try:
        _upgrade(writing_engine(Location(str(aside), path=aside), create=True))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another driver was faster; its database is as good
        except OSError:  # a disk without hard links
            aside.rename(path)
        sync(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            aside.with_name(aside.name + suffix).unlink(missing_ok=True)


def _back_up(path: Path, version: str) -> Path:
    """Copy a database, with the changes that are still in its log, to a file beside it."""
    target = path.with_name(f"{path.name}.backup-{version}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    try:
        with closing(inspecting(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error:
        target.unlink(missing_ok=True)
        raise
    return target


def _upgrade(engine: Engine) -> None:
    """Bring a database to today's layout, in one transaction that has it to itself."""
    # importing Alembic takes 0.3 s and is seldom needed
    from dasbench.results.migrations import upgrade

    try:
        with (
            engine.connect().execution_options(das_write=PATIENCE_S) as connection,
            connection.begin(),
        ):
            upgrade(connection)
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.exec_driver_sql(f"PRAGMA user_version = {int(REVISION)}")
    finally:
        engine.dispose()
