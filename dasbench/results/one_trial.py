"""Everything about one trial: its row, its curve, how often it was started."""

import json

from sqlalchemy import Connection, RowMapping, func, select

from dasbench.errors import UsageError, nearest_name
from dasbench.records import Epoch, Outcome, State
from dasbench.results.answers import AttemptRecord, TrialRecord, TrialState
from dasbench.results.encoding import load_metrics, load_outcome, load_traits
from dasbench.results.rows import read_rows
from dasbench.results.schema import attempts, epochs, members, studies, trials
from dasbench.spec.metrics import Metric, agreed


def read_curve(connection: Connection, key: str) -> tuple[Epoch, ...]:
    """A trial's curve since it was last trained from scratch; of two starts, the later counts."""
    replaced = select(func.max(attempts.c.attempt)).where(
        attempts.c.key == key, attempts.c.outcome.is_not(None)
    )
    since = connection.scalar(replaced) or 0
    query = select(epochs.c.attempt, epochs.c.number, epochs.c.metrics)
    query = query.where(epochs.c.key == key, epochs.c.attempt > since)
    curve: dict[int, str] = {}
    last, latest = 0, 0
    for attempt, number, metrics in connection.execute(
        query.order_by(epochs.c.attempt, epochs.c.number)
    ):
        if attempt != last:
            last, latest = attempt, 0
        latest = max(latest, number)
        curve[number] = metrics
    return tuple(
        Epoch(number, load_metrics(curve[number])) for number in sorted(curve) if number <= latest
    )


def _attempt(start: RowMapping) -> AttemptRecord:
    known = {name: start[name] for name in AttemptRecord.__dataclass_fields__}
    replaced = known["outcome"] and Outcome.from_json(json.loads(known["outcome"]))
    return AttemptRecord(**{**known, "outcome": replaced})


def _no_such_trial(connection: Connection, prefix: str) -> str:
    begins_alike = trials.c.key.startswith(prefix[:2].lower(), autoescape=True)  # for speed
    alike = connection.scalars(select(trials.c.key).where(begins_alike))
    guess = nearest_name(prefix.lower(), alike)
    remedy = "`dasbench leaderboard STUDY --json` lists the keys."
    return f"no trial's key begins with '{prefix}'.{guess} {remedy}"


def find_trial(connection: Connection, prefix: str) -> TrialRecord:
    """Everything about one trial.

    Args:
        connection: a connection with a transaction.
        prefix: the trial's key, or the first digits of it.

    Raises:
        UsageError: if no trial, or more than one, begins so.
    """
    query = (
        select(trials)
        .where(trials.c.key.startswith(prefix.lower(), autoescape=True))
        .order_by(trials.c.key)
    )
    found = list(connection.execute(query.limit(6)).mappings())
    if not found:
        raise UsageError(_no_such_trial(connection, prefix))
    if len(found) > 1:
        keys = [row["key"] for row in found[:5]]
        if len(found) > 5:
            keys.append("...")
        raise UsageError(
            f"several trials' keys begin with '{prefix}': {', '.join(keys)}. Give more digits."
        )
    row = found[0]
    key = row["key"]
    curve = read_curve(connection, key)
    starts = connection.execute(
        select(attempts).where(attempts.c.key == key).order_by(attempts.c.attempt)
    ).mappings()
    return TrialRecord(
        key=key,
        spec=json.loads(row["spec"]),
        state=TrialState(state=State(row["state"]), reason=row["reason"], attempt=row["attempt"]),
        rows=tuple(read_rows(connection, members.c.key == key)),
        outcome=load_outcome(row, curve),
        epochs=curve,
        attempts=tuple(map(_attempt, starts)),
        first_study=row["first_study"],
        created=row["created"],
        finished=row["finished"],
        metrics=_metrics(connection, key),
    )


def _metrics(connection: Connection, key: str) -> dict[str, Metric]:
    """What the studies that list a trial know of its metrics."""
    query = select(studies.c.metrics).join(members).where(members.c.key == key)
    return agreed(map(load_traits, connection.scalars(query)))
