"""Results that a repeat replaces, which stay with the attempts, and results that are deleted."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Select, delete, select, update

from dasbench.errors import LockedError, UsageError, unknown_name
from dasbench.records import State
from dasbench.results import fencing
from dasbench.results.encoding import dump, load_outcome, stamp
from dasbench.results.engine import clock
from dasbench.results.owner import Owner
from dasbench.results.planning import batches
from dasbench.results.schema import attempts, epochs, members, studies, trials


def set_aside(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Move what came out of trials to their last attempts, and put them back to pending.

    Returns:
        The keys of those that had ended.

    Raises:
        LockedError: if one of them is running.
    """
    _refuse_running(connection, keys)
    moved: list[str] = []
    for some in batches(keys):
        for row in (
            connection.execute(select(trials).where(trials.c.key.in_(some))).mappings().all()
        ):
            outcome = load_outcome(row, ())
            if outcome is None:
                continue
            last = (attempts.c.key == row["key"]) & (attempts.c.attempt == row["attempt"])
            connection.execute(update(attempts).where(last).values(outcome=dump(outcome.to_json())))
            fencing.put_back(connection, row["key"])
            again = {
                "repeats": row["repeats"] + 1,
                "seconds": 0.0,
                "peak_memory": 0,
                "device": "",
                "environment": "{}",
            }
            connection.execute(update(trials).where(trials.c.key == row["key"]).values(again))
            moved.append(row["key"])
    return moved


def forget_trials(connection: Connection, keys: Collection[str]) -> int:
    """Delete trials, with all that belongs to them, from every study that lists them.

    Returns:
        How many there were.

    Raises:
        LockedError: if one of them is running.
    """
    _refuse_running(connection, list(keys))
    number = 0
    for some in batches(list(keys)):
        for table in (epochs, attempts, members):
            connection.execute(delete(table).where(table.c.key.in_(some)))
        number += connection.execute(delete(trials).where(trials.c.key.in_(some))).rowcount
    return number


def forget_study(connection: Connection, name: str) -> int:
    """Delete a study and the trials that no other study lists; returns how many those were.

    Raises:
        UsageError: if there is no such study; the message names the nearest.
        LockedError: if one of its trials is running.
    """
    known = list(connection.scalars(select(studies.c.name)))
    if name not in known:
        raise UsageError(unknown_name("study", name, known))
    number = forget_trials(connection, list(connection.scalars(only_in(name))))
    connection.execute(delete(members).where(members.c.study == name))
    connection.execute(delete(studies).where(studies.c.name == name))
    return number


def only_in(study: str) -> Select[tuple[str]]:
    """The keys of the trials that one study lists and no other."""
    elsewhere = select(members.c.key).where(members.c.study != study)
    return select(members.c.key).where(members.c.study == study, members.c.key.not_in(elsewhere))


def _refuse_running(connection: Connection, keys: Sequence[str]) -> None:
    now = stamp(clock(connection))
    for some in batches(keys):
        running = trials.c.key.in_(some) & (trials.c.state == State.RUNNING)
        for row in connection.execute(select(trials).where(running)).mappings():
            if Owner.from_row(row).is_alive(fresh=(row["lease"] or "") > now):
                place = f"{row['host']} (process {row['pid']})"
                raise LockedError(f"trial {row['key']} is running on {place}; wait, or end it")
