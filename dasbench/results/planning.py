"""What a study asks for, written before anything starts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, delete, func, insert, select, update

from dasbench.errors import StoreError
from dasbench.records import State
from dasbench.results.answers import LookRecord
from dasbench.results.encoding import dump, dump_plan, dump_traits, stamp
from dasbench.results.schema import looks, members, studies, trials
from dasbench.spec.identity import PLACE, question_of
from dasbench.spec.metrics import Metrics
from dasbench.spec.plain import Record, Spec, Variant
from dasbench.spec.trial import SEMANTICS

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Member:
    """A trial as one study lists it.

    Args:
        key: the trial's key.
        spec: all that decides its outcome, as plain data.
        variant: the varied fields and their values.
        label: the variant in a few words.
        seed: the trial's seed.
        dataset: data set and its size.
        task: the task's name.
        role: what the trial is for: `search`, `confirm`, or `""` for one that the study lists by
            itself.
        network: hash of what its cost depends on, but for code; `""` if nobody will ask for it.
        network_code: hash of the code of the network, `""` for dasbench's own.
        looked_at: the seeds with which its variant was looked at, without a plan of looks, each
            time before it got more.
    """

    key: str
    spec: Spec
    variant: Variant = field(default_factory=dict)
    label: str = ""
    seed: int = 0
    dataset: str = ""
    task: str = "classification"
    role: str = ""
    network: str = ""
    network_code: str = ""
    looked_at: Sequence[Sequence[int]] = ()

    @property
    def code(self) -> Mapping[str, str]:
        """Hash of the code of each component that is not dasbench's own, by its field."""
        code: Mapping[str, str] = self.spec.get("code", {})
        return code

    @property
    def question(self) -> str:
        """What the trial asks, whatever code answers it."""
        if "backbone" not in self.spec:
            return ""
        return question_of(self.spec)


def keep_study(
    connection: Connection,
    now: datetime,
    *,
    name: str,
    question: str,
    document: Spec,
    file: str,
    metrics: Metrics,
) -> None:
    """Write a study's own row, or bring it up to date."""
    values = {
        "question": question,
        "document": dump(document),
        "file": file,
        "metrics": dump_traits(metrics),
    }
    if not connection.execute(
        update(studies).where(studies.c.name == name).values(values)
    ).rowcount:
        connection.execute(insert(studies).values(name=name, created=stamp(now), **values))


def replace_members(
    connection: Connection, now: datetime, study: str, planned: Sequence[Member]
) -> None:
    """Let a study list exactly these trials, in this order.

    Trials that it no longer lists keep their results. Looks that the study took call its variants
    as it does now.
    """
    _insert_missing_trials(connection, now, planned)
    _rename_in_looks(connection, study, planned)
    connection.execute(delete(members).where(members.c.study == study))
    _insert_members(connection, study, planned, first=0)


def append_members(
    connection: Connection, now: datetime, study: str, planned: Sequence[Member]
) -> None:
    """Let a study list these trials too, after those that it lists; known ones stay in place."""
    if connection.execute(select(studies.c.name).where(studies.c.name == study)).first() is None:
        raise StoreError(f"study '{study}' is not in the database. Plan it before it is extended.")
    known = set(connection.scalars(select(members.c.key).where(members.c.study == study)))
    fresh = [member for member in planned if member.key not in known]
    _insert_missing_trials(connection, now, fresh)
    last = connection.scalar(select(func.max(members.c.position)).where(members.c.study == study))
    if last is None:
        last = -1
    _insert_members(connection, study, fresh, first=last + 1)


def add_look(connection: Connection, now: datetime, study: str, look: LookRecord) -> bool:
    """Keep a look unless it is there; returns whether those after it are exploratory."""
    plan = dump_plan(look.plan, look.levels)
    same = (looks.c.study == study) & (looks.c.plan == plan)
    known = connection.execute(
        select(looks.c.exploratory, looks.c.states).where(same & (looks.c.number == look.number))
    ).first()
    if known is not None:
        return bool(known.exploratory) or json.loads(known.states) != dict(look.states)
    other = (looks.c.study == study) & (looks.c.plan != plan)
    exploratory = (
        look.exploratory
        or connection.execute(select(looks.c.number).where(other)).first() is not None
    )
    values = {
        "level": look.level,
        "states": dump(look.states),
        "exploratory": exploratory,
        "taken": stamp(now),
    }
    connection.execute(insert(looks).values(study=study, plan=plan, number=look.number, **values))
    return exploratory


def _rename_in_looks(connection: Connection, study: str, planned: Sequence[Member]) -> None:
    """Let the states of a study's looks stand under the labels that its variants have now."""
    known = connection.execute(
        select(members.c.variant, members.c.label).where(members.c.study == study).distinct()
    )
    labels = {_variant_text(member): member.label for member in planned}
    renamed: dict[str, str] = {}
    for variant, label in known:
        now = labels.get(variant, label)
        if now != label:
            renamed[label] = now
    if not renamed:
        return
    taken = connection.execute(
        select(looks.c.plan, looks.c.number, looks.c.states).where(looks.c.study == study)
    )
    for plan, number, states in taken.all():
        after = {renamed.get(text, text): state for text, state in json.loads(states).items()}
        this = (looks.c.study == study) & (looks.c.plan == plan) & (looks.c.number == number)
        connection.execute(update(looks).where(this).values(states=dump(after)))


def _variant_text(member: Member) -> str:
    return json.dumps(member.variant, default=str)


def _insert_missing_trials(
    connection: Connection, now: datetime, planned: Sequence[Member]
) -> None:
    known = existing(connection, [member.key for member in planned])
    rows: list[Record] = []
    for member in planned:
        if member.key in known:
            _update_place(connection, member)
            continue
        rows.append(
            {
                "key": member.key,
                "spec": dump(member.spec),
                "dataset": member.dataset,
                "task": member.task,
                "state": State.PENDING,
                "created": stamp(now),
                "semantics": SEMANTICS,
                "question": member.question,
                "code": dump(member.code),
                "network": member.network,
                "network_code": member.network_code,
            }
        )
    if rows:
        connection.execute(insert(trials), rows)


def _update_place(connection: Connection, member: Member) -> None:
    """Let a known trial say where its data lie now; the files hold the same, as the key is."""
    if PLACE not in member.spec.get("dataset", {}):
        return
    spec = dump(member.spec)
    moved = (trials.c.key == member.key) & (trials.c.spec != spec)
    connection.execute(update(trials).where(moved).values(spec=spec))


def _insert_members(
    connection: Connection, study: str, planned: Sequence[Member], *, first: int
) -> None:
    rows = [
        {
            "study": study,
            "key": member.key,
            "position": position,
            "variant": _variant_text(member),
            "label": member.label,
            "seed": member.seed,
            "role": member.role,
            "looked_at": dump(list(member.looked_at)),
        }
        for position, member in enumerate(planned, first)
    ]
    if rows:
        connection.execute(insert(members), rows)


def existing(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the database knows."""
    found: set[str] = set()
    for some in batches(keys):
        found.update(connection.scalars(select(trials.c.key).where(trials.c.key.in_(some))))
    return found


def batches(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """The values in portions, as a statement takes a limited number of them.

    Example:
        >>> list(batches([1, 2, 3], size=2))
        [[1, 2], [3]]
    """
    for start in range(0, len(values), size):
        yield values[start : start + size]
