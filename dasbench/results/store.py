"""The writing side of the results database, which the driver alone uses."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from dasbench.errors import StoreError
from dasbench.records import Cost, Epoch, Outcome
from dasbench.results import fencing, locks, planning, repeating, spool
from dasbench.results.answers import LookRecord
from dasbench.results.costing import keep_costs, refuse_other_costs
from dasbench.results.database import Database
from dasbench.results.engine import PATIENCE_S, clock, locate
from dasbench.results.faults import store_error
from dasbench.results.opening import prepare_database
from dasbench.results.owner import Owner
from dasbench.results.planning import Member, append_members, keep_study, replace_members
from dasbench.results.reading import Reader
from dasbench.spec.cost_key import CostKey
from dasbench.spec.metrics import Metrics
from dasbench.spec.plain import Spec

FAREWELL_S = 2.0
"""How long giving back is tried on the way out; whoever comes next notices the dead anyway."""

logger = logging.getLogger(__name__)


def open_store(where: str | Path, *, patience_s: float = PATIENCE_S) -> "Store":
    """Open a results database for writing.

    It is created, checked and brought up to date, and spooled results are merged.

    Args:
        where: its file, or a URL of SQLAlchemy for SQLite or PostgreSQL.
        patience_s: how long a write waits while another program holds the database.

    Raises:
        StoreError: if it cannot be used; it is left as it was.
        ForeignStoreError: if it is another program's or a newer version's; it is left as it was.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/r.db") as store:
        ...     store.plan("s", members=[Member(key="ab12", spec={"seed": 0})])
        ...     attempt = store.claim("ab12", "s")
        ...     store.add(Outcome(key="ab12", status="done", metrics={"top1": 91.5}), attempt)
        ...     [(row.state, row.metrics) for row in store.rows("s")]
        True
        [('done', {'top1': 91.5})]
    """
    place = locate(where)
    store = Store(Database(place, prepare_database(place), patience_s=patience_s))
    try:
        spool.merge(place.spool, store._add_spooled)
    except StoreError:
        store.close()
        raise
    except OSError as error:
        store.close()
        raise store_error(str(place.spool), place.spool, error) from error
    return store


class Store(Reader):
    """Writes a results database; reads it too. Every method has committed when it returns.

    Args:
        database: the opened database.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.owner = Owner.here()

    def close(self) -> None:
        """Give back the trials that still run under this store, and close every connection."""
        try:
            self._database.write(
                lambda c: fencing.release_all(c, self.owner), patience_s=FAREWELL_S
            )
        except StoreError as error:
            logger.warning("running trials could not be given back: %s", error)
        super().close()

    @contextmanager
    def lock(self, study: str) -> Iterator[None]:
        """Hold a study against other drivers, with a sign of life every few seconds.

        Raises:
            LockedError: if another driver that is alive holds it.
        """
        self._database.write(lambda connection: locks.take(connection, study, self.owner))

        def beat() -> None:
            self._database.write(lambda c: locks.beat(c, self.owner), patience_s=FAREWELL_S)

        heartbeat = locks.Heartbeat(beat)
        heartbeat.start()
        try:
            yield
        finally:
            heartbeat.stop()
            try:
                self._database.write(
                    lambda c: locks.drop(c, study, self.owner), patience_s=FAREWELL_S
                )
            except StoreError as error:
                logger.warning("the lock of study '%s' could not be given back: %s", study, error)

    def plan(
        self,
        name: str,
        *,
        members: Sequence[Member],
        question: str = "",
        document: Spec | None = None,
        file: str = "",
        metrics: Metrics | None = None,
    ) -> None:
        """Write a study and all its trials before the first one starts.

        Doing it again changes nothing.
        A study that was edited lists its new trials only; those that it no longer lists keep their
        results.

        Args:
            name: the study's name.
            members: its trials, in its order, no key twice.
            question: what it asks.
            document: the study as plain data.
            file: where it was read from.
            metrics: unit and direction of what its trials may return.
        """

        def work(connection: Connection) -> None:
            now = clock(connection)
            keep_study(
                connection,
                now,
                name=name,
                question=question,
                document=document or {},
                file=file,
                metrics=metrics or {},
            )
            replace_members(connection, now, name, members)

        self._database.write(work)

    def extend(self, name: str, members: Sequence[Member]) -> None:
        """Add trials to a planned study, after those that it lists; known ones stay as they are.

        Raises:
            StoreError: if the study was never planned.
        """
        self._database.write(
            lambda connection: append_members(connection, clock(connection), name, members)
        )

    def add_look(self, study: str, look: LookRecord) -> bool:
        """Keep a look; one that the study took before, by the same plan, stays as it is.

        Returns:
            Whether looks after it are exploratory: the study took one by another plan before, or
                this one came out otherwise then (by another test, or from other scores).
        """
        return self._database.write(lambda c: planning.add_look(c, clock(c), study, look))

    def sweep(self) -> list[str]:
        """Put the trials of dead drivers back to pending; returns their keys."""
        return self._database.write(fencing.sweep)

    def claim(self, key: str, study: str) -> int | None:
        """Take a trial to run it.

        Args:
            key: the trial's key.
            study: for which study.

        Returns:
            The number of this attempt; None if the trial is finished or somebody alive runs it.

        Raises:
            StoreError: if the trial was never planned.
        """
        return self._database.write(lambda c: fencing.claim(c, key, study, self.owner))

    def add_epoch(self, key: str, attempt: int, epoch: Epoch) -> bool:
        """Keep one point of the curve of a trial that runs; False if it is no longer ours."""
        return self._change_ours(
            key, attempt, lambda c: fencing.write_epochs(c, key, attempt, [epoch])
        )

    def add(self, outcome: Outcome, attempt: int) -> bool:
        """Keep what came out of a trial, in one transaction; adding it again changes nothing.

        Args:
            outcome: the result; one that was interrupted puts the trial back to pending and keeps
                its curve.
            attempt: what `claim` returned.

        Returns:
            False if the trial is no longer ours, because it was given to another driver; the result
            is dropped.

        Raises:
            StoreError: if the database cannot be written; the result then waits in the spool file
                beside it.
        """
        spooled = spool.Spooled(outcome, attempt, self.owner.token)
        try:
            fate = self._database.write(
                lambda connection: fencing.settle(connection, spooled, late=False)
            )
        except StoreError as error:
            raise spool.set_by(self._database.place.spool, spooled, error) from error
        return fate == "merged"

    def release(self, key: str, attempt: int) -> bool:
        """Put a trial that was not finished back to pending; False if it is no longer ours."""
        return self._change_ours(key, attempt, lambda c: fencing.release(c, key, attempt))

    def retry(self, keys: Sequence[str], reasons: Collection[str] | None = None) -> list[str]:
        """Put trials that failed or were stopped back to pending; returns the keys of those.

        They go on from their last checkpoint, if it is still there.

        Args:
            keys: the trials to look at.
            reasons: the classes of failure to try again, and `stopped` for trials that a scheduler
                stopped; every class of failure by default.
        """
        return self._database.write(lambda c: fencing.retry(c, keys, reasons))

    def keep_costs(self, counted: Mapping[CostKey, Cost], revision: int) -> list[CostKey]:
        """Keep what networks cost; returns those that an earlier revision had counted.

        The trials of a network that is counted again get the new counts; `revision` is that of the
        way of counting.

        Raises:
            StoreError: if a network has another cost under the same revision.
        """
        known = self.known_costs()
        refuse_other_costs(known, counted, revision)
        if all(revision in known.get(network, {}) for network in counted):
            return []
        return self._database.write(lambda c: keep_costs(c, clock(c), counted, revision))

    def set_aside(self, keys: Sequence[str]) -> list[str]:
        """Move what came out of trials to the history of their attempts, to train them again.

        Returns:
            The keys of those that had ended.

        Raises:
            LockedError: if one of them is running.
        """
        return self._database.write(lambda connection: repeating.set_aside(connection, keys))

    def forget_trials(self, keys: Sequence[str]) -> int:
        """Delete trials, in every study that lists them; returns how many there were.

        Raises:
            LockedError: if one of them is running.
        """
        return self._database.write(lambda connection: repeating.forget_trials(connection, keys))

    def forget_study(self, name: str) -> int:
        """Delete a study and the trials that no other study lists; returns how many those were.

        Raises:
            UsageError: if there is no such study; the message names the nearest.
            LockedError: if one of its trials is running.
        """
        return self._database.write(lambda connection: repeating.forget_study(connection, name))

    def _add_spooled(self, results: list[spool.Spooled]) -> list[spool.Fate]:
        return self._database.write(
            lambda connection: [fencing.settle(connection, one, late=True) for one in results]
        )

    def _change_ours(self, key: str, attempt: int, change: Callable[[Connection], object]) -> bool:
        """Change something of a trial that runs; False if it is no longer ours."""

        def work(connection: Connection) -> bool:
            is_ours = fencing.holds(connection, key, attempt, self.owner)
            if is_ours:
                change(connection)
            return is_ours

        return self._database.write(work)
