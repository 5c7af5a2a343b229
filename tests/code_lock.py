"""Bring `dasbench/code.lock` up to date: `make code-lock`, or `make code-lock BUMP="gates/se.py ..."`.

Every file of dasbench that decides results has its hash there. A rewritten file gets its new hash
if what the components compute is as it was (tests/golden_values.json). Where it is not, the change
has to be meant: `BUMP` raises the revision of the files that were changed on purpose, so that
trials whose components use them get new keys. When the meaning of all trials changes, SEMANTICS
(spec/trial.py) is raised instead, and revisions start anew. Who changes what golden_values.py
computes removes golden_values.json before, from a tree in which nothing else has changed."""

import json
import sys

from golden_values import FILE, Golden, files_of, golden_values, moved, read_golden

from dasbench.code.lock import (
    LOCK,
    Locked,
    hash_file,
    lock_text,
    name_in_lock,
    own_files,
    read_lock,
)
from dasbench.spec.trial import SEMANTICS

MEANING = "semantics"
"""Under which the golden values name the meaning of trials that they belong to."""


def current_hashes() -> dict[str, str]:
    """The hash of every file that decides results, by its name in the lock."""
    return {name_in_lock(file): hash_file(file) for file in own_files()}


def next_lock(
    locked: dict[str, Locked], hashes: dict[str, str], bumped: list[str]
) -> dict[str, Locked]:
    """The lock of today's files; a bumped one has its next revision."""
    revisions = {name: locked[name].revision if name in locked else 0 for name in hashes}
    return {name: Locked(code, revisions[name] + (name in bumped)) for name, code in hashes.items()}


def unexplained(
    differing: dict[str, str], now: dict[str, Golden], bumped: list[str]
) -> dict[str, str]:
    """The components that moved although none of the files behind them has a new revision."""
    return {name: how for name, how in differing.items() if not files_of(now[name]) & set(bumped)}


def main(bumped: list[str]) -> int:
    """Bring the lock up to date, or say why not; returns the exit code."""
    LOCK.touch()  # a first one
    locked = read_lock()
    hashes = current_hashes()
    if unknown := [name for name in bumped if name not in hashes]:
        print(f"no such file below dasbench/: {', '.join(unknown)}", file=sys.stderr)
        return 2
    now = golden_values()
    before = read_golden() if FILE.exists() else {}
    new_meaning = before.pop(MEANING, {}).get("version") != SEMANTICS
    if not new_meaning and (faults := unexplained(moved(before, now), now, bumped)):
        for name, how in faults.items():
            print(f"{name} computes something else: {how}", file=sys.stderr)
        print(
            'If that is meant, name the files: make code-lock BUMP="gates/NAME.py". Nothing was written.',
            file=sys.stderr,
        )
        return 1
    if new_meaning:
        locked, bumped = {}, []
    LOCK.write_text(lock_text(next_lock(locked, hashes, bumped)), "utf-8")
    values = {
        MEANING: {"version": SEMANTICS},
        **{name: dict(golden.values) for name, golden in now.items()},
    }
    FILE.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    changed = [
        name for name, code in hashes.items() if name not in locked or locked[name].code != code
    ]
    print(f"{LOCK}: {len(hashes)} files, {len(changed)} changed, {len(bumped)} with a new revision")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
