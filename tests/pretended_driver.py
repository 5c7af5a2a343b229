"""What `torch.cuda` says of a pretended device, and what is seen of it: waits, copies, streams that only record."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
import torch._dynamo.utils
from torch import Tensor
from torch.cuda._utils import _get_device_index

import dasbench

NAME = "Pretended GPU"
ALLOCATED = 23 << 20
PEAK = 123 << 20
RESERVED = 150 << 20


PACKAGE = f"{Path(dasbench.__file__).parent}{os.sep}"


class Sightings:
    """What was seen of a device: where the host waited and what was copied, as `what at file:line`.

    The place is the innermost line of dasbench, where there is one.

    Attributes:
        waits: host synchronisations: `item`, copies to the CPU, operators whose result has a size
            that depends on values, `synchronize`.
        blocking_copies: to the device, for which the host waits: from memory that is not pinned, or
            without `non_blocking`.
        other_copies: to the device, while the host goes on.
        calls: of streams, events and memory statistics, by name.
    """

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.blocking_copies: list[str] = []
        self.other_copies: list[str] = []
        self.calls: list[str] = []
        self._pinned: dict[
            int, torch.UntypedStorage
        ] = {}  # held, so that no other storage gets the address

    def forget(self) -> None:
        """Start counting afresh."""
        for seen in (self.waits, self.blocking_copies, self.other_copies, self.calls):
            seen.clear()

    def wait(self, what: str) -> None:
        """Record that the host waits."""
        self.waits.append(what + place_of_call())

    def pin(self, values: Tensor) -> Tensor:
        """Record that the memory of a tensor is pinned."""
        storage = values.untyped_storage()
        self._pinned[storage.data_ptr()] = storage
        return values

    def is_pinned(self, values: Tensor) -> bool:
        """Whether the memory of a tensor was pinned, or that of which it is a view."""
        return not values.is_cuda and values.untyped_storage().data_ptr() in self._pinned


def place_of_call() -> str:
    """The innermost line of dasbench that is being run, as ` at file:line`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            return f" at dasbench/{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def pretend_driver(patch: pytest.MonkeyPatch, gpu: Sightings, *, memory: int) -> None:
    """Let `torch.cuda` answer without a driver.

    Args:
        patch: undoes it.
        gpu: is told of the calls.
        memory: bytes that the device has, all of them free.
    """
    for name, answer in _facts(memory).items():
        patch.setattr(torch.cuda, name, _answering(answer))
    for name in ("empty_cache", "reset_peak_memory_stats"):
        patch.setattr(torch.cuda, name, _recording(gpu, name))
    patch.setattr(torch.cuda, "set_device", _set_device(gpu))
    patch.setattr(torch.cuda, "set_per_process_memory_fraction", _limit(gpu))
    for name in ("init", "_lazy_init", "manual_seed", "manual_seed_all"):
        patch.setattr(torch.cuda, name, _answering(None))
    patch.setattr(torch.cuda, "synchronize", _waiting(gpu, "synchronize"))
    patch.setattr(torch.cuda, "get_rng_state", lambda _device=None: torch.get_rng_state())
    patch.setattr(
        torch.cuda, "set_rng_state", lambda state, _device=None: torch.set_rng_state(state)
    )
    patch.setattr(torch._dynamo.utils, "has_triton", _answering(False))  # its kernels need a card
    patch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", _answering(False))
    _pretend_streams(patch, gpu)
    _pretend_pinning(patch, gpu)


def _facts(memory: int) -> dict[str, Any]:
    """What the functions of `torch.cuda` answer."""
    return {
        "is_available": True,
        "is_initialized": True,
        "is_bf16_supported": True,
        "is_current_stream_capturing": False,
        "device_count": 1,
        "current_device": 0,
        "get_device_name": NAME,
        "get_device_capability": (9, 0),
        "mem_get_info": (memory, memory),
        "memory_allocated": ALLOCATED,
        "memory_reserved": RESERVED,
        "max_memory_allocated": PEAK,
        "max_memory_reserved": RESERVED,
    }


