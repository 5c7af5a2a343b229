"""Deformable attention: reading between pixels, against a bilinear loop, and how a new gate starts."""

from math import floor

import pytest
import torch
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.deform_attn import DeformAttnGate, sample


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for tensor in module.state_dict().values():
        tensor.copy_(torch.randn_like(tensor) * 0.7)
    return module


def pixel(image: Tensor, row: int, column: int) -> Tensor:
    inside = 0 <= row < image.shape[1] and 0 <= column < image.shape[2]
    return image[:, row, column] if inside else torch.zeros_like(image[:, 0, 0])


def bilinear(image: Tensor, row: float, column: float) -> Tensor:
    """The value of an image [C, H, W] between four pixels, each weighted by the opposite area."""
    top, left = floor(row), floor(column)
    down, right = row - top, column - left
    return (
        (1 - down) * (1 - right) * pixel(image, top, left)
        + (1 - down) * right * pixel(image, top, left + 1)
        + down * (1 - right) * pixel(image, top + 1, left)
        + down * right * pixel(image, top + 1, left + 1)
    )


def linear(layer: nn.Linear, vector: Tensor) -> Tensor:
    return layer.weight @ vector + layer.bias


def slow(gate: DeformAttnGate, image: Tensor) -> Tensor:
    """One image [C, H, W], position by position, head by head, point by point."""
    channels, height, width = image.shape
    value = (
        torch.einsum("oc,chw->ohw", gate.value.weight, image) + gate.value.bias.view(-1, 1, 1)
    ).detach()
    depth, out = channels // gate.heads, image.clone()
    for i in range(height):
        for j in range(width):
            offsets = linear(gate.offset, image[:, i, j]).view(gate.heads, gate.points, 2)
            weights = linear(gate.weight, image[:, i, j]).view(gate.heads, gate.points).softmax(1)
            heads = []
            for head in range(gate.heads):
                own = value[head * depth : (head + 1) * depth]
                read = [bilinear(own, i + float(y), j + float(x)) for x, y in offsets[head]]
                heads.append(sum(w * r for w, r in zip(weights[head], read, strict=True)))
            out[:, i, j] += linear(gate.project, torch.cat(heads))
    return out


@pytest.mark.parametrize("size", [(4, 5), (5, 3), (1, 4), (1, 1)])
@torch.no_grad()
def test_the_gate_is_the_slow_computation(size: tuple[int, int]) -> None:
    gate = scramble(DeformAttnGate(6, heads=2, points=3).double())
    x = torch.randn(2, 6, *size, dtype=torch.float64)

    expected = torch.stack([slow(gate, image) for image in x])

    torch.testing.assert_close(gate(x), expected)
    gate.offset.bias += 0.3
    assert not torch.allclose(gate(x), expected, atol=1e-3)


def test_samples_between_pixels_and_outside_of_the_map_by_hand() -> None:
    value = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2)
    offsets = torch.tensor([[0.5, 0.5], [-2.0, 0.0], [0.25, 0.0], [0.0, 0.5]]).view(1, 4, 1, 2)

    assert sample(value, offsets).flatten().tolist() == pytest.approx([2.5, 0.0, 3.25, 2.0])


def test_without_offsets_every_position_reads_itself() -> None:
    value = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    here = torch.zeros(2, 20, 1, 2, dtype=torch.float64)

    torch.testing.assert_close(sample(value, here).squeeze(3).view_as(value), value)
    assert not torch.allclose(sample(value, here + 0.1).squeeze(3).view_as(value), value)


def test_a_new_gate_looks_in_every_direction_at_growing_distance_with_equal_weights() -> None:
    gate = DeformAttnGate(8, points=2)
    tokens = torch.randn(1, 3, 8)
    rays = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

    offsets = gate.offsets(tokens)[:, 0]

    expected = torch.tensor([[[x, y], [2 * x, 2 * y]] for x, y in rays], dtype=torch.float32)
    torch.testing.assert_close(offsets, expected)
    assert gate.weights(tokens).eq(0.5).all()


def test_the_offsets_layer_alone_learns_at_a_tenth_of_the_rate() -> None:
    gate = DeformAttnGate(8)

    assert gate.rate_factors() == {gate.offset.weight: 0.1, gate.offset.bias: 0.1}


def test_weights_of_each_heads_points_sum_to_1() -> None:
    gate = scramble(DeformAttnGate(6, heads=2, points=3))

    weights = gate.weights(torch.randn(2, 5, 6))

    assert weights.shape == (4, 5, 3)
    torch.testing.assert_close(weights.sum(2), torch.ones(4, 5))
    assert not torch.allclose(weights.sum(1), torch.full((4, 3), 5 / 3), atol=1e-2)


def test_shifting_the_map_shifts_the_result_away_from_the_border() -> None:
    gate = DeformAttnGate(4, heads=2, points=2)
    x = torch.randn(1, 4, 12, 12)

    inner = gate(x.roll((1, 1), (2, 3)))[..., 4:-4, 4:-4]

    torch.testing.assert_close(inner, gate(x)[..., 3:-5, 3:-5])
    assert not torch.allclose(inner, gate(x)[..., 4:-4, 4:-4], atol=1e-2)


def test_places_keep_their_precision_under_autocast() -> None:
    """In bfloat16, pixel 150 and a quarter would be pixel 150."""
    gate = DeformAttnGate(8)
    nn.init.constant_(gate.offset.bias, 0.25)
    ramp = torch.arange(200.0).view(1, 1, 1, 200).bfloat16()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        read = sample(ramp, gate.offsets(torch.rand(1, 200, 8))[:1])

    assert read[0, 0, 150, 0].item() == pytest.approx(150.25 * 0.75, abs=1e-3)
    assert torch.tensor(150.25).bfloat16().item() == 150


@pytest.mark.parametrize(("channels", "heads"), [(64, 8), (12, 4), (6, 2), (7, 1), (4, 4)])
def test_the_default_is_8_heads_or_what_the_channels_allow(channels: int, heads: int) -> None:
    assert DeformAttnGate(channels).heads == heads


def test_heads_that_do_not_divide_are_refused_with_a_remedy() -> None:
    with pytest.raises(ModelError, match="divisor of 12, such as 4"):
        DeformAttnGate(12, heads=8)
    assert DeformAttnGate(12, heads=6).heads == 6


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), 1e30])
def test_wild_offsets_do_not_crash(bad: float) -> None:
    sample(torch.rand(1, 2, 3, 3), torch.full((1, 9, 1, 2), bad))
