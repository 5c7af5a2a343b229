"""What reports ask of the database: rows, studies, and everything about one trial."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, func, select

from dasbench.confusion import Confusion
from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS, Epoch, Row, State
from dasbench.results.answers import EarlierResult, LookRecord, StudyRecord, TrialRecord, TrialState
from dasbench.results.copying import copy_file, copy_studies
from dasbench.results.costing import Counts, Network, known_costs
from dasbench.results.database import Database
from dasbench.results.encoding import load_cost, load_each, load_metrics, load_traits
from dasbench.results.engine import locate, reading_engine
from dasbench.results.one_trial import find_trial, read_curve
from dasbench.results.opening import check_readable
from dasbench.results.planning import batches
from dasbench.results.rows import read_rows
from dasbench.results.schema import looks, members, studies, trials
from dasbench.results.views import View, read_view


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
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
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
            return [
                row
                for name in _chosen(connection, study)
                for row in read_rows(connection, members.c.study == name)
            ]

        return self._database.read(work)

    def view(self, name: View, study: str | Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The rows of one of the database's views, as anybody who asks it directly sees them, JSON decoded.

        Args:
            name: `trials`, `epochs` or `leaderboard`.
            study: a study's name, or several; all studies by default.

        Raises:
            UsageError: if there is no such study; the message names the nearest.
        """
        return self._database.read(
            lambda connection: list(read_view(connection, name, _chosen(connection, study)))
        )

    def copy(self, path: Path, study: str | Sequence[str] | None = None) -> None:
        """Write studies, with all that is known of their trials, to a new SQLite database.

        Args:
            path: its file, which must not exist.
            study: a study's name, or several; everything by default.

        Raises:
            UsageError: if there is no such study; the message names the nearest.
            StoreError: if the file cannot be written.
        """
        if study is None and self._database.place.path is not None:
            copy_file(self._database.place.path, path)
            return
        self._database.read(
            lambda connection: copy_studies(connection, path, _chosen(connection, study))
        )

    def studies(self, *, counted: bool = True) -> list[StudyRecord]:
        """All studies, the oldest first.

        Args:
            counted: count their trials by state, which takes a while for many trials.
        """

        def work(connection: Connection) -> list[StudyRecord]:
            states: dict[str, dict[str, int]] = {}
            counts = select(members.c.study, trials.c.state, func.count()).join(trials)
            counts = counts.group_by(members.c.study, trials.c.state)
            for name, state, count in connection.execute(counts) if counted else ():
                states.setdefault(name, {})[state] = count
            every = connection.execute(
                select(studies).order_by(studies.c.created, studies.c.name)
            ).mappings()
            return [_study(row, states.get(row["name"], {})) for row in every]

        return self._database.read(work)

    def states(self, keys: Sequence[str]) -> dict[str, TrialState]:
        """Where trials stand; keys that the database does not know are left out."""

        def work(connection: Connection) -> dict[str, TrialState]:
            t = trials.c
            query = select(
                t.key,
                t.state,
                t.reason,
                t.attempt,
                t.metrics,
                t.cost_details,
                *(t[n] for n in COST_FIELDS),
            )
            return {
                cells.key: TrialState(
                    state=State(cells.state),
                    reason=cells.reason,
                    attempt=cells.attempt,
                    metrics=load_metrics(cells.metrics),
                    cost=load_cost(
                        cells[6:], cells.cost_details and json.loads(cells.cost_details)
                    ),
                )
                for some in batches(keys)
                for cells in connection.execute(query.where(t.key.in_(some)))
            }

        return self._database.read(work)

    def looks(self, study: str) -> list[LookRecord]:
        """The looks that a study took at its scores, in the order in which it took them."""

        def work(connection: Connection) -> list[LookRecord]:
            query = (
                select(looks).where(looks.c.study == study).order_by(looks.c.taken, looks.c.number)
            )
            return [
                LookRecord(
                    plan=tuple(json.loads(row["plan"])),
                    number=row["number"],
                    level=row["level"],
                    states=json.loads(row["states"]),
                    exploratory=row["exploratory"],
                    taken=row["taken"],
                )
                for row in connection.execute(query).mappings()
            ]

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

    def confusions(self, keys: Sequence[str]) -> dict[str, Confusion]:
        """Which classes finished trials took for which on the test part; trials without are left out."""

        def work(connection: Connection) -> dict[str, Confusion]:
            query = select(trials.c.key, trials.c.confusion).where(trials.c.confusion != "")
            return {
                key: Confusion.from_text(text)
                for some in batches(keys)
                for key, text in connection.execute(query.where(trials.c.key.in_(some)))
            }

        return self._database.read(work)

    def specs(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """All that decides the outcome of trials, as plain data."""

        def work(connection: Connection) -> dict[str, dict[str, Any]]:
            query = select(trials.c.key, trials.c.spec)
            found = [
                pair
                for some in batches(keys)
                for pair in connection.execute(query.where(trials.c.key.in_(some)))
            ]
            return dict(
                zip([key for key, _ in found], load_each([spec for _, spec in found]), strict=True)
            )

        return self._database.read(work)

    def answers(self, questions: Sequence[str]) -> list[EarlierResult]:
        """The trials with a result that ask one of some questions, whatever their code, the oldest first.

        Args:
            questions: as `Member.question` gives them.
        """

        def work(connection: Connection) -> list[EarlierResult]:
            t = trials.c
            query = select(t.key, t.question, t.code, t.semantics, t.finished).where(
                t.state == State.DONE
            )
            return [
                EarlierResult(**{**row, "code": json.loads(row["code"])})
                for some in batches(questions)
                for row in connection.execute(
                    query.where(t.question.in_(some)).order_by(t.finished)
                ).mappings()
            ]

        return self._database.read(work)

    def listed_elsewhere(self, study: str) -> set[str]:
        """The keys of a study's trials that other studies list too."""

        def work(connection: Connection) -> set[str]:
            others = select(members.c.key).where(members.c.study != study)
            return set(
                connection.scalars(
                    select(members.c.key).where(members.c.study == study, members.c.key.in_(others))
                )
            )

        return self._database.read(work)

    def known_costs(self) -> dict[Network, dict[int, Counts]]:
        """The counts of every network, by revision of the way of counting."""
        return self._database.read(known_costs)

    def environments(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """With what trials that have ended ran, as plain data; trials that did not say are left out."""

        def work(connection: Connection) -> dict[str, dict[str, Any]]:
            query = select(trials.c.key, trials.c.environment).where(trials.c.environment != "{}")
            found = [
                pair
                for some in batches(keys)
                for pair in connection.execute(query.where(trials.c.key.in_(some)))
            ]
            return dict(
                zip([key for key, _ in found], load_each([text for _, text in found]), strict=True)
            )

        return self._database.read(work)

    def epochs(self, key: str) -> tuple[Epoch, ...]:
        """A trial's learning curve; where it was started again, the later start counts."""
        return self._database.read(lambda connection: read_curve(connection, key))

    def trial(self, key: str) -> TrialRecord:
        """Everything about one trial.

        Args:
            key: its key, or the first digits of it.

        Raises:
            UsageError: if no trial, or more than one, begins so.
        """
        return self._database.read(lambda connection: find_trial(connection, key))


def read_store(where: str | Path) -> Reader:
    """Open a results database for reading.

    Args:
        where: its file, or a URL of SQLAlchemy.

    Raises:
        EmptyStoreError: if there is none.
        StoreError: if it cannot be read.
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


def _study(row: Mapping[Any, Any], states: Mapping[str, int]) -> StudyRecord:
    told = {
        "document": json.loads(row["document"]),
        "metrics": load_traits(row["metrics"]),
        "states": states,
    }
    return StudyRecord(**{**row, **told})


def _chosen(connection: Connection, study: str | Sequence[str] | None) -> list[str]:
    """Names of studies that exist, each once."""
    known = list(
        connection.scalars(select(studies.c.name).order_by(studies.c.created, studies.c.name))
    )
    names = (
        known
        if study is None
        else [study]
        if isinstance(study, str)
        else list(dict.fromkeys(study))
    )
    for name in names:
        if name not in known:
            raise UsageError(unknown_name("study", name, known))
    return names
