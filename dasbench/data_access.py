"""How the files of data sets and of weights are reached: where, how, from how far.

Nothing of it is a part of a trial's key.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

DEFAULT_ROOT = "data"

KEPT_WEIGHTS = Path(".dasbench") / "weights"
"""Where the weights of trials are kept, in the folder of the database."""

Look = Literal["names", "bytes", "pixels"]
"""How closely files are looked at before use: names and sizes alone, every byte, or every pixel."""

Told = Callable[[str, int, int], None]
"""Told what is being done (`reading`), to how many files it was done, and of how many."""


def say_nothing(doing: str, done: int, number: int) -> None:
    """For those who do not watch."""
    del doing, done, number


def kept_here() -> Path:
    """Where the weights of trials are kept if the database is in the folder that one stands in."""
    return KEPT_WEIGHTS


@dataclass(frozen=True)
class DataAccess:
    """How data sets, and networks that start from weights, reach their files.

    Args:
        root: the folder that holds the data sets' own folders.
        loaders: threads that read images ahead of the training; 0 reads when a batch is asked for.
        download: whether a data set that is missing may be fetched from the internet.
        gpu_share: of a GPU's memory that this process may use, in (0, 1]: of it, a part is for
            images.
        look: how closely files are looked at that nobody has looked at yet.
        contents: fingerprints of files that another process has read, by what they look like from
            outside.
        told: told of what takes long.
        kept_weights: says where the weights of trials are kept; asked only where some are wanted.
    """

    root: Path
    loaders: int = 0
    download: bool = False
    gpu_share: float = 1.0
    look: Look = "bytes"
    contents: Mapping[str, str] = field(default_factory=dict)
    told: Told = say_nothing
    kept_weights: Callable[[], Path] = kept_here


_chosen: ContextVar[DataAccess | None] = ContextVar("data_access", default=None)


def data_access() -> DataAccess:
    """What was chosen with `reading_data`; else the folder DASBENCH_DATA, else `./data`.

    Example:
        >>> with reading_data(Path("/mnt/images")):
        ...     data_access().root.name
        'images'
    """
    root = os.environ.get("DASBENCH_DATA") or DEFAULT_ROOT
    return _chosen.get() or DataAccess(Path(root).absolute())


@contextmanager
def reading_data(
    root: Path | None = None,
    *,
    loaders: int | None = None,
    download: bool | None = None,
    gpu_share: float | None = None,
    look: Look | None = None,
    contents: Mapping[str, str] | None = None,
    told: Told | None = None,
    kept_weights: Callable[[], Path] | None = None,
) -> Iterator[DataAccess]:
    """Choose where and how data are read, for what runs inside of the block and in this thread.

    What is None stays as it was.

    Args:
        root: the folder that holds the data sets.
        loaders: threads that decode ahead.
        download: whether missing data sets may be fetched.
        gpu_share: of a GPU's memory that may be used.
        look: how closely files are looked at before they are used.
        contents: fingerprints of files that another process has read.
        told: told of what takes long.
        kept_weights: says where the weights of trials are kept.
    """
    options: dict[str, Any] = {
        "root": root and root.absolute(),
        "loaders": loaders,
        "download": download,
        "gpu_share": gpu_share,
        "look": look,
        "contents": contents,
        "told": told,
        "kept_weights": kept_weights,
    }
    chosen = {name: value for name, value in options.items() if value is not None}
    access = replace(data_access(), **chosen)
    token = _chosen.set(access)
    try:
        yield access
    finally:
        _chosen.reset(token)


def cache_folder() -> Path:
    """Where is kept what can be found out again.

    The environment's DASBENCH_CACHE, else a folder of the user's caches. It need not exist, and
    what is in it may be removed at any time. A user without a home has it among temporary files.
    """
    if chosen := os.environ.get("DASBENCH_CACHE"):
        return Path(chosen).expanduser().absolute()
    return _users_caches().absolute() / "dasbench"


def _users_caches() -> Path:
    """The folder of the user's caches."""
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a container's user who has no entry in its list of users
        return Path(tempfile.gettempdir())
