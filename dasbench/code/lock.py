"""`code.lock`: the hash of each of dasbench's files that decide a result, as released.

A file that is as the lock says adds nothing to a trial's key, so that a wheel, a clone and an
editable install agree, and so that dasbench can be rewritten without a change of keys. Who changes
a file on purpose so that its results are others gives it a new revision in the lock.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import decode_source
from pathlib import Path
from typing import NamedTuple

from dasbench.code.syntax import digest, hash_tree

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of dasbench."""

ROOMS = (
    "backbones",
    "datasets",
    "gates",
    "metrics",
    "models.py",
    "ops",
    "parts.py",
    "saliency",
    "seeds.py",
    "tasks",
    "training",
)
"""What computes results.

The other rooms ask (what they say is in the key by its value), count, keep or show.
"""

LOCK = PACKAGE / "code.lock"


class Locked(NamedTuple):
    """What the lock says of a file.

    Args:
        code: its hash.
        revision: how often its results became others; 0 at first.
    """

    code: str
    revision: int


def own_files() -> Iterator[Path]:
    """The files of dasbench that decide results, in order."""
    for room in ROOMS:
        place = PACKAGE / room
        if place.is_dir():
            yield from sorted(place.rglob("*.py"))
        else:
            yield place


def name_in_lock(file: Path) -> str:
    """What the lock calls a file: its path in dasbench, with slashes.

    Example:
        >>> name_in_lock(PACKAGE / "gates" / "se.py")
        'gates/se.py'
    """
    return file.relative_to(PACKAGE).as_posix()


def hash_file(file: Path) -> str:
    """The hash of one file by itself; the modules that it imports count by their names."""
    return hash_tree(ast.parse(decode_source(file.read_bytes())))


@cache
def read_lock() -> dict[str, Locked]:
    """What the lock says of each file, by its name there."""
    locked: dict[str, Locked] = {}
    for line in LOCK.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, code, revision = line.split()
            locked[name] = Locked(code, int(revision))
    return locked


def lock_text(locked: dict[str, Locked]) -> str:
    """The lock as it is written."""
    head = "# Made by `make code-lock`: file, hash, revision; see docs/identity.md.\n"
    return head + "".join(
        f"{name} {code} {revision}\n" for name, (code, revision) in sorted(locked.items())
    )


@cache
def lock_digest() -> str:
    """One hash of the whole lock: installations with the same one have the same released code."""
    return digest([lock_text(read_lock())])
