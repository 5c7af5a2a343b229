"""What becomes of a study's earlier results, in sentences."""

from dasbench.render.text.words import agreeing, counted
from dasbench.spec.identity import AS_RELEASED
from dasbench.views.succession import Changes, OtherStudy


def change_sentences(changes: Changes) -> list[str]:
    """Why trials will be trained anew, a sentence for each reason.

    Example:
        >>> from dasbench.views.succession import CodeChange
        >>> before, now = "a" * 12, "3f9a2c81d0be"
        >>> change = CodeChange(component="gate freq", before=before, now=now, trials=1)
        >>> print(*change_sentences(Changes(code=[change], older=0)))
        the code of gate freq changed since 1 trial was trained (aaaaaa, now 3f9a2c):
        it will be trained anew
    """
    sentences = []
    for change in changes.code:
        codes = f"{_short_code(change.before)}, now {_short_code(change.now)}"
        trained, anew = _trained_text(change.trials), _anew_text(change.trials)
        sentences.append(
            f"the code of {change.component} changed since {trained} ({codes}): {anew}"
        )
    if changes.older:
        meaning = "by an earlier dasbench, in which the same trial meant something else"
        sentences.append(f"{_trained_text(changes.older)} {meaning}: {_anew_text(changes.older)}")
    return sentences


def other_study_text(other: OtherStudy) -> str:
    """In what another study of the same name differs.

    Example:
        >>> other_study_text(OtherStudy(file="old.yaml", question="Why?", dataset=None, base=True))
        "its question is 'Why?', its base is another (from old.yaml)"
    """
    parts = []
    if other.question is not None:
        parts.append(f"its question is '{other.question}'")
    if other.dataset is not None:
        parts.append(f"its data set is {other.dataset or 'another'}")
    if other.base:
        parts.append("its base is another")
    text = ", ".join(parts)
    if other.file:
        text = f"{text} (from {other.file})"
    return text


def results_leave(number: int) -> str:
    """How many results a study loses, as the beginning of a sentence.

    Example:
        >>> results_leave(1), results_leave(2)
        ('1 result leaves', '2 results leave')
    """
    return f"{counted(number, 'result')} {agreeing(number, 'leaves', 'leave')}"


def _short_code(code: str) -> str:
    return code[:6] or AS_RELEASED


def _trained_text(number: int) -> str:
    return f"{counted(number, 'trial')} {agreeing(number, 'was', 'were')} trained"


def _anew_text(number: int) -> str:
    return f"{agreeing(number, 'it', 'they')} will be trained anew"
