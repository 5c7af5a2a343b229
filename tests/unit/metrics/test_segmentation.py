"""Scores of pixels are what a plain count of them gives, and scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score

from dasbench.metrics.segmentation import count_pixels, miou, pixel_accuracy


def pixels(
    seed: int, *, num_classes: int, missing: tuple[int, ...] = ()
) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes and claims of 3 images of 7x5 pixels, right about half of the time."""
    draws = np.random.default_rng(seed)
    classes = [c for c in range(num_classes) if c not in missing]
    truth, found = draws.choice(classes, (2, 3, 7, 5))
    found = np.where(draws.random(found.shape) < 0.4, truth, found)
    return torch.from_numpy(truth), torch.from_numpy(found)


def iou_by_loops(truth: torch.Tensor, found: torch.Tensor, *, num_classes: int) -> float:
    """Mean intersection over union, by sets of pixels."""
    scores = []
    for each in range(num_classes):
        there, claimed = (
            {tuple(place) for place in (maps == each).nonzero().tolist()} for maps in (truth, found)
        )
        if there | claimed:
            scores.append(len(there & claimed) / len(there | claimed))
    return 100 * sum(scores) / len(scores)


@pytest.mark.parametrize("missing", [(), (0,), (2, 4)], ids=["all", "no background", "two missing"])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_a_plain_count_and_of_scikit_learn(seed, missing):
    truth, found = pixels(seed, num_classes=5, missing=missing)
    flat = truth.flatten().numpy(), found.flatten().numpy()

    confusion = count_pixels(truth, found, num_classes=5)

    assert np.array_equal(confusion, confusion_matrix(*flat, labels=range(5)))
    assert miou(confusion) == pytest.approx(iou_by_loops(truth, found, num_classes=5))
    assert miou(confusion) == pytest.approx(100 * jaccard_score(*flat, average="macro"))
    assert pixel_accuracy(confusion) == pytest.approx(100 * accuracy_score(*flat))


def test_a_class_that_is_claimed_but_nowhere_counts_as_wrong():
    truth, found = torch.zeros(2, 2), torch.tensor([[0, 0], [0, 1]])

    confusion = count_pixels(truth, found, num_classes=3)

    assert miou(confusion) == pytest.approx(100 * (3 / 4 + 0) / 2)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_many_classes_in_few_bits_are_counted_right(dtype):
    truth = torch.arange(200).to(dtype)

    confusion = count_pixels(truth, truth, num_classes=200)

    assert torch.equal(confusion, torch.eye(200, dtype=torch.int64))
    assert miou(confusion) == pixel_accuracy(confusion) == 100.0


def test_counts_of_batches_add_up():
    truth, found = pixels(0, num_classes=4)

    parts = [count_pixels(a, b, num_classes=4) for a, b in zip(truth, found, strict=True)]

    assert torch.equal(sum(parts), count_pixels(truth, found, num_classes=4))


def test_pixels_that_are_ignored_count_nowhere():
    truth, found = pixels(0, num_classes=4)
    ignored = torch.rand(truth.shape, generator=torch.Generator().manual_seed(1)) < 0.3

    confusion = count_pixels(truth.masked_fill(ignored, 255), found, num_classes=4, ignored=255)

    assert torch.equal(confusion, count_pixels(truth[~ignored], found[~ignored], num_classes=4))
