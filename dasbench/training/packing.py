"""How many trials share a GPU: the memory of the largest, measured, against what the device has free."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from dasbench.catalog import TASKS
from dasbench.costs.peak_memory import peak_memory
from dasbench.data_access import reading_data
from dasbench.errors import UsageError
from dasbench.spec.trial import Trial
from dasbench.training.optim import make_optimizer
from dasbench.training.run_trial import Runtime

CONTEXT = 600 * 2**20
"""Bytes that a process takes of a GPU before its first tensor: the CUDA context and the libraries' kernels."""

MARGIN = 0.15
"""Share of the measured peak that is added: the allocator's gaps, and work space that depends on the kernel chosen."""

FINENESS = 10_000
"""Into how many parts Ray divides a GPU."""

MOST = 99
"""Trials on a GPU at the most: beyond, so fine a fraction would let in one more than was meant."""


@dataclass(frozen=True)
class Packing:
    """How trials share a GPU.

    Args:
        trials: how many a GPU holds at once.
        needed: bytes of one, context and margin included.
        free: bytes that the fullest GPU has free.
    """

    trials: int
    needed: int
    free: int

    @property
    def fraction(self) -> float:
        """The part of a GPU that one trial takes, such that so many fit and not one more.

        Example:
            >>> Packing(trials=3, needed=5, free=16).fraction
            0.3333
        """
        return (FINENESS // self.trials) / FINENESS


def pack(peak: int, free: int) -> Packing:
    """How many trials with such a peak share a GPU.

    Args:
        peak: bytes that tensors of one trial take at the most.
        free: bytes that the GPU has free.

    Raises:
        UsageError: if it does not hold one.

    Example:
        >>> gib = 2**30
        >>> packing = pack(peak=2 * gib, free=16 * gib)
        >>> packing.trials, round(packing.fraction, 4)
        (5, 0.2)
    """
    needed = CONTEXT + int(peak * (1 + MARGIN))
    if needed > free:
        raise UsageError(
            f"gpus: auto: a trial needs about {_gib(needed)} of GPU memory, and only {_gib(free)} are free; end what "
            "else runs there, or make training.batch_size or the images smaller"
        )
    return Packing(min(free // needed, MOST), needed, free)


def measure_packing(trials: Iterable[Trial], runtime: Runtime) -> Packing:
    """How many of a study's trials share a GPU: each distinct model makes one training step on it.

    Args:
        trials: resolved trials; those that differ in their seed alone are measured once.
        runtime: where they will run.

    Raises:
        UsageError: if there is no CUDA device, or it does not hold the largest trial.
    """
    if not torch.cuda.is_available() or runtime.device == "cpu":
        why = "--device cpu was given" if torch.cuda.is_available() else "this machine has no CUDA device"
        raise UsageError(f"gpus: auto measures how many trials fit on a GPU, but {why}; write gpus: 0")
    device = torch.device("cuda" if runtime.device == "auto" else runtime.device)
    with reading_data(runtime.data_root, loaders=0):
        peak = largest(trials, lambda trial: _peak_of(trial, device))
    torch.cuda.empty_cache()
    return pack(peak, min(torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())))


def largest(trials: Iterable[Trial], peak_of: Callable[[Trial], int]) -> int:
    """The highest peak among trials, of which those that differ in their seed alone are looked at once.

    Raises:
        UsageError: if there are no trials.

    Example:
        >>> trial = Trial(backbone="resnet18", dataset="digits")
        >>> largest([trial, trial.with_values({"seed": 1})], lambda trial: 7 + trial.seed)
        7
    """
    distinct = {trial.model_copy(update={"seed": 0}).model_dump_json(): trial for trial in reversed(list(trials))}
    if not distinct:
        raise UsageError("gpus: auto: there is no trial to measure")
    return max(peak_of(trial) for trial in distinct.values())


def _peak_of(trial: Trial, device: torch.device) -> int:
    """Bytes of a trial's data, network, optimizer, first step and first validation batches."""
    try:
        return peak_memory(lambda: _one_step(trial, device), device).bytes
    except torch.OutOfMemoryError as error:
        raise UsageError(f"gpus: auto: one step of {trial.gate} on {trial.backbone} does not fit the GPU") from error
    finally:
        torch.cuda.empty_cache()


class _EnoughSeen(Exception):  # noqa: N818 - no error: it ends a validation of which one batch is enough
    """A forward pass of the validation is over."""


def _one_step(trial: Trial, device: torch.device) -> None:
    learner = TASKS[trial.task.name].create(**trial.task.params).build(trial, device=device)
    optimizer = make_optimizer(learner.model, trial.training)
    learner.model.train()
    for loss in learner.losses(next(iter(learner.batches(1)))):
        loss.backward()
    optimizer.step()
    learner.model.register_forward_hook(_stop_here)
    try:
        learner.evaluate("val")
    except _EnoughSeen:
        return


def _stop_here(_module: torch.nn.Module, _inputs: object, _output: object) -> None:
    raise _EnoughSeen


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
