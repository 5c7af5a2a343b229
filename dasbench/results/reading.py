"""What reports ask of the database: rows, studies, and everything about one trial."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, func, select

from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS, Cost, Epoch, Row
from dasbench.results.answers import AttemptRecord, StudyRecord, TrialRecord, TrialState
from dasbench.results.database import Database
from dasbench.results.encoding import load_cost, load_each, load_metrics, load_outcome
from dasbench.results.engine import locate, reading_engine
from dasbench.results.opening import check_readable
from dasbench.results.planning import batches
from dasbench.results.schema import attempts, epochs, members, studies, trials


class Reader:
    """Reads a results database; never creates or changes one.

    Args:
        database: the opened database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def rows(self, study: str | Sequence[str] | None = None) -> list[Row]:
        """The trials of studies, each in the order of its study.

        Args:
            study: a study's name, or several; all studies by default.

        Raises:
            UsageError: if there is no such study; the message names the nearest.
        """

        def work(connection: Connection) -> list[Row]:
            known = list(connection.scalars(select(studies.c.name).order_by(studies.c.created, studies.c.name)))
            names = known if study is None else [study] if isinstance(study, str) else list(study)
            for name in names:
                if name not in known:
                    raise UsageError(unknown_name("study", name, known))
            return [row for name in names for row in _rows(connection, members.c.study == name)]

        return self._database.read(work)

    def studies(self) -> list[StudyRecord]:
        """All studies, the oldest first."""

        def work(connection: Connection) -> list[StudyRecord]:
            states: dict[str, dict[str, int]] = {}
            counts = select(members.c.study, trials.c.state, func.count()).join(trials)
            for name, state, count in connection.execute(counts.group_by(members.c.study, trials.c.state)):
                states.setdefault(name, {})[state] = count
            every = connection.execute(select(studies).order_by(studies.c.created, studies.c.name)).mappings()
            return [
                StudyRecord(**{**row, "document": json.loads(row["document"]), "states": states.get(row["name"], {})})
                for row in every
            ]

        return self._database.read(work)

    def states(self, keys: Sequence[str]) -> dict[str, TrialState]:
        """Where trials stand; keys that the database does not know are left out."""

        def work(connection: Connection) -> dict[str, TrialState]:
            query = select(trials.c.key, trials.c.state, trials.c.reason, trials.c.attempt)
            return {
                key: TrialState(state=state, reason=reason, attempt=attempt)
                for some in batches(keys)
                for key, state, reason, attempt in connection.execute(query.where(trials.c.key.in_(some)))
            }

        return self._database.read(work)

    def correct(self, keys: Sequence[str]) -> dict[str, str]:
        """Which test examples finished trials had right, as hexadecimal bits; trials without are left out."""

        def work(connection: Connection) -> dict[str, str]:
            query = select(trials.c.key, trials.c.correct).where(trials.c.correct != "")
            return {
                key: bits
                for some in batches(keys)
                for key, bits in connection.execute(query.where(trials.c.key.in_(some)))
            }

        return self._database.read(work)

    def epochs(self, key: str) -> tuple[Epoch, ...]:
        """A trial's learning curve; where it was started again, the later start counts."""
        return self._database.read(lambda connection: _curve(connection, key))

    def trial(self, key: str) -> TrialRecord:
        """Everything about one trial.

        Args:
            key: its key, or the first digits of it.

        Raises:
            UsageError: if no trial, or more than one, begins so.
        """
        return self._database.read(lambda connection: _trial(connection, key))


def read_store(where: str | Path) -> Reader:
    """Open a results database for reading.

    Args:
        where: its file, or a URL of SQLAlchemy.

    Raises:
        StoreError: if there is none, or it cannot be read.
        ForeignStoreError: if it is another program's or a newer version's.
    """
    place = locate(where)
    engine = reading_engine(place)
    try:
        check_readable(place, engine)
    except BaseException:
        engine.dispose()
        raise
    return Reader(Database(place, engine))


