"""How the files of data sets are reached: where, with how many threads, from how far; no part of a trial's key."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = "data"


@dataclass(frozen=True)
class DataAccess:
    """How data sets reach their files.

    Args:
        root: the folder that holds the data sets' own folders.
        loaders: threads that read images ahead of the training; 0 reads when a batch is asked for.
        download: whether a data set that is missing may be fetched from the internet.
        gpu_share: of a GPU's memory that this process may use, in (0, 1]: of it, a part is for images.
    """

    root: Path
    loaders: int = 0
    download: bool = False
    gpu_share: float = 1.0


_chosen: ContextVar[DataAccess | None] = ContextVar("data_access", default=None)


def data_access() -> DataAccess:
    """What was chosen with `reading_data`; else the folder of the environment's DASBENCH_DATA, else `./data`.

    Example:
        >>> with reading_data(Path("/mnt/images")):
        ...     data_access().root.name
        'images'
    """
    return _chosen.get() or DataAccess(Path(os.environ.get("DASBENCH_DATA") or DEFAULT_ROOT).absolute())


def cache_folder() -> Path:
    """Where is kept what can be found out again: the environment's DASBENCH_CACHE, else a folder of the user's caches.

    It need not exist, and what is in it may be removed at any time.
    """
    chosen, caches = os.environ.get("DASBENCH_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen).absolute()
    return (Path(caches) if caches else Path.home() / ".cache") / "dasbench"


@contextmanager
def reading_data(
    root: Path | None = None,
    *,
    loaders: int | None = None,
    download: bool | None = None,
    gpu_share: float | None = None,
) -> Iterator[DataAccess]:
    """Choose where and how data are read, for what runs inside of the block and in this thread.

    Args:
        root: the folder that holds the data sets; None leaves it as it was.
        loaders: threads that decode ahead; None leaves it as it was.
        download: whether missing data sets may be fetched; None leaves it as it was.
        gpu_share: of a GPU's memory that may be used; None leaves it as it was.
    """
    before = data_access()
    access = DataAccess(
        root.absolute() if root else before.root,
        before.loaders if loaders is None else loaders,
        before.download if download is None else download,
        before.gpu_share if gpu_share is None else gpu_share,
    )
    token = _chosen.set(access)
    try:
        yield access
    finally:
        _chosen.reset(token)
