"""What holds for triplet attention, by its definition: permute, gate, permute back, average."""

import math

import pytest
import torch
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.triplet import Kernel, TripletAttention


def gated(x: Tensor, conv: nn.Module, norm: nn.Module, order: tuple[int, int, int, int]) -> Tensor:
    """One of the three gates as the paper draws it; each order is its own inverse."""
    turned = x.permute(order)
    pooled = torch.stack([turned.max(1).values, turned.mean(1)], 1)
    return (turned * torch.sigmoid(norm(conv(pooled)))).permute(order)


@pytest.mark.parametrize("train", [True, False])
def test_it_is_the_mean_of_three_permuted_gates(train: bool) -> None:
    torch.manual_seed(0)
    gate = TripletAttention(6, zero_init=False).double().train(train)
    for module in gate.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0  # so that both computations see the same statistics
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    x = torch.randn(2, 6, 5, 9, dtype=torch.float64)

    turns = (
        (gate.over_height, (0, 2, 1, 3)),
        (gate.over_width, (0, 3, 2, 1)),
        (gate.over_channels, (0, 1, 2, 3)),
    )
    expected = sum(gated(x, branch.conv, branch.norm, order) for branch, order in turns) / 3

    torch.testing.assert_close(gate(x), expected)


def test_values_of_a_small_map() -> None:
    gate = TripletAttention(2, kernel=1, zero_init=False).double().eval()
    for branch, weights in zip(
        (gate.over_height, gate.over_width, gate.over_channels),
        ((1, 0), (0, 1), (2, -1)),
        strict=True,
    ):
        branch.conv.weight.data = torch.tensor(weights, dtype=torch.float64).view(1, 2, 1, 1)
    x = torch.tensor([[[1.0, 2.0], [3.0, 5.0]], [[-1.0, 0.0], [7.0, 4.0]]], dtype=torch.float64)

    out = gate(x[None])[0, 0, 1, 1]

    # at channel 0, row 1, column 1: max over rows, mean over columns, twice the max less the mean
    # over channels
    logits = (max(2.0, 5.0), (3 + 5) / 2, 2 * max(5.0, 4.0) - (5 + 4) / 2)
    norm = math.sqrt(1 + 1e-5)
    assert out.item() == pytest.approx(
        5 * sum(1 / (1 + math.exp(-logit / norm)) for logit in logits) / 3, abs=1e-12
    )


@pytest.mark.parametrize("zero_init", [True, False])
def test_only_the_gain_of_the_gate_over_positions_starts_at_zero(zero_init: bool) -> None:
    gate = TripletAttention(8, zero_init=zero_init)

    gains = [
        branch.norm.weight.item()
        for branch in (gate.over_height, gate.over_width, gate.over_channels)
    ]

    assert gains == [1, 1, 0 if zero_init else 1]


@pytest.mark.parametrize("kernel", [3, 7])
def test_the_number_of_parameters_depends_on_the_kernel_alone(kernel: Kernel) -> None:
    counts = {
        sum(p.numel() for p in TripletAttention(channels, kernel=kernel).parameters())
        for channels in (4, 64)
    }

    assert counts == {3 * (2 * kernel**2 + 2)}


def test_one_image_trains_unless_a_plane_is_a_single_value() -> None:
    gate = TripletAttention(8)

    assert gate(torch.randn(1, 8, 1, 2)).isfinite().all()
    with pytest.raises(ModelError, match="batches of 2 images or more"):
        gate(torch.randn(1, 8, 1, 1))
