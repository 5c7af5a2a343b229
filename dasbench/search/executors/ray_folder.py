"""A folder for Ray's files whose path is short enough for the sockets in it."""

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dasbench.errors import MachineError

PREFIX = "dasbench-"

_SOCKET_BYTES = 103 if sys.platform == "darwin" else 107
"""The longest path that the system takes for a socket."""

_BELOW = len("/ray/session_2026-01-01_00-00-00_000000_/sockets/plasma_store") + len(str(2**22))
"""What Ray appends to the folder: a session's name with time and process, its longest socket."""


def ray_folder() -> str:
    """Make a folder for a Ray of our own, with other temporary files or where paths are shorter.

    Raises:
        MachineError: if there is no place that is writable and short enough.
    """
    reasons = []
    for place in _places():
        if len(os.fsencode(place)) > longest_place():
            reasons.append(f"{place} is longer than {longest_place()} bytes")
            continue
        try:
            return tempfile.mkdtemp(prefix=PREFIX, dir=place)
        except OSError as error:
            reasons.append(f"{place}: {error.strerror}")
    raise MachineError(
        f"Ray finds no folder for its sockets: {'; '.join(reasons)}. "
        "Set TMPDIR to a writable folder with a short "
        "path, or run without Ray: `executor` inline"
    )


def longest_place() -> int:
    """Bytes that the path of a folder may have, so that Ray's sockets can be opened below it.

    Example:
        >>> 15 < longest_place() < 40
        True
    """
    made = len(f"/{PREFIX}12345678")
    return _SOCKET_BYTES - _BELOW - made


def _places() -> Iterable[str]:
    """Where temporary files may lie, the usual place first; each once."""
    found = [
        os.environ.get("TMPDIR", ""),
        os.environ.get("XDG_RUNTIME_DIR", ""),
        "/tmp",  # noqa: S108
        "/var/tmp",  # noqa: S108
        _home(),
    ]
    return dict.fromkeys(str(Path(place).absolute()) for place in found if place)


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # nobody's: a container without an entry for its user
        return ""
