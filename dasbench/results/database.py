"""One opened database: transactions that wait for their turn, and fail saying why."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from dasbench.results.engine import PATIENCE_S, Location
from dasbench.results.faults import is_locked, store_error

T = TypeVar("T")


class Database:
    """A place and an engine for it.

    Args:
        place: where it is.
        engine: how to reach it.
        patience_s: how long a write waits for its turn.
    """

    def __init__(self, place: Location, engine: Engine, *, patience_s: float = PATIENCE_S) -> None:
        self.place = place
        self._engine = engine
        self._patience_s = patience_s

    def write(self, work: Callable[[Connection], T], *, patience_s: float | None = None) -> T:
        """Do work in one transaction that has the database to itself.

        It is on the disk when this returns.

        Args:
            work: called with the connection; called again if the database was locked.
            patience_s: how long to wait for the turn, the database's own patience by default.

        Raises:
            StoreError: if the database stays locked, or cannot be written.
        """
        if patience_s is None:
            patience_s = self._patience_s
        deadline = time.monotonic() + patience_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            try:
                with (
                    self._engine.connect().execution_options(das_write=left_s) as connection,
                    connection.begin(),
                ):
                    return work(connection)
            except DBAPIError as error:
                if not is_locked(error) or time.monotonic() >= deadline:
                    raise store_error(
                        self.place.name, self.place.path, error, patience_s
                    ) from error
            time.sleep(random.uniform(0.01, 0.05))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do work on one unchanging view of the database.

        Raises:
            StoreError: if the database cannot be read.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise store_error(self.place.name, self.place.path, error, PATIENCE_S) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
