"""What went wrong with a database, in words that name the place, the cause and the remedy."""

import errno
import shutil
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from dasbench.errors import ForeignStoreError, StoreError

_LOCKED = (
    "database is locked",
    "database table is locked",
    "lock timeout",
    "deadlock detected",
    "could not serialize",
)

_SQLITE_CAUSES = (
    (
        "file is not a database",
        "it is not a SQLite database",
        "Name another file with `db`, or move this one away.",
    ),
    (
        "malformed",
        "the database is damaged; it may have been cut off while it was copied",
        "Restore a copy of it, or save what is left with: sqlite3 FILE .recover | sqlite3 NEW",
    ),
    (
        "unable to open database file",
        "it cannot be opened",
        "Check that the file and its folder belong to you and that the disk is mounted.",
    ),
    (
        "readonly database",
        "it is read-only",
        "Make the file and its folder writable, or name another file with `db`.",
    ),
)


def is_locked(error: BaseException) -> bool:
    """Whether another program holds the database, so that waiting may help."""
    return any(part in str(error) for part in _LOCKED)


def store_error(
    place: str, path: Path | None, error: BaseException, waited_s: float = 0.0
) -> StoreError:
    """Turn an error of the database driver or the file system into one that teaches.

    Args:
        place: the database, as the user named it.
        path: its file, None for a server.
        error: what the driver raised.
        waited_s: how long was waited for a lock.

    Example:
        >>> import sqlite3
        >>> str(store_error("x.db", Path("x.db"), sqlite3.DatabaseError("file is not a database")))
        'x.db: it is not a SQLite database. Name another file with `db`, or move this one away.'
    """
    fault: BaseException | None = error
    if isinstance(error, DBAPIError):
        fault = error.orig
    message = " ".join(str(fault).split())
    if is_locked(error):
        search = ""
        if path:
            search = f" (find it with: fuser {path})"
        return StoreError(
            f"{place}: still locked by another program after {waited_s:g} s. "
            f"Close the program that writes it{search} and run again."
        )
    if path is None:
        remedy = "Check that it runs and the URL is right."
        return StoreError(f"{place}: the server cannot be used ({message}). {remedy}")
    if _is_disk_fault(message, error):
        return StoreError(
            f"{place}: the disk is full or faulty ({message}); {free_bytes(path)} bytes are free. "
            "Make room and run again: nothing that was finished is lost."
        )
    for part, cause, remedy in _SQLITE_CAUSES:
        if part in message:
            return StoreError(f"{place}: {cause}. {remedy.replace('FILE', str(path))}")
    return StoreError(
        f"{place}: cannot be used: {message}. Check the file, or name another one with `db`."
    )


def _is_disk_fault(message: str, error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
    return "is full" in message or "disk I/O error" in message


def free_bytes(path: Path) -> int:
    """Free bytes on the disk of a file, which need not exist."""
    folder = next((part for part in (path, *path.absolute().parents) if part.exists()), Path("/"))
    return shutil.disk_usage(folder).free


def check_path(place: str, path: Path) -> bool:
    """Whether the file of a database exists, after refusing what can never be one.

    Raises:
        StoreError: for a directory, a pipe or device, zero bytes, or a missing parent folder.
    """
    if path.is_dir():
        raise StoreError(
            f"{place}: it is a directory. Name a file in it: `db` {path / 'results.db'}"
        )
    if not path.parent.is_dir():
        raise StoreError(
            f"{place}: the folder '{path.parent}' does not exist. Create it: mkdir -p {path.parent}"
        )
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return False
    except OSError as error:
        raise store_error(place, path, error) from error
    if not path.is_file():
        raise StoreError(f"{place}: it is a pipe or a device. Name an ordinary file with `db`.")
    if size == 0:
        raise StoreError(
            f"{place}: it has zero bytes; a copy or a full disk may have emptied it "
            f"({free_bytes(path)} bytes are free now). Restore a copy of it, or remove it to start "
            "afresh."
        )
    return True


def foreign_error(place: str) -> ForeignStoreError:
    """The file belongs to another program."""
    return ForeignStoreError(
        f"{place}: it is a database of another program, left untouched. "
        "Name another file with `db`."
    )


def newer_error(place: str, found: str, known: str) -> ForeignStoreError:
    """The database was written by a dasbench of the future."""
    return ForeignStoreError(
        f"{place}: its layout is version {found}, this dasbench knows up to {known}; "
        "left untouched. Upgrade dasbench, or name another database with `db`."
    )
