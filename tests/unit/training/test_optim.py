"""Optimisers take the steps that a recipe asks for; learning rates follow their closed forms."""

import copy
import math
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from built import built_network
from torch import nn

from dasbench.spec.trial import Training, Trial
from dasbench.training.optim import learning_rate, make_optimizer, set_learning_rate
from dasbench.training.run_trial import run_trial

SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {},
    "cosine": {},
    "step": {"milestones": (30, 60, 90), "gamma": 0.1},
    "exponential": {"gamma": 0.98},
}


class Scale(nn.Module):
    """A factor without weight decay and an offset with it."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([2.0]))
        self.offset = nn.Parameter(torch.tensor([4.0]))

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        return [self.factor]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor + self.offset


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(1)).sum().backward()  # every gradient is 1
    optimizer.step()


def rate(schedule: str, time: float, **fields: object) -> float:
    recipe = {"epochs": 100, "lr": 0.4, "schedule": schedule, **SCHEDULES[schedule], **fields}
    return learning_rate(Training.model_validate(recipe), time)


@pytest.mark.parametrize("time", [0, 0.5, 1, 29.99, 30, 59.5, 60, 75.25, 90, 99.99])
def test_rates_follow_their_closed_forms(time: float) -> None:
    passed = sum(time >= milestone for milestone in (30, 60, 90))

    assert rate("constant", time) == 0.4
    assert rate("cosine", time) == pytest.approx(0.2 * (1 + math.cos(math.pi * time / 100)))
    assert rate("step", time) == pytest.approx(0.4 * 10.0**-passed)
    assert rate("exponential", time) == pytest.approx(0.4 * 0.98 ** int(time))


def test_a_cosine_passes_the_half_in_the_middle_and_ends_at_zero() -> None:
    assert [rate("cosine", time) for time in (0, 50, 100)] == pytest.approx([0.4, 0.2, 0.0])


def test_steps_may_come_in_any_order_and_at_any_factor() -> None:
    rates = [
        rate("step", time, milestones=(200, 70, 130), gamma=0.2, epochs=300)
        for time in (0, 70, 130, 200)
    ]

    assert rates == pytest.approx([0.4, 0.08, 0.016, 0.0032])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_rises_in_a_straight_line_from_zero(schedule: str) -> None:
    rates = [rate(schedule, time, warmup_epochs=5) for time in (0, 1, 2.5, 4.999)]

    assert rates == pytest.approx([0.0, 0.08, 0.2, 0.4 * 4.999 / 5])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_after_the_warm_up_only_the_cosine_counts_from_its_end(schedule: str) -> None:
    warm = [rate(schedule, time, warmup_epochs=5) for time in (5, 52.5, 99)]
    cold = [rate(schedule, time) for time in (5, 52.5, 99)]
    shifted = [0.4, 0.2, 0.2 * (1 + math.cos(math.pi * 94 / 95))]

    assert warm == pytest.approx(shifted if schedule == "cosine" else cold)


def test_without_special_wishes_all_parameters_form_one_group() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

    (group,) = make_optimizer(model, Training(weight_decay=0.1)).param_groups

    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]
    assert group["weight_decay"] == 0.1


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_parameters_that_a_module_exempts_get_no_weight_decay(optimizer: str) -> None:
    model = nn.Sequential(nn.Identity(), Scale())
    recipe = Training.model_validate({"optimizer": optimizer, "lr": 0.5, "weight_decay": 0.1})

    step(model, make_optimizer(model, recipe))

    # the first step of either is lr * 1; decay is 0.1 * 4 in the gradient, or 0.5 * 0.1 * 4 off the
    # weight
    decayed = {"sgd": 4 - 0.5 * (1 + 0.1 * 4), "adamw": 4 - 0.5 * 1 - 0.5 * 0.1 * 4}[optimizer]
    assert model[1].factor.item() == pytest.approx(2 - 0.5)
    assert model[1].offset.item() == pytest.approx(decayed)


def test_a_network_without_anything_to_decay_has_one_group() -> None:
    model = Scale()
    model.offset.requires_grad_(False)

    (group,) = make_optimizer(model, Training(weight_decay=0.1)).param_groups

    assert (len(group["params"]), group["weight_decay"]) == (1, 0.0)


def test_frozen_parameters_are_left_out_with_or_without_decay() -> None:
    model = nn.Sequential(nn.Linear(2, 2), Scale())
    model[0].weight.requires_grad_(False)
    model[1].factor.requires_grad_(False)

    groups = make_optimizer(model, Training()).param_groups

    assert [id(p) for group in groups for p in group["params"]] == [
        id(model[0].bias),
        id(model[1].offset),
    ]


def test_every_parameter_of_a_gated_network_is_trained_once() -> None:
    trial = Trial.model_validate(
        {"backbone": {"name": "resnet18", "width": 4}, "gate": "srm", "dataset": "digits"}
    )
    network = built_network(trial, num_classes=10)

    decayed, exempt = make_optimizer(network, Training()).param_groups

    gates = {id(p) for p in network.gates.parameters()}
    assert {id(p) for p in exempt["params"]} == gates
    assert sorted(id(p) for p in (*decayed["params"], *exempt["params"])) == sorted(
        id(p) for p in network.parameters()
    )


def test_the_rate_is_set_for_exempt_parameters_too() -> None:
    optimizer = make_optimizer(Scale(), Training(lr=0.5))

    set_learning_rate(optimizer, 0.125)

    assert [group["lr"] for group in optimizer.param_groups] == [0.125, 0.125]


def test_a_restored_optimiser_takes_the_same_steps() -> None:
    model, recipe = Scale(), Training(lr=0.5, momentum=0.9, weight_decay=0.1)
    optimizer = make_optimizer(model, recipe)
    step(model, optimizer)
    twin = copy.deepcopy(model)
    restored = make_optimizer(twin, recipe)

    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    step(model, optimizer)
    step(twin, restored)

    assert torch.equal(twin.factor, model.factor)
    assert torch.equal(twin.offset, model.offset)
    assert [group["weight_decay"] for group in restored.param_groups] == [0.1, 0.0]


def test_a_training_with_exempt_parameters_goes_on_bit_for_bit(tmp_path) -> None:
    trial = Trial.model_validate(
        {
            "backbone": {"name": "resnet18", "width": 2, "stem": "small"},
            "gate": "srm",
            "placement": {"stages": [1, 2]},
            "dataset": {"name": "digits", "image_size": 8},
            "training": {"epochs": 2, "batch_size": 256, "weight_decay": 0.01},
        }
    )
    whole = run_trial(trial)

    run_trial(trial, lambda _: "interrupt", tmp_path)
    resumed = run_trial(trial, workdir=tmp_path)

    assert whole.status == resumed.status == "done"
    assert [e.metrics["train_loss"] for e in resumed.epochs] == [
        e.metrics["train_loss"] for e in whole.epochs
    ]
    assert resumed.metrics == whole.metrics
