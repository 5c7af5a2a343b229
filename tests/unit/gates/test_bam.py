"""What holds for bottleneck attention, computed by hand: no independent implementation fits the authors' weights."""

import math
from typing import Literal

import pytest
import torch
from torch import nn

from dasbench.errors import ModelError
from dasbench.gates.bam import BottleneckAttention


def weigh(layer: nn.Module, weight: float) -> None:
    """Give a layer one weight, at the middle of its kernel if it has one, and the bias 0.1."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    middle = (size // 2 for size in layer.weight.shape[2:])
    layer.weight.data.zero_()
    layer.weight.data[(..., *middle)] = weight
    layer.bias.data.fill_(0.1)


@pytest.mark.parametrize("fusion", ["product", "sum"])
def test_the_map_is_amplified_by_both_branches(fusion: Literal["product", "sum"]) -> None:
    gate = BottleneckAttention(1, fusion=fusion).double().eval()
    norm = 1 / math.sqrt(1 + 1e-5)
    for layer, weight in zip((gate.channel[0], gate.channel[3]), (0.5, -2.0), strict=True):
        weigh(layer, weight)
    for layer, weight in zip(
        (gate.spatial[i] for i in (0, 3, 6, 9)), (1.0, 2.0, 0.5, 0.25), strict=True
    ):
        weigh(layer, weight)
    x = torch.tensor([[1.0, 2.0], [-3.0, 4.0]], dtype=torch.float64)  # mean 1

    channel = -2 * (0.5 + 0.1) * norm + 0.1
    expected = torch.empty_like(x)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        value = float(x[row, column])
        hidden = max(0.0, (value + 0.1) * norm)
        hidden = (2 * hidden + 0.1) * norm
        spatial = 0.25 * (0.5 * hidden + 0.1) * norm + 0.1
        logit = channel * spatial if fusion == "product" else channel + spatial
        expected[row, column] = value * (1 + 1 / (1 + math.exp(-logit)))

    torch.testing.assert_close(gate(x[None, None])[0, 0], expected, rtol=1e-12, atol=1e-12)


def test_the_spatial_branch_sees_a_grid_of_every_fourth_pixel() -> None:
    gate = BottleneckAttention(16).eval()
    for parameter in gate.spatial.parameters():
        parameter.data.fill_(0.1)  # no ReLU is closed
    x = torch.ones(1, 16, 21, 21, requires_grad=True)

    gate.spatial(x)[0, 0, 10, 10].backward()

    assert x.grad is not None
    seen = {(int(row), int(column)) for row, column in x.grad[0, 0].nonzero()}
    assert seen == {(row, column) for row in range(2, 19, 4) for column in range(2, 19, 4)}


def test_training_on_one_image_is_refused_with_a_remedy() -> None:
    gate = BottleneckAttention(16)

    with pytest.raises(ModelError, match=r"batch of one image.*batches of 2 images or more"):
        gate(torch.randn(1, 16, 8, 8))
    assert gate.eval()(torch.randn(1, 16, 8, 8)).isfinite().all()
