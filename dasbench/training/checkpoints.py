"""Checkpoints that survive a crash at any moment: written aside, flushed, renamed, verified when read."""

import logging
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)

KEEP = 2
"""How many checkpoints stay: the last, and the one before in case the last cannot be read."""

_NAME = re.compile(r"epoch-(\d{5})-([0-9a-f]{12})\.pt")


class Checkpoints:
    """The checkpoints of one trial in a folder of its own.

    A file's name carries a hash of its content, so that a truncated or damaged file is recognised and passed over.

    Args:
        folder: where they lie; made when the first is saved. None keeps none.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     checkpoints = Checkpoints(Path(folder))
        ...     checkpoints.save(1, {"epoch": 1})
        ...     checkpoints.latest()
        {'epoch': 1}
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Keep the state after an epoch, durably, and drop all but the last two.

        Args:
            epoch: number of the epoch, from 1.
            state: tensors and plain data only (it is read back with `weights_only=True`).
        """
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = BytesIO()
        torch.save(state, buffer)
        content = buffer.getbuffer()
        target = self.folder / f"epoch-{epoch:05d}-{sha256(content).hexdigest()[:12]}.pt"
        aside = target.with_suffix(f".{os.getpid()}.tmp")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        _flush_folder(self.folder)
        for old in list(self._newest_first())[KEEP:]:
            old.unlink(missing_ok=True)

    def latest(self) -> dict[str, Any] | None:
        """The newest state that can be read, or None; damaged files are passed over with a warning."""
        for path in self._newest_first():
            try:
                content = path.read_bytes()
            except OSError as error:
                log.warning("checkpoint %s cannot be read (%s); trying the one before", path, error)
                continue
            if sha256(content).hexdigest()[:12] != path.stem.rpartition("-")[2]:
                log.warning("checkpoint %s is damaged; trying the one before", path)
                continue
            state: dict[str, Any] = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
            return state
        return None

    def clear(self) -> None:
        """Remove all checkpoints: the trial is done."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name) or path.suffix == ".tmp":
                path.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _newest_first(self) -> Iterator[Path]:
        if self.folder is None or not self.folder.is_dir():
            return iter(())
        return iter(sorted((p for p in self.folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True))


def _flush_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
