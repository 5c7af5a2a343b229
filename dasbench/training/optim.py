"""Optimisers, and the learning rate as a function of time."""

import math
from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from dasbench.gates.traits import HasUndecayed
from dasbench.spec.trial import Training


def make_optimizer(model: nn.Module, training: Training) -> Optimizer:
    """The optimiser that a recipe asks for, over all parameters of a model.

    Parameters that a module of the model wants without weight decay form a second group.

    Example:
        >>> from dasbench.gates.srm import StyleRecalibration
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 1), StyleRecalibration(8))
        >>> optimizer = make_optimizer(model, Training(weight_decay=1e-4))
        >>> [(len(group["params"]), group["weight_decay"]) for group in optimizer.param_groups]
        [(2, 0.0001), (3, 0.0)]
    """
    groups = _groups(model)
    if training.optimizer == "adamw":
        return AdamW(groups, lr=training.lr, weight_decay=training.weight_decay)
    return SGD(
        groups,
        lr=training.lr,
        momentum=training.momentum,
        nesterov=training.nesterov,
        weight_decay=training.weight_decay,
    )


def _groups(model: nn.Module) -> list[dict[str, Any]]:
    """The trained parameters: those with weight decay, then those without, in the order of the model; none is empty."""
    asking = (module for module in model.modules() if isinstance(module, HasUndecayed))
    undecayed = {id(parameter) for module in asking for parameter in module.undecayed_parameters()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    plain = {"params": [parameter for parameter in trained if id(parameter) not in undecayed]}
    exempt = {"params": [parameter for parameter in trained if id(parameter) in undecayed], "weight_decay": 0.0}
    return [group for group in (plain, exempt) if group["params"]]


def learning_rate(training: Training, time: float) -> float:
    """The learning rate after `time` epochs (a fraction within an epoch).

    Args:
        training: the recipe.
        time: epochs since the start, from 0.

    Example:
        >>> step = Training(epochs=100, lr=0.1, schedule="step", milestones=(30, 60, 90), gamma=0.1)
        >>> [round(learning_rate(step, time), 6) for time in (0, 29.9, 30, 90)]
        [0.1, 0.1, 0.01, 0.0001]
        >>> twice = Training(epochs=14, lr=0.02, start_epochs=2, schedule="step", milestones=(8, 11))
        >>> [round(learning_rate(twice, time), 6) for time in (0, 2, 9.9, 10, 13)]
        [0.02, 0.02, 0.02, 0.002, 0.0002]
    """
    started = time >= training.start_epochs
    if started:
        time -= training.start_epochs
    if time < training.warmup_epochs:
        return training.lr * time / training.warmup_epochs
    if not started:
        return training.lr
    whole, epochs = math.floor(time), training.epochs - training.start_epochs
    match training.schedule:
        case "cosine":
            progress = (time - training.warmup_epochs) / (epochs - training.warmup_epochs)
            return training.lr * 0.5 * (1 + math.cos(math.pi * progress))
        case "step":
            return training.lr * training.gamma ** sum(whole >= milestone for milestone in training.milestones)
        case "exponential":
            return training.lr * training.gamma**whole
        case "constant":
            return training.lr


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group the same learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
