"""A2: gathering and handing out, against the formula written as one einsum, and the published parameters."""

from math import log

import pytest
import torch
from torch import Tensor, nn

from dasbench.catalog import BACKBONES, GATES
from dasbench.gates.a2 import A2Gate
from dasbench.models import GatedNetwork
from dasbench.paper.tables import published, table

SITES = ("layer2.1", "layer2.3", "layer3.1", "layer3.3", "layer3.5")
"""Every second block of stages 2 and 3 of ResNet-50, after the addition."""


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for tensor in module.state_dict().values():
        tensor.copy_(torch.randn_like(tensor) * 0.5)
    return module


def by_formula(gate: A2Gate, x: Tensor) -> Tensor:
    """Sum over positions p and descriptors n: features[m, p] gather[n, p] mix[n, q], then the last convolution."""

    def project(conv: nn.Conv2d, values: Tensor) -> Tensor:
        return torch.einsum("oc,bcp->bop", conv.weight[:, :, 0, 0], values) + conv.bias.view(
            1, -1, 1
        )

    flat = x.flatten(2)
    gather, mix = project(gate.gathering, flat).exp(), project(gate.distribution, flat).exp()
    gather, mix = gather / gather.sum(2, keepdim=True), mix / mix.sum(1, keepdim=True)
    mixed = torch.einsum("bmp,bnp,bnq->bmq", project(gate.features, flat), gather, mix)
    return x + project(gate.expand, mixed).view_as(x)


def test_a_map_of_two_pixels_by_hand() -> None:
    """Values 0 and ln 3 are gathered with weights 1/4 and 3/4; the only descriptor is handed out in full."""
    gate = A2Gate(1)
    for parameter, value in zip(gate.parameters(), (1.0, 0.0) * 4, strict=True):
        nn.init.constant_(parameter, value)
    gathered = 0.75 * log(3)

    out = gate(torch.tensor([0.0, log(3)]).view(1, 1, 1, 2))

    assert out.flatten().tolist() == pytest.approx([gathered, log(3) + gathered])


def test_the_gate_is_its_formula() -> None:
    gate = scramble(A2Gate(6).double())
    x = torch.randn(2, 6, 3, 5, dtype=torch.float64)

    expected = by_formula(gate, x)

    torch.testing.assert_close(gate(x), expected)
    gate.gathering, gate.distribution = gate.distribution, gate.gathering
    assert not torch.allclose(gate(x), expected)


def test_the_softmaxes_run_over_positions_and_over_descriptors() -> None:
    gate = scramble(A2Gate(6))
    x = torch.randn(2, 6, 3, 5)

    gather, mix = gate.where_to_gather(x), gate.how_to_mix(x)

    torch.testing.assert_close(gather.sum(2), torch.ones(2, 3))
    torch.testing.assert_close(mix.sum(1), torch.ones(2, 15))
    assert not torch.allclose(gather.sum(1), torch.ones(2, 15), atol=1e-3)
    assert not torch.allclose(mix.sum(2), torch.ones(2, 3), atol=1e-3)


def test_moving_positions_moves_the_result_with_them() -> None:
    gate = scramble(A2Gate(6))
    x = torch.randn(1, 6, 3, 5)
    order, channels = torch.randperm(15), [1, 2, 3, 4, 5, 0]

    def moved(y: Tensor) -> Tensor:
        return y.flatten(2)[:, :, order].view_as(y)

    torch.testing.assert_close(gate(moved(x)), moved(gate(x)))
    assert not torch.allclose(gate(x[:, channels]), gate(x)[:, channels], atol=1e-3)


def test_the_images_of_a_batch_do_not_mix() -> None:
    """A softmax over the batch, as some libraries have it, would."""
    gate = scramble(A2Gate(6))
    x = torch.randn(3, 6, 2, 2)

    torch.testing.assert_close(gate(x), torch.cat([gate(image) for image in x.split(1)]))


@pytest.mark.parametrize(
    ("channels", "reduction", "width"), [(8, 2, 4), (8, 1, 8), (9, 2, 4), (3, 8, 1)]
)
def test_the_reduction_sets_the_number_and_the_width_of_descriptors(
    channels: int, reduction: int, width: int
) -> None:
    gate = A2Gate(channels, reduction=reduction)

    assert (
        gate.features.out_channels
        == gate.gathering.out_channels
        == gate.distribution.out_channels
        == width
    )
    assert gate(torch.rand(1, channels, 2, 2)).shape == (1, channels, 2, 2)


def test_resnet50_has_the_exact_parameters_a_quarter_percent_below_the_printed() -> None:
    with torch.device("meta"):
        backbone = BACKBONES["resnet50"].make(1000)
        gates = {
            site.path: GATES["a2"].make(site.channels)
            for site in backbone.sites
            if site.path in SITES
        }
        network = GatedNetwork(backbone.module, gates)
    printed = float(published("table1", "ResNet-50 + A2-Nets", "params_m").printed) * 1e6

    params = sum(parameter.numel() for parameter in network.parameters())

    assert params == table("table1").row("ResNet-50 + A2-Nets").exact["full"].params
    assert params / printed - 1 == pytest.approx(-0.0028, abs=0.0001)
