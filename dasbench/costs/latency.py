"""What a model costs on this machine: milliseconds and bytes, with what is needed to judge them."""

import platform
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dasbench.costs.peak_memory import PeakMemory, peak_memory
from dasbench.costs.specimen import check_input_size, representative
from dasbench.spec.network import InputSize

_LEAST_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one call took, over many calls.

    Args:
        batch_size: images per call.
        median_ms: median time of a call.
        iqr_ms: distance between the quartiles: the spread.
        runs: calls that were timed.
        warmup: calls before them that were not.

    Example:
        >>> Timing(batch_size=8, median_ms=4.0, iqr_ms=0.1, runs=30, warmup=5).images_per_s
        2000.0
    """

    batch_size: int
    median_ms: float
    iqr_ms: float
    runs: int
    warmup: int

    @property
    def images_per_s(self) -> float:
        """Throughput at the median."""
        return self.batch_size / self.median_ms * 1000


@dataclass(frozen=True, kw_only=True)
class MeasuredCost:
    """Time and memory of a model, comparable with figures of the same machine and settings alone.

    Args:
        input_size: (channels, height, width) of the images.
        device: torch's name of the device (`cpu`, `cuda:0`).
        device_name: the processor's own name.
        threads: threads that torch used on the CPU.
        precision: type of weights and images.
        single: forward pass in eval mode, one image.
        batched: forward pass in eval mode, a training batch.
        training_step: forward, loss, backward and SGD with momentum, a training batch.
        training_memory: rise of memory through one training step of a fresh copy: weights,
            gradients, momentum, activations.
        versions: torch's version.
    """

    input_size: InputSize
    device: str
    device_name: str
    threads: int
    precision: str
    single: Timing
    batched: Timing
    training_step: Timing
    training_memory: PeakMemory
    versions: Mapping[str, str]


def measure_latency(
    model: nn.Module,
    input_size: InputSize,
    *,
    batch_size: int = 32,
    runs: int = 30,
    warmup: int = 5,
    budget_s: float = 20.0,
) -> MeasuredCost:
    """Time a model's forward pass and training step, and take the memory of a step.

    It works on copies, on the model's own device. Images are standard normal noise from a generator
    of our own, so that no global random state is used up by them.

    Args:
        model: takes `[B, C, H, W]`; left as it was.
        input_size: (channels, height, width) of an image.
        batch_size: images of a training batch, at least 2 for networks with batch norm.
        runs: calls to time, for each of the three timings.
        warmup: calls before them; the first ones allocate and fill caches.
        budget_s: each timing, and each warm-up, ends after this many seconds; three calls are
            always timed.

    Raises:
        ModelError: if the size is not three positive whole numbers.
    """
    check_input_size(input_size)
    like = representative(model)
    timed = partial(_time, runs=runs, warmup=warmup, budget_s=budget_s, device=like.device)
    with torch.random.fork_rng([like.device] if like.device.type == "cuda" else []):
        images = _images(batch_size, input_size, like)
        _take_first_step(model, images[:2])  # what the libraries load once is not the model's
        memory = peak_memory(partial(_take_first_step, model, images), like.device)
        network = deepcopy(model).eval()
        return MeasuredCost(
            input_size=input_size,
            device=str(like.device),
            device_name=device_name(like.device),
            threads=torch.get_num_threads(),
            precision=str(like.dtype).removeprefix("torch."),
            single=timed(lambda: _infer(network, images[:1]), batch_size=1),
            batched=timed(lambda: _infer(network, images), batch_size=batch_size),
            training_step=timed(_TrainingStep(deepcopy(model), images), batch_size=batch_size),
            training_memory=memory,
            versions={"torch": torch.__version__},
        )


def time_forward(
    model: nn.Module,
    input_size: InputSize,
    *,
    runs: int = 30,
    warmup: int = 5,
    budget_s: float = 5.0,
) -> list[float]:
    """Milliseconds of single forward passes of one image, in eval mode, on the model's own device.

    Args:
        model: takes `[B, C, H, W]`; its mode is set to eval.
        input_size: (channels, height, width) of an image.
        runs: passes to time, at the most.
        warmup: passes before them.
        budget_s: timing ends after this many seconds; three passes are always timed.
    """
    like = representative(model)
    image = _images(1, input_size, like)
    model.eval()
    for _ in range(warmup):
        _infer(model, image)
    return _times_ms(
        lambda: _infer(model, image),
        at_least=_LEAST_RUNS,
        at_most=runs,
        budget_s=budget_s,
        device=like.device,
    )


def device_name(device: torch.device) -> str:
    """What a processor calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


class _TrainingStep:
    """A model in train mode with its optimiser; each call is one step on the same batch."""

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        self._model = model.train()
        self._images = images
        self._optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)

    def __call__(self) -> None:
        self._optimizer.zero_grad()
        torch.autograd.backward(_mean_square(self._model(self._images)))
        self._optimizer.step()


def _take_first_step(model: nn.Module, images: Tensor) -> None:
    """One training step of a fresh copy, the copying included."""
    _TrainingStep(deepcopy(model), images)()


def _mean_square(output: Any) -> Tensor:
    """A loss for any network: of its output, or of all tensors in it when it returns several."""
    if isinstance(output, Tensor):
        return output.float().square().mean()
    parts = output.values() if isinstance(output, Mapping) else output
    return torch.stack([_mean_square(part) for part in parts]).sum()


def _infer(model: nn.Module, images: Tensor) -> object:
    with torch.no_grad():
        return model(images)


def _images(batch_size: int, input_size: InputSize, like: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((batch_size, *input_size), generator=generator).to(like)


def _time(
    call: Callable[[], object],
    *,
    batch_size: int,
    runs: int,
    warmup: int,
    budget_s: float,
    device: torch.device,
) -> Timing:
    timed = partial(_times_ms, call, budget_s=budget_s, device=device)
    warmups_ms = timed(at_least=min(warmup, 1), at_most=warmup)
    times_ms = timed(at_least=_LEAST_RUNS, at_most=runs)
    lower, median, upper = np.percentile(times_ms, (25, 50, 75))
    return Timing(
        batch_size=batch_size,
        median_ms=float(median),
        iqr_ms=float(upper - lower),
        runs=len(times_ms),
        warmup=len(warmups_ms),
    )


def _times_ms(
    call: Callable[[], object],
    *,
    at_least: int,
    at_most: int,
    budget_s: float,
    device: torch.device,
) -> list[float]:
    """Milliseconds of each call, until there are enough or the budget is spent."""
    times: list[float] = []
    while len(times) < at_most and (len(times) < at_least or sum(times) < budget_s * 1000):
        _synchronize(device)
        start = time.perf_counter()
        call()
        _synchronize(device)
        times.append((time.perf_counter() - start) * 1000)
    return times


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
