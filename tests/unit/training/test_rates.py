"""Gates whose authors train some parameters at a multiple of the learning rate are trained so, wherever they stand."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from built import built_network
from torch import nn
from torch.optim import SGD, Optimizer

from dasbench.catalog import GATES, TASKS
from dasbench.gates.traits import HasRates
from dasbench.resolution import resolve
from dasbench.spec.trial import Training, Trial
from dasbench.training.checkpoints import Checkpoints
from dasbench.training.fit import Progress, fit
from dasbench.training.optim import learning_rate, make_optimizer, set_learning_rate
from dasbench.training.run_trial import run_trial

NARROW = {"name": "resnet18", "width": 4, "stem": "small"}
GE = {"name": "ge", "variant": "theta_plus", "size": 8, "base_channels": 4}
DIGITS = {"name": "digits", "image_size": 8}
SHAPES = {
    "name": "salient_shapes",
    "image_size": 32,
    "num_train": 60,
    "num_val": 60,
    "num_test": 60,
}
SMALL_DETECTOR = {
    "shorter_side": 32,
    "pyramid": 8,
    "features": 16,
    "proposals": 16,
    "sampled": 16,
    "norms": "trained",
}
TASKS_WITH_DATA: dict[str, dict[str, Any]] = {
    "classification": {"task": "classification", "dataset": DIGITS},
    "detection": {"task": {"name": "detection", **SMALL_DETECTOR}, "dataset": SHAPES},
    "segmentation": {"task": "segmentation", "dataset": SHAPES},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {},
    "cosine": {},
    "step": {"milestones": (3, 6), "gamma": 0.1},
    "exponential": {"gamma": 0.9},
}


class Slow(nn.Module):
    """A weight at a tenth of the rate, a shift without decay at twice the rate, and a plain gain."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))
        self.shift = nn.Parameter(torch.tensor([3.0]))
        self.gain = nn.Parameter(torch.tensor([4.0]))

    def rate_factors(self) -> Mapping[nn.Parameter, float]:
        return {self.weight: 0.1, self.shift: 2.0}

    def undecayed_parameters(self) -> list[nn.Parameter]:
        return [self.shift]


def make_trial(gate: object, **fields: object) -> Trial:
    return Trial.model_validate({"backbone": NARROW, "gate": gate, "dataset": DIGITS, **fields})


def learner_of(task: str, gate: object, **training: object) -> Any:
    trial = resolve(make_trial(gate, **TASKS_WITH_DATA[task], training=training))
    return TASKS[task].make(**trial.task.params).build(trial, device=torch.device("cpu"))


def step(model: Slow, optimizer: Optimizer) -> None:
    optimizer.zero_grad()
    (model.weight + model.shift + model.gain).sum().backward()  # every gradient is 1
    optimizer.step()


