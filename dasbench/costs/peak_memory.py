"""The most memory that a piece of work took: on CUDA exactly, on a CPU as growth of the process."""

import ctypes
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""What Linux wants to read in `clear_refs` to start the peak resident set afresh."""


@dataclass(frozen=True)
class PeakMemory:
    """How far a piece of work raised memory above what was in use before it.

    Args:
        bytes: the rise.
        method: how it was taken. `cuda max_memory_allocated` is exact; `resident set (VmHWM)`
            counts the whole process and is good to some per cent; `resident set (ru_maxrss)` is 0
            unless the process has never been larger.
    """

    bytes: int
    method: str


def peak_memory(work: Callable[[], object], device: torch.device) -> PeakMemory:
    """Run a piece of work once and say how far memory rose.

    Args:
        work: what to run; the memory that its result holds is part of the peak.
        device: where its tensors lie.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        rise = torch.cuda.max_memory_allocated(device) - before
        return PeakMemory(rise, "cuda max_memory_allocated")
    if _restart_resident_peak():
        before = _status_bytes("VmHWM")
        work()
        return PeakMemory(max(_status_bytes("VmHWM") - before, 0), "resident set (VmHWM)")
    before = _lifetime_peak()
    work()
    return PeakMemory(_lifetime_peak() - before, "resident set (ru_maxrss)")


def restart_peak(device: torch.device) -> None:
    """Let `peak_so_far` count from here, without the earlier work of this process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        _restart_resident_peak()


def peak_so_far(device: torch.device) -> int:
    """Bytes at the most since `restart_peak`.

    On a GPU those that are allocated, on a CPU the resident set of the whole process. Where the
    system's peak cannot be started afresh (outside of Linux), it is that of the process's lifetime.

    Example:
        >>> restart_peak(torch.device("cpu"))
        >>> peak_so_far(torch.device("cpu")) > 0
        True
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status_bytes("VmHWM") if _STATUS.exists() else _lifetime_peak()


def _restart_resident_peak() -> bool:
    """Give unused memory back and let the peak start from here; False where that is impossible."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is None:
        return False
    trim(0)
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _status_bytes(field: str) -> int:
    """A field of the process's status, in bytes."""
    lines = _STATUS.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def _lifetime_peak() -> int:
    """The largest resident set since the process began, in bytes."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024
