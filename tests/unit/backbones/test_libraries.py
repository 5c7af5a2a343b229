"""Any network of torchvision and of timm, and where gates can stand in it."""

import sys

import pytest
import torch
import torchvision
from gated_backbones import RESNETS, network, on_meta
from torch import nn

from dasbench.backbones.tracing import trace_sites
from dasbench.catalog import BACKBONES
from dasbench.errors import ModelError


def test_torchvisions_networks_are_there_by_their_names():
    backbone = BACKBONES["torchvision"].make(10, model="efficientnet_b0")

    ends = [(site.path, site.channels) for site in backbone.sites if site.after == "stage"]
    assert ends == [
        (f"features.{i}", c) for i, c in ((1, 16), (2, 24), (3, 40), (5, 112), (7, 320))
    ]
    assert backbone.module(torch.zeros(2, 3, 64, 64)).shape == (2, 10)


def test_timms_networks_are_there_by_their_names():
    pytest.importorskip("timm")
    backbone = BACKBONES["timm"].make(10, model="resnet26")

    assert [site.path for site in backbone.sites if site.after == "stage"] == [
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    ]
    assert backbone.module.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 10)


@pytest.mark.parametrize("name", RESNETS[:3])
def test_tracing_finds_the_stages_and_blocks_that_a_resnet_declares(name):
    declared = {
        (s.path, s.stage, s.channels, s.after, s.block)
        for s in on_meta(name).sites
        if s.after in ("stage", "block")
    }
    net = torchvision.models.get_model(name, weights=None)

    traced = {
        (s.path, s.stage, s.channels, s.after, s.block) for s in trace_sites(net, image_side=224)
    }

    assert traced == declared


def test_tracing_leaves_the_network_alone():
    net = torchvision.models.shufflenet_v2_x0_5(num_classes=10).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}

    trace_sites(net, image_side=64)

    assert net.training
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_network_whose_maps_grow_again_has_no_places():
    encoder = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
    )

    assert trace_sites(encoder, image_side=32) == ()


def test_a_module_that_runs_twice_is_no_place():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.shared = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.shared(self.shared(self.first(x)))

    assert {site.path for site in trace_sites(Twice(), image_side=8)} == {"first"}


def test_gates_stand_in_a_traced_network_at_the_blocks_ends_if_before_the_addition_is_their_place():
    net = network({"name": "torchvision", "model": "shufflenet_v2_x0_5"}, "se")

    assert len(net.gates) == 4 + 8 + 4
    assert list(net.gates)[:2] == ["stage2:0", "stage2:1"]
    assert net(torch.randn(2, 3, 64, 64)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "model", "near"),
    [("torchvision", "efficientnet_b00", "efficientnet_b0"), ("timm", "resnet25", "resnet26")],
)
def test_an_unknown_network_is_answered_with_the_nearest(name, model, near):
    if name == "timm":
        pytest.importorskip("timm")

    with pytest.raises(ModelError, match=f"'{model}'; nearest: .*{near}"):
        BACKBONES[name].make(10, model=model)


def test_timms_names_never_reach_for_the_network():
    pytest.importorskip("timm")

    with pytest.raises(ModelError, match="timm has no network"):
        BACKBONES["timm"].make(10, model="hf-hub:timm/resnet18.a1_in1k")


def test_without_timm_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(ModelError, match=r"pip install dasbench\[timm\]"):
        BACKBONES["timm"].make(10, model="resnet26")
