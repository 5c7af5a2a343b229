"""What a reader asks of the tables, beside the rows of reports and all about one trial."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS, State
from dasbench.results.answers import EarlierResult, LookRecord, StudyRecord, TrialState
from dasbench.results.encoding import load_cost, load_metrics, load_plan, load_traits
from dasbench.results.planning import batches
from dasbench.results.schema import looks, members, studies, trials
from dasbench.spec.plain import Record


def chosen_studies(connection: Connection, study: str | Sequence[str] | None) -> list[str]:
    """Names of studies that exist, each once.

    Args:
        connection: a connection with a transaction.
        study: a study's name, or several; None for all, the oldest first.

    Raises:
        UsageError: if there is no such study; the message names the nearest.
    """
    by_age = select(studies.c.name).order_by(studies.c.created, studies.c.name)
    known = list(connection.scalars(by_age))
    if study is None:
        return known
    if isinstance(study, str):
        study = [study]
    names = list(dict.fromkeys(study))
    for name in names:
        if name not in known:
            raise UsageError(unknown_name("study", name, known))
    return names


def read_studies(connection: Connection, *, counted: bool) -> list[StudyRecord]:
    """All studies, the oldest first; with the states of their trials where these are counted."""
    states: dict[str, dict[str, int]] = {}
    if counted:
        states = _state_counts(connection)
    by_age = select(studies).order_by(studies.c.created, studies.c.name)
    records = []
    for row in connection.execute(by_age).mappings():
        values: Record = dict(row)
        values["document"] = json.loads(row["document"])
        values["metrics"] = load_traits(row["metrics"])
        records.append(StudyRecord(**values, states=states.get(row["name"], {})))
    return records


def _state_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Number of trials by state, of every study."""
    counts = select(members.c.study, trials.c.state, func.count()).join(trials)
    states: dict[str, dict[str, int]] = {}
    for name, state, count in connection.execute(counts.group_by(members.c.study, trials.c.state)):
        states.setdefault(name, {})[state] = count
    return states


def read_states(connection: Connection, keys: Sequence[str]) -> dict[str, TrialState]:
    """Where trials stand; keys that the database does not know are left out."""
    t = trials.c
    about = (t.key, t.state, t.reason, t.attempt, t.metrics, t.cost_details)
    query = select(*about, *t[COST_FIELDS])
    states = {}
    for row in _in_batches(connection, query, t.key, keys):
        details = row.cost_details and json.loads(row.cost_details)
        states[row.key] = TrialState(
            state=State(row.state),
            reason=row.reason,
            attempt=row.attempt,
            metrics=load_metrics(row.metrics),
            cost=load_cost(row[len(about) :], details),
        )
    return states


def read_looks(connection: Connection, study: str) -> list[LookRecord]:
    """The looks that a study took at its scores, in the order in which it took them."""
    query = select(looks).where(looks.c.study == study).order_by(looks.c.taken, looks.c.number)
    found = []
    for row in connection.execute(query).mappings():
        seeds, levels = load_plan(row["plan"])
        look = LookRecord(
            plan=seeds,
            levels=levels,
            number=row["number"],
            level=row["level"],
            states=json.loads(row["states"]),
            exploratory=row["exploratory"],
            taken=row["taken"],
        )
        found.append(look)
    return found


def read_texts(
    connection: Connection, column: ColumnElement[str], keys: Sequence[str], *, empty: str = ""
) -> dict[str, str]:
    """What trials keep as a text, by key; those are left out whose text is empty."""
    query = select(trials.c.key, column).where(column != empty)
    return dict(_in_batches(connection, query, trials.c.key, keys))


def read_earlier(connection: Connection, questions: Sequence[str]) -> list[EarlierResult]:
    """The trials with a result that ask one of some questions, the oldest first."""
    t = trials.c
    query = select(t.key, t.question, t.code, t.semantics, t.finished)
    query = query.where(t.state == State.DONE).order_by(t.finished)
    found = []
    for row in _in_batches(connection, query, t.question, questions):
        earlier = EarlierResult(
            key=row.key,
            question=row.question,
            code=json.loads(row.code),
            semantics=row.semantics,
            finished=row.finished,
        )
        found.append(earlier)
    return found


def _in_batches(
    connection: Connection, query: Select[Any], column: ColumnElement[str], values: Sequence[str]
) -> Iterator[Any]:
    """The rows of a query whose column has one of many values."""
    for some in batches(values):
        yield from connection.execute(query.where(column.in_(some)))
