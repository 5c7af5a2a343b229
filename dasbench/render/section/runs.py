"""How a study's trials ended, how long they took, and with what they ran, in sentences."""

from collections import Counter
from collections.abc import Iterator
from math import fsum

from dasbench.render.section.bibliography import KINDS
from dasbench.render.section.words import counted, duration, listed
from dasbench.render.text.failures import failures_text
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
    states = Counter(row.state for row in rows)
    counts = ", ".join(f"{count:,} {state}" for state, count in states.items())
    yield f"Of {counted(len(rows), 'trial')}, {counts}."
    failures = failures_text(Counter(str(row.reason) for row in rows if row.state == "failed"))
    if failures:
        yield f"Failures: {failures}."
    reused = sum(row.reused for row in rows)
    if reused:
        yield f"{counted(reused, 'trial')} {'was' if reused == 1 else 'were'} trained first for another study."
    seconds = fsum(row.seconds for row in rows)
    if seconds:
        yield f"All trials together took {duration(seconds)} of computing."


def software(evidence: Evidence) -> Iterator[str]:
    """Versions, devices and commits: every environment that a trial ran in."""
    found = evidence.environments
    silent = sum(row.state.ended for row in evidence.selection.rows)
    silent -= sum(count for _, count in found)
    if len(found) == 1:
        yield f"Trials ran with {environment(found[0][0])}."
    elif found:
        each = "; ".join(
            f"({number}) {counted(n, 'trial')}: {environment(e)}"
            for number, (e, n) in enumerate(found, 1)
        )
        yield f"Trials ran in {len(found)} environments. {each}."
    if silent > 0:
        yield f"{counted(silent, 'trial')} recorded no environment."


def own_code(evidence: Evidence) -> Iterator[str]:
    """The commits of components that are somebody's own, as the trials recorded them."""
    own = [component for component in evidence.components if component.is_own]
    if own:
        each = [
            f"{KINDS[one.kind]} {one.name} ({counted(one.trials, 'trial')}) "
            f"{at_commit(one.git_commit, one.git_dirty) or 'at no known git commit'}"
            for one in own
        ]
        yield f"Code of components that are not dasbench's: {listed(each, most=len(each))}."


def environment(recorded: Environment) -> str:
    """One environment in words.

    Args:
        recorded: what a trial recorded. Where it does not say `git_of`, the commit is that of the
            folder in which it was started, as older versions recorded it, which need not be that of
            any code.

    Example:
        >>> environment(Environment(torch="2.6", device="cpu", threads="1", git_commit="0a1b", git_dirty="True"))
        'torch 2.6 on cpu with 1 thread, started in a folder at git commit 0a1b with uncommitted changes'
        >>> environment(Environment(dasbench="0.1.0", git_of="dasbench", git_commit="0a1b", git_dirty="False"))
        'dasbench 0.1.0 (at git commit 0a1b without uncommitted changes)'
    """
    parts = [_versions(recorded), _device(recorded), _threads(recorded)]
    text = " ".join(part for part in parts if part)
    commit = at_commit(recorded.git_commit, recorded.git_dirty)
    if commit and recorded.git_of != "dasbench":
        return f"{text}, started in a folder {commit}"
    return text


def _versions(recorded: Environment) -> str:
    """Each program with its version, dasbench with its commit if that is known."""
    commit = at_commit(recorded.git_commit, recorded.git_dirty)
    found = []
    for name, title in VERSIONS.items():
        version = getattr(recorded, name)
        at = (
            f" ({commit})"
            if name == "dasbench" and commit and recorded.git_of == "dasbench"
            else ""
        )
        if version is not None:
            found.append(f"{title} {version}{at}")
    return listed(found)


def _device(recorded: Environment) -> str:
    """The device with its name, and how many replicas of it trained together; `""` where nothing was recorded."""
    known = [text for text in (recorded.device, recorded.device_name) if text is not None]
    if not known:
        return ""
    replicas = f"{recorded.replicas} x " if recorded.replicas not in (None, "1") else ""
    name = f" ({known[1]})" if len(known) > 1 else ""
    return f"on {replicas}{known[0]}{name}"


def _threads(recorded: Environment) -> str:
    if recorded.threads is None:
        return ""
    return (
        f"with {recorded.threads} thread"
        if recorded.threads == "1"
        else f"with {recorded.threads} threads"
    )


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
