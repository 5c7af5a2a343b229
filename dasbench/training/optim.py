"""Optimisers, and the learning rate as a function of time."""

import math
from typing import NamedTuple

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from dasbench.gates.traits import HasRates, HasUndecayed
from dasbench.spec.trial import Training


def make_optimizer(model: nn.Module, training: Training) -> Optimizer:
    """The optimiser that a recipe asks for, over all parameters of a model.

    Parameters that a module of the model wants without weight decay form a second group. Those that
    one wants at a multiple of the learning rate form further groups, which keep their factor as
    `rate_factor`, also in a checkpoint.

    Example:
        >>> from dasbench.gates.srm import StyleRecalibration
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 1), StyleRecalibration(8))
        >>> optimizer = make_optimizer(model, Training(weight_decay=1e-4))
        >>> [(len(group["params"]), group["weight_decay"]) for group in optimizer.param_groups]
        [(2, 0.0001), (3, 0.0)]
    """
    groups = _groups(model, training.lr)
    on_gpu = any(parameter.is_cuda for parameter in model.parameters())
    fused = on_gpu or None  # None: torch's own choice
    if training.optimizer == "adamw":
        return AdamW(groups, lr=training.lr, weight_decay=training.weight_decay, fused=fused)
    return SGD(
        groups,
        lr=training.lr,
        momentum=training.momentum,
        nesterov=training.nesterov,
        weight_decay=training.weight_decay,
        fused=fused,
    )


class _Treatment(NamedTuple):
    """How some parameters are trained.

    Args:
        factor: of the learning rate.
        decayed: whether they have weight decay.
    """

    factor: float
    decayed: bool


_USUAL, _UNDECAYED = _Treatment(1.0, decayed=True), _Treatment(1.0, decayed=False)


def _groups(model: nn.Module, rate: float) -> list[dict[str, object]]:
    """The trained parameters: the usual ones, those without decay, those with rates of their own.

    In each they stand in the order of the model, and none is empty.
    """
    undecayed, factors = _undecayed_parameters(model), _rate_factors(model)
    members: dict[_Treatment, list[nn.Parameter]] = {_USUAL: [], _UNDECAYED: []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            treatment = _Treatment(factors.get(parameter, 1.0), decayed=parameter not in undecayed)
            members.setdefault(treatment, []).append(parameter)
    return [
        _group(parameters, treatment, rate)
        for treatment, parameters in members.items()
        if parameters
    ]


def _undecayed_parameters(model: nn.Module) -> set[nn.Parameter]:
    """The parameters that some module wants without weight decay."""
    found: set[nn.Parameter] = set()
    for module in model.modules():
        if isinstance(module, HasUndecayed):
            found.update(module.undecayed_parameters())
    return found


def _rate_factors(model: nn.Module) -> dict[nn.Parameter, float]:
    """The factors of all parameters that some module wants at a multiple of the learning rate."""
    found: dict[nn.Parameter, float] = {}
    for module in model.modules():
        if isinstance(module, HasRates):
            found.update(module.rate_factors())
    return found


def _group(parameters: list[nn.Parameter], treatment: _Treatment, rate: float) -> dict[str, object]:
    """A parameter group; it names only what differs from the optimiser's defaults."""
    group: dict[str, object] = {"params": parameters}
    if not treatment.decayed:
        group["weight_decay"] = 0.0
    if treatment.factor != 1:
        group |= {"lr": rate * treatment.factor, "rate_factor": treatment.factor}
    return group


def learning_rate(training: Training, time: float) -> float:
    """The learning rate after `time` epochs (a fraction within an epoch).

    Args:
        training: the recipe.
        time: epochs since the start, from 0.

    Example:
        >>> step = Training(epochs=100, lr=0.1, schedule="step", milestones=(30, 60, 90), gamma=0.1)
        >>> [round(learning_rate(step, time), 6) for time in (0, 29.9, 30, 90)]
        [0.1, 0.1, 0.01, 0.0001]
        >>> steps = {"schedule": "step", "milestones": (8, 11)}
        >>> twice = Training(epochs=14, lr=0.02, start_epochs=2, **steps)
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
            return training.lr * training.gamma ** sum(
                whole >= milestone for milestone in training.milestones
            )
        case "exponential":
            return training.lr * training.gamma**whole
        case "constant":
            return training.lr


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group the learning rate, times the factor of the group if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
