"""Optimisers, and the learning rate as a function of time."""

import math

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from dasbench.spec.trial import Training


def make_optimizer(model: nn.Module, training: Training) -> Optimizer:
    """The optimiser that a recipe asks for, over all parameters of a model."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if training.optimizer == "adamw":
        return AdamW(parameters, lr=training.lr, weight_decay=training.weight_decay)
    return SGD(
        parameters,
        lr=training.lr,
        momentum=training.momentum,
        nesterov=training.nesterov,
        weight_decay=training.weight_decay,
    )


def learning_rate(training: Training, time: float) -> float:
    """The learning rate after `time` epochs (a fraction within an epoch).

    Args:
        training: the recipe.
        time: epochs since the start, from 0.

    Example:
        >>> step = Training(epochs=100, lr=0.1, schedule="step", milestones=(30, 60, 90), gamma=0.1)
        >>> [round(learning_rate(step, time), 6) for time in (0, 29.9, 30, 90)]
        [0.1, 0.1, 0.01, 0.0001]
    """
    if time < training.warmup_epochs:
        return training.lr * time / training.warmup_epochs
    whole = math.floor(time)
    match training.schedule:
        case "cosine":
            progress = (time - training.warmup_epochs) / (training.epochs - training.warmup_epochs)
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
