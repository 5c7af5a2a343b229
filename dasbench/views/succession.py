"""What becomes of a study's earlier results when it is planned anew."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from dasbench.records import Row
from dasbench.results.answers import EarlierResult, StudyRecord
from dasbench.results.planning import Member
from dasbench.spec.identity import component_name
from dasbench.spec.plain import Spec
from dasbench.spec.study import Study
from dasbench.spec.trial import SEMANTICS, Trial


@dataclass(frozen=True, kw_only=True)
class CodeChange:
    """A component whose code has changed since trials of the same questions were trained.

    Args:
        component: what people call it.
        before: hash of the code that they were trained with, `""` for dasbench's own as released.
        now: hash of the code that the planned trials have, `""` likewise.
        trials: how many of those trials are planned anew.
    """

    component: str
    before: str
    now: str
    trials: int


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Why planned trials have no result though the same questions were answered before.

    Args:
        code: components whose code has changed.
        older: planned trials that were last answered by a dasbench in which the same fields meant
            something else.
    """

    code: Sequence[CodeChange]
    older: int


@dataclass(frozen=True, kw_only=True)
class OtherStudy:
    """In what a study of the same name in the database differs from one that is to be run.

    None and False: in nothing.

    Args:
        file: where it was read from, `""` if nobody knows.
        question: what it asks.
        dataset: its data set, `""` if this dasbench cannot read which.
        base: whether its base is another, data sets aside.
    """

    file: str
    question: str | None = None
    dataset: str | None = None
    base: bool = False


def code_changes(
    members: Sequence[Member], ended: Collection[str], answers: Sequence[EarlierResult]
) -> Changes:
    """In which components the code has changed since trials of the same questions were trained.

    Args:
        members: the planned trials.
        ended: keys of those that have a result.
        answers: trials with a result that ask the same questions, the oldest first.

    Example:
        >>> trial = {"backbone": {"name": "resnet18"}, "gate": {"name": "freq"}}
        >>> member = Member(key="1" * 12, spec={**trial, "code": {"gate": "3f9a2c81d0be"}})
        >>> old = EarlierResult(key="0" * 12, question=member.question, code={"gate": "a" * 12},
        ...                     semantics=2, finished="")
        >>> code_changes([member], set(), [old]).code
        [CodeChange(component='gate freq', before='aaaaaaaaaaaa', now='3f9a2c81d0be', trials=1)]
    """
    latest = {answer.question: answer for answer in answers}
    numbers: Counter[tuple[str, str, str]] = Counter()
    older = 0
    for member in members:
        answer = latest.get(member.question)
        if answer is None or member.key in ended:
            continue
        older += answer.semantics != SEMANTICS
        numbers.update(_changed_components(member, answer))
    changes = []
    for (component, before, now), number in numbers.items():
        changes.append(CodeChange(component=component, before=before, now=now, trials=number))
    return Changes(code=changes, older=older)


def _changed_components(member: Member, answer: EarlierResult) -> Iterator[tuple[str, str, str]]:
    """The components of a planned trial whose code has changed since its question's answer."""
    for field in sorted({*member.code, *answer.code}):
        before, now = answer.code.get(field, ""), member.code.get(field, "")
        if before != now:
            yield component_name(field, member.spec), before, now


def num_leaving(rows: Sequence[Row], keys: Collection[str], answered: Collection[str] = ()) -> int:
    """How many results a study lists that it will no longer list.

    Args:
        rows: what it lists now.
        keys: of the trials that it will list.
        answered: keys of results that leave it for their code alone, which is said elsewhere.
    """
    accounted_for = {*keys, *answered}
    return sum(row.state.has_result for row in rows if row.key not in accounted_for)


def other_study(study: Study, record: StudyRecord) -> OtherStudy | None:
    """In what a study of the same name differs from one that is to be run, if of another file.

    Two files of one study (a clone, another machine) are one study; so is a file that was edited.
    """
    if _same_file(study.document.file, record.file):
        return None
    same = OtherStudy(file=record.file)
    other = same
    if record.question != study.question:
        other = replace(other, question=record.question)
    before = _base(record.document.get("base"))
    if before is None:
        return replace(other, dataset="", base=True)
    if before.dataset != study.base.dataset:
        other = replace(other, dataset=str(before.dataset))
    if before.model_copy(update={"dataset": study.base.dataset}) != study.base:
        other = replace(other, base=True)
    if other == same:
        return None
    return other


def _same_file(given: str, kept: str) -> bool:
    return given != "" and kept != "" and Path(given).absolute() == Path(kept).absolute()


def _base(document: Spec | None) -> Trial | None:
    try:
        return Trial.model_validate(document)
    except ValidationError:
        return None
