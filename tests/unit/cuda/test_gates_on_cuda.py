"""Every gate in every task on a pretended GPU: a step and a validation give what they give on the CPU."""

from typing import Any, NamedTuple

import pytest
import torch
from pretended_cuda import pretended_cuda
from pretended_tensor import CPU, CUDA
from tiny_trials import TASK_FIELDS, assert_same_scores, tiny_trial
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from dasbench.catalog import GATES, TASKS
from dasbench.ops.deform_conv import use_backend
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Learner
from dasbench.training.optim import make_optimizer

AT_ONCE = {
    "classification": ("none", "das", "deform_attn", "dra", "sa"),
    "segmentation": ("sa",),
    "detection": ("das",),
}
"""The gates whose test in these tasks is not marked slow."""


class Step(NamedTuple):
    """A training step and a validation after it.

    Args:
        content: what the learner gave out as the first batch.
        loss: before the step.
        gradients: by the parameter's name, on the CPU.
        scores: after the step.
        elsewhere: the tensors of the network and the gradients that do not lie on the learner's
            device.
    """

    content: Any
    loss: float
    gradients: dict[str, Tensor]
    scores: Evaluation
    elsewhere: list[str]


def cases() -> list:
    """Every task with every gate; most of them are slow."""
    found = []
    for task in TASK_FIELDS:
        for gate in GATES.names():
            marks = [] if gate in AT_ONCE[task] else [pytest.mark.slow]
            found.append(pytest.param(task, gate, marks=marks))
    return found


def make_step(trial: Trial, device: torch.device, *, content: Any = None) -> Step:
    """Train on the first batch, or on what another learner gave out as that: images that are normalised alike."""
    with use_backend(
        "torchvision"
    ):  # elsewhere than on a CPU it is the one, and both shall round alike
        learner = TASKS[trial.task.name].make(**trial.task.params).build(trial, device=device)
        optimizer = make_optimizer(learner.model, trial.training)
        learner.model.train()
        (part,) = next(iter(learner.batches(1)))
        given = placed(content or part.content, device)
        torch.manual_seed(0)  # of dropout, and of the boxes that are sampled
        (loss,) = learner.losses([part._replace(content=given)])
        loss.backward()
        optimizer.step()
        scores = learner.evaluate("val")
    trained = [
        (name, parameter)
        for name, parameter in learner.model.named_parameters()
        if parameter.grad is not None
    ]
    gradients = {name: parameter.grad.cpu() for name, parameter in trained}
    return Step(
        placed(part.content, CPU),
        loss.item(),
        gradients,
        scores,
        tensors_elsewhere(learner, device),
    )


def placed(content: Any, device: torch.device) -> Any:
    return tree_map_only(Tensor, lambda tensor: tensor.to(device), content)


def tensors_elsewhere(learner: Learner, device: torch.device) -> list[str]:
    tensors = dict([*learner.model.named_parameters(), *learner.model.named_buffers()])
    gradients = {
        f"{name}.grad": tensor.grad for name, tensor in tensors.items() if tensor.grad is not None
    }
    return [name for name, tensor in {**tensors, **gradients}.items() if tensor.device != device]


@pytest.fixture(autouse=True)
def same_kernels(monkeypatch):
    """The CPU computes with the kernels that stand for the GPU's."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)


@pytest.mark.parametrize(("task", "gate"), cases())
def test_a_step_and_a_validation_are_those_of_the_cpu(task, gate):
    trial = tiny_trial(task, gate)
    expected = make_step(trial, CPU)

    with pretended_cuda():
        step = make_step(trial, CUDA, content=expected.content)

    assert step.elsewhere == []
    for tensor, same in zip(tree_leaves(step.content), tree_leaves(expected.content), strict=True):
        torch.testing.assert_close(tensor, same, rtol=1e-6, atol=1e-6)
    assert step.loss == pytest.approx(expected.loss, rel=1e-6)
    assert list(step.gradients) == list(expected.gradients)
    largest = max(gradient.abs().max().item() for gradient in expected.gradients.values())
    for name, gradient in step.gradients.items():
        torch.testing.assert_close(
            gradient, expected.gradients[name], rtol=1e-4, atol=1e-5 * largest, msg=name
        )
    assert_same_scores(step.scores.metrics, expected.scores.metrics, rounding=1e-5)
