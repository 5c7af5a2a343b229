"""What holds for squeeze-and-excitation; its values are compared with others' in test_parity.py."""

import math

import pytest
import torch

from dasbench.gates.reduction import hidden_width
from dasbench.gates.se import SqueezeExcitation


def test_channels_are_scaled_by_the_sigmoid_of_both_layers() -> None:
    gate = SqueezeExcitation(2)
    gate.reduce.weight.data = torch.tensor([[1.0, 2.0]])
    gate.expand.weight.data = torch.tensor([[0.5], [-1.0]])
    x = torch.tensor([[0.0, 2.0], [3.0, 3.0]]).view(
        1, 2, 1, 2
    )  # means 1 and 3, hidden 1 * 1 + 2 * 3

    out = gate(x)

    first, second = 1 / (1 + math.exp(-3.5)), 1 / (1 + math.exp(7))
    expected = torch.tensor([[0.0, 2 * first], [3 * second, 3 * second]]).view(1, 2, 1, 2)
    torch.testing.assert_close(out, expected)


def test_layers_have_biases_only_if_asked() -> None:
    assert {name for name, _ in SqueezeExcitation(32).named_parameters()} == {
        "reduce.weight",
        "expand.weight",
    }
    assert (
        sum(
            name.endswith("bias") for name, _ in SqueezeExcitation(32, bias=True).named_parameters()
        )
        == 2
    )


@pytest.mark.parametrize(
    ("channels", "width"), [(64, 4), (24, 1), (31, 1), (32, 2), (16, 1), (8, 1), (1, 1)]
)
def test_the_hidden_layer_is_rounded_down_and_never_empty(channels: int, width: int) -> None:
    assert hidden_width(channels, 16) == width
    assert SqueezeExcitation(channels).reduce.out_features == width
