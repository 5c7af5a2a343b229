"""The processors that trials run on: what their names mean, which there are, and their memory."""

import gc
import os
from pathlib import Path
from typing import Literal

import torch

from dasbench.errors import UsageError

CONTEXT = 2**30
"""Bytes that a process takes of a GPU besides its tensors: CUDA's context and kernels.

Measured: 852 MiB on an H200 with CUDA 13.
"""

_GROWING = "expandable_segments:True"

ALLOCATOR = {"PYTORCH_ALLOC_CONF": _GROWING, "PYTORCH_CUDA_ALLOC_CONF": _GROWING}
"""How torch takes a GPU's memory: in segments that grow, so that other batches leave no gaps.

Newer versions of torch read the first name, older ones the second.
"""


def device_kind(name: str) -> Literal["cpu", "cuda"]:
    """What a name of a device means: `auto` is CUDA where there is one.

    Example:
        >>> device_kind("cpu"), device_kind("cuda:1")
        ('cpu', 'cuda')
    """
    if name.startswith("cuda") or (name == "auto" and torch.cuda.is_available()):
        return "cuda"
    return "cpu"


def device_of(name: str, *, rank: int = 0, number: int = 1) -> torch.device:
    """The device of a process.

    Args:
        name: `cpu`, `cuda`, `cuda:1` or `auto`.
        rank: which of the processes that train a trial together this is; they take the GPUs in
            their order.
        number: how many of them there are.

    Example:
        >>> device_of("cuda", rank=1, number=2)
        device(type='cuda', index=1)
    """
    kind = device_kind(name)
    if kind == "cuda" and number > 1:
        return torch.device(kind, rank)
    if name.startswith("cuda:"):
        return torch.device(name)
    return torch.device(kind)


_DRIVER_SEES = Path("/proc/driver/nvidia/gpus")
"""Where Linux lists the cards that NVIDIA's driver sees."""


def unseen_gpus() -> int:
    """How many of NVIDIA's cards torch cannot use here, although nobody hid them from it."""
    if torch.cuda.device_count() or "CUDA_VISIBLE_DEVICES" in os.environ:
        return 0
    if not _DRIVER_SEES.is_dir():
        return 0
    return len(list(_DRIVER_SEES.iterdir()))


def gpus_here() -> str:
    """How many GPUs this machine has, in words."""
    count = torch.cuda.device_count()
    return f"this machine has {count} CUDA device{'s' * (count != 1)}"


def check_device(name: str) -> None:
    """Refuse a device that is not there, before anything is computed on it.

    Args:
        name: `cpu`, `cuda`, `cuda:1` or `auto`.

    Raises:
        UsageError: naming what there is instead.
    """
    if name in ("auto", "cpu"):
        return
    if not name.startswith("cuda"):
        raise UsageError(f"`device` {name}: write cpu, cuda, cuda:0 or auto")
    count = torch.cuda.device_count()
    if count == 0:
        raise UsageError(f"`device` {name}: {gpus_here()}; use `device` cpu")
    if name != "cuda" and not (name[5:].isdigit() and name[4] == ":" and int(name[5:]) < count):
        raise UsageError(f"`device` {name}: {gpus_here()}")


def has_short_floats() -> bool:
    """Whether the GPU computes in bf16 and TF32 by itself.

    NVIDIA's do from compute capability 8.0 (Ampere) on.
    """
    return torch.cuda.get_device_capability() >= (8, 0)


def is_broken() -> bool:
    """Whether this process can no longer compute on its GPU.

    After a failed assertion in a kernel, an illegal access or a fault of the card, every call of
    CUDA fails in the process that met it, and no trial can be trained there any more. A process
    that has not used a GPU is sound.

    Example:
        >>> is_broken()
        False
    """
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    try:
        torch.zeros(1, device="cuda").add_(1)
        torch.cuda.synchronize()
    except torch.OutOfMemoryError:
        return False
    except RuntimeError:
        return True
    return False


def give_back_memory(device: torch.device) -> None:
    """Let go of what nobody uses any more.

    That is what cycles keep alive, and on a GPU what the allocator holds in store. Others that
    share the GPU get it, and the next trial of this process finds the memory whole.
    """
    gc.collect()
    if device.type == "cuda" and not is_broken():
        torch.cuda.empty_cache()


def grow_segments() -> None:
    """Let torch take a GPU's memory as `ALLOCATOR` says, here and in processes that start from now.

    It has to be called before this process first takes any. What the user has set stays.
    """
    if not ALLOCATOR.keys() & os.environ.keys():
        os.environ.update(ALLOCATOR)


def start_on(device: torch.device) -> None:
    """Make a device the one that this process computes on; what is said of memory needs that.

    `cuda` without a number is the one that it computes on already.
    """
    if device.type == "cuda":
        grow_segments()
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.cuda.set_device(torch.cuda.current_device() if device.index is None else device)


def limit_memory(device: torch.device, share: float) -> None:
    """Let this process take no more of a GPU's memory than its share.

    Who asks for more fails, not its neighbour.

    Args:
        device: on which it has started; a CPU is not limited.
        share: part of the memory, in (0, 1], the CUDA context included; 1 takes an earlier limit
            back.
    """
    if device.type != "cuda":
        return
    of_tensors = 1.0
    if share < 1:
        total = torch.cuda.mem_get_info(device)[1]
        of_tensors = max(share - CONTEXT / total, 0.01)
    torch.cuda.set_per_process_memory_fraction(of_tensors, torch.cuda.current_device())
