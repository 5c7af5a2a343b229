"""Training for the class of each pixel, and studies of it."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from tiny_segmentation import FEW, TRIAL, Painted, learner_of, random_maps
from torch import Tensor, nn

import dasbench.tasks.segmentation as segmentation
from dasbench.catalog import known_names
from dasbench.checks import check_study
from dasbench.datasets.annotations import IGNORED, ClassMaps
from dasbench.datasets.salient_shapes import salient_shapes
from dasbench.errors import StudyError
from dasbench.records import Outcome
from dasbench.spec.load import load_study
from dasbench.tasks.learner import ImageLearner
from dasbench.tasks.segmentation import pixel_loss
from dasbench.tasks.task import Replica
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime


def science(outcome: Outcome) -> dict[str, Any]:
    """What must be equal: everything but the clock and the memory."""
    assert outcome.status == "done", outcome.error
    used = ("seconds", "images_per_s", "peak_memory")
    curve = [
        {name: value for name, value in epoch.metrics.items() if name not in used}
        for epoch in outcome.epochs
    ]
    return {"curve": curve, "metrics": outcome.metrics}


# training


def test_a_batch_in_parts_has_the_loss_and_the_gradient_of_the_whole():
    found = []
    for parts in (1, 5):
        learner = learner_of(TRIAL.with_values({"gate": "se", "training.accumulate": parts}))
        learner.model.eval()  # without the statistics of a batch, and without dropout
        found.append(gradients(learner, next(iter(learner.batches(1)))))

    (loss, gradient), (expected_loss, expected) = found
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_where_nothing_is_ignored_the_loss_has_the_bits_of_torchs(smoothing):
    scores, maps = torch.randn(4, 7, 32, 32), random_maps(1, 4).long()

    loss = pixel_loss(scores, maps, label_smoothing=smoothing)

    assert torch.equal(loss, nn.functional.cross_entropy(scores, maps, label_smoothing=smoothing))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_mean_over_known_pixels_and_that_of_a_batch_the_mean_of_its_images(
    smoothing,
):
    scores, maps = torch.randn(3, 7, 32, 32), random_maps(2, 3).long()
    maps[1, :20] = IGNORED
    maps[2] = IGNORED

    loss = pixel_loss(scores, maps, label_smoothing=smoothing)

    known = [nn.functional.cross_entropy(scores[:1], maps[:1], label_smoothing=smoothing)]
    known.append(
        nn.functional.cross_entropy(scores[1:2, :, 20:], maps[1:2, 20:], label_smoothing=smoothing)
    )
    singly = [
        pixel_loss(scores[k : k + 1], maps[k : k + 1], label_smoothing=smoothing) for k in range(3)
    ]
    assert loss.item() == pytest.approx(sum(known).item() / 3, rel=1e-5)
    assert loss.item() == pytest.approx(sum(singly).item() / 3, rel=1e-6)


def test_a_batch_of_which_nothing_is_known_teaches_nothing():
    scores = torch.randn(2, 7, 8, 8, requires_grad=True)

    pixel_loss(scores, torch.full((2, 8, 8), IGNORED)).backward()

    assert torch.equal(scores.grad, torch.zeros_like(scores))


def test_pixels_that_are_ignored_change_no_score():
    learner = learner_of(TRIAL)
    maps = random_maps(0, 40)
    claimed, hidden = maps.clone(), maps.clone()
    claimed[:, :16] = 6 - maps[:, :16]
    hidden[:, :16] = IGNORED
    learner.parts["test"], learner.maps["test"] = Painted(maps), ClassMaps(Painted(hidden))
    learner.model.forward = lambda _: (
        nn.functional.one_hot(claimed.long(), 7).permute(0, 3, 1, 2).float() * 50
    )

    metrics = learner.evaluate("test").metrics

    assert metrics == pytest.approx({"loss": 0.0, "miou": 100.0, "pixel_accuracy": 100.0})


def test_two_replicas_share_out_the_loss_and_the_gradient():
    learners = [
        learner_of(TRIAL, Replica(rank, number)) for rank, number in ((0, 1), (0, 2), (1, 2))
    ]
    for learner in learners:
        learner.model.eval()

    (loss, whole), *shares = [
        gradients(learner, next(iter(learner.batches(1)))) for learner in learners
    ]

    assert sum(share[0] for share in shares) == pytest.approx(loss, rel=1e-5)
    assert torch.allclose(
        sum(share[1] for share in shares), whole, rtol=1e-3, atol=1e-4 * whole.abs().max().item()
    )


def gradients(learner: ImageLearner, batch: Sequence[object]) -> tuple[float, Tensor]:
    """Loss and gradient of a batch."""
    losses = []
    for loss in learner.losses(batch):
        loss.backward()
        losses.append(loss.item())
    return sum(losses), torch.cat([p.grad.flatten() for p in learner.model.parameters()])


def test_scores_do_not_depend_on_the_batches_they_are_computed_in(monkeypatch):
    learner = learner_of(TRIAL)
    whole = learner.evaluate("val").metrics

    monkeypatch.setattr(segmentation, "EVALUATION_BATCH", 7)

    assert learner.evaluate("val").metrics == pytest.approx(whole, abs=1e-4)


def test_a_network_that_knows_every_pixel_scores_100():
    learner = learner_of(TRIAL)
    maps = learner.annotated["test"].class_maps(np.arange(60)).long()
    learner.model.forward = lambda _: (
        nn.functional.one_hot(maps, 7).permute(0, 3, 1, 2).float() * 50
    )

    assert learner.evaluate("test").metrics == pytest.approx(
        {"loss": 0.0, "miou": 100.0, "pixel_accuracy": 100.0}
    )
    assert learner.evaluate("val").metrics["miou"] < 50


def test_an_interrupted_trial_ends_as_if_it_had_not_been(tmp_path):
    whole = run_trial(TRIAL)
    first = run_trial(TRIAL, lambda _: "interrupt", tmp_path)

    second = run_trial(TRIAL, workdir=tmp_path)

    assert first.status == "interrupted"
    assert len(first.epochs) == 1
    assert science(second) == science(whole)


@pytest.mark.slow
def test_a_short_training_finds_the_object():
    test: Any = salient_shapes(**FEW).test
    maps = test.class_maps(np.arange(60))
    all_background = 100 * float((maps == 0).float().mean())
    values = {
        "gate": "none",
        "backbone.width": 8,
        "dataset.num_train": 300,
        "training.batch_size": 12,
    }

    outcome = run_trial(TRIAL.with_values({**values, "training.epochs": 4, "training.lr": 6e-3}))

    metrics = science(outcome)["metrics"]
    assert metrics["pixel_accuracy"] > all_background
    assert (
        metrics["miou"] > all_background / 7 + 3
    )  # the mean over seven classes, one of which would be found
    assert metrics["train_loss"] < outcome.epochs[0].metrics["train_loss"] / 2
    assert outcome.cost.uncounted == {}


@pytest.mark.slow
def test_a_longer_training_tells_the_classes():
    values = {"dataset.num_train": 2400, "backbone.width": 8, "training.epochs": 8, "gate": "none"}

    outcome = run_trial(
        TRIAL.with_values({**values, "training.batch_size": 32, "training.warmup_epochs": 1})
    )

    assert (
        science(outcome)["metrics"]["miou"] > 50
    )  # 22 with the object found and its class guessed


WITHOUT_DROPOUT = '''
"""Segmentation by a head that drops nothing, as two replicas drop other features than one process."""

from torch import nn

from dasbench.catalog import TASKS
from dasbench.tasks.segmentation import Segmentation


@TASKS.register("without_dropout", needs="maps")
class WithoutDropout(Segmentation):
    """Tell the class of each pixel."""

    def build(self, trial, *, device, replica=None):
        """As the task does it, but for the dropout."""
        learner = super().build(trial, device=device, replica=replica)
        for module in learner.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        return learner
'''


@pytest.mark.slow
def test_two_replicas_have_the_losses_of_one_process(tmp_path):
    (tmp_path / "without_dropout.py").write_text(WITHOUT_DROPOUT)
    trial = TRIAL.with_values(
        {"task": "without_dropout", "training.lr": 0.002, "training.optimizer": "sgd"}
    )
    losses = []

    for replicas in (1, 2):
        runtime = Runtime(
            device="cpu", replicas=replicas, plugins=("without_dropout",), plugin_root=tmp_path
        )
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn")
        ) as apart:  # the task is registered there alone
            outcome = apart.submit(run_trial, trial, runtime=runtime).result()
        curve = science(outcome)["curve"]
        losses.append([epoch[name] for epoch in curve for name in ("train_loss", "val_loss")])

    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


# studies


STUDY = """\
name: pixels
question: Does the gate help to tell pixels apart?
base:
  task: segmentation
  backbone: {name: resnet18, width: 4, stem: small}
  dataset: {name: salient_shapes}
objectives: [miou max, macs min]
"""


def test_a_data_set_without_class_maps_is_refused_where_it_is_named(write_study, dasbench):
    path = write_study(STUDY.replace("salient_shapes", "digits"))

    done = dasbench("check", path)

    assert done.code == 2
    assert f"{path}:6: base.dataset" in done.err
    assert (
        "'digits' has no maps of its images for the task segmentation; these have: image_masks, salient_shapes"
        in done.err
    )


def test_an_accuracy_of_images_is_refused_as_the_objective(write_study):
    path = write_study(STUDY.replace("miou max", "top1 max"))

    with pytest.raises(StudyError) as error:
        check_study(load_study(path, known=known_names()))

    (line,) = str(error.value).splitlines()
    assert line.startswith(
        f"{path}:7: objectives[0]: 'top1' is not measured by the task segmentation"
    )
    assert line.endswith("these are: miou, pixel_accuracy")
