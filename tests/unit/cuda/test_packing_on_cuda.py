"""What `gpus: auto` measures, on a pretended GPU: the first steps of each task, also of a network that fails."""

import logging

import pytest
import torch
from pretended_cuda import pretended_cuda
from tiny_trials import tiny_trial

from dasbench.errors import MachineError, UsageError
from dasbench.gates.se import SqueezeExcitation
from dasbench.training import packing
from dasbench.training.packing import STEPS, Peaks

ADAMW = {"training__batch_size": 32, "training__optimizer": "adamw", "training__lr": 0.002}


@pytest.mark.parametrize("task", ["classification", "segmentation", "detection"])
def test_the_first_steps_of_a_trial_are_measured_with_its_optimiser(task, monkeypatch):
    steps = []
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self: steps.append(self.defaults["fused"])
    )

    with pretended_cuda():
        peak = Peaks("cuda").of(tiny_trial(task, "se", **ADAMW))

    assert peak >= 0
    assert steps == [True] * STEPS


def test_a_network_that_fails_is_said_to_and_does_not_end_the_run(monkeypatch, caplog):
    monkeypatch.setattr(
        SqueezeExcitation, "forward", lambda self, x: self.there_is_no_such_layer(x)
    )

    with caplog.at_level(logging.WARNING), pretended_cuda():
        peak = Peaks("cuda").of(tiny_trial("classification", "se", **ADAMW))

    assert peak == 0
    assert "2 steps of se(" in caplog.text
    assert "there_is_no_such_layer" in caplog.text


@pytest.mark.parametrize(
    ("raised", "answer", "complaint"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), UsageError, "do not fit the GPU"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), UsageError, "do not fit the GPU"),
        (
            RuntimeError("CUDA error: device-side assert triggered"),
            MachineError,
            "nothing runs on the GPU after them",
        ),
    ],
)
def test_a_gpu_that_is_full_or_broken_ends_the_run_before_anything_is_trained(
    monkeypatch, raised, answer, complaint
):
    def fail(*_):
        raise raised

    monkeypatch.setattr(packing, "_first_steps", fail)
    monkeypatch.setattr(packing, "is_broken", lambda: "assert" in str(raised))

    with pretended_cuda(), pytest.raises(answer, match=complaint):
        Peaks("cuda").of(tiny_trial("classification", "se", **ADAMW))