def _pretend_streams(patch: pytest.MonkeyPatch, gpu: Sightings) -> None:
    default = Stream(gpu)

    @contextmanager
    def stream(other: Stream | None) -> Iterator[None]:
        gpu.calls.append("stream")
        yield

    def record_stream(tensor: Tensor, other: Stream) -> None:
        gpu.calls.append("record_stream")

    patch.setattr(torch.cuda, "Stream", lambda *_args, **_options: Stream(gpu))
    patch.setattr(torch.cuda, "Event", lambda *_args, **_options: Event(gpu))
    patch.setattr(torch.cuda, "stream", stream)
    patch.setattr(torch.cuda, "current_stream", _answering(default))
    patch.setattr(torch.cuda, "default_stream", _answering(default))
    patch.setattr(torch.accelerator, "current_stream", _answering(default))
    patch.setattr(torch.Tensor, "record_stream", record_stream)


def _pretend_pinning(patch: pytest.MonkeyPatch, gpu: Sightings) -> None:
    def pin_memory(tensor: Tensor, device: object = None) -> Tensor:
        if tensor.is_cuda:
            raise RuntimeError(
                "cannot pin a tensor of cuda:0; only dense tensors of the CPU can be pinned"
            )
        return tensor if gpu.is_pinned(tensor) else gpu.pin(tensor.clone())

    patch.setattr(torch.Tensor, "pin_memory", pin_memory)
    patch.setattr(torch.Tensor, "is_pinned", lambda tensor, _device=None: gpu.is_pinned(tensor))


class Stream:
    """A queue of work that is done at once."""

    def __init__(self, gpu: Sightings) -> None:
        self._gpu = gpu

    def wait_stream(self, other: "Stream") -> None:
        """Recorded; nothing is ever late."""
        self._gpu.calls.append("wait_stream")

    def wait_event(self, event: "Event") -> None:
        """Recorded; nothing is ever late."""
        self._gpu.calls.append("wait_event")

    def record_event(self, event: "Event | None" = None) -> "Event":
        """An event that is over."""
        self._gpu.calls.append("record_event")
        return event or Event(self._gpu)

    def is_capturing(self) -> bool:
        """Whether a graph is being captured."""
        return False

    def synchronize(self) -> None:
        """The host waits."""
        self._gpu.wait("Stream.synchronize")


class Event:
    """A point in a queue that has been passed."""

    def __init__(self, gpu: Sightings) -> None:
        self._gpu = gpu

    def record(self, stream: Stream | None = None) -> None:
        """Recorded."""
        self._gpu.calls.append("Event.record")

    def wait(self, stream: Stream | None = None) -> None:
        """Recorded; nothing is ever late."""
        self._gpu.calls.append("Event.wait")

    def query(self) -> bool:
        """Whether it has been passed."""
        return True

    def synchronize(self) -> None:
        """The host waits."""
        self._gpu.wait("Event.synchronize")

    def elapsed_time(self, other: "Event") -> float:
        """Milliseconds."""
        return 1.0


def _answering(answer: Any) -> Callable[..., Any]:
    return lambda *_args, **_options: answer


def _recording(gpu: Sightings, name: str) -> Callable[..., None]:
    return lambda *_args, **_options: gpu.calls.append(name)


def _set_device(gpu: Sightings) -> Callable[[Any], None]:
    def set_device(device: Any) -> None:
        _get_device_index(device)  # torch's own: it takes no device without a number
        gpu.calls.append("set_device")

    return set_device


def _limit(gpu: Sightings) -> Callable[[float, Any], None]:
    def set_per_process_memory_fraction(fraction: float, device: Any) -> None:
        _get_device_index(device)
        gpu.calls.append("set_per_process_memory_fraction")

    return set_per_process_memory_fraction


def _waiting(gpu: Sightings, name: str) -> Callable[..., None]:
    return lambda *_args, **_options: gpu.wait(name)
