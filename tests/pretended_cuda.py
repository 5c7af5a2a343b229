"""A pretended CUDA device: tensors that say `cuda:0`, hold real numbers on the CPU and refuse to mix with its tensors.

It shows where code would fail or wait on a GPU, on a machine without one. It computes what a CPU
computes: it says nothing of a GPU's kernels, of its rounding, of its memory or of its speed.

    with pretended_cuda() as gpu:
        model = nn.Linear(4, 2).to("cuda")
        model(torch.randn(3, 4, device="cuda")).sum().item()
    assert gpu.waits == ["item"]
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import torch
from pretended_driver import pretend_driver
from pretended_tensor import PretendedCuda, PretendedTensor, View
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes


@contextmanager
def pretended_cuda(view: View = "autograd", *, memory: int = 80 << 30) -> Iterator[PretendedCuda]:
    """Let this process believe that it has one CUDA device, and restore everything at the end.

    Threads that are started inside see the device, too. cuDNN is off, for there is none, and
    oneDNN, for a GPU has not its kernels: numbers of the CPU that are compared bit for bit are
    computed without it, too.

    Args:
        view: what C++ takes the device's tensors for.
        memory: bytes that the device has, all of them free.
    """
    gpu = PretendedCuda(view)
    torch._C._ensureCUDADeviceGuardSet()  # where no driver is; it stays, and nothing else asks for it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.backends.cudnn, "enabled", False)
        patch.setattr(torch.backends.mkldnn, "enabled", False)
        pretend_driver(patch, gpu, memory=memory)
        _patch_constructors(patch, gpu)
        _patch_threads(patch, gpu)
        _patch_tracer(patch)
        with _Everywhere(gpu):
            yield gpu


def _patch_constructors(patch: pytest.MonkeyPatch, gpu: PretendedCuda) -> None:
    """Let what C++ makes without asking the dispatcher be made here."""
    make, convert, no_grad, autocast = torch.tensor, torch.as_tensor, torch.no_grad, torch.autocast

    def made(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        return _placed(make(data, **options), device)

    def converted(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        return _placed(
            data if isinstance(data, PretendedTensor) else convert(data, **options),
            device,
            **options,
        )

    def of_cpu(device_type: str, *args: Any, **options: Any) -> torch.autocast:
        del device_type
        return autocast("cpu", *args, **options)

    patch.setattr(torch, "tensor", made)
    patch.setattr(torch, "as_tensor", converted)
    patch.setattr(torch, "inference_mode", no_grad)  # its tensors know no subclass
    if gpu.view == "autograd":
        patch.setattr(torch, "autocast", of_cpu)


def _placed(tensor: Tensor, device: Any, **options: Any) -> Tensor:
    return tensor if device is None else tensor.to(device, **options)


def _patch_threads(patch: pytest.MonkeyPatch, gpu: PretendedCuda) -> None:
    """Let new threads see the device: a dispatch mode is a matter of one thread."""
    run = Thread.run

    def run_beside(thread: Thread) -> None:
        with _Everywhere(gpu):
            run(thread)

    patch.setattr(Thread, "run", run_beside)


def _patch_tracer(patch: pytest.MonkeyPatch) -> None:
    """Let networks be traced, which is done on the CPU: with a dispatch mode the tracer loses sight of views."""
    trace = torch._C._create_graph_by_tracing

    def traced(*args: Any, **options: Any) -> Any:
        with _disable_current_modes():
            return trace(*args, **options)

    patch.setattr(torch._C, "_create_graph_by_tracing", traced)


class _Everywhere(TorchDispatchMode):
    """Shows the device every operator, those without a tensor included."""

    def __init__(self, gpu: PretendedCuda) -> None:
        super().__init__()
        self._gpu = gpu

    def __torch_dispatch__(
        self, operator: Any, types: object, args: Any = (), kwargs: Any = None
    ) -> Any:
        return self._gpu.run(operator, args, kwargs or {})
