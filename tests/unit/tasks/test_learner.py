"""What learners load does not depend on who reads it; a narrow network trains in a format that its kernels bear."""

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fabricated_data import PARAMS, fabricate_coco, fabricate_folder

from dasbench.catalog import TASKS
from dasbench.data_access import reading_data
from dasbench.datasets.loading import in_order
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.tasks.learner import ImageLearner

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 8, "stem": "small"},
    dataset={
        "name": "salient_shapes",
        "image_size": 64,
        "num_train": 120,
        "num_val": 60,
        "num_test": 60,
    },
    training={"epochs": 1, "batch_size": 32, "lr": 0.01, "augment": False},
)


def narrow_network() -> torch.nn.Module:
    return TASKS["classification"].make().build(resolve(TRIAL), device=torch.device("cpu")).model


def learner_of(trial: Trial, device: str = "cpu") -> ImageLearner:
    trial = resolve(trial)
    task = TASKS[trial.task.name].make(**trial.task.params)
    learner = task.build(trial, device=torch.device(device))
    assert isinstance(learner, ImageLearner)
    return learner


def contents_of_an_epoch(trial: Trial, loaders: int) -> list[Any]:
    with reading_data(loaders=loaders):
        learner = learner_of(trial)
        return [part.content for parts in learner.batches(2) for part in parts]


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("loaders", [1, 4])
def test_the_batches_of_an_epoch_are_the_same_bits_for_any_number_of_loaders(
    tmp_path, loaders, accumulate
):
    fabricate_folder(tmp_path / "photos", images=20)
    dataset = {"name": "image_folder", "root": str(tmp_path / "photos"), "image_size": 16}
    trial = TRIAL.with_values(
        {"dataset": dataset, "training.augment": True, "training.accumulate": accumulate}
    )

    alone, ahead = (contents_of_an_epoch(trial, number) for number in (0, loaders))

    assert len(alone) == len(ahead) >= accumulate
    for one, other in zip(alone, ahead, strict=True):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


@pytest.mark.parametrize("loaders", [1, 4])
def test_the_scenes_of_an_epoch_are_the_same_bits_for_any_number_of_loaders(tmp_path, loaders):
    fabricate_coco(tmp_path)
    dataset = {"name": "coco", **PARAMS["coco"]}
    trial = TRIAL.with_values({"task": "detection", "dataset": dataset, "training.augment": True})

    with reading_data(tmp_path):
        alone, ahead = (contents_of_an_epoch(trial, number) for number in (0, loaders))

    scenes = [
        (one, other)
        for pair in zip(alone, ahead, strict=True)
        for one, other in zip(*pair, strict=True)
    ]
    assert scenes
    for one, other in scenes:
        pairs = zip((one.image, *one.objects), (other.image, *other.objects), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_labels_are_those_of_the_images():
    learner = learner_of(TRIAL)
    train = learner.data.train
    batches = list(in_order(120, 50))

    contents = list(learner.load("train", batches, variation=None))

    assert torch.cat([content.labels for content in contents]).tolist() == train.labels.tolist()
    whole = next(learner.images(train, [np.arange(120)], variation=None))
    assert torch.equal(torch.cat([content.images for content in contents]), whole)


@pytest.mark.parametrize(
    ("device", "side", "images"),
    [
        ("cpu", 32, 256),
        ("meta", 32, 1024),
        ("meta", 128, 1024),
        ("meta", 224, 334),
        ("meta", 1024, 256),
    ],
)
def test_small_images_are_evaluated_many_at_a_time_but_on_a_cpu(device, side, images):
    learner = learner_of(TRIAL, device)
    learner.data = replace(learner.data, input_size=(3, side, side))

    assert learner.at_a_time(256) == images


def run_apart(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which may die."""
    trial = f"from dasbench.spec.trial import Trial\ntrial = Trial.model_validate_json({TRIAL.model_dump_json()!r})\n"
    arguments = [sys.executable, "-c", trial + code]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
def test_a_narrow_network_on_larger_images_trains_without_dying():
    done = run_apart("""
from dasbench.training.run_trial import run_trial
print(run_trial(trial).status)
""")

    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.slow
def test_its_numbers_are_those_of_the_contiguous_format():
    done = run_apart("""
import torch
from torch.nn import functional
from dasbench.catalog import TASKS
from dasbench.datasets.choice import load_dataset
from dasbench.models import build_model
from dasbench.resolution import resolve
from dasbench.spec.network import network_of
trial = resolve(trial)
learner = TASKS["classification"].make().build(trial, device=torch.device("cpu"))
plain = build_model(network_of(trial, load_dataset(trial.dataset))).train()  # contiguous throughout
learner.model.train()
(part,) = next(iter(learner.batches(1)))
images, labels = part.content
expected = functional.cross_entropy(plain(images.contiguous()), labels)
assert abs(learner.loss(part.content).item() - expected.item()) < 1e-5

spared, bare = (model.backbone.layer2[0].downsample[0] for model in (learner.model, plain))
x = torch.randn(32, 8, 64, 64)
inputs = [x.to(memory_format=torch.channels_last).requires_grad_(), x.requires_grad_()]
outs = [layer(one) for layer, one in zip((spared, bare), inputs)]
for out in outs:
    out.square().mean().backward()
for one, other in (outs, (inputs[0].grad, inputs[1].grad), (spared.weight.grad, bare.weight.grad)):
    assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
print("equal")
""")

    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


def test_only_the_strided_layer_of_few_channels_leaves_the_format():
    spared = {"backbone.layer2.0.downsample.0"}  # 8 channels; that of the next stage has 16

    hooked = {
        name for name, module in narrow_network().named_modules() if module._forward_pre_hooks
    }

    assert hooked == spared


def test_no_layer_leaves_the_format_on_another_device_than_a_cpu():
    model = learner_of(TRIAL, "meta").model

    assert not [name for name, module in model.named_modules() if module._forward_pre_hooks]


def test_copies_and_pickles_are_spared_too():
    model = narrow_network().eval()
    images = torch.randn(2, 3, 64, 64)
    expected = model(images)

    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin(images), expected)
        assert len(twin.backbone.layer2[0].downsample[0]._forward_pre_hooks) == 1
