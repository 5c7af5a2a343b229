"""A training step on a pretended GPU keeps the GPU busy: the host waits for nothing and copies nothing that blocks."""

import pytest
from pretended_cuda import pretended_cuda
from pretended_tensor import CUDA
from tiny_trials import tiny_trial

from dasbench.catalog import GATES, TASKS
from dasbench.training.optim import make_optimizer


def cases() -> list:
    """Both tasks on images that lie on the device, with every gate; most of them are slow."""
    found = []
    for task in ("classification", "segmentation"):
        for gate in GATES.names():
            at_once = task == "classification" and gate in ("none", "das")
            found.append(pytest.param(task, gate, marks=[] if at_once else [pytest.mark.slow]))
    return found


@pytest.mark.parametrize(("task", "gate"), cases())
def test_a_step_on_resident_images_waits_for_nothing(task, gate):
    trial = tiny_trial(task, gate)
    with pretended_cuda() as gpu:
        learner = TASKS[task].make(**trial.task.params).build(trial, device=CUDA)
        optimizer = make_optimizer(learner.model, trial.training)
        batches = iter(learner.batches(1))
        list(next(batches))  # with the first, the order of the epoch goes to the device
        gpu.forget()

        for loss in learner.losses(next(batches)):
            loss.backward()
        optimizer.step()

    assert gpu.waits == []
    assert gpu.blocking_copies == []
