"""The one training loop: epochs of a learner, with a checkpoint and a report after each."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dasbench.costs.peak_memory import peak_so_far
from dasbench.errors import DivergedError
from dasbench.records import Epoch, Signal
from dasbench.spec.trial import Training
from dasbench.tasks.task import Learner
from dasbench.training.checkpoints import Checkpoints, Snapshot
from dasbench.training.optim import learning_rate, make_optimizer, set_learning_rate
from dasbench.training.seeds import seed_epoch

Report = Callable[[Epoch], Signal]
"""Told of every epoch; answers whether to go on."""

AddUp = Callable[[nn.Module, Tensor], Tensor]
"""Makes a model's gradients and the loss those of the whole batch."""


LOOK_BACK = 50
"""Steps on a GPU after which their losses are looked at.

On a CPU each is looked at before its step is taken.
"""


def alone(model: nn.Module, loss: Tensor) -> Tensor:
    """Nothing is added: this process computes whole batches."""
    del model
    return loss


@dataclass
class Progress:
    """How far a training has come.

    The loop updates it in place, so that a crash leaves the curve behind.

    Args:
        epochs: the curve so far.
        seconds: training time so far, over all attempts.
        best: the best validated epoch so far: number, value and weights.
        signal: the last answer of the report.
    """

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    best: Snapshot | None = None
    signal: Signal = "continue"


def fit(
    learner: Learner,
    training: Training,
    *,
    seed: int,
    device: torch.device,
    report: Report,
    checkpoints: Checkpoints,
    progress: Progress,
    timeout_s: float | None = None,
    add_up: AddUp = alone,
) -> None:
    """Train a learner to the end of its recipe, from its newest checkpoint if there is one.

    Leaves the weights that the recipe selects in `learner.model`. The state is kept as often as the
    checkpoints want it, and in any case after the last epoch and after one at which the report ends
    the training.

    Args:
        learner: model and data.
        training: the recipe.
        seed: of the trial.
        device: where it trains, for the memory that it takes.
        report: told of every epoch, the restored ones left out.
        checkpoints: where the state is kept.
        progress: the curve and what belongs to it, updated in place.
        timeout_s: seconds of this attempt after which it fails, or None.
        add_up: brings together what several processes computed of a batch.

    Raises:
        DivergedError: if the loss is not finite.
        TimeoutError: if the attempt takes longer than `timeout_s`.
    """
    optimizer = make_optimizer(learner.model, training)
    _restore(learner, optimizer, checkpoints, progress)
    deadline = time.monotonic() + (timeout_s or math.inf)
    look_back = 1
    if device.type == "cuda":
        look_back = LOOK_BACK
    for epoch in range(len(progress.epochs) + 1, training.epochs + 1):
        started = time.monotonic()
        seed_epoch(seed, epoch)
        if epoch == training.start_epochs + 1:
            optimizer.state.clear()  # momentum that belongs to the start
        losses = Losses(epoch, look_back=look_back)
        train_epoch(learner, optimizer, training, losses=losses, deadline=deadline, add_up=add_up)
        point = _epoch_point(learner, losses, device, started)
        progress.epochs.append(point)
        progress.seconds += point.metrics["seconds"]
        _keep_best(learner, training, point, progress)
        is_due = epoch == training.epochs or checkpoints.are_due
        if is_due:
            checkpoints.save(epoch, _state(learner, optimizer, progress))
        progress.signal = report(point)
        if progress.signal != "continue":
            if not is_due:
                checkpoints.save(epoch, _state(learner, optimizer, progress))
            return
    if progress.best is not None:
        learner.model.load_state_dict(progress.best["model"])


@dataclass
class Losses:
    """The losses of an epoch's steps, left on the device and looked at some steps later.

    To read each as it comes would let a GPU wait for the next step to be asked for.

    Args:
        epoch: its number.
        look_back: steps whose losses are read together.
        total: sum of what was read.
        read: number of steps whose losses were read.
        unread: those of the last steps.
    """

    epoch: int
    look_back: int
    total: float = 0.0
    read: int = 0
    unread: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor) -> None:
        """Take the loss of the next step."""
        self.unread.append(loss)
        if len(self.unread) >= self.look_back:
            self.look()

    def look(self) -> None:
        """Read what is unread.

        Raises:
            DivergedError: naming the first step whose loss is not finite.
        """
        if not self.unread:
            return
        values = torch.stack(self.unread).tolist()
        self.unread.clear()
        for value in values:
            self.read += 1
            if not math.isfinite(value):
                raise DivergedError(f"the loss is {value} in epoch {self.epoch}, step {self.read}")
            self.total += value


def train_epoch(
    learner: Learner,
    optimizer: Optimizer,
    training: Training,
    *,
    losses: Losses,
    deadline: float,
    add_up: AddUp,
) -> None:
    """One pass over the training part.

    What fails after a loss that was not finite failed because of it.
    """
    learner.model.train()
    try:
        for step, batch in enumerate(learner.batches(losses.epoch)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the time limit passed in epoch {losses.epoch}")
            passed = losses.epoch - 1 + step / learner.steps_per_epoch
            set_learning_rate(optimizer, learning_rate(training, passed))
            optimizer.zero_grad(set_to_none=True)
            losses.add(add_up(learner.model, _backward(learner, batch)))
            optimizer.step()
    finally:
        losses.look()


def _epoch_point(learner: Learner, losses: Losses, device: torch.device, started: float) -> Epoch:
    """Validate an epoch that was just trained: its losses and scores, and what it took."""
    trained_s = time.monotonic() - started
    metrics = {"train_loss": losses.total / learner.steps_per_epoch}
    for name, value in learner.evaluate("val").metrics.items():
        metrics[f"val_{name}"] = value
    metrics["seconds"] = time.monotonic() - started
    metrics["images_per_s"] = learner.examples_per_epoch / trained_s
    metrics["peak_memory"] = peak_so_far(device)
    return Epoch(losses.epoch, metrics)


def _backward(learner: Learner, batch: Any) -> Tensor:
    """Add the gradients of a batch, part by part; returns its loss."""
    parts = []
    for loss in learner.losses(batch):
        loss.backward()  # type: ignore[no-untyped-call]
        parts.append(loss.detach())
    return torch.stack(parts).sum()


def _keep_best(learner: Learner, training: Training, point: Epoch, progress: Progress) -> None:
    if training.select != "best":
        return
    value = point.metrics[f"val_{learner.objective}"]
    if progress.best is None or value > progress.best["value"]:
        weights = {name: _copy(value) for name, value in learner.model.state_dict().items()}
        progress.best = {"epoch": point.number, "value": value, "model": weights}


def _copy(value: object) -> object:
    """A copy of what a network's state holds, outside of a GPU's memory."""
    if isinstance(value, Tensor):
        return value.to("cpu", copy=True)
    return copy.deepcopy(value)


def _state(learner: Learner, optimizer: Optimizer, progress: Progress) -> Snapshot:
    return {
        "model": learner.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "seconds": progress.seconds,
        "best": progress.best,
    }


def _restore(
    learner: Learner, optimizer: Optimizer, checkpoints: Checkpoints, progress: Progress
) -> None:
    state = checkpoints.latest()
    if state is None:
        return
    learner.model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
    progress.seconds = state["seconds"]
    progress.best = state["best"]
