"""Precision, parts of a batch and compiled kernels: what a recipe asks for besides the rate."""

import os
import shutil

import pytest
import torch

from dasbench.catalog import GATES, TASKS
from dasbench.resolution import resolve
from dasbench.spec.trial import Training, Trial
from dasbench.training.optim import make_optimizer
from dasbench.training.run_trial import run_trial

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 8, "stem": "small"},
    gate="das",
    dataset={"name": "digits", "image_size": 16},
    training={"epochs": 1, "batch_size": 256, "lr": 0.05},
)


def learner_of(trial: Trial):
    return TASKS["classification"].make().build(resolve(trial), device=torch.device("cpu"))


def first_images(learner, number: int) -> list:
    """The first images of an epoch, as a batch of one part."""
    (part,) = next(iter(learner.batches(1)))
    content = part.content._replace(
        images=part.content.images[:number], labels=part.content.labels[:number]
    )
    return [part._replace(content=content)]


def gradients_of_an_epoch(trial: Trial) -> list[tuple[float, torch.Tensor]]:
    """Loss and gradient of each batch, without batch statistics."""
    learner = learner_of(trial)
    learner.model.eval()
    found = []
    for batch in learner.batches(1):
        learner.model.zero_grad()
        losses = []
        for loss in learner.losses(batch):
            loss.backward()
            losses.append(loss.item())
        found.append(
            (sum(losses), torch.cat([p.grad.flatten() for p in learner.model.parameters()]))
        )
    return found


@pytest.mark.parametrize("parts", [2, 7, pytest.param(128, marks=pytest.mark.slow)])
def test_a_batch_in_parts_has_the_loss_and_the_gradient_of_the_whole(parts):
    small = TRIAL.with_values({"backbone.width": 2})
    whole = gradients_of_an_epoch(small)  # 4 batches of 256 images and one of 235

    in_parts = gradients_of_an_epoch(small.with_values({"training.accumulate": parts}))

    assert len(in_parts) == len(whole) == 5
    for (loss, gradient), (expected_loss, expected) in zip(in_parts, whole, strict=True):
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        assert torch.allclose(
            gradient, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item()
        )


def test_parts_do_not_change_the_number_of_steps_nor_the_images():
    whole, in_parts = learner_of(TRIAL), learner_of(TRIAL.with_values({"training.accumulate": 4}))

    for batch, parts in zip(whole.batches(1), in_parts.batches(1), strict=True):
        (all_of_it,) = batch
        assert torch.equal(
            torch.cat([part.content.images for part in parts]), all_of_it.content.images
        )


def test_a_trial_in_parts_learns():
    outcome = run_trial(TRIAL.with_values({"training.accumulate": 4}))

    assert outcome.status == "done", outcome.error


def test_more_parts_than_images_are_refused():
    with pytest.raises(ValueError, match=r"accumulate \(9\).*batch_size 8"):
        Training(batch_size=8, accumulate=9)


@pytest.mark.parametrize(
    "values",
    [{"precision": "bf16"}, {"accumulate": 2}, {"compile": True}],
    ids=lambda v: next(iter(v)),
)
def test_what_changes_the_numbers_changes_the_key(values):
    assert (
        TRIAL.with_values({f"training.{name}": value for name, value in values.items()}).key
        != TRIAL.key
    )


@pytest.mark.parametrize("gate", GATES.names())
def test_every_gate_trains_in_half_precision_on_weights_in_full(gate):
    trial = TRIAL.with_values({"gate": gate, "backbone.width": 16, "training.precision": "bf16"})
    learner = learner_of(trial)
    learner.model.train()
    seen = []
    first = learner.model.backbone.layer1[0].conv1
    first.register_forward_hook(lambda _module, _args, out: seen.append(out.dtype))
    batch = first_images(learner, 8)
    optimizer = make_optimizer(learner.model, trial.training)

    loss = sum(learner.losses(batch))
    loss.backward()
    optimizer.step()

    assert seen == [torch.bfloat16]
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    for name, parameter in learner.model.named_parameters():
        assert parameter.dtype == torch.float32, name
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name
        assert torch.isfinite(parameter).all(), name


def test_offsets_are_computed_in_full_precision():
    learner = learner_of(TRIAL.with_values({"training.precision": "bf16"}))
    dtypes = []
    for module in learner.model.modules():
        if type(module).__name__ == "DeformConv2d":
            module.offset.register_forward_hook(
                lambda _module, _args, out: dtypes.append(out.dtype)
            )

    sum(learner.losses(next(iter(learner.batches(1)))))

    assert dtypes == [torch.float32] * 4


@pytest.mark.slow
def test_a_trial_in_half_precision_is_evaluated_in_it_and_comes_close():
    full, half = run_trial(TRIAL), run_trial(TRIAL.with_values({"training.precision": "bf16"}))

    assert half.status == "done", half.error
    assert half.metrics["train_loss"] != full.metrics["train_loss"]
    assert half.metrics["train_loss"] == pytest.approx(full.metrics["train_loss"], rel=0.1)
    assert half.metrics == run_trial(TRIAL.with_values({"training.precision": "bf16"})).metrics


def test_the_curve_says_how_fast_and_how_large_each_epoch_was():
    (epoch,) = run_trial(TRIAL).epochs

    assert epoch.metrics["seconds"] > 0
    assert epoch.metrics["images_per_s"] > 0
    assert 10**7 < epoch.metrics["peak_memory"] < 10**11


def test_without_a_compiler_a_compiled_trial_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")

    outcome = run_trial(TRIAL.with_values({"training.compile": True}))

    assert (outcome.status, outcome.reason) == ("failed", "error")
    assert "needs a C++ compiler ($CXX is 'no-such-compiler'" in outcome.error


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which(os.environ.get("CXX", "g++")), reason="needs g++, or what $CXX names"
)
@pytest.mark.timeout(900)
def test_a_compiled_network_computes_what_the_plain_one_does():
    trial = TRIAL.with_values({"backbone.width": 4, "gate": "se"})
    plain, compiled = learner_of(trial), learner_of(trial.with_values({"training.compile": True}))
    batch = first_images(plain, 16)
    losses = []
    for learner in (plain, compiled):
        learner.model.train()
        loss = sum(learner.losses(batch))
        loss.backward()
        losses.append(loss.item())

    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert compiled.model.state_dict().keys() == plain.model.state_dict().keys()
    for a, b in zip(plain.model.parameters(), compiled.model.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, atol=1e-3 * a.grad.abs().max().item() + 1e-6)


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which(os.environ.get("CXX", "g++")), reason="needs g++, or what $CXX names"
)
@pytest.mark.timeout(900)
def test_compiled_trials_of_one_process_do_not_take_each_others_networks():
    found = []

    for gate in ("none", "se"):
        trial = TRIAL.with_values({"backbone.width": 2, "gate": gate})
        plain, compiled = (
            learner_of(trial),
            learner_of(trial.with_values({"training.compile": True})),
        )
        batch = first_images(plain, 16)
        found.append([sum(learner.losses(batch)).item() for learner in (plain, compiled)])

    assert found[0][0] != pytest.approx(found[1][0], rel=1e-3)
    for of_plain, of_compiled in found:
        assert of_compiled == pytest.approx(of_plain, rel=1e-4)
