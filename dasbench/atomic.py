"""Files that are whole or not there: written aside, flushed to the disk, moved to their place."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ASIDE = ".new-"
"""Stands in the name of a file that a crash left before it came to its place."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` at the end, or goes if anything fails.

    It lies in the same folder, which must exist, and has the same ending.

    Raises:
        OSError: if it cannot be moved; `path` is as it was.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "scores.csv"
        ...     with written_aside(path) as aside:
        ...         _ = aside.write_text("91.5")
        ...     [file.name for file in path.parent.iterdir()]
        ['scores.csv']
    """
    aside = path.with_name(f".{path.stem}{ASIDE}{secrets.token_hex(4)}{path.suffix}")
    try:
        yield aside
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
