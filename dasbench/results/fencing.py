"""The steps of a trial in the database: claim, settle, give back; fenced by owner and attempt."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select, update

from dasbench.errors import StoreError
from dasbench.records import COST_FIELDS, Epoch, Outcome, State
from dasbench.results import locks
from dasbench.results.costing import counts_of, newest_counts
from dasbench.results.encoding import dump_metrics, outcome_columns, plain_text, stamp
from dasbench.results.engine import clock
from dasbench.results.owner import Owner
from dasbench.results.planning import batches
from dasbench.results.schema import attempts, epochs, trials
from dasbench.results.spool import Fate, Spooled
from dasbench.spec.cost_key import CostKey
from dasbench.spec.plain import Record

NOBODY = dict.fromkeys(("host", "boot", "pid", "pid_started", "token", "lease"))
"""The owner of a trial that nobody runs."""

logger = logging.getLogger(__name__)


def claim(connection: Connection, key: str, study: str, owner: Owner) -> int | None:
    """Take a trial that is pending, or whose owner is dead; None if there is nothing to take.

    Raises:
        StoreError: if the trial was never planned.
    """
    now = clock(connection)
    row = connection.execute(select(trials).where(trials.c.key == key)).mappings().one_or_none()
    if row is None:
        raise StoreError(f"trial '{key}' is not in the database. Plan its study before it is run.")
    if row["state"] == State.RUNNING:
        if Owner.from_row(row).is_alive(fresh=(row["lease"] or "") > stamp(now)):
            return None
        end(connection, key, row["attempt"], how="lost", now=stamp(now))
    elif row["state"] != State.PENDING:
        return None
    attempt: int = row["attempt"] + 1
    values = {
        "state": State.RUNNING,
        "attempt": attempt,
        "first_study": study,
        "reason": None,
        "error": "",
    }
    lease = locks.lease_from(now)
    connection.execute(
        update(trials).where(trials.c.key == key).values(**values, **owner.columns(), lease=lease)
    )
    start = {
        "study": study,
        "started": stamp(now),
        "host": owner.host,
        "pid": owner.pid,
        "token": owner.token,
    }
    connection.execute(insert(attempts).values(key=key, attempt=attempt, **start))
    return attempt


def holds(connection: Connection, key: str, attempt: int, owner: Owner) -> bool:
    """Whether a trial still runs under this owner and attempt."""
    mine = (trials.c.key == key) & (trials.c.attempt == attempt) & (trials.c.token == owner.token)
    return (
        connection.execute(
            select(trials.c.key).where(mine, trials.c.state == State.RUNNING)
        ).first()
        is not None
    )


def settle(connection: Connection, spooled: Spooled, *, late: bool) -> Fate:
    """Write an outcome if its fence still stands.

    Args:
        connection: a connection with a write transaction.
        spooled: the outcome and its fence.
        late: the outcome comes from the spool, so that its trial may have been put back, but not
            started again.
    """
    key, attempt = spooled.outcome.key, spooled.attempt
    row = connection.execute(
        select(trials.c.state, trials.c.attempt, trials.c.token).where(trials.c.key == key)
    ).one_or_none()
    if row is None:
        return "unknown"
    ours = row.attempt == attempt and row.token == spooled.token
    waiting = late and row.attempt == attempt and row.state == State.PENDING
    if ours and row.state == State.RUNNING:
        _write_outcome(connection, spooled)
    elif _is_settled(connection, spooled):
        return "merged"
    elif waiting:
        _write_outcome(connection, spooled)
    else:
        logger.warning(
            "trial %s: a late result of attempt %d was dropped; it is %s now",
            key,
            attempt,
            row.state,
        )
        return "dropped"
    return "merged"


def _is_settled(connection: Connection, spooled: Spooled) -> bool:
    """Whether this very outcome was written before."""
    start = (attempts.c.key == spooled.outcome.key) & (attempts.c.attempt == spooled.attempt)
    same = (attempts.c.token == spooled.token) & (attempts.c.how == spooled.outcome.status)
    return connection.execute(select(attempts.c.key).where(start, same)).first() is not None


def _write_outcome(connection: Connection, spooled: Spooled) -> None:
    outcome, attempt = _with_known_cost(connection, spooled.outcome), spooled.attempt
    now = stamp(clock(connection))
    write_epochs(connection, outcome.key, attempt, outcome.epochs)
    end(
        connection,
        outcome.key,
        attempt,
        how=outcome.status,
        now=now,
        reason=outcome.reason,
        device=outcome.device,
    )
    if outcome.status == State.INTERRUPTED:
        put_back(connection, outcome.key)
        values: Record = {"seconds": outcome.seconds}
    else:
        values = {"state": outcome.status, "finished": now, **outcome_columns(outcome)}
    connection.execute(update(trials).where(trials.c.key == outcome.key).values(values))


def _with_known_cost(connection: Connection, outcome: Outcome) -> Outcome:
    """The outcome; one whose network was counted otherwise than in the database has failed.

    It keeps what it has.
    """
    if outcome.cost is None or outcome.status != State.DONE:
        return outcome
    row = connection.execute(
        select(trials.c.network, trials.c.network_code).where(trials.c.key == outcome.key)
    ).one()
    known = newest_counts(connection, CostKey(*row))
    if known is None or known == counts_of(outcome.cost):
        return outcome
    message = (
        f"the machine that trained it counts {counts_of(outcome.cost)} for its network "
        f"({', '.join(COST_FIELDS)}), the database says {known}: use the same versions of torch "
        f"and fvcore everywhere. {outcome.error}"
    )
    return replace(outcome, status=State.FAILED, reason="error", error=message.rstrip())


def write_epochs(connection: Connection, key: str, attempt: int, curve: Sequence[Epoch]) -> None:
    """Write points of the learning curve of one attempt; a point that is there is replaced."""
    if not curve:
        return
    points: dict[int, Record] = {}
    for epoch in curve:
        number, metrics = epoch.number, dump_metrics(epoch.metrics)
        points[number] = {"key": key, "attempt": attempt, "number": number, "metrics": metrics}
    kept = (epochs.c.key == key) & (epochs.c.attempt == attempt)
    connection.execute(delete(epochs).where(kept, epochs.c.number.in_(list(points))))
    connection.execute(insert(epochs), list(points.values()))


def end(
    connection: Connection,
    key: str,
    attempt: int,
    *,
    how: str,
    now: str,
    reason: str | None = None,
    device: str = "",
) -> None:
    """Write how an attempt ended."""
    start = (attempts.c.key == key) & (attempts.c.attempt == attempt)
    values = {"ended": now, "how": how, "reason": reason, "device": plain_text(device)}
    connection.execute(update(attempts).where(start).values(values))


def put_back(connection: Connection, key: str) -> None:
    """Put a trial back to pending, owned by nobody; its curve and cost stay."""
    nothing = {
        "reason": None,
        "error": "",
        "metrics": "{}",
        "correct": "",
        "confusion": "",
        "finished": "",
    }
    values = {"state": State.PENDING, **nothing, **NOBODY}
    connection.execute(update(trials).where(trials.c.key == key).values(values))


def release(connection: Connection, key: str, attempt: int) -> None:
    """Put a trial whose attempt was interrupted back to pending."""
    end(connection, key, attempt, how=State.INTERRUPTED, now=stamp(clock(connection)))
    put_back(connection, key)


def release_all(connection: Connection, owner: Owner) -> None:
    """Put every trial that runs under an owner back to pending."""
    mine = (trials.c.token == owner.token) & (trials.c.state == State.RUNNING)
    running = connection.execute(select(trials.c.key, trials.c.attempt).where(mine)).all()
    for key, attempt in running:
        release(connection, key, attempt)


def sweep(connection: Connection) -> list[str]:
    """Put the trials of dead owners back to pending; returns their keys."""
    now = stamp(clock(connection))
    running = connection.execute(select(trials).where(trials.c.state == State.RUNNING))
    lost = []
    for row in running.mappings().all():
        if not Owner.from_row(row).is_alive(fresh=(row["lease"] or "") > now):
            end(connection, row["key"], row["attempt"], how="lost", now=now)
            put_back(connection, row["key"])
            lost.append(row["key"])
    return lost


def retry(
    connection: Connection, keys: Sequence[str], reasons: Collection[str] | None
) -> list[str]:
    """Put trials that failed or were stopped back to pending, see `Store.retry`."""
    wanted = trials.c.state == State.FAILED
    if reasons is not None:
        wanted &= trials.c.reason.in_(reasons)
        if State.STOPPED in reasons:
            wanted |= trials.c.state == State.STOPPED
    again: list[str] = []
    for some in batches(keys):
        among = select(trials.c.key).where(wanted, trials.c.key.in_(some))
        again += connection.scalars(among)
    for key in again:
        put_back(connection, key)
    return again
