"""Whole trials on a pretended GPU: they end, say where they ran, and score what they score on the CPU."""

from typing import Any

import pytest
import torch
from pretended_cuda import pretended_cuda
from tiny_trials import tiny_trial

from dasbench.ops.deform_conv import use_backend
from dasbench.records import Outcome
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import Runtime, run_trial

FEW_STEPS = {"training__batch_size": 32}
ADAMW = {**FEW_STEPS, "training__optimizer": "adamw", "training__lr": 0.002}
DIGITS = {"dataset": {"name": "digits", "image_size": 16}, "training__batch_size": 512}

TRIALS: dict[str, tuple[Any, ...]] = {
    "digits": ("classification", "se", DIGITS),
    "best of two, accumulated": (
        "classification",
        "das",
        {**ADAMW, "training__select": "best", "training__accumulate": 2, "training__epochs": 2},
    ),
    "segmentation": ("segmentation", "sa", FEW_STEPS),
}

SLOW_TRIALS: dict[str, tuple[Any, ...]] = {
    "saliency": ("classification", "cbam", {**FEW_STEPS, "task__saliency": "stage4", "task__saliency_images": 8}),
    "detection": ("detection", "das", ADAMW),
    "detection, frozen": ("detection", "se", {**ADAMW, "task__norms": "frozen"}),
}

OF_THE_MACHINE = ("seconds", "images_per_s", "peak_memory")
"""What a curve says of where it was trained."""

ROUNDING = 1e-5
"""Relative: an epoch multiplies what the first step rounds differently."""


@pytest.fixture(autouse=True)
def same_kernels(monkeypatch):
    """The CPU computes with the kernels that stand for the GPU's."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)


def cases() -> list:
    at_once = [pytest.param(*fields, id=name) for name, fields in TRIALS.items()]
    return at_once + [pytest.param(*fields, id=name, marks=pytest.mark.slow) for name, fields in SLOW_TRIALS.items()]


def run_on_cpu(trial: Trial) -> Outcome:
    with use_backend("torchvision"):  # as elsewhere
        return run_trial(trial, runtime=Runtime(device="cpu"))


def run_on_cuda(trial: Trial, **where: Any) -> Outcome:
    with pretended_cuda():
        return run_trial(trial, **where, runtime=Runtime(device="cuda"))


def curve(outcome: Outcome) -> list[dict[str, float]]:
    """What every epoch scored."""
    curves = [dict(epoch.metrics) for epoch in outcome.epochs]
    for metrics in curves:
        for name in OF_THE_MACHINE:
            del metrics[name]
    return curves


@pytest.mark.parametrize(("task", "gate", "values"), cases())
def test_a_trial_scores_what_it_scores_on_the_cpu(task, gate, values):
    trial = tiny_trial(task, gate, **values)
    expected = run_on_cpu(trial)

    outcome = run_on_cuda(trial)

    assert outcome.status == "done", outcome.error
    assert outcome.device == "cuda"
    assert outcome.metrics == pytest.approx(expected.metrics, rel=ROUNDING)
    for point, same in zip(curve(outcome), curve(expected), strict=True):
        assert point == pytest.approx(same, rel=ROUNDING)


@pytest.mark.parametrize("task", ["classification", "segmentation", pytest.param("detection", marks=pytest.mark.slow)])
def test_a_trial_in_half_precision_ends(task):
    values = {**ADAMW, "training__precision": "bf16", "training__select": "best", "training__accumulate": 2}

    outcome = run_on_cuda(tiny_trial(task, "das", **values))

    assert outcome.status == "done", outcome.error


def test_a_network_is_timed_there():
    outcome = run_on_cuda(tiny_trial("classification", "se", **FEW_STEPS, task__latency=True))

    assert outcome.status == "done", outcome.error
    assert outcome.metrics["latency_ms"] > 0


def test_the_probe_counts_there():
    trial = tiny_trial("classification", "se", training__epochs=3)
    probe = trial.model_copy(update={"task": trial.task.model_copy(update={"name": "probe", "params": {}})})

    assert run_on_cuda(probe).metrics == run_on_cpu(probe).metrics


def test_a_trial_goes_on_from_its_checkpoint(tmp_path):
    trial = tiny_trial("classification", "se", **ADAMW, training__epochs=2, training__select="best")
    whole = run_on_cuda(trial)

    first = run_on_cuda(trial, report=lambda _: "interrupt", workdir=tmp_path)
    rest = run_on_cuda(trial, workdir=tmp_path)

    assert (first.status, rest.status) == ("interrupted", "done")
    assert curve(rest) == curve(whole)
    assert rest.metrics == whole.metrics


def test_it_says_on_what_it_ran():
    outcome = run_on_cuda(tiny_trial("classification", "none", **FEW_STEPS))

    assert outcome.environment["device"] == "cuda"
    assert outcome.environment["device_name"] == "Pretended GPU"
    assert outcome.peak_memory > 0
