"""What reports ask of the database: rows, studies, and everything about one trial."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from dasbench.confusion import Confusion
from dasbench.records import Epoch, Row
from dasbench.results.answers import (
    EarlierResult,
    LookRecord,
    StudyRecord,
    TrialRecord,
    TrialState,
)
from dasbench.results.copying import copy_file, copy_studies
from dasbench.results.costing import Counts, known_costs
from dasbench.results.database import Database
from dasbench.results.encoding import load_by_key
from dasbench.results.engine import locate, reading_engine
from dasbench.results.one_trial import find_trial, read_curve
from dasbench.results.opening import check_readable
from dasbench.results.queries import (
    chosen_studies,
    read_earlier,
    read_looks,
    read_states,
    read_studies,
    read_texts,
)
from dasbench.results.rows import read_rows
from dasbench.results.schema import members, trials
from dasbench.results.views import View, read_view
from dasbench.spec.cost_key import CostKey
from dasbench.spec.plain import Record


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
            rows = []
            for name in chosen_studies(connection, study):
                rows += read_rows(connection, members.c.study == name)
            return rows

        return self._database.read(work)

    def view(self, name: View, study: str | Sequence[str] | None = None) -> list[Record]:
        """The rows of a view of the database, as who asks it directly sees them, JSON decoded.

        Args:
            name: `trials`, `epochs` or `leaderboard`.
            study: a study's name, or several; all studies by default.

        Raises:
            UsageError: if there is no such study; the message names the nearest.
        """
        return self._database.read(lambda c: list(read_view(c, name, chosen_studies(c, study))))

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
        self._database.read(lambda c: copy_studies(c, path, chosen_studies(c, study)))

    def studies(self, *, counted: bool = True) -> list[StudyRecord]:
        """All studies, the oldest first.

        Args:
            counted: count their trials by state, which takes a while for many trials.
        """
        return self._database.read(lambda c: read_studies(c, counted=counted))

    def states(self, keys: Sequence[str]) -> dict[str, TrialState]:
        """Where trials stand; keys that the database does not know are left out."""
        return self._database.read(lambda c: read_states(c, keys))

    def looks(self, study: str) -> list[LookRecord]:
        """The looks that a study took at its scores, in the order in which it took them."""
        return self._database.read(lambda c: read_looks(c, study))

    def correct(self, keys: Sequence[str]) -> dict[str, str]:
        """Which test examples finished trials had right, as hexadecimal bits, by key."""
        return self._database.read(lambda c: read_texts(c, trials.c.correct, keys))

    def confusions(self, keys: Sequence[str]) -> dict[str, Confusion]:
        """Which classes finished trials took for which on the test part, by key."""
        texts = self._database.read(lambda c: read_texts(c, trials.c.confusion, keys))
        return {key: Confusion.from_text(text) for key, text in texts.items()}

    def specs(self, keys: Sequence[str]) -> dict[str, Record]:
        """All that decides the outcome of trials, as plain data."""
        return load_by_key(self._database.read(lambda c: read_texts(c, trials.c.spec, keys)))

    def answers(self, questions: Sequence[str]) -> list[EarlierResult]:
        """The trials with a result that ask one of some questions, the oldest first.

        Their code does not count.

        Args:
            questions: as `Member.question` gives them.
        """
        return self._database.read(lambda c: read_earlier(c, questions))

    def listed_elsewhere(self, study: str) -> set[str]:
        """The keys of a study's trials that other studies list too."""

        def work(connection: Connection) -> set[str]:
            others = select(members.c.key).where(members.c.study != study)
            shared = select(members.c.key).where(members.c.study == study)
            return set(connection.scalars(shared.where(members.c.key.in_(others))))

        return self._database.read(work)

    def known_costs(self) -> dict[CostKey, dict[int, Counts]]:
        """The counts of every network, by revision of the way of counting."""
        return self._database.read(known_costs)

    def environments(self, keys: Sequence[str]) -> dict[str, Record]:
        """With what trials that have ended ran, as plain data by key."""
        column = trials.c.environment
        texts = self._database.read(lambda c: read_texts(c, column, keys, empty="{}"))
        return load_by_key(texts)

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
