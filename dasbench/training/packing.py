"""How many trials share a GPU: the measured memory of the largest against what is free."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from dasbench.catalog import TASKS
from dasbench.data_access import reading_data
from dasbench.devices import CONTEXT, device_of, give_back_memory, is_broken, start_on
from dasbench.errors import MachineError, ModelError, UsageError
from dasbench.faults import foreign, message_of
from dasbench.spec.trial import Training, Trial
from dasbench.training.arithmetic import set_arithmetic
from dasbench.training.optim import make_optimizer

log = logging.getLogger(__name__)

MARGIN = 0.15
"""Share of the measured peak that is added, for work space that kernels and neighbours decide."""

MOST = 99
"""Trials on a GPU at the most: beyond, so fine a fraction would let in one more than was meant."""

STEPS = 2
"""Measured steps: from the second on, the optimiser's state is there in the backward pass."""

FELT = ("batch_size", "accumulate", "optimizer", "momentum", "precision", "compile")
"""Fields of a training that its memory depends on."""


@dataclass(frozen=True)
class Packing:
    """How trials share a GPU.

    Args:
        trials: how many a GPU holds at once.
        needed: bytes of one, context and margin included.
        free: bytes that the fullest GPU has free.
        total: bytes of that GPU.
    """

    trials: int
    needed: int
    free: int
    total: int


def pack(peak: int, *, free: int, total: int) -> Packing:
    """How many trials with such a peak share a GPU.

    Args:
        peak: bytes that tensors of one trial take at the most.
        free: bytes that the GPU has free.
        total: bytes that it has.

    Raises:
        UsageError: if it does not hold one.

    Example:
        >>> gib = 2**30
        >>> pack(2 * gib, free=16 * gib, total=24 * gib).trials
        4
    """
    needed = CONTEXT + int(peak * (1 + MARGIN))
    if needed > free:
        raise UsageError(
            f"gpus: auto: a trial needs about {_gib(needed)} of GPU memory, "
            f"and only {_gib(free)} are free; end what "
            "else runs there, or make training.batch_size or the images smaller"
        )
    return Packing(min(free // needed, MOST), needed, free, total)


def pack_on_fullest(peak: int) -> Packing:
    """How many trials with such a peak share that GPU of this machine that has least memory left.

    Args:
        peak: bytes that tensors of one trial take at the most.

    Raises:
        UsageError: if it does not hold one.
    """
    free, total = min(map(torch.cuda.mem_get_info, range(torch.cuda.device_count())))
    return pack(peak, free=free, total=total)


class Peaks:
    """Memory that trials take of a GPU, measured in their first steps, once a network and batch.

    Args:
        name: of the device, as in `Runtime`.
        deterministic: as in `Runtime`.

    Raises:
        UsageError: if there is no CUDA device.
    """

    def __init__(self, name: str = "auto", *, deterministic: bool | None = None) -> None:
        if not torch.cuda.is_available():
            raise UsageError(
                "gpus: auto measures how many trials fit on a GPU, "
                "but this machine has no CUDA device; write gpus: 0"
            )
        self._device = device_of(name)
        self._deterministic = deterministic
        self._known: dict[str, int] = {}

    def of(self, trial: Trial) -> int:
        """Bytes of a trial's data, network, optimiser, first steps and first validation batch.

        Raises:
            UsageError: if the GPU does not hold them.
        """
        felt = footprint(trial)
        if felt not in self._known:
            self._known[felt] = _measure(trial, self._device, self._deterministic)
        return self._known[felt]

    def largest(self, trials: Iterable[Trial]) -> int:
        """The highest peak among some trials.

        Raises:
            UsageError: if there are no trials, or the GPU does not hold one of them.
        """
        peak = max(map(self.of, trials), default=None)
        if peak is None:
            raise UsageError("gpus: auto: there is no trial to measure")
        return peak


def footprint(trial: Trial) -> str:
    """What the memory of a trial depends on: trials with one footprint take the same.

    Example:
        >>> trial = Trial(backbone="resnet18", dataset="digits")
        >>> footprint(trial) == footprint(trial.with_values({"seed": 1, "training.lr": 0.3}))
        True
        >>> footprint(trial) == footprint(trial.with_values({"training.batch_size": 8}))
        False
    """
    felt = Training(**{field: getattr(trial.training, field) for field in FELT})
    return trial.model_copy(update={"seed": 0, "training": felt}).model_dump_json()


def _measure(trial: Trial, device: torch.device, deterministic: bool | None) -> int:
    """Bytes that the allocator takes of the device for a trial: gaps between tensors count."""
    start_on(device)
    give_back_memory(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_reserved(device)
    set_arithmetic(trial, device, deterministic=deterministic)
    steps = f"gpus: auto: {STEPS} steps of {trial.gate} on {trial.backbone}"
    try:
        with reading_data(loaders=0), foreign(lambda error: ModelError(message_of(error))):
            _first_steps(trial, device)
            torch.cuda.synchronize(device)
    except ModelError as error:
        if is_broken():
            raise MachineError(
                f"{steps} fail, and nothing runs on the GPU after them: {error}; write a number"
            ) from error
        log.warning("%s fail, and so will its trials; the others are measured: %s", steps, error)
        return 0
    except (
        MemoryError,
        RuntimeError,
    ) as error:  # what is left of those are the ways to run out of memory
        raise UsageError(f"{steps} do not fit the GPU") from error
    finally:
        give_back_memory(device)
    return torch.cuda.max_memory_reserved(device) - before


class _EnoughSeen(Exception):  # noqa: N818 - no error, it ends a validation
    """A forward pass of the validation is over."""


def _first_steps(trial: Trial, device: torch.device) -> None:
    """Some steps of a training, and the first forward pass of a validation."""
    learner = TASKS[trial.task.name].create(**trial.task.params).build(trial, device=device)
    optimizer = make_optimizer(learner.model, trial.training)
    learner.model.train()
    for _, batch in zip(range(STEPS), learner.batches(1), strict=False):
        optimizer.zero_grad(set_to_none=True)
        for loss in learner.losses(batch):
            loss.backward()  # type: ignore[no-untyped-call]
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
