"""SA: the split into groups and halves, the two gates, the shuffle."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.sa import SaGate, interleave_halves


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for tensor in module.state_dict().values():
        tensor.copy_(torch.randn_like(tensor))
    return module


def slow(gate: SaGate, x: Tensor) -> Tensor:
    """Channel by channel: where it stands in its group decides its gate, where in all channels its place in the end."""
    state = {name: tensor.flatten() for name, tensor in gate.state_dict().items()}
    batch, channels = x.shape[:2]
    width = channels // gate.groups
    out = torch.empty_like(x)
    for image in range(batch):
        for channel in range(channels):
            values, place = x[image, channel], channel % width
            if place < width // 2:
                kind, i, seen = "channel", place, values.mean()
            else:
                kind, i = "spatial", place - width // 2
                spread = (values.var(correction=0) + 1e-5).sqrt()
                seen = (values - values.mean()) / spread * state["norm.weight"][i] + state[
                    "norm.bias"
                ][i]
            factor = torch.sigmoid(state[f"{kind}_weight"][i] * seen + state[f"{kind}_bias"][i])
            target = 2 * channel if channel < channels // 2 else 2 * channel - channels + 1
            out[image, target] = values * factor
    return out


def test_the_gate_is_the_slow_computation() -> None:
    gate = scramble(SaGate(12, groups=3).double())
    x = torch.randn(2, 12, 3, 4, dtype=torch.float64)

    expected = slow(gate, x)

    torch.testing.assert_close(gate(x), expected)
    gate.channel_weight, gate.spatial_weight = gate.spatial_weight, gate.channel_weight
    assert not torch.allclose(gate(x), expected, atol=1e-2)


def test_a_new_gate_shuffles_and_scales_by_sigmoid_of_1() -> None:
    x = torch.randn(2, 8, 3, 4)

    torch.testing.assert_close(SaGate(8)(x), interleave_halves(x) * torch.tensor(1.0).sigmoid())
    assert not torch.allclose(
        scramble(SaGate(8))(x), interleave_halves(x) * torch.tensor(1.0).sigmoid(), atol=1e-2
    )


def test_moving_positions_moves_the_result_with_them() -> None:
    gate = scramble(SaGate(8))
    x = torch.randn(1, 8, 3, 5)
    order = torch.randperm(15)

    def moved(y: Tensor) -> Tensor:
        return y.flatten(2)[:, :, order].view_as(y)

    torch.testing.assert_close(gate(moved(x)), moved(gate(x)))
    assert not torch.allclose(gate(moved(x)), gate(x), atol=1e-2)


@given(st.integers(1, 4096))
def test_the_default_is_the_largest_power_of_two_up_to_64_that_the_channels_allow(
    half: int,
) -> None:
    possible = [2**power for power in range(7) if 2 * half % (2 * 2**power) == 0]

    assert SaGate(2 * half).groups == max(possible)


@pytest.mark.parametrize(
    ("channels", "groups", "remedy"), [(64, 64, "such as 32"), (24, 8, "divisor of 12, such as 4")]
)
def test_groups_that_do_not_divide_are_refused_with_a_remedy(
    channels: int, groups: int, remedy: str
) -> None:
    with pytest.raises(ModelError, match=remedy):
        SaGate(channels, groups=groups)
    assert SaGate(2 * channels * groups, groups=groups).groups == groups


def test_an_odd_number_of_channels_is_refused() -> None:
    with pytest.raises(ModelError, match="15 channels cannot be split into halves"):
        SaGate(15)


def test_one_value_per_channel_is_refused_with_a_remedy() -> None:
    pixel = torch.rand(1, 2, 1, 1)

    with pytest.raises(ModelError, match="larger batch"):
        SaGate(2)(pixel)
    assert SaGate(4)(torch.rand(1, 4, 1, 1)).isfinite().all()
    assert SaGate(2)(torch.rand(2, 2, 1, 1)).isfinite().all()


def test_the_parameters_are_shared_by_all_groups() -> None:
    """Four numbers and an affine norm for half a group: 3 C / G."""
    params = {
        (channels, groups): sum(
            parameter.numel() for parameter in SaGate(channels, groups=groups).parameters()
        )
        for channels, groups in [(256, 64), (2048, 64), (64, 32)]
    }

    assert params == {(256, 64): 12, (2048, 64): 96, (64, 32): 6}
