"""Where and with what a trial ran: all that somebody needs to run it again, nothing that changes its key."""

import os
import platform
import socket
import subprocess
from functools import cache
from typing import Any

import torch
import torchvision

import dasbench


def describe(device: torch.device) -> dict[str, Any]:
    """Versions, device, threads, precision flags and git commit of this process, as plain data.

    Example:
        >>> describe(torch.device("cpu"))["device"]
        'cpu'
    """
    on_cuda = device.type == "cuda"
    return {
        "dasbench": dasbench.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda if on_cuda else None,
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if on_cuda else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "deterministic": not on_cuda,
        "precision": torch.get_float32_matmul_precision(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **_git(),
    }


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
