"""The one training loop: epochs of a learner, with a checkpoint and a report after each."""

import copy
import math
import time
from collections.abc import Callable, Mapping
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
from dasbench.training.checkpoints import Checkpoints
from dasbench.training.optim import learning_rate, make_optimizer, set_learning_rate
from dasbench.training.seeds import seed_epoch

Report = Callable[[Epoch], Signal]
"""Told of every epoch; answers whether to go on."""

AddUp = Callable[[nn.Module, Tensor], Tensor]
"""Makes the gradients of a model those of the whole batch, of which this process computed a share; so the loss."""


def alone(model: nn.Module, loss: Tensor) -> Tensor:
    """Nothing is added: this process computes whole batches."""
    del model
    return loss


@dataclass
class Progress:
    """How far a training has come; the loop updates it in place, so that a crash leaves the curve behind.

    Args:
        epochs: the curve so far.
        seconds: training time so far, over all attempts.
        best: the best validated epoch so far: number, value and weights.
        signal: the last answer of the report.
    """

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    best: dict[str, Any] | None = None
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

    Leaves the weights that the recipe selects in `learner.model`.

    Args:
        learner: model and data.
        training: the recipe.
        seed: of the trial.
        device: where it trains, for the memory that it takes.
        report: told of every epoch, the restored ones left out.
        checkpoints: where the state after each epoch is kept.
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
    for epoch in range(len(progress.epochs) + 1, training.epochs + 1):
        started = time.monotonic()
        seed_epoch(seed, epoch)
        if epoch == training.start_epochs + 1:
            optimizer.state.clear()  # momentum that belongs to the start
        loss = _train_epoch(learner, optimizer, training, epoch=epoch, deadline=deadline, add_up=add_up)
        trained = time.monotonic() - started
        metrics = {f"val_{name}": value for name, value in learner.evaluate("val").metrics.items()}
        seconds = time.monotonic() - started
        speed = learner.examples_per_epoch / trained
        resources = {"seconds": seconds, "images_per_s": speed, "peak_memory": peak_so_far(device)}
        point = Epoch(epoch, {"train_loss": loss, **metrics, **resources})
        progress.epochs.append(point)
        progress.seconds += seconds
        _keep_best(learner, training, point, progress)
        checkpoints.save(epoch, _state(learner, optimizer, progress))
        progress.signal = report(point)
        if progress.signal != "continue":
            return
    if progress.best is not None:
        learner.model.load_state_dict(progress.best["model"])


def _train_epoch(
    learner: Learner, optimizer: Optimizer, training: Training, *, epoch: int, deadline: float, add_up: AddUp
) -> float:
    """One pass over the training part; returns the mean loss."""
    learner.model.train()
    total = 0.0
    for step, batch in enumerate(learner.batches(epoch)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the time limit passed in epoch {epoch}")
        set_learning_rate(optimizer, learning_rate(training, epoch - 1 + step / learner.steps_per_epoch))
        optimizer.zero_grad(set_to_none=True)
        value = float(add_up(learner.model, _backward(learner, batch)))
        if not math.isfinite(value):
            raise DivergedError(f"the loss is {value} in epoch {epoch}, step {step + 1}")
        optimizer.step()
        total += value
    return total / learner.steps_per_epoch


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
        weights = copy.deepcopy(learner.model.state_dict())
        progress.best = {"epoch": point.number, "value": value, "model": weights}


def _state(learner: Learner, optimizer: Optimizer, progress: Progress) -> dict[str, Any]:
    return {
        "model": learner.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epochs": [asdict(epoch) for epoch in progress.epochs],
        "seconds": progress.seconds,
        "best": progress.best,
    }


def _restore(learner: Learner, optimizer: Optimizer, checkpoints: Checkpoints, progress: Progress) -> None:
    state: Mapping[str, Any] | None = checkpoints.latest()
    if state is None:
        return
    learner.model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
    progress.seconds = state["seconds"]
    progress.best = state["best"]
