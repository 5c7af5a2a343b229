"""Checkpoints that survive a crash at any moment: written aside, renamed, verified when read."""

import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import torch

from dasbench.atomic import ASIDE, written_aside
from dasbench.errors import UsageError

log = logging.getLogger(__name__)

KEEP = 2
"""How many checkpoints stay: the last, and the one before in case the last cannot be read."""

EVERY_S = 30.0
"""Seconds of training that may be lost, unless an epoch takes longer."""

_NAME = re.compile(r"epoch-(\d{5})-([0-9a-f]{12})\.pt")

Place = Path | str
"""A folder, or a URL of fsspec (`s3://bucket/folder`) that all machines of a cluster can reach."""


Snapshot = Mapping[str, Any]
"""The state of a training, or the weights of a network: tensors and plain data by name."""


def storage_place(text: str) -> Place:
    """Where checkpoints go, from what a user wrote: an absolute path, or a URL that was reached.

    Args:
        text: a path, or a URL of fsspec; `file://` is a path.

    Raises:
        UsageError: if the URL's kind is unknown, its driver is not installed, or nothing can be put
            there.

    Example:
        >>> storage_place("file:///mnt/shared").as_posix(), storage_place("memory://runs")
        ('/mnt/shared', 'memory://runs')
    """
    if "://" not in text:
        return Path(text).expanduser().absolute()
    if text.startswith("file://"):
        return Path(text.removeprefix("file://")).absolute()
    try:
        if text.startswith("://"):
            raise ValueError("the URL has no kind")
        _Remote(text).make()
    except (ImportError, ValueError, OSError) as error:
        raise UsageError(
            f"`storage` '{text}': {error}; write an absolute path, or a URL that fsspec can open"
        ) from error
    return text


class Checkpoints:
    """The checkpoints of one trial in a folder of its own.

    A file's name carries a hash of its content, so that a truncated or damaged file is recognised
    and passed over.

    Args:
        folder: where they lie; made when the first is saved. None keeps none.
        writes: False for a process that only reads, beside another that saves.
        every_s: seconds between two checkpoints, at the least, where a training may choose.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     checkpoints = Checkpoints(Path(folder))
        ...     checkpoints.save(1, {"epoch": 1})
        ...     checkpoints.latest()
        {'epoch': 1}
    """

    def __init__(
        self, folder: Place | None, *, writes: bool = True, every_s: float = EVERY_S
    ) -> None:
        self.folder = folder
        self.writes = writes
        self.every_s = every_s
        self._saved_at = time.monotonic()
        self._files = _files_of(folder)

    @classmethod
    def of(
        cls, workdir: Place | None, key: str, *, writes: bool = True, every_s: float = EVERY_S
    ) -> "Checkpoints":
        """Those of the trial with a key, in its folder below `workdir`.

        See the class for the rest.
        """
        folder: Place | None = None
        if _is_url(workdir):
            folder = f"{str(workdir).rstrip('/')}/{key}"
        elif workdir:
            folder = Path(workdir) / key
        return cls(folder, writes=writes, every_s=every_s)

    @property
    def are_due(self) -> bool:
        """Whether so much time has passed since the last one that there should be another."""
        return time.monotonic() - self._saved_at >= self.every_s

    def save(self, epoch: int, state: Snapshot) -> None:
        """Keep the state after an epoch, durably, and drop all but the last two.

        Args:
            epoch: number of the epoch, from 1.
            state: tensors and plain data only (it is read back with `weights_only=True`).
        """
        if self._files is None or not self.writes:
            return
        buffer = BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        self._files.make()
        self._files.write(f"epoch-{epoch:05d}-{sha256(content).hexdigest()[:12]}.pt", content)
        self._saved_at = time.monotonic()
        for old in _newest_first(self._files.names())[KEEP:]:
            self._files.remove(old)

    def latest(self) -> Snapshot | None:
        """The newest state that can be read, or None.

        Damaged files are passed over with a warning.
        """
        if self._files is None:
            return None
        for name in _newest_first(self._files.names()):
            place = f"{self.folder}/{name}"
            try:
                content = self._files.read(name)
            except OSError as error:
                log.warning(
                    "checkpoint %s cannot be read (%s); trying the one before", place, error
                )
                continue
            if sha256(content).hexdigest()[:12] != name.removesuffix(".pt").rpartition("-")[2]:
                log.warning("checkpoint %s is damaged; trying the one before", place)
                continue
            state: Snapshot = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
            return state
        return None

    def clear(self) -> None:
        """Remove all checkpoints: the trial is done."""
        if self._files is None:
            return
        for name in self._files.names():
            if _NAME.fullmatch(name) or ASIDE in name:
                self._files.remove(name)
        self._files.remove_empty_folder()


def _newest_first(names: Iterable[str]) -> list[str]:
    """The checkpoints among some files, by their names."""
    return sorted(filter(_NAME.fullmatch, names), reverse=True)


class _Files(Protocol):
    """A folder of files, here or elsewhere."""

    def make(self) -> None: ...
    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, content: bytes) -> None: ...
    def remove(self, name: str) -> None: ...
    def remove_empty_folder(self) -> None: ...


def _files_of(folder: Place | None) -> _Files | None:
    if folder is None:
        return None
    if _is_url(folder):
        return _Remote(str(folder))
    return _Local(Path(folder))


def _is_url(place: Place | None) -> bool:
    return isinstance(place, str) and "://" in place


class _Local:
    """A folder of this machine, or one that is mounted like one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return [path.name for path in self._folder.iterdir()]

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        with written_aside(self._folder / name) as aside:
            aside.write_bytes(content)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def remove_empty_folder(self) -> None:
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


class _Remote:
    """A folder behind a URL; what is durable there is the matter of who keeps it."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs  # only who asks for a URL waits for it

        self._fs, self._folder = url_to_fs(url)

    def make(self) -> None:
        self._fs.makedirs(self._folder, exist_ok=True)

    def names(self) -> list[str]:
        self._fs.invalidate_cache()  # other machines write here
        try:
            return [
                str(path).rstrip("/").rpartition("/")[2]
                for path in self._fs.ls(self._folder, detail=False)
            ]
        except FileNotFoundError:
            return []

    def read(self, name: str) -> bytes:
        content: bytes = self._fs.cat_file(f"{self._folder}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        aside = f"{self._folder}/{name}{ASIDE}{os.getpid()}"
        self._fs.pipe_file(aside, content)
        self._fs.mv(aside, f"{self._folder}/{name}")

    def remove(self, name: str) -> None:
        try:
            self._fs.rm_file(f"{self._folder}/{name}")
        except FileNotFoundError:
            log.debug("%s/%s was gone already", self._folder, name)

    def remove_empty_folder(self) -> None:
        if not self.names() and self._fs.exists(self._folder):
            self._fs.rmdir(self._folder)
