"""Whole trials on a pretended GPU: they end, say where they ran, and score what they score on the CPU."""

from typing import Any

import pytest
import torch
from pretended_cuda import pretended_cuda
from tiny_trials import assert_same_scores, tiny_trial

from dasbench.ops.deform_conv import use_backend
from dasbench.records import Outcome
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime

FEW_STEPS = {"training__batch_size": 32}
BEST = {**FEW_STEPS, "training__select": "best", "training__accumulate": 2}
ADAMW = {"training__optimizer": "adamw", "training__lr": 0.002}
DIGITS = {"dataset": {"name": "digits", "image_size": 8}, "training__batch_size": 512}
SALIENCY = {**FEW_STEPS, "task__saliency": "stage4", "task__saliency_images": 8}

TRIALS: dict[str, tuple[Any, ...]] = {
    "segmentation": ("segmentation", "sa", FEW_STEPS),
}

SLOW_TRIALS: dict[str, tuple[Any, ...]] = {
    "digits": ("classification", "se", DIGITS),
    "best, accumulated": ("classification", "das", BEST),
    "saliency": ("classification", "cbam", SALIENCY),
    "detection": ("detection", "das", FEW_STEPS),
    "detection, frozen": ("detection", "se", {**FEW_STEPS, "task__norms": "frozen"}),
}

DENSE = ("segmentation", "detection")
"""Tasks that look at every place of an image."""

OF_THE_MACHINE = ("seconds", "images_per_s", "peak_memory")
"""What a curve says of where it was trained."""

ROUNDING = 1e-4
"""Relative: an epoch multiplies what is rounded differently, as the images are."""


@pytest.fixture(autouse=True)
def same_kernels(monkeypatch):
    """The CPU computes with the kernels that stand for the GPU's."""
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)


def cases() -> list:
    at_once = [pytest.param(*fields, id=name) for name, fields in TRIALS.items()]
    return at_once + [
        pytest.param(*fields, id=name, marks=pytest.mark.slow)
        for name, fields in SLOW_TRIALS.items()
    ]


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
    assert_same_scores(outcome.metrics, expected.metrics, rounding=ROUNDING)
    for point, same in zip(curve(outcome), curve(expected), strict=True):
        assert_same_scores(point, same, rounding=ROUNDING)


@pytest.mark.parametrize(
    "task", ["classification", *(pytest.param(task, marks=pytest.mark.slow) for task in DENSE)]
)
def test_a_trial_in_half_precision_ends(task):
    outcome = run_on_cuda(tiny_trial(task, "se", **BEST, **ADAMW, training__precision="bf16"))

    assert outcome.status == "done", outcome.error


@pytest.mark.slow
def test_a_network_is_timed_there():
    outcome = run_on_cuda(tiny_trial("classification", "se", **FEW_STEPS, task__latency=True))

    assert outcome.status == "done", outcome.error
    assert outcome.metrics["latency_ms"] > 0


def test_the_probe_counts_there():
    trial = tiny_trial("classification", "se", training__epochs=3)
    probe = trial.model_copy(
        update={"task": trial.task.model_copy(update={"name": "probe", "params": {}})}
    )

    assert run_on_cuda(probe).metrics == run_on_cpu(probe).metrics


@pytest.mark.slow
def test_a_trial_goes_on_from_its_checkpoint(tmp_path):
    trial = tiny_trial("classification", "se", **BEST, **ADAMW, training__epochs=2)
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
