"""Where and with what a trial ran: all that somebody needs to run it again, nothing that changes its key."""

import os
import platform
import socket
import subprocess
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torchvision

import dasbench

_DRIVER = Path("/sys/module/nvidia/version")
"""Where Linux says which driver of NVIDIA's is loaded."""


def describe(device: torch.device, *, indeterminate: Collection[str] = ()) -> dict[str, Any]:
    """Versions, device, threads, arithmetic and git commit of this process, as plain data.

    Args:
        device: where the trial was trained.
        indeterminate: operators that had no deterministic form.

    Example:
        >>> describe(torch.device("cpu"))["device"]
        'cpu'
    """
    return {
        "dasbench": dasbench.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": None,
        "device": device.type,
        "device_name": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled() and not indeterminate,
        "precision": torch.get_float32_matmul_precision(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **(_gpu(device, indeterminate) if device.type == "cuda" else {}),
        **_git(),
    }


def _gpu(device: torch.device, indeterminate: Collection[str]) -> dict[str, Any]:
    """What is to be said of a GPU: also of one that is not there, or no longer answers."""
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "driver": _DRIVER.read_text().strip() if _DRIVER.exists() else None,
        "device_name": _name_of(device),
        "indeterminate": sorted(indeterminate),
        "tf32_convolutions": torch.backends.cudnn.allow_tf32,
        "tf32_products": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
    }


def _name_of(device: torch.device) -> str | None:
    try:
        return torch.cuda.get_device_name(device)
    except (RuntimeError, AssertionError):  # no driver, a torch without CUDA, a card that fell off the bus
        return None


@cache
def _git() -> dict[str, Any]:
    """Commit of the repository one works in and whether it has uncommitted changes; nothing outside a repository."""
    try:
        commit = _run_git("rev-parse", "HEAD")
        return {"git_commit": commit, "git_dirty": bool(_run_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_dirty": None}


def _run_git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
