"""Losses that are read some steps later: the same mean, the same failure at the same step."""

import math

import pytest
import torch
from torch import nn

from dasbench.errors import DivergedError
from dasbench.spec.trial import Training
from dasbench.training.fit import LOOK_BACK, Losses, alone, train_epoch
from dasbench.training.optim import make_optimizer


class Steps:
    """A learner whose losses are given, one after the other; None raises something."""

    examples_per_epoch = 1

    def __init__(self, losses):
        self.given = losses
        self.steps_per_epoch = len(losses)
        self.model = nn.Linear(1, 1)
        self.taken = 0

    def batches(self, epoch):
        yield from self.given

    def losses(self, batch):
        self.taken += 1
        if batch is None:
            raise RuntimeError("a kernel that does not take what is not finite")
        yield self.model.weight.sum() * 0 + batch


def mean_loss(given, look_back):
    learner, losses = Steps(given), Losses(3, look_back=look_back)
    optimizer = make_optimizer(learner.model, Training())
    train_epoch(
        learner, optimizer, Training(epochs=3), losses=losses, deadline=math.inf, add_up=alone
    )
    return losses.total / learner.steps_per_epoch


@pytest.mark.parametrize("look_back", [1, 2, LOOK_BACK, 1000])
def test_the_mean_loss_does_not_depend_on_how_far_one_looks_back(look_back):
    given = torch.rand(120, generator=torch.Generator().manual_seed(0)).tolist()

    assert mean_loss(given, look_back) == mean_loss(given, 1)


@pytest.mark.parametrize("look_back", [1, 4, 7, LOOK_BACK])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_is_named_whenever_it_is_seen(look_back, bad):
    with pytest.raises(DivergedError, match=rf"the loss is {bad} in epoch 3, step 4"):
        mean_loss([1.0, 1.0, 1.0, bad, math.nan, 1.0], look_back)


def test_what_fails_after_a_loss_that_was_not_finite_failed_because_of_it():
    with pytest.raises(DivergedError, match="step 2"):
        mean_loss([1.0, math.nan, None], LOOK_BACK)


def test_another_failure_stays_what_it_is():
    with pytest.raises(RuntimeError, match="a kernel"):
        mean_loss([1.0, 1.0, None], LOOK_BACK)
