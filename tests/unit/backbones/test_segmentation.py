"""A network for the class of each pixel with any gate: what it answers, learns and costs."""

import pytest
import torch
from tiny_segmentation import TRIAL, learner_of
from torch import nn
from torchvision.models.segmentation.fcn import FCNHead

from dasbench.backbones.segmentation import FullyConvolutional
from dasbench.backbones.site import Site
from dasbench.catalog import BACKBONES, GATES, TASKS
from dasbench.costs.measure import measure_cost
from dasbench.errors import ModelError
from dasbench.resolution import resolve

WITHOUT_GRADIENT = {"abn": {"gates.layer3.branch.classify.weight"}}
"""What only its own classification of the images would teach."""


# the network


def network(levels: int = 3, **params: object) -> FullyConvolutional:
    net = BACKBONES["resnet18"].make(10, **{"width": 4, "stem": "small", **params})
    ends = [site for site in net.sites if site.after == "stage"]
    return FullyConvolutional(net.module, ends, num_classes=7, levels=levels)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(33, 47), (64, 31)], ids=str)
@pytest.mark.parametrize("stem", ["imagenet", "small"])
def test_there_is_a_score_for_each_pixel_of_an_image_of_any_size(levels, size, stem):
    assert network(levels, stem=stem)(torch.randn(2, 3, *size)).shape == (2, 7, *size)


def test_scores_of_one_level_are_those_of_the_head_enlarged():
    model = network(1).eval()
    x = torch.randn(2, 3, 40, 40)

    maps = model.body(x)["layer4"]

    expected = nn.functional.interpolate(
        model.head(maps), size=(40, 40), mode="bilinear", align_corners=False
    )
    assert torch.equal(model(x), expected)


def test_a_finer_level_adds_its_votes():
    model = network(2).eval()
    x = torch.randn(1, 3, 32, 32)
    before = model(x)

    nn.init.zeros_(model.scores["layer3"].weight)
    nn.init.zeros_(model.scores["layer3"].bias)

    assert not torch.allclose(model(x), before)


def test_more_levels_than_the_backbone_has_are_refused():
    with pytest.raises(
        ModelError, match=r"task\.levels: 4 .* the backbone has 3 \(of stride 1, 2, 4\)"
    ):
        network(4, last_stride=1)


@pytest.mark.parametrize("gate", GATES.names())
def test_every_gate_learns_from_pixels(gate):
    trial = TRIAL.with_values({"gate": gate, "backbone.width": 8, "training.batch_size": 4})
    learner = learner_of(trial)
    learner.model.train()

    loss = sum(learner.losses(next(iter(learner.batches(1)))))
    loss.backward()

    assert torch.isfinite(loss)
    untaught = {
        name for name, parameter in learner.model.named_parameters() if parameter.grad is None
    }
    assert untaught == WITHOUT_GRADIENT.get(gate, set())
    for name, parameter in learner.model.named_parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("gate", ["das", "bam", "se", "emca"])
def test_gates_act_and_without_them_the_network_is_the_plain_one(gate):
    plain, gated = (
        learner_of(TRIAL.with_values({"gate": name})).model.eval() for name in ("none", gate)
    )
    x = torch.randn(2, 3, 32, 32)
    expected, before = plain(x), gated(x)

    for module in gated.gates.children():
        module.forward = lambda x: x

    assert not torch.allclose(before, expected, atol=1e-3)
    assert torch.equal(gated(x), expected)


@pytest.mark.parametrize("gate", ["bam", "dra"])
def test_a_gate_has_learnt_nothing_before_the_training(gate):
    """Its statistics are those that a batch norm starts from."""
    for name, value in learner_of(TRIAL.with_values({"gate": gate})).model.named_buffers():
        if name.endswith("running_mean"):
            assert not value.any(), name


# what it costs


def test_a_tiny_network_costs_what_a_hand_counts():
    backbone = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )
    ends = (Site("0", 1, 4, "stage"), Site("1", 2, 8, "stage"))

    cost = measure_cost(FullyConvolutional(backbone, ends, num_classes=3, levels=2), (3, 16, 16))

    layers = (3 * 4 * 9 + 4) + (4 * 8 * 9 + 8)
    head = 8 * 2 * 9 + 2 * 2 + (2 * 3 + 3)  # convolution, batch norm, convolution
    vote = 4 * 3 + 3
    assert cost.params_full == layers + head + vote == 580
    in_layers = 8 * 8 * 4 * 27 + 4 * 4 * 8 * 36
    in_head = 16 * 2 * 72 + 2 * 16 * 2 + 16 * 3 * 2
    in_votes = 8 * 8 * 3 * 4
    enlarging = 4 * 3 * (8 * 8 + 16 * 16)  # bilinear: four neighbours for each number
    assert cost.macs_full == in_layers + in_head + in_votes + enlarging
    assert cost.uncounted == {}


def test_a_trial_costs_its_backbone_without_the_last_layer_and_the_head():
    trial = TRIAL.with_values({"gate": "none"})
    backbone = BACKBONES["resnet18"].make(6, width=4, stem="small").module

    cost = TASKS["segmentation"].make(levels=1).cost(resolve(trial))

    parts = (backbone, FCNHead(32, 7))
    numbers = sum(parameter.numel() for part in parts for parameter in part.parameters())
    assert cost.params_full == numbers - (32 * 6 + 6)


@pytest.mark.parametrize("gate", GATES.names())
def test_nothing_of_any_gate_is_taken_as_free(gate):
    plain, gated = (
        TASKS["segmentation"].make().cost(resolve(TRIAL.with_values({"gate": name})))
        for name in ("none", gate)
    )

    assert gated.uncounted == {}
    if gate in ("none", "asr"):  # ASR dissolves into the batch norm before it
        assert gated == plain
    else:
        assert gated.macs_full > plain.macs_full
