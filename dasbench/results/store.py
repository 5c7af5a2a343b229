"""The writing side of the results database: plan, claim, and keep what comes out; used by the driver alone."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from dasbench.errors import StoreError
from dasbench.records import Cost, Epoch, Outcome, State
from dasbench.results import fencing, locks, planning, repeating, spool
from dasbench.results.answers import LookRecord
from dasbench.results.costing import Network, keep_costs, refuse_other_costs
from dasbench.results.database import Database
from dasbench.results.encoding import stamp
from dasbench.results.engine import PATIENCE_S, clock, locate
from dasbench.results.faults import store_error
from dasbench.results.opening import prepare
from dasbench.results.owner import Owner
from dasbench.results.planning import Member, append_members, batches, keep_study, replace_members
from dasbench.results.reading import Reader
from dasbench.results.schema import trials
from dasbench.spec.metrics import Metrics

FAREWELL_S = 2.0
"""How long giving back is tried on the way out; whoever comes next notices the dead anyway."""

logger = logging.getLogger(__name__)


def open_store(where: str | Path, *, patience_s: float = PATIENCE_S) -> "Store":
    """Open a results database for writing: create it, check it, bring its layout up to date, merge spooled results.

    Args:
        where: its file, or a URL of SQLAlchemy for SQLite or PostgreSQL.
        patience_s: how long a write waits while another program holds the database.

    Raises:
        StoreError: if it cannot be used; it is left as it was.
        ForeignStoreError: if it is another program's or a newer version's; it is left as it was.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/results.db") as store:
        ...     store.plan("s", members=[Member(key="ab12", spec={"seed": 0})])
        ...     attempt = store.claim("ab12", "s")
        ...     store.add(Outcome(key="ab12", status="done", metrics={"top1": 91.5}), attempt)
        ...     [(row.state, row.metrics) for row in store.rows("s")]
        True
        [('done', {'top1': 91.5})]
    """
    place = locate(where)
    store = Store(Database(place, prepare(place), patience_s=patience_s))
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
            self._database.write(self._release_all, patience_s=FAREWELL_S)
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
        heartbeat = locks.Heartbeat(
            lambda: self._database.write(lambda c: locks.beat(c, self.owner), patience_s=FAREWELL_S)
        )
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
        document: Mapping[str, Any] | None = None,
        file: str = "",
        metrics: Metrics | None = None,
    ) -> None:
        """Write a study and all its trials before the first one starts; doing it again changes nothing.

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
            about, traits = document or {}, metrics or {}
            keep_study(
                connection,
                now,
                name=name,
                question=question,
                document=about,
                file=file,
                metrics=traits,
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
            Whether it is exploratory: the study took a look by another plan before.
        """
        return self._database.write(lambda c: planning.add_look(c, clock(c), study, look))

    def sweep(self) -> list[str]:
        """Put the trials of dead drivers back to pending; returns their keys."""

        def work(connection: Connection) -> list[str]:
            now = stamp(clock(connection))
            running = (
                connection.execute(select(trials).where(trials.c.state == State.RUNNING))
                .mappings()
                .all()
            )
            lost = [
                row
                for row in running
                if not Owner.from_row(row).is_alive(fresh=(row["lease"] or "") > now)
            ]
            for row in lost:
                fencing.end(connection, row["key"], row["attempt"], how="lost", now=now)
                fencing.put_back(connection, row["key"])
            return [row["key"] for row in lost]

        return self._database.write(work)

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
        return self._database.write(
            lambda connection: fencing.claim(connection, key, study, self.owner)
        )

    def add_epoch(self, key: str, attempt: int, epoch: Epoch) -> bool:
        """Keep one point of the learning curve of a trial that runs; False if the trial is no longer ours."""

        def work(connection: Connection) -> bool:
            if not fencing.holds(connection, key, attempt, self.owner):
                return False
            fencing.write_epochs(connection, key, attempt, [epoch])
            return True

        return self._database.write(work)

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

        def work(connection: Connection) -> bool:
            if not fencing.holds(connection, key, attempt, self.owner):
                return False
            fencing.release(connection, key, attempt)
            return True

        return self._database.write(work)

    def retry(self, keys: Sequence[str], reasons: Collection[str] | None = None) -> list[str]:
        """Put trials that failed or were stopped back to pending; returns the keys of those that were.

        They go on from their last checkpoint, if it is still there.

        Args:
            keys: the trials to look at.
            reasons: the classes of failure to try again, and `stopped` for trials that a scheduler
                stopped; every class of failure by default.
        """

        def work(connection: Connection) -> list[str]:
            wanted = trials.c.state == State.FAILED
            if reasons is not None:
                wanted &= trials.c.reason.in_(reasons)
                if State.STOPPED in reasons:
                    wanted |= trials.c.state == State.STOPPED
            query = select(trials.c.key).where(wanted)
            again = [
                key
                for some in batches(keys)
                for key in connection.scalars(query.where(trials.c.key.in_(some)))
            ]
            for key in again:
                fencing.put_back(connection, key)
            return again

        return self._database.write(work)

    def keep_costs(self, counted: Mapping[Network, Cost], revision: int) -> list[Network]:
        """Keep what networks cost; returns those that an earlier revision had counted and that are now counted again.

        The trials of a network that is counted again get the new counts; `revision` is that of the
        way of counting.

        Raises:
            StoreError: if a network has another cost under the same revision.
        """
        known = self.known_costs()
        refuse_other_costs(known, counted, revision)
        fresh = {
            network: cost
            for network, cost in counted.items()
            if revision not in known.get(network, {})
        }
        if not fresh:
            return []
        return self._database.write(lambda c: keep_costs(c, clock(c), fresh, revision))

    def set_aside(self, keys: Sequence[str]) -> list[str]:
        """Move what came out of trials into the history of their attempts, so that they are trained again.

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

    def _release_all(self, connection: Connection) -> None:
        mine = (trials.c.token == self.owner.token) & (trials.c.state == State.RUNNING)
        for key, attempt in connection.execute(
            select(trials.c.key, trials.c.attempt).where(mine)
        ).all():
            fencing.release(connection, key, attempt)

    def _add_spooled(self, results: list[spool.Spooled]) -> list[spool.Fate]:
        return self._database.write(
            lambda connection: [fencing.settle(connection, one, late=True) for one in results]
        )
