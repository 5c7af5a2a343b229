"""Where and with what a trial ran: what somebody needs to run it again, and nothing of its key."""

import os
import platform
import socket
from collections.abc import Collection
from pathlib import Path

import torch
import torchvision

import dasbench
from dasbench.catalog import entries_of
from dasbench.code.commits import Commit, commit_of, commit_of_package
from dasbench.spec.plain import Record
from dasbench.spec.trial import Trial

_DRIVER = Path("/sys/module/nvidia/version")
"""Where Linux says which driver of NVIDIA's is loaded."""


def describe(device: torch.device, *, indeterminate: Collection[str] = ()) -> Record:
    """Versions, device, threads, arithmetic and dasbench's commit of this process, as plain data.

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
        **_gpu(device, indeterminate),
        **_commit(commit_of_package()),
        "git_of": "dasbench",
    }


def own_components(trial: Trial) -> dict[str, Record]:
    """The components of a trial that are not dasbench's: where they come from, at which commit.

    Example:
        >>> own_components(Trial(backbone="resnet18", gate="das", dataset="digits"))
        {}
    """
    found = {}
    for field, entry in entries_of(trial).items():
        if not entry.place.is_ours:
            found[field] = {
                "name": entry.name,
                "source": entry.source,
                **_commit(commit_of(Path(entry.place.file))),
            }
    return found


def _gpu(device: torch.device, indeterminate: Collection[str]) -> Record:
    """What is to be said of a GPU: also of one that is not there, or no longer answers."""
    if device.type != "cuda":
        return {}
    driver = None
    if _DRIVER.exists():
        driver = _DRIVER.read_text().strip()
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "driver": driver,
        "device_name": _name_of(device),
        "indeterminate": sorted(indeterminate),
        "tf32_convolutions": torch.backends.cudnn.allow_tf32,
        "tf32_products": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
    }


def _name_of(device: torch.device) -> str | None:
    try:
        return torch.cuda.get_device_name(device)
    except (
        RuntimeError,
        AssertionError,
    ):  # no driver, a torch without CUDA, a card that fell off the bus
        return None


def _commit(commit: Commit | None) -> Record:
    """A commit as plain data."""
    return {"git_commit": commit and commit.hash, "git_dirty": commit and commit.dirty}