def treatments(model: nn.Module, optimizer: Optimizer) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay by the name of the parameter; fails if one is trained twice."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found: dict[str, tuple[float, float]] = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert names[id(parameter)] not in found
            found[names[id(parameter)]] = (group["lr"], group["weight_decay"])
    return found


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_factor_scales_the_step_and_the_decay_of_its_parameters_alone(optimizer: str) -> None:
    model = Slow()
    recipe = Training.model_validate({"optimizer": optimizer, "lr": 0.5, "weight_decay": 0.1})

    step(model, make_optimizer(model, recipe))

    # the first step of either is rate * 1; decay adds rate * 0.1 * value, to the gradient or off
    # the weight
    assert model.gain.item() == pytest.approx(4 - 0.5 * (1 + 0.1 * 4))
    assert model.weight.item() == pytest.approx(2 - 0.05 * (1 + 0.1 * 2))
    assert model.shift.item() == pytest.approx(3 - 1.0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_scales_every_group_and_keeps_their_ratio(schedule: str) -> None:
    model = Slow()
    fields = {
        "epochs": 9,
        "lr": 0.4,
        "schedule": schedule,
        "warmup_epochs": 1,
        **SCHEDULES[schedule],
    }
    recipe = Training.model_validate(fields)
    optimizer = make_optimizer(model, recipe)

    for time in (0, 0.25, 1, 2.5, 3, 6.5, 8.9):
        rate = learning_rate(recipe, time)
        set_learning_rate(optimizer, rate)

        rates = {name: given for name, (given, _) in treatments(model, optimizer).items()}
        assert rates == {"gain": rate, "weight": rate * 0.1, "shift": rate * 2.0}


def test_groups_come_in_a_fixed_order_with_the_usual_ones_first() -> None:
    groups = make_optimizer(
        nn.Sequential(Slow(), nn.Linear(2, 2)), Training(lr=0.5, weight_decay=0.1)
    ).param_groups

    assert [(len(group["params"]), group["lr"], group["weight_decay"]) for group in groups] == [
        (3, 0.5, 0.1),
        (1, 0.05, 0.1),
        (1, 1.0, 0.0),
    ]


@pytest.mark.parametrize("task", TASKS_WITH_DATA)
def test_the_offsets_of_deformable_attention_learn_at_a_tenth_of_the_rate_in_every_task(
    task: str,
) -> None:
    model = learner_of(task, "deform_attn").model

    found = treatments(model, make_optimizer(model, Training(lr=0.5, weight_decay=0.1)))

    offsets = {name for name in found if name.startswith("gates.") and ".offset." in name}
    assert len(offsets) == 8  # weight and bias, in four stages
    assert {name: value for name, value in found.items() if value != (0.5, 0.1)} == dict.fromkeys(
        offsets, (0.05, 0.1)
    )
    assert set(found) == {
        name for name, parameter in model.named_parameters() if parameter.requires_grad
    }


def test_in_gather_excite_the_biases_learn_twice_as_fast_and_the_norm_does_not_decay() -> None:
    model = learner_of("classification", GE).model

    found = treatments(model, make_optimizer(model, Training(lr=0.5, weight_decay=0.1)))

    assert (
        len([name for name in found if ".excite." in name and name.endswith("bias")]) == 16
    )  # two in each block
    for name, treatment in found.items():
        if ".excite." in name and name.endswith("bias"):
            assert treatment == (1.0, 0.0), name
        elif name.startswith("gates.") and ".norm." in name:
            assert treatment == (0.5, 0.0), name
        else:
            assert treatment == (0.5, 0.1), name


@pytest.mark.parametrize("name", [name for name in GATES.names() if name != "deform_attn"])
def test_networks_whose_gates_ask_for_no_rate_have_the_groups_that_they_had(name: str) -> None:
    network = built_network(make_trial(name), num_classes=10)
    exempt = {id(p) for p in network.gates.parameters()} if name in ("gala", "srm") else set()
    usual = [p for p in network.parameters() if id(p) not in exempt]
    plain, undecayed = (
        {"params": usual},
        {"params": [*network.gates.parameters()], "weight_decay": 0.0},
    )
    by_hand = SGD([plain, undecayed] if exempt else [plain], lr=0.5, momentum=0.9, weight_decay=0.1)

    optimizer = make_optimizer(network, Training(lr=0.5, momentum=0.9, weight_decay=0.1))

    assert not any(
        isinstance(gate, HasRates) and gate.rate_factors() for gate in network.gates.modules()
    )
    assert optimizer.state_dict() == by_hand.state_dict()


@pytest.mark.parametrize("gate", ["deform_attn", GE], ids=["deform_attn", "ge"])
def test_a_training_with_rates_of_its_own_goes_on_bit_for_bit(tmp_path, gate: object) -> None:
    training = {
        "epochs": 2,
        "batch_size": 256,
        "weight_decay": 0.01,
        "lr": 0.1,
        "schedule": "step",
        "milestones": [1],
    }
    trial = make_trial(gate, training=training)
    whole = run_trial(trial)

    run_trial(trial, lambda _: "interrupt", tmp_path)
    resumed = run_trial(trial, workdir=tmp_path)

    assert whole.status == resumed.status == "done"
    assert [e.metrics["train_loss"] for e in resumed.epochs] == [
        e.metrics["train_loss"] for e in whole.epochs
    ]
    assert resumed.metrics == whole.metrics


def test_a_checkpoint_keeps_the_factors(tmp_path) -> None:
    learner, checkpoints = (
        learner_of("classification", "deform_attn", epochs=1, lr=0.3),
        Checkpoints(tmp_path),
    )

    fit(
        learner,
        learner.trial.training,
        seed=0,
        device=torch.device("cpu"),
        report=lambda _: "continue",
        checkpoints=checkpoints,
        progress=Progress(),
    )

    state = checkpoints.latest()
    assert state is not None
    usual, slow = state["optimizer"]["param_groups"]
    assert (usual.get("rate_factor"), slow["rate_factor"], len(slow["params"])) == (None, 0.1, 8)
    assert slow["lr"] == usual["lr"] * 0.1
