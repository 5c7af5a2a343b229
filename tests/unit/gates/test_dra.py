"""DRA: the pyramid of centres, the two attentions, and their mean."""

from math import ceil, floor

import pytest
import torch
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.dra import ChannelAttention, ConvBlock, DraGate, PositionAttention


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn_like(tensor) * 0.5
            tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)
    return module


def block_at(block: ConvBlock, vector: Tensor) -> Tensor:
    """A `ConvBlock` in eval mode, for the vector of one position."""
    norm = block.norm
    out = (block.conv.weight[:, :, 0, 0] @ vector - norm.running_mean) / (
        norm.running_var + 1e-5
    ).sqrt()
    return (out * norm.weight + norm.bias).clamp(min=0)


def slow_centres(gate: PositionAttention, image: Tensor) -> Tensor:
    """The 50 centres of one image [C, H, W], region by region."""
    _, height, width = image.shape
    centres = []
    for side, level in zip((1, 2, 3, 6), gate.levels, strict=True):
        for i in range(side):
            for j in range(side):
                rows = slice(floor(i * height / side), ceil((i + 1) * height / side))
                columns = slice(floor(j * width / side), ceil((j + 1) * width / side))
                centres.append(block_at(level, image[:, rows, columns].mean((1, 2))))
    return torch.stack(centres)


def slow_position(gate: PositionAttention, image: Tensor) -> Tensor:
    centres, out = slow_centres(gate, image), image.clone()
    keys = centres @ gate.key.weight.T + gate.key.bias
    values = centres @ gate.value.weight.T + gate.value.bias
    for i in range(image.shape[1]):
        for j in range(image.shape[2]):
            query = gate.query.weight[:, :, 0, 0] @ image[:, i, j] + gate.query.bias
            weights = torch.stack([query @ key for key in keys]).softmax(0)
            out[:, i, j] += gate.scale[0] * sum(
                w * value for w, value in zip(weights, values, strict=True)
            )
    return out


def slow_channel(gate: ChannelAttention, image: Tensor) -> Tensor:
    flat = image.flatten(1)
    compact = torch.stack([block_at(gate.compact, position) for position in flat.T], dim=1)
    out = flat.clone()
    for channel, values in enumerate(flat):
        energies = torch.stack([values @ other for other in compact])
        weights = (energies.max() - energies).softmax(0)
        out[channel] += gate.scale[0] * sum(
            w * other for w, other in zip(weights, compact, strict=True)
        )
    return out.view_as(image)


@pytest.mark.parametrize("size", [(7, 8), (6, 6), (3, 5), (1, 1)])
def test_position_attention_is_the_slow_computation(size: tuple[int, int]) -> None:
    gate = scramble(PositionAttention(4, reduction=2).double()).eval()
    x = torch.randn(2, 4, *size, dtype=torch.float64)

    expected = torch.stack([slow_position(gate, image) for image in x])

    torch.testing.assert_close(gate(x), expected)
    assert not torch.allclose(expected, x, atol=1e-2)


def test_channel_attention_is_the_slow_computation() -> None:
    gate = scramble(ChannelAttention(6, reduction=2).double()).eval()
    x = torch.randn(2, 6, 3, 4, dtype=torch.float64)

    expected = torch.stack([slow_channel(gate, image) for image in x])

    torch.testing.assert_close(gate(x), expected)
    assert not torch.allclose(expected, x, atol=1e-2)


def test_the_gate_is_the_mean_of_both() -> None:
    gate = scramble(DraGate(6)).eval()
    x = torch.randn(2, 6, 3, 4)

    torch.testing.assert_close(gate(x), (gate.position(x) + gate.channel(x)) / 2)
    assert not torch.allclose(gate(x), gate.position(x), atol=1e-3)


def test_a_new_gate_changes_nothing_and_a_trained_one_does() -> None:
    gate = DraGate(6)
    x = torch.randn(2, 6, 3, 4)

    torch.testing.assert_close(gate(x), x)
    nn.init.ones_(gate.position.scale)
    assert not torch.allclose(gate(x), x, atol=1e-3)


def test_attention_weights_sum_to_1() -> None:
    gate = scramble(DraGate(6, compact_reduction=2)).eval()
    x = torch.randn(2, 6, 3, 4)
    centres, compact = gate.position.centres(x), gate.channel.compact(x).flatten(2)

    by_position, by_channel = gate.position.weights(x, centres), gate.channel.weights(x, compact)

    assert by_position.shape == (2, 12, 50)
    assert by_channel.shape == (2, 6, 3)
    torch.testing.assert_close(by_position.sum(2), torch.ones(2, 12))
    torch.testing.assert_close(by_channel.sum(2), torch.ones(2, 6))
    assert not torch.allclose(by_channel.sum(1), torch.ones(2, 3), atol=1e-2)


def test_a_channel_listens_most_to_what_it_has_least_in_common_with() -> None:
    gate = ChannelAttention(2)
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    compact = torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])

    weights = gate.weights(x, compact)[0]

    assert weights[0, 1] > weights[0, 0]
    assert weights[1, 0] > weights[1, 1]


def test_channels_care_for_no_position_and_positions_do() -> None:
    gate = scramble(DraGate(6)).eval()
    x = torch.randn(1, 6, 4, 4)
    order = torch.randperm(16)

    def moved(y: Tensor) -> Tensor:
        return y.flatten(2)[:, :, order].view_as(y)

    torch.testing.assert_close(gate.channel(moved(x)), moved(gate.channel(x)))
    assert not torch.allclose(gate.position(moved(x)), moved(gate.position(x)), atol=1e-3)


def test_training_on_one_image_is_refused_with_a_remedy() -> None:
    gate = DraGate(6)
    image = torch.rand(1, 6, 8, 8)

    with pytest.raises(ModelError, match="batches of 2"):
        gate(image)
    assert gate(torch.rand(2, 6, 8, 8)).isfinite().all()
    assert gate.eval()(image).isfinite().all()
