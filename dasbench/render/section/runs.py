"""How a study's trials ended, how long they took, and with what they ran, in sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import fsum
from typing import Any

from dasbench.render.leaderboard import REASONS
from dasbench.render.section.bibliography import KINDS
from dasbench.render.section.words import counted, duration, listed
from dasbench.views.evidence import Evidence

VERSIONS = {"dasbench": "dasbench", "python": "Python", "torch": "torch", "torchvision": "torchvision", "cuda": "CUDA"}
"""What is named with its version, by its name in an environment."""


def trials(evidence: Evidence) -> Iterator[str]:
    """How many trials there are, how they ended, and how long they took."""
    rows = evidence.selection.rows
    if not rows:
        yield "The study has no trial yet."
        return
    states = Counter(row.state for row in rows)
    yield f"Of {counted(len(rows), 'trial')}, {', '.join(f'{count:,} {state}' for state, count in states.items())}."
    reasons = Counter(REASONS.get(str(row.reason), str(row.reason)) for row in rows if row.state == "failed")
    if reasons:
        yield f"Failures: {', '.join(f'{count:,} {reason}' for reason, count in reasons.items())}."
    if reused := sum(row.reused for row in rows):
        yield f"{counted(reused, 'trial')} {'was' if reused == 1 else 'were'} trained first for another study."
    if seconds := fsum(row.seconds for row in rows):
        yield f"All trials together took {duration(seconds)} of computing."


def software(evidence: Evidence) -> Iterator[str]:
    """Versions, devices and commits: every environment that a trial ran in."""
    found = evidence.environments
    silent = sum(row.state in ("done", "failed", "stopped") for row in evidence.selection.rows)
    silent -= sum(count for _, count in found)
    if len(found) == 1:
        yield f"Trials ran with {environment(found[0][0])}."
    elif found:
        each = "; ".join(
            f"({number}) {counted(n, 'trial')}: {environment(e)}" for number, (e, n) in enumerate(found, 1)
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


def environment(recorded: Mapping[str, Any]) -> str:
    """One environment in words.

    Args:
        recorded: what a trial recorded. Where it does not say `git_of`, the commit is that of the folder in which it
            was started, as older versions recorded it, which need not be that of any code.

    Example:
        >>> environment({"torch": "2.6", "device": "cpu", "threads": "1", "git_commit": "0a1b", "git_dirty": "True"})
        'torch 2.6 on cpu with 1 thread, started in a folder at git commit 0a1b with uncommitted changes'
        >>> environment({"dasbench": "0.1.0", "git_of": "dasbench", "git_commit": "0a1b", "git_dirty": "False"})
        'dasbench 0.1.0 (at git commit 0a1b without uncommitted changes)'
    """
    commit = at_commit(recorded.get("git_commit"), recorded.get("git_dirty"))
    is_of_dasbench = recorded.get("git_of") == "dasbench"
    versions = [
        f"{title} {recorded[name]}" + (f" ({commit})" if name == "dasbench" and commit and is_of_dasbench else "")
        for name, title in VERSIONS.items()
        if name in recorded
    ]
    parts = [listed(versions)] if versions else []
    device = [recorded[name] for name in ("device", "device_name") if name in recorded]
    if device:
        replicas = f"{recorded['replicas']} x " if recorded.get("replicas", "1") != "1" else ""
        parts.append(f"on {replicas}{device[0]}" + (f" ({device[1]})" if len(device) > 1 else ""))
    if "threads" in recorded:
        parts.append(f"with {recorded['threads']} thread{'s' * (recorded['threads'] != '1')}")
    where = f", started in a folder {commit}" if commit and not is_of_dasbench else ""
    return " ".join(parts) + where


def at_commit(commit: str | None, dirty: object) -> str:
    """A commit in words, `""` without one.

    Args:
        commit: its name.
        dirty: whether there were changes beside it: a boolean, or the word for it; None where that is not known.
    """
    if not commit:
        return ""
    changes = {"True": " with uncommitted changes", "False": " without uncommitted changes"}
    return f"at git commit {commit}{changes.get(str(dirty), '')}"
