"""How SQLite or PostgreSQL is opened, so that both promise one writer at a time, durably."""

import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from dasbench.errors import UsageError
from dasbench.spec.plain import Record

APPLICATION_ID = 0x44415342
"""`DASB`: marks a SQLite file as ours; on PostgreSQL, the lock under which writers take turns."""

PATIENCE_S = 30.0
"""How long a locked database is waited for."""


@dataclass(frozen=True)
class Location:
    """Where a database is.

    Args:
        name: as messages call it; never with a password.
        path: the file of a SQLite database, None for a server.
        url: the address of a server, None for a file.
    """

    name: str
    path: Path | None = None
    url: URL | None = None

    @property
    def spool(self) -> Path:
        """The file that keeps results while the database cannot."""
        if self.path is not None:
            return self.path.with_name(f"{self.path.name}.spool")
        assert self.url is not None
        return Path(f"dasbench-{self.url.host or 'local'}-{self.url.database}.spool")


def locate(where: str | Path) -> Location:
    """Find out what a path or a URL names.

    Args:
        where: a file, or a URL of SQLAlchemy for SQLite or PostgreSQL.

    Raises:
        UsageError: if it is a URL of anything else.

    Example:
        >>> locate("results.db").path
        PosixPath('results.db')
        >>> locate("postgresql://me:secret@db.example/das").name
        'postgresql+psycopg://me:***@db.example/das'
    """
    if isinstance(where, Path) or "://" not in where:
        return Location(str(where), path=Path(where))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise UsageError(
            f"'{where}' is no database URL. Write a path, or postgresql://USER@HOST/NAME."
        ) from error
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise UsageError(
                f"'{where}' is gone when the program ends. Name a file: `db` results.db"
            )
        return Location(str(url.database), path=Path(str(url.database)))
    if url.get_backend_name() != "postgresql":
        raise UsageError(
            f"'{url.drivername}' is no supported database. "
            "Use a SQLite file or postgresql://HOST/NAME."
        )
    url = url.set(drivername="postgresql+psycopg")
    return Location(url.render_as_string(hide_password=True), url=url)


def writing_engine(place: Location, *, create: bool = False, foreign_keys: bool = True) -> Engine:
    """An engine that may write: WAL and full synchronisation on SQLite, serial writers on both.

    Args:
        place: the database.
        create: make the SQLite file if it is missing.
        foreign_keys: False while a migration rebuilds tables.
    """
    if place.path is None:
        return _server_engine(place)
    mode = "rw"
    if create:
        mode = "rwc"
    pragmas = ["journal_mode=WAL", "synchronous=FULL", f"foreign_keys={int(foreign_keys)}"]
    return _file_engine(_file_uri(place.path, mode), pragmas)


def reading_engine(place: Location) -> Engine:
    """An engine that cannot write."""
    if place.path is None:
        return _server_engine(place).execution_options(postgresql_readonly=True)
    return _file_engine(reading_uri(place.path), ["query_only=1"])


def reading_uri(path: Path) -> str:
    """The address under which SQLite opens a file read-only.

    Reading a database in WAL mode needs two files beside it. Where they cannot be made (a read-only
    disk), the database is opened as immutable, which is right only if no log of unwritten changes
    lies beside it.
    """
    wal = path.with_name(f"{path.name}-wal")
    idle = not wal.exists() or wal.stat().st_size == 0
    uri = _file_uri(path, "ro")
    if idle and not os.access(path.parent, os.W_OK):
        uri += "&immutable=1"
    return uri


def _file_uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _file_engine(uri: str, pragmas: list[str]) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "begin", _begin_file)
    return engine


def _begin_file(connection: Connection) -> None:
    options = connection.get_execution_options()
    patience_s = options.get("das_write")
    if patience_s is None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={round(PATIENCE_S * 1000)}")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={round(patience_s * 1000)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _server_engine(place: Location) -> Engine:
    assert place.url is not None
    arguments: Record = {"connect_timeout": 10, "application_name": "dasbench"}
    try:
        engine = create_engine(place.url, pool_pre_ping=True, connect_args=arguments)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{place.name}: PostgreSQL needs: pip install 'dasbench[postgresql]'"
        ) from error
    event.listen(engine, "begin", _begin_server)
    return engine


def _begin_server(connection: Connection) -> None:
    patience_s = connection.get_execution_options().get("das_write")
    if patience_s is not None:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(patience_s * 1000))}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")


def clock(connection: Connection) -> datetime:
    """The time in UTC: the server's, so that hosts need not agree, or this machine's for a file."""
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)
    return datetime.now(UTC)
