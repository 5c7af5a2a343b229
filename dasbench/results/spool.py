"""A file of JSON lines that keeps finished results while the database cannot take them."""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from dasbench.errors import StoreError
from dasbench.records import Outcome

logger = logging.getLogger(__name__)

Fate = Literal["merged", "dropped", "unknown"]
"""What became of a spooled result: `unknown` if the database does not list its trial."""


@dataclass(frozen=True)
class Spooled:
    """A result with the fence under which it was earned.

    Args:
        outcome: the result.
        attempt: which start of the trial it belongs to.
        token: of the owner who ran it.
    """

    outcome: Outcome
    attempt: int
    token: str


def keep(path: Path, spooled: Spooled) -> None:
    """Append a result; it is on the disk when this returns, or the file is as it was.

    Raises:
        OSError: if the disk does not take it.
    """
    line = {
        "attempt": spooled.attempt,
        "token": spooled.token,
        "outcome": spooled.outcome.to_json(),
    }
    with _open_locked(path) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            file.write(json.dumps(line, default=str).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(file.fileno(), size)
            raise


def set_by(path: Path, spooled: Spooled, error: StoreError) -> StoreError:
    """Keep a result that the database did not take; the error, with what became of the result."""
    key = spooled.outcome.key
    try:
        keep(path, spooled)
    except OSError as second:
        return StoreError(
            f"{error} The result of trial {key} could not be kept in {path} either ({second}): "
            "the trial goes on from its last checkpoint at the next run."
        )
    return StoreError(f"{error} The result of trial {key} waits in {path}; the next run merges it.")


def merge(path: Path, take: Callable[[list[Spooled]], list[Fate]]) -> None:
    """Hand all spooled results over and forget those that were taken.

    Args:
        path: the file; nothing happens if there is none.
        take: stores results and says what became of each; once it returns, they are safe elsewhere.
    """
    if not path.exists():
        return
    with _open_locked(path) as file:
        file.seek(0)
        lines, results = [], []
        for line in file.read().splitlines(keepends=True):
            if spooled := _parse(path, line):
                lines.append(line)
                results.append(spooled)
        fates = take(results)
        unknown = [line for line, fate in zip(lines, fates, strict=True) if fate == "unknown"]
        rest = b"".join(unknown)
        file.seek(0)
        file.write(rest)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
        if not rest:
            path.unlink()
    logger.info("%s: merged %d results", path, fates.count("merged"))


@contextmanager
def _open_locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, held against other drivers; the one at `path`, not one unlinked meanwhile."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                yield file
                return


def _parse(path: Path, line: bytes) -> Spooled | None:
    try:
        data = json.loads(line)
        return Spooled(Outcome.from_json(data["outcome"]), data["attempt"], data["token"])
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("%s: a line is cut off and was left out: %s", path, error)
        return None
