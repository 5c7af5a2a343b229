"""What becomes of a study's earlier results when it is planned anew: other code, other trials, another study."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from dasbench.records import Row
from dasbench.results.answers import Answer, StudyRecord
from dasbench.results.planning import Member
from dasbench.spec.identity import AS_RELEASED, component_name
from dasbench.spec.study import Study
from dasbench.spec.trial import SEMANTICS, Trial


class _Change(NamedTuple):
    """A component whose code has changed: what it is called, and both codes, `""` for dasbench's own."""

    component: str
    before: str
    now: str


def code_changes(members: Sequence[Member], ended: Collection[str], answers: Sequence[Answer]) -> list[str]:
    """In which components the code has changed since trials of the same questions were trained, a sentence each.

    Args:
        members: the planned trials.
        ended: keys of those that have a result.
        answers: trials with a result that ask the same questions, the oldest first.

    Example:
        >>> spec = {"backbone": {"name": "resnet18"}, "gate": {"name": "freq"}, "code": {"gate": "3f9a2c81d0be"}}
        >>> member = Member(key="1" * 12, spec=spec)
        >>> old = Answer(key="0" * 12, question=member.question, code={"gate": "a" * 12}, semantics=2, finished="")
        >>> code_changes([member], set(), [old])
        ['the code of gate freq changed since 1 trial was trained (aaaaaa, now 3f9a2c): it will be trained anew']
    """
    latest = {answer.question: answer for answer in answers}
    changes: Counter[_Change] = Counter()
    num_older = 0
    for member in members:
        answer = latest.get(member.question)
        if answer is None or member.key in ended:
            continue
        num_older += answer.semantics != SEMANTICS
        for field in sorted({*member.code, *answer.code}):
            change = _Change(component_name(field, member.spec), answer.code.get(field, ""), member.code.get(field, ""))
            changes[change] += change.before != change.now
    sentences = [
        f"the code of {change.component} changed since {_were_trained(number)} "
        f"({_short(change.before)}, now {_short(change.now)}): {_anew(number)}"
        for change, number in changes.items()
        if number
    ]
    if num_older:
        meaning = "by an earlier dasbench, in which the same trial meant something else"
        sentences.append(f"{_were_trained(num_older)} {meaning}: {_anew(num_older)}")
    return sentences


def leaving(rows: Sequence[Row], keys: Collection[str], answered: Collection[str] = ()) -> int:
    """How many results a study lists that it will no longer list.

    Args:
        rows: what it lists now.
        keys: of the trials that it will list.
        answered: keys of results that leave it for their code alone, which is said elsewhere.
    """
    left = [row for row in rows if row.key not in keys and row.key not in answered]
    return sum(row.state in ("done", "stopped") for row in left)


def other_study(study: Study, record: StudyRecord) -> str:
    """In what a study of the same name differs from one that is to be run, if it was another file's; else `""`.

    Two files of one study (a clone, another machine) are one study; so is a file that was edited.
    """
    if _same_file(study.document.file, record.file):
        return ""
    differing = []
    if study.question != record.question:
        differing.append(f"its question is '{record.question}'")
    before = _base(record.document.get("base"))
    if before is None or before.dataset != study.base.dataset:
        differing.append(f"its data set is {before.dataset if before else 'another'}")
    if before is None or before.model_copy(update={"dataset": study.base.dataset}) != study.base:
        differing.append("its base is another")
    where = f" (from {record.file})" if record.file else ""
    return f"{', '.join(differing)}{where}" if differing else ""


def _same_file(given: str, kept: str) -> bool:
    return given != "" and kept != "" and Path(given).absolute() == Path(kept).absolute()


def _base(document: Mapping[str, Any] | None) -> Trial | None:
    try:
        return Trial.model_validate(document)
    except ValidationError:
        return None


def _short(code: str) -> str:
    return code[:6] if code else AS_RELEASED


def _were_trained(number: int) -> str:
    return "1 trial was trained" if number == 1 else f"{number} trials were trained"


def _anew(number: int) -> str:
    return f"{'it' if number == 1 else 'they'} will be trained anew"
