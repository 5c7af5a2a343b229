"""What every task keeps: it counts what it builds, repeats its batches, declares its scores."""

import copy
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from dasbench.catalog import METRICS, TASKS
from dasbench.costs.structure import structure_of
from dasbench.records import ALWAYS_MEASURED
from dasbench.resolution import resolve
from dasbench.spec.plain import Params
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Learner, Task
from dasbench.testing.documentation import check_docstring

CPU = torch.device("cpu")
BACKBONE = {"name": "resnet18", "width": 4, "stem": "small"}
FEW_SHAPES = {"name": "salient_shapes", "num_train": 60, "num_val": 60, "num_test": 60}
DATASETS_BY_NEED: Mapping[str, Mapping[str, Any]] = {
    "labels": {"name": "digits", "image_size": 16},
    "objects": FEW_SHAPES,
    "maps": {**FEW_SHAPES, "image_size": 32},
}
"""What a task is tried on, by what it is registered to need."""

NUM_BATCHES = 2
"""Batches of an epoch that are looked at."""

EvaluatedPart = Literal["val", "test"]


def check_task(
    name: str,
    *,
    params: Params | None = None,
    dataset: Params | None = None,
) -> None:
    """Check what a task builds of a narrow, gated ResNet-18, how it learns and how it is scored.

    Args:
        name: a registered task.
        params: its parameters, defaults otherwise; such that a network is small.
        dataset: name and parameters of the data set that it is tried on; left out, one that gives
            what the task is registered to need.

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_task("probe")
    """
    entry = TASKS[name]
    check_docstring(entry)
    data = dataset or DATASETS_BY_NEED.get(entry.traits.needs)
    assert data, f"{entry}: say what it is tried on: check_task(..., dataset={{'name': ...}})"
    asked = Trial.model_validate(
        {
            "task": {"name": name, **(params or {})},
            "backbone": BACKBONE,
            "gate": "se",
            "dataset": data,
            "training": {"epochs": 2, "batch_size": 16},
        }
    )
    trial = resolve(asked)
    task = entry.create(**trial.task.params)
    _check_cost(task, trial)
    learner = _check_building(task, trial)
    _check_losses(learner)
    _check_batches(task, trial)
    _check_evaluation(name, learner)


def _check_cost(task: Task, trial: Trial) -> None:
    """Check that what is counted is what is built."""
    cost = task.cost(trial)
    built = structure_of(task.build(trial, device=CPU).model)
    is_that_of_what_is_built = cost.structure in ("", built)  # "" if no network is trained
    assert is_that_of_what_is_built, "cost() counts another network than build() makes"
    assert cost.macs_full > 0, "a network that costs nothing was not counted"
    free = dict(cost.uncounted)
    assert not free, f"operators were taken as free: {free}; add a handler to costs/handlers.py"
    assert task.cost(trial) == cost, "the cost of the same trial differs the second time"


def _check_building(task: Task, trial: Trial) -> Learner:
    """Check that weights follow from the trial's seed, and nothing else from chance."""
    learner = task.build(trial, device=CPU)
    torch.rand(1)  # somebody else draws
    again = task.build(trial, device=CPU)
    changed = _first_difference(_state(learner.model), _state(again.model))
    assert not changed, f"built again, the same trial starts with another {changed}"
    return learner


def _check_batches(task: Task, trial: Trial) -> None:
    """Check the batches of epochs, by the losses of fresh weights."""
    learner = task.build(trial, device=CPU)
    num_batches = sum(1 for _ in learner.batches(1))
    assert num_batches == learner.steps_per_epoch, (
        f"an epoch has {num_batches} batches, but steps_per_epoch is {learner.steps_per_epoch}"
    )
    first, second = _loss_values(task, trial, epoch=1), _loss_values(task, trial, epoch=2)
    again = _loss_values(task, trial, epoch=1)
    assert again == first, "an epoch's batches differ the second time: draw from the trial's seed"
    assert second != first, "the second epoch brings the same batches as the first"


def _loss_values(task: Task, trial: Trial, *, epoch: int) -> list[float]:
    """The losses of the first batches of an epoch, with fresh weights."""
    learner = task.build(trial, device=CPU)
    torch.rand(1)  # somebody else draws
    return [loss.item() for loss in _losses(learner, epoch=epoch)]


def _losses(learner: Learner, *, epoch: int) -> Iterator[Tensor]:
    """The losses of the parts of the first batches."""
    learner.model.train()
    for batch in islice(learner.batches(epoch), NUM_BATCHES):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(epoch)  # each batch from the same stream
            yield from learner.losses(batch)


def _check_losses(learner: Learner) -> None:
    """Check that there is something to learn from."""
    learner.model.train()
    for loss in _losses(learner, epoch=1):
        assert loss.shape == (), f"a loss has the shape {tuple(loss.shape)}; it has to be a scalar"
        assert loss.isfinite(), f"a loss is {loss.item()}"
        assert loss.requires_grad, "a loss does not depend on the weights"
        loss.backward()  # type: ignore[no-untyped-call]
    gradients = {
        path: parameter.grad
        for path, parameter in learner.model.named_parameters()
        if parameter.grad is not None
    }
    assert gradients, "the losses teach no parameter"
    for path, gradient in gradients.items():
        assert gradient.isfinite().all(), f"the gradient of {path} is not finite"


def _check_evaluation(task: str, learner: Learner) -> None:
    """Check the scores of both parts, and that scoring leaves the learner as it is."""
    for part in get_args(EvaluatedPart):
        before, chance = _state(learner.model), torch.get_rng_state()
        evaluation = learner.evaluate(part)
        again = learner.evaluate(part)
        changed = _first_difference(before, _state(learner.model))
        assert not changed, f"evaluate('{part}') changes {changed}: is it in evaluation mode?"
        is_as_before = torch.equal(torch.get_rng_state(), chance)
        assert is_as_before, f"evaluate('{part}') draws random numbers of torch"
        same = repr(again) == repr(evaluation)  # of NaN too
        assert same, f"evaluate('{part}') gives other scores the second time"
        _check_scores(task, evaluation)
        is_there = learner.objective in evaluation.metrics
        assert is_there, f"evaluate('{part}') does not give the objective '{learner.objective}'"
    direction = METRICS[learner.objective].traits.direction
    assert direction == "max", (
        f"objective '{learner.objective}' picks the best epoch, where it is largest, but is "
        f"registered with direction={direction!r}"
    )


def _check_scores(task: str, evaluation: Evaluation) -> None:
    """Check that each score is a number whose unit and direction are known.

    The number of examples behind a score (`sfd_n` behind `sfd`) has neither.
    """
    for name, value in evaluation.metrics.items():
        assert isinstance(value, float), f"metric '{name}' is {value!r}; write float(...)"
        assert _is_declared(task, name) or _is_declared(task, name.removesuffix("_n")), (
            f"metric '{name}' is not registered for the task '{task}': say its unit and direction "
            f"with METRICS.register('{name}', ..., tasks=('{task}',))"
        )


def _is_declared(task: str, metric: str) -> bool:
    """Whether unit and direction of a task's metric are known."""
    if metric in METRICS:
        return METRICS[metric].traits.is_of(task)
    return metric in ALWAYS_MEASURED


def _state(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all that a checkpoint holds of a model."""
    return copy.deepcopy(model.state_dict())


def _first_difference(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> str:
    """The first entry that differs; `""` if none does."""
    assert before.keys() == after.keys(), "the model's parameters have other names"
    unequal = (name for name in before if not torch.equal(before[name], after[name]))
    return next(unequal, "")
