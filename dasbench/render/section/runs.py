"""How a study's trials ended, how long they took, and with what they ran, in sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import fsum

from dasbench.records import State
from dasbench.render.section.bibliography import KINDS
from dasbench.render.section.words import duration, enumerate_names
from dasbench.render.text.failures import failures_text
from dasbench.render.text.words import agreeing, counted, in_brackets
from dasbench.views.environments import Environment
from dasbench.views.evidence import Evidence

VERSIONS = {
    "dasbench": "dasbench",
    "python": "Python",
    "torch": "torch",
    "torchvision": "torchvision",
    "cuda": "CUDA",
}
"""What is named with its version, by its name in an environment."""


def trials(evidence: Evidence) -> Iterator[str]:
    """How many trials there are, how they ended, and how long they took."""
    rows = evidence.selection.rows
    if not rows:
        yield "The study has no trial yet."
        return
    states = Counter(str(row.state) for row in rows)
    yield f"Of {counted(len(rows), 'trial')}, {_state_counts(states)}."
    failures = failures_text(Counter(str(row.reason) for row in rows if row.state == State.FAILED))
    if failures:
        yield f"Failures: {failures}."
    reused = sum(row.reused for row in rows)
    if reused:
        verb = agreeing(reused, "was", "were")
        yield f"{counted(reused, 'trial')} {verb} trained first for another study."
    seconds = fsum(row.seconds for row in rows)
    if seconds:
        yield f"All trials together took {duration(seconds)} of computing."


def _state_counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in states.items())


def software(evidence: Evidence) -> Iterator[str]:
    """Versions, devices and commits: every environment that a trial ran in."""
    found = evidence.environments
    silent = evidence.num_ended - sum(count for _, count in found)
    if len(found) == 1:
        yield f"Trials ran with {environment(found[0][0])}."
    elif found:
        texts = []
        for number, (recorded, trials_in_it) in enumerate(found, 1):
            texts.append(f"({number}) {counted(trials_in_it, 'trial')}: {environment(recorded)}")
        yield f"Trials ran in {len(found)} environments. {'; '.join(texts)}."
    if silent > 0:
        yield f"{counted(silent, 'trial')} recorded no environment."


def own_code(evidence: Evidence) -> Iterator[str]:
    """The commits of components that are somebody's own, as the trials recorded them."""
    texts = []
    for one in evidence.components:
        if one.is_own:
            commit = at_commit(one.git_commit, one.git_dirty) or "at no known git commit"
            texts.append(f"{KINDS[one.kind]} {one.name} ({counted(one.trials, 'trial')}) {commit}")
    if texts:
        names = enumerate_names(texts, most=len(texts))
        yield f"Code of components that are not dasbench's: {names}."


def environment(recorded: Environment) -> str:
    """One environment in words.

    Args:
        recorded: what a trial recorded. Where it does not say `git_of`, the commit is that of the
            folder in which it was started, as older versions recorded it, which need not be that of
            any code.

    Example:
        >>> print(environment(Environment(torch="2.6", git_commit="0a1b", git_dirty="True")))
        torch 2.6, started in a folder at git commit 0a1b with uncommitted changes
        >>> recorded = Environment(
        ...     dasbench="0.1.0", git_of="dasbench", git_commit="0a1b", git_dirty="False"
        ... )
        >>> environment(recorded)
        'dasbench 0.1.0 (at git commit 0a1b without uncommitted changes)'
    """
    parts = [_versions(recorded), _device(recorded), _threads(recorded)]
    text = " ".join(filter(None, parts))
    commit = at_commit(recorded.git_commit, recorded.git_dirty)
    if commit and recorded.git_of != "dasbench":
        return f"{text}, started in a folder {commit}"
    return text


def _versions(recorded: Environment) -> str:
    """Each program with its version, dasbench with its commit if that is known."""
    found = {}
    for name, title in VERSIONS.items():
        version = getattr(recorded, name)
        if version is not None:
            found[name] = f"{title} {version}"
    if "dasbench" in found and recorded.git_of == "dasbench":
        found["dasbench"] += in_brackets(at_commit(recorded.git_commit, recorded.git_dirty))
    return enumerate_names(found.values())


def _device(recorded: Environment) -> str:
    """The device with its name, and how many replicas of it trained together.

    It is `""` where nothing was recorded.
    """
    known = [text for text in (recorded.device, recorded.device_name) if text is not None]
    if not known:
        return ""
    device, *names = known
    if recorded.replicas not in (None, "1"):
        device = f"{recorded.replicas} x {device}"
    return f"on {device}{in_brackets(''.join(names))}"


def _threads(recorded: Environment) -> str:
    if recorded.threads is None:
        return ""
    if recorded.threads == "1":
        return "with 1 thread"
    return f"with {recorded.threads} threads"


def at_commit(commit: str | None, dirty: object) -> str:
    """A commit in words, `""` without one.

    Args:
        commit: its name.
        dirty: whether there were changes beside it: a boolean, or the word for it; None where that
            is not known.
    """
    if not commit:
        return ""
    changes = {"True": " with uncommitted changes", "False": " without uncommitted changes"}
    return f"at git commit {commit}{changes.get(str(dirty), '')}"
