"""SP: strips, their convolutions, and why the place before a ReLU is as good as the one after it."""

import pytest
import torch
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.sp import SpGate


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn_like(tensor) * 0.5
            tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)
    return module


def slow_factors(gate: SpGate, x: Tensor) -> Tensor:
    """Factors of one rectified image [C, H, W] in eval mode, position by position."""
    _, height, width = x.shape
    rows, columns = x.mean(2), x.mean(1)

    def strip(values: Tensor, kernel: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        out = torch.zeros_like(values)
        for place in range(values.shape[1]):
            for tap in (-1, 0, 1):
                if 0 <= place + tap < values.shape[1]:
                    out[:, place] += kernel[:, :, tap + 1] @ values[:, place + tap]
        scale = norm.weight / (norm.running_var + 1e-5).sqrt()
        return (out - norm.running_mean.unsqueeze(1)) * scale.unsqueeze(1) + norm.bias.unsqueeze(1)

    along_rows = strip(rows, gate.rows.weight[..., 0], gate.rows_norm)
    along_columns = strip(columns, gate.columns.weight[:, :, 0], gate.columns_norm)
    out = torch.empty_like(x)
    for i in range(height):
        for j in range(width):
            joined = (along_rows[:, i] + along_columns[:, j]).clamp(min=0)
            out[:, i, j] = torch.sigmoid(gate.fuse.weight[:, :, 0, 0] @ joined + gate.fuse.bias)
    return out


def test_a_map_of_four_pixels_by_hand() -> None:
    """With kernels that pass the middle on, a factor is the sigmoid of its row's plus its column's mean."""
    gate = SpGate(1).eval()
    for conv in (gate.rows, gate.columns):
        conv.weight.data.copy_(torch.tensor([0.0, 1.0, 0.0]).view_as(conv.weight))
    nn.init.ones_(gate.fuse.weight)
    nn.init.zeros_(gate.fuse.bias)

    factors = gate.factors(torch.tensor([[[[0.1, 0.3], [0.5, 0.7]]]]))

    expected = torch.sigmoid(torch.tensor([[0.2 + 0.3, 0.2 + 0.5], [0.6 + 0.3, 0.6 + 0.5]]))
    torch.testing.assert_close(factors[0, 0], expected, rtol=0, atol=1e-5)


def test_factors_are_those_of_a_slow_computation() -> None:
    gate = scramble(SpGate(3).double()).eval()
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)

    for ours, image in zip(gate.factors(x), x, strict=True):
        torch.testing.assert_close(ours, slow_factors(gate, image.relu()))
        assert not torch.allclose(ours, slow_factors(gate, image), atol=1e-4)


def test_gating_before_a_relu_is_gating_after_it() -> None:
    gate = scramble(SpGate(4)).eval()
    x = torch.randn(2, 4, 5, 3)

    assert gate(x).relu().equal(x.relu() * gate.factors(x.relu()))
    assert not gate(x).equal(gate(x).relu())


def test_transposed_kernels_treat_the_transposed_map_alike() -> None:
    gate = scramble(SpGate(4)).eval()
    x = torch.randn(2, 4, 5, 3)
    upright = gate(x)
    tall, wide = gate.rows.weight.data, gate.columns.weight.data
    assert not torch.allclose(gate(x.mT).mT, upright, atol=1e-4)

    gate.rows.weight.data, gate.columns.weight.data = wide.mT.contiguous(), tall.mT.contiguous()
    gate.rows_norm, gate.columns_norm = gate.columns_norm, gate.rows_norm

    torch.testing.assert_close(gate(x.mT).mT, upright)


@pytest.mark.parametrize("size", [(1, 4), (4, 1), (1, 1)])
def test_training_one_image_of_a_single_strip_is_refused_with_a_remedy(
    size: tuple[int, int],
) -> None:
    gate = SpGate(4)
    x = torch.rand(1, 4, *size)

    with pytest.raises(ModelError, match="batches of 2"):
        gate(x)
    assert gate(torch.rand(2, 4, *size)).isfinite().all()
    assert gate(torch.rand(1, 4, 2, 2)).isfinite().all()
    assert gate.eval()(x).isfinite().all()


def test_convolutions_start_from_hes_distribution_over_the_fan_out() -> None:
    torch.manual_seed(0)
    gate = SpGate(256)

    deviations = [conv.weight.std().item() for conv in (gate.rows, gate.columns, gate.fuse)]

    expected = [(2 / (3 * 256)) ** 0.5, (2 / (3 * 256)) ** 0.5, (2 / 256) ** 0.5]
    assert deviations == pytest.approx(expected, rel=0.02)
    assert (gate.fuse.weight / deviations[2]).abs().max() > 3  # normal, not uniform


@pytest.mark.parametrize("channels", [3, 64])
def test_two_strips_without_bias_and_a_fusion_with_one(channels: int) -> None:
    params = sum(parameter.numel() for parameter in SpGate(channels).parameters())

    assert params == 2 * 3 * channels**2 + 4 * channels + channels**2 + channels
