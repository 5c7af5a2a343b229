"""Who runs a trial or holds a study, and whether that process is still alive."""

import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import RowMapping

from dasbench.spec.plain import Record


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One opened store of one process.

    Args:
        host: the machine's name.
        boot: which start of the machine and which process namespace the number `pid` belongs to; ""
            if unknown.
        pid: the process.
        pid_started: when the process started, in ticks since boot, so that a reused number is
            noticed; "" if unknown.
        token: drawn for this opening; the fence of every write.
    """

    host: str
    boot: str
    pid: int
    pid_started: str
    token: str

    @classmethod
    def here(cls) -> Self:
        """This process, with a fresh token.

        Example:
            >>> me = Owner.here()
            >>> me.is_alive(fresh=False)
            True
        """
        pid = os.getpid()
        return cls(
            host=socket.gethostname(),
            boot=_boot(),
            pid=pid,
            pid_started=_start_of(pid) or "",
            token=secrets.token_hex(16),
        )

    @classmethod
    def from_row(cls, row: RowMapping) -> Self:
        """The owner that a row names."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def columns(self) -> Record:
        """The owner as columns of a row."""
        return asdict(self)

    def is_alive(self, *, fresh: bool) -> bool:
        """Whether the owner still works, as far as can be told from here.

        On this machine the process table decides. An owner elsewhere counts as alive while its sign
        of life is fresh.

        Args:
            fresh: whether its lease has not yet run out.
        """
        if (self.host, self.boot) != (socket.gethostname(), _boot()):
            return fresh
        if self.pid_started:
            return _start_of(self.pid) == self.pid_started
        return fresh and _exists(self.pid)


def _boot() -> str:
    """The machine's boot id with this process namespace; "" where the system tells neither."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """When a process started, None if it is dead (also as a zombie) or the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    return fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
