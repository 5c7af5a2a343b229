"""Backbones are the published networks."""

import pytest
import torch
import torchvision
from built import built_network
from gated_backbones import network, trial

from dasbench.catalog import BACKBONES, GATES
from dasbench.costs.measure import measure_cost
from dasbench.paper.tables import table
from dasbench.resolution import resolve_network


@pytest.mark.parametrize("width_mult", [1.0, 0.35])
def test_mobilenet_is_torchvisions(width_mult):
    theirs = torchvision.models.mobilenet_v2(num_classes=7, width_mult=width_mult).eval()
    ours = BACKBONES["mobilenet_v2"].make(7, width_mult=width_mult).module.eval()
    x = torch.randn(1, 3, 64, 64)

    ours.load_state_dict(theirs.state_dict())

    assert torch.equal(ours(x), theirs(x))


def test_the_small_stem_of_mobilenet_keeps_small_images_four_times_as_large():
    sizes = []
    for stem in ("imagenet", "small"):
        net = BACKBONES["mobilenet_v2"].make(10, width_mult=0.1, stem=stem).module.eval()
        sizes.append(tuple(net.features(torch.zeros(1, 3, 32, 32)).shape[-2:]))

    assert sizes == [(1, 1), (4, 4)]


@pytest.mark.parametrize(
    ("label", "gate"),
    [
        ("MobileNetV2", "none"),
        ("MobileNetV2 + SENet", "se"),
        ("MobileNetV2 + CBAM", "cbam"),
        ("MobileNetV2 + Triplet Attention", {"name": "triplet", "kernel": 3}),
        ("MobileNetV2 + DAS", "das"),
    ],
)
def test_mobilenet_with_a_gate_has_the_parameters_of_table1(label, gate):
    """By the gate's own placement: before the addition in every block, and for DAS at the stages' ends."""
    with torch.device("meta"):
        net = built_network(trial("mobilenet_v2", gate), num_classes=1000)

    assert (
        sum(p.numel() for p in net.parameters()) == table("table1").row(label).exact["full"].params
    )


def test_mobilenet_with_das_has_the_counts_that_the_paper_counted():
    net = built_network(trial("mobilenet_v2", "das"), num_classes=1000)

    cost = measure_cost(net, (3, 224, 224))

    assert (cost.params_paper, cost.macs_paper) == (
        table("table1").row("MobileNetV2 + DAS").exact["paper"].params,
        353_890_076,
    )


@pytest.mark.parametrize(("label", "gate"), [("GSoP-Net", "gsop"), ("BAM", "bam")])
def test_resnet50_with_gates_in_some_blocks_has_the_parameters_of_table1(label, gate):
    with torch.device("meta"):
        net = built_network(trial("resnet50", gate), num_classes=1000)

    assert (
        sum(p.numel() for p in net.parameters())
        == table("table1").row(f"ResNet-50 + {label}").exact["full"].params
    )


@pytest.mark.parametrize("gate", [name for name in GATES.names() if name != "none"])
def test_every_gate_has_a_place_in_mobilenet_and_learns_there(gate):
    net = network({"name": "mobilenet_v2", "width_mult": 0.1, "stem": "small"}, gate).train()

    net(torch.randn(2, 3, 32, 32)).square().sum().backward()

    assert net.gates


def test_a_gate_can_ask_for_another_stride_of_the_last_stage():
    assert resolve_network(trial("resnet18", "gsop")).backbone.params["last_stride"] == 1
    assert resolve_network(trial("resnet18", "se")).backbone.params["last_stride"] == 2
    assert (
        resolve_network(trial({"name": "resnet18", "last_stride": 2}, "gsop")).backbone.params[
            "last_stride"
        ]
        == 2
    )
    assert "last_stride" not in resolve_network(trial("mobilenet_v2", "gsop")).backbone.params


@pytest.mark.parametrize(("stride", "side"), [(1, 4), (2, 2)])
def test_the_last_stride_decides_the_size_of_the_last_map(stride, side):
    net = BACKBONES["resnet18"].make(10, width=2, last_stride=stride).module.eval()
    shapes = []
    net.layer4.register_forward_hook(lambda _module, _args, output: shapes.append(output.shape[-1]))

    net(torch.zeros(1, 3, 64, 64))

    assert shapes == [side]
