"""A copy of a results database, or of some of its studies, as a SQLite file of its own."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from dasbench.results.engine import PATIENCE_S, Location
from dasbench.results.faults import store_error
from dasbench.results.opening import inspecting, prepare_database
from dasbench.results.schema import attempts, costs, epochs, looks, members, studies, trials

_BATCH = 500
"""Rows that are copied at a time."""


def copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite database as it stands, with the changes that are still in its log.

    Raises:
        StoreError: if the copy cannot be written.
    """
    try:
        with closing(inspecting(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise store_error(str(target), target, error) from error


def copy_studies(source: Connection, target: Path, names: Sequence[str]) -> None:
    """Copy studies, their trials and all that belongs to these; drivers' locks stay behind.

    Args:
        source: a connection to any results database.
        target: the new file.
        names: the studies.

    Raises:
        StoreError: if the copy cannot be written.
    """
    keys = select(members.c.key).where(members.c.study.in_(names))
    networks = select(trials.c.network).where(trials.c.key.in_(keys))
    conditions = {
        studies: studies.c.name.in_(names),
        trials: trials.c.key.in_(keys),
        members: members.c.study.in_(names),
        looks: looks.c.study.in_(names),
        epochs: epochs.c.key.in_(keys),
        attempts: attempts.c.key.in_(keys),
        costs: costs.c.network.in_(networks),
    }
    engine = prepare_database(Location(str(target), path=target))
    try:
        with engine.connect().execution_options(das_write=PATIENCE_S) as copy, copy.begin():
            for table, condition in conditions.items():
                for rows in (
                    source.execute(select(table).where(condition)).mappings().partitions(_BATCH)
                ):
                    copy.execute(insert(table), [dict(row) for row in rows])
    except DBAPIError as error:
        raise store_error(str(target), target, error) from error
    finally:
        engine.dispose()
