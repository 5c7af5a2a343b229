"""Under CUDA's autocast every gate answers in the form of its input: half precision stays, and so does the layout."""

from typing import NamedTuple

import pytest
import torch
from pretended_cuda import pretended_cuda
from pretended_tensor import CUDA
from tiny_trials import tiny_trial

from dasbench import models
from dasbench.catalog import GATES, TASKS
from dasbench.gates.das.designs import DESIGNS
from dasbench.spec.trial import Trial
from dasbench.tasks.learner import ImageLearner

GATES_AND_DESIGNS = [{"name": name} for name in GATES.names() if name not in ("none", "das")]
GATES_AND_DESIGNS += [{"name": "das", "design": design} for design in DESIGNS]


class Form(NamedTuple):
    """How a map lies in memory."""

    dtype: torch.dtype
    channels_last: bool


def form_of(x: torch.Tensor) -> Form:
    return Form(x.dtype, x.is_contiguous(memory_format=torch.channels_last))


def forms_at_sites(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Form, Form]]:
    """The form of a gate's input and output, by the site, in a forward pass of training and one of evaluation."""
    found = {}
    passing = models._PassThrough.__call__

    def watched(hook, module, args, output):
        gated = passing(hook, module, args, output)
        mode = "training" if module.training else "evaluation"
        found[f"{hook.path} in {mode}"] = (form_of(output), form_of(gated))
        return gated

    monkeypatch.setattr(models._PassThrough, "__call__", watched)
    learner = TASKS[trial.task.name].make(**trial.task.params).build(trial, device=CUDA)
    assert isinstance(learner, ImageLearner)
    (part,) = next(iter(learner.batches(1)))
    for training in (True, False):
        learner.model.train(training)
        assert torch.isfinite(learner.loss(part.content)).item()
    return found


@pytest.mark.parametrize("gate", GATES_AND_DESIGNS, ids=lambda gate: " ".join(gate.values()))
@pytest.mark.parametrize(
    "task", ["classification", pytest.param("segmentation", marks=pytest.mark.slow)]
)
def test_a_gate_answers_in_the_form_of_its_input(task, gate, monkeypatch):
    trial = tiny_trial(task, gate, backbone__width=8, training__precision="bf16")

    with pretended_cuda("forward"), torch.no_grad():
        forms = forms_at_sites(trial, monkeypatch)

    assert len(forms) >= 2
    assert {
        site: given for site, (given, _) in forms.items() if given.dtype is not torch.bfloat16
    } == {}
    changed = [
        f"{site}: {given} -> {answer}" for site, (given, answer) in forms.items() if given != answer
    ]
    assert changed == []
