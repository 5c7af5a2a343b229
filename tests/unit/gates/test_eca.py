"""What holds for efficient channel attention; its values are compared with others' in test_parity.py."""

import pytest
import torch

from dasbench.gates.eca import EfficientChannelAttention


def test_a_gate_sees_its_neighbours_and_zeros_beyond_the_ends() -> None:
    gate = EfficientChannelAttention(3, kernel=3)
    gate.conv.weight.data = torch.tensor([[[1.0, 10.0, 100.0]]])
    x = torch.tensor([0.01, 0.02, 0.03]).view(1, 3, 1, 1)

    out = gate(x)

    logits = torch.tensor([0.1 + 2.0, 0.01 + 0.2 + 3.0, 0.02 + 0.3])
    torch.testing.assert_close(out.flatten(), x.flatten() * torch.sigmoid(logits))


@pytest.mark.parametrize(
    ("channels", "kernel"),
    [(1, 1), (4, 1), (16, 3), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7)],
)
def test_the_adaptive_kernel_grows_with_the_channels(channels: int, kernel: int) -> None:
    gate = EfficientChannelAttention(channels)

    assert gate.conv.kernel_size == (kernel,)
    assert gate(torch.randn(1, channels, 2, 3)).shape == (1, channels, 2, 3)


def test_a_given_kernel_wins_over_the_adaptive_one() -> None:
    assert EfficientChannelAttention(64, kernel=7).conv.kernel_size == (7,)