def _rows(connection: Connection, condition: ColumnElement[bool]) -> list[Row]:
    """The rows of one study or one trial; texts that repeat from row to row are decoded once."""
    m, t = members.c, trials.c
    query = (
        select(m.study, m.key, m.variant, m.label, m.seed, t.state, t.reason, t.metrics, t.seconds, t.peak_memory)
        .add_columns(t.dataset, t.task, t.first_study, t.finished, t.cost_details, *(t[name] for name in COST_FIELDS))
        .join_from(members, trials)
        .where(condition)
        .order_by(m.study, m.position)
    )
    found = connection.execute(query).all()
    variants = _decoded({cells[2] for cells in found})
    details = _decoded({cells[14] for cells in found if cells[14] is not None})
    costs = {cells: load_cost(cells[1:], details.get(cells[0])) for cells in {cells[14:] for cells in found}}
    metrics = load_each([cells[7] for cells in found])
    return [
        _row(cells, variants[cells[2]], values, costs[cells[14:]]) for cells, values in zip(found, metrics, strict=True)
    ]


def _decoded(texts: Collection[str]) -> dict[str, Any]:
    ordered = list(texts)
    return dict(zip(ordered, load_each(ordered), strict=True))


def _row(cells: Any, variant: dict[str, Any], metrics: dict[str, Any], cost: Cost | None) -> Row:
    study, key, _, label, seed, state, reason, text, seconds, peak_memory, dataset, task, first, finished, *_ = cells
    return Row(
        study=study,
        key=key,
        variant=variant,
        label=label,
        seed=seed,
        state=state,
        reason=reason,
        metrics=load_metrics(text) if ':"' in text else metrics,
        cost=cost,
        seconds=seconds,
        peak_memory=peak_memory,
        dataset=dataset,
        task=task,
        reused=state != "pending" and first is not None and first != study,
        finished=finished,
    )


def _curve(connection: Connection, key: str) -> tuple[Epoch, ...]:
    query = select(epochs.c.attempt, epochs.c.number, epochs.c.metrics).where(epochs.c.key == key)
    curve: dict[int, str] = {}
    last, latest = 0, 0
    for attempt, number, metrics in connection.execute(query.order_by(epochs.c.attempt, epochs.c.number)):
        latest = number if attempt != last else max(latest, number)
        last = attempt
        curve[number] = metrics
    return tuple(Epoch(number, load_metrics(curve[number])) for number in sorted(curve) if number <= latest)


def _trial(connection: Connection, prefix: str) -> TrialRecord:
    query = select(trials).where(trials.c.key.startswith(prefix.lower(), autoescape=True)).order_by(trials.c.key)
    found = list(connection.execute(query.limit(6)).mappings())
    if not found:
        raise UsageError(f"no trial's key begins with '{prefix}'. `dasbench leaderboard STUDY --json` lists the keys.")
    if len(found) > 1:
        keys = ", ".join(row["key"] for row in found[:5]) + (", ..." if len(found) > 5 else "")
        raise UsageError(f"several trials' keys begin with '{prefix}': {keys}. Give more digits.")
    row = found[0]
    key = row["key"]
    curve = _curve(connection, key)
    starts = connection.execute(select(attempts).where(attempts.c.key == key).order_by(attempts.c.attempt)).mappings()
    return TrialRecord(
        key=key,
        spec=json.loads(row["spec"]),
        state=TrialState(state=row["state"], reason=row["reason"], attempt=row["attempt"]),
        rows=tuple(_rows(connection, members.c.key == key)),
        outcome=load_outcome(row, curve),
        epochs=curve,
        attempts=tuple(AttemptRecord(**{n: s[n] for n in AttemptRecord.__dataclass_fields__}) for s in starts),
        first_study=row["first_study"],
        created=row["created"],
        finished=row["finished"],
    )
