"""One driver per study: its lock in the database, and the sign of life that keeps it."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from dasbench.errors import LockedError, StoreError
from dasbench.records import State
from dasbench.results.encoding import stamp
from dasbench.results.engine import clock
from dasbench.results.owner import Owner
from dasbench.results.schema import locks, trials

LEASE_S = 60.0
"""How long an owner on another host counts as alive after its last sign of life."""

logger = logging.getLogger(__name__)


def take(connection: Connection, study: str, owner: Owner) -> None:
    """Take a study's lock, also from a driver that is dead.

    Raises:
        LockedError: if another driver that is alive holds it; the message says which.
    """
    now = clock(connection)
    held = connection.execute(select(locks).where(locks.c.study == study)).mappings().one_or_none()
    if held and Owner.from_row(held).is_alive(
        fresh=held["heartbeat"] > stamp(now - timedelta(seconds=LEASE_S))
    ):
        raise LockedError(_held_message(study, held))
    if held:
        logger.warning(
            "study '%s': took over from process %s on %s, which died",
            study,
            held["pid"],
            held["host"],
        )
        connection.execute(delete(locks).where(locks.c.study == study))
    connection.execute(
        insert(locks).values(study=study, since=stamp(now), heartbeat=stamp(now), **owner.columns())
    )


def drop(connection: Connection, study: str, owner: Owner) -> None:
    """Give a study's lock back, if it is still this owner's."""
    connection.execute(delete(locks).where(locks.c.study == study, locks.c.token == owner.token))


def beat(connection: Connection, owner: Owner) -> None:
    """Give a sign of life: for the locks that an owner holds and the trials that it runs."""
    now = clock(connection)
    connection.execute(
        update(locks).where(locks.c.token == owner.token).values(heartbeat=stamp(now))
    )
    mine = (trials.c.token == owner.token) & (trials.c.state == State.RUNNING)
    connection.execute(update(trials).where(mine).values(lease=lease_from(now)))


def lease_from(now: datetime) -> str:
    """Until when a trial that gave a sign of life now is safe from being taken."""
    return stamp(now + timedelta(seconds=LEASE_S))


def _held_message(study: str, held: RowMapping) -> str:
    return (
        f"study '{study}' is held by another driver: process {held['pid']} on host "
        f"'{held['host']}', since {held['since']}. Wait until it is done or stop it, then run "
        "again; what is finished is kept."
    )


class Heartbeat:
    """A thread that calls a function again and again until it is stopped.

    Args:
        pulse: what to call; a `StoreError` is logged and the next call tried.
        every_s: seconds between calls.
    """

    def __init__(self, pulse: Callable[[], None], *, every_s: float = LEASE_S / 4) -> None:
        self._pulse = pulse
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dasbench-heartbeat", daemon=True)

    def start(self) -> None:
        """Start beating."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._pulse()
            except StoreError as error:
                logger.warning("no sign of life could be written: %s", error)
