"""Whole networks against timm's: equal weights give equal logits and equal gradients of the images."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from built import built_network
from torch import Tensor, nn

from dasbench.models import GatedNetwork
from dasbench.spec.trial import Trial

pytestmark = pytest.mark.slow  # importing timm takes several seconds


def resnet18_of_timm(attention: Any) -> nn.Module:
    resnet = pytest.importorskip("timm.models.resnet")
    return resnet.ResNet(
        resnet.BasicBlock, (2, 2, 2, 2), num_classes=10, block_args={"attn_layer": attention}
    )


def se_resnet50() -> tuple[nn.Module, dict[str, Any]]:
    timm = pytest.importorskip("timm")
    return timm.create_model("seresnet50", num_classes=10), {
        "backbone": "resnet50",
        "gate": {"name": "se", "bias": True},
    }


def eca_resnet18() -> tuple[nn.Module, dict[str, Any]]:
    return resnet18_of_timm("eca"), {"backbone": "resnet18", "gate": "eca"}


def cbam_resnet18() -> tuple[nn.Module, dict[str, Any]]:
    layers = pytest.importorskip("timm.layers")
    attention = partial(layers.cbam.CbamModule, mlp_bias=True)
    return resnet18_of_timm(attention), {"backbone": "resnet18", "gate": "cbam"}


def take_se(ours: nn.Module, theirs: nn.Module) -> None:
    for mine, other in ((ours.reduce, theirs.fc1), (ours.expand, theirs.fc2)):
        mine.load_state_dict({"weight": other.weight.flatten(1), "bias": other.bias})


def take_eca(ours: nn.Module, theirs: nn.Module) -> None:
    ours.conv.load_state_dict(theirs.conv.state_dict())


def take_cbam(ours: nn.Module, theirs: nn.Module) -> None:
    for mine, other in ((ours.mlp[0], theirs.channel.fc1), (ours.mlp[2], theirs.channel.fc2)):
        mine.load_state_dict({"weight": other.weight.flatten(1), "bias": other.bias})
    ours.norm.load_state_dict(theirs.spatial.conv.bn.state_dict())
    ours.spatial.weight.data = theirs.spatial.conv.conv.weight.data.flip(
        1
    )  # they stack mean before max


NETWORKS: dict[
    str,
    tuple[Callable[[], tuple[nn.Module, dict[str, Any]]], Callable[[nn.Module, nn.Module], None]],
] = {
    "SE-ResNet-50": (se_resnet50, take_se),
    "ECA-ResNet-18": (eca_resnet18, take_eca),
    "CBAM-ResNet-18": (cbam_resnet18, take_cbam),
}


def twins(name: str) -> tuple[GatedNetwork, nn.Module]:
    torch.manual_seed(0)
    build, take = NETWORKS[name]
    theirs, fields = build()
    with torch.no_grad():
        for tensor in theirs.parameters():
            tensor.copy_(torch.randn_like(tensor) * 0.05 + (tensor.dim() == 1))
    ours = built_network(Trial.model_validate({**fields, "dataset": "digits"}), num_classes=10)
    plain = {key: value for key, value in theirs.state_dict().items() if ".se." not in key}
    ours.backbone.load_state_dict(plain)
    for key, gate in ours.gates.items():
        block = key.replace(":", ".").rpartition(".")[0]
        take(gate, theirs.get_submodule(block).se)
    return ours.double(), theirs.double()


def behaviour(network: nn.Module, *, train: bool) -> tuple[Tensor, Tensor]:
    x = torch.randn(
        3, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    ).requires_grad_()
    logits = network.train(train)(x)
    (gradient,) = torch.autograd.grad(logits.square().sum(), x)
    return logits.detach(), gradient


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", NETWORKS)
def test_equal_weights_give_equal_logits_and_gradients(name: str, train: bool) -> None:
    ours, theirs = twins(name)

    for mine, other in zip(
        behaviour(ours, train=train), behaviour(theirs, train=train), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-8 * float(other.abs().max()))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_comparison_detects_one_changed_gate(name: str) -> None:
    ours, theirs = twins(name)
    with torch.no_grad():
        for parameter in ours.gates[
            "layer3:1:bn3" if "50" in name else "layer3:1:bn2"
        ].parameters():
            parameter.mul_(1.5)

    mine, other = behaviour(ours, train=False)[0], behaviour(theirs, train=False)[0]

    assert (mine - other).abs().max() > 1e-6 * other.abs().max()
