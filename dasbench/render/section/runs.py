"""How a study's trials ended, how long they took, and with what they ran, in sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import fsum
from typing import Any

from dasbench.render.leaderboard import REASONS
from dasbench.render.section.words import counted, duration, listed
from dasbench.views.evidence import Evidence


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


def environment(said: Mapping[str, Any]) -> str:
    """One environment in words.

    Example:
        >>> environment({"torch": "2.6", "device": "cpu", "threads": "1", "git_commit": "0a1b", "git_dirty": "True"})
        'torch 2.6 on cpu with 1 thread at git commit 0a1b with uncommitted changes'
    """
    versions = [
        f"{title} {said[name]}"
        for name, title in (("dasbench", "dasbench"), ("python", "Python"), ("torch", "torch"),
                            ("torchvision", "torchvision"), ("cuda", "CUDA"))
        if name in said
    ]  # fmt: skip
    parts = [listed(versions)] if versions else []
    device = [said[name] for name in ("device", "device_name") if name in said]
    if device:
        replicas = f"{said['replicas']} x " if said.get("replicas", "1") != "1" else ""
        parts.append(f"on {replicas}{device[0]}" + (f" ({device[1]})" if len(device) > 1 else ""))
    if "threads" in said:
        parts.append(f"with {said['threads']} thread{'s' * (said['threads'] != '1')}")
    if "git_commit" in said:
        tree = {"True": " with uncommitted changes", "False": " with a clean tree"}.get(said.get("git_dirty", ""), "")
        parts.append(f"at git commit {said['git_commit']}{tree}")
    return " ".join(parts) + ("" if "git_commit" in said else ", no git commit recorded")
