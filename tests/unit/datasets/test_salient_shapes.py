"""The generated images pose the question that they are meant to pose."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from dasbench.datasets.dataset import Dataset
from dasbench.datasets.salient_shapes import salient_shapes
from dasbench.datasets.scenes import APART, RADIUS
from dasbench.spec.trial import Trial
from dasbench.testing.datasets import check_split
from dasbench.training.run_trial import run_trial

SMALL = {"num_train": 120, "num_val": 60, "num_test": 60}


def shapes(**params: float) -> Dataset[Any]:
    """The data set, whose parts give out more than every part of a data set does."""
    return salient_shapes(**params)


@pytest.mark.parametrize("size", [32, 65, 224])
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_images_of_every_size_and_difficulty_are_drawn(size, difficulty):
    data = shapes(image_size=size, difficulty=difficulty, num_train=60, num_val=60, num_test=60)

    images = data.test.batch(np.arange(12))

    assert images.shape == (12, 3, size, size)
    assert images.float().std() > 15
    assert len({image.numpy().tobytes() for image in images}) == 12


def test_an_image_depends_on_its_index_alone():
    train = shapes(**SMALL).train

    check_split(train)
    assert torch.equal(
        shapes(**{**SMALL, "num_train": 90}).train.batch(np.array([7])),
        train.batch(np.array([7])),
    )


def test_every_class_is_equally_frequent():
    assert np.bincount(shapes(**SMALL).train.labels).tolist() == [20] * 6


def test_the_mask_and_the_box_hold_the_object():
    data = shapes(image_size=64, difficulty=0.0, **SMALL)

    masks, boxes = data.train.regions(np.arange(60))
    images = data.train.batch(np.arange(60)).float()
    inside = torch.stack(
        [image[:, mask].mean(1) for image, mask in zip(images, masks, strict=True)]
    )
    outside = torch.stack(
        [image[:, ~mask].mean(1) for image, mask in zip(images, masks, strict=True)]
    )

    assert ((inside - outside).abs().mean(1) > 50).all()
    for mask, (left, upper, right, lower) in zip(masks, boxes.tolist(), strict=True):
        assert mask[upper:lower, left:right].sum() == mask.sum() > 0
        assert mask[upper:lower, left].any()
        assert mask[lower - 1, left:right].any()


def test_the_two_ends_lie_further_apart_than_a_small_kernel_sees():
    _, boxes = shapes(image_size=32, **SMALL).train.regions(np.arange(120))
    longest = torch.hypot(*(boxes[:, 2:] - boxes[:, :2]).float().T)

    assert APART[0] * 32 - 2 * RADIUS * 32 > 3
    assert (longest > (APART[0] + RADIUS) * 32).all()


def test_difficulty_changes_the_images_but_not_the_objects():
    easy, hard = (shapes(difficulty=difficulty, **SMALL).train for difficulty in (0.0, 1.0))

    assert not torch.equal(easy.batch(np.arange(6)), hard.batch(np.arange(6)))
    assert torch.equal(easy.regions(np.arange(6)).masks, hard.regions(np.arange(6)).masks)


def test_parameters_change_the_fingerprint():
    prints = {
        shapes(**params).fingerprint
        for params in ({}, {"difficulty": 0.6}, {"num_train": 600}, {"image_size": 33})
    }

    assert len(prints) == 4


def test_a_linear_model_cannot_tell_the_classes():
    data = shapes(difficulty=0.0, num_train=1500, num_val=60)
    train, test = (
        part.batch(np.arange(len(part))).flatten(1).numpy() / 255 - 0.5
        for part in (data.train, data.test)
    )

    model = LogisticRegression(C=1e-3, max_iter=50).fit(train, data.train.labels)

    assert model.score(test, data.test.labels) < 0.25  # six classes: chance is 0.17


@pytest.mark.slow
def test_a_narrow_resnet_can_tell_the_classes():
    outcome = run_trial(
        Trial(
            backbone={"name": "resnet18", "width": 8, "stem": "small"},
            dataset="salient_shapes",
            training={"epochs": 10, "lr": 0.05, "warmup_epochs": 1, "weight_decay": 5e-4},
        )
    )

    assert outcome.metrics["top1"] > 80
