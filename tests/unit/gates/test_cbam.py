"""What holds for convolutional block attention; its values are compared with others' in test_parity.py."""

import pytest
import torch

from dasbench.errors import ModelError
from dasbench.gates.cbam import ConvolutionalBlockAttention


def test_the_spatial_gate_starts_at_one_half() -> None:
    gate = ConvolutionalBlockAttention(8).eval()
    x = torch.randn(2, 8, 5, 4)

    logits = gate.mlp(x.mean((2, 3))) + gate.mlp(x.amax((2, 3)))

    torch.testing.assert_close(gate(x), 0.5 * x * torch.sigmoid(logits)[:, :, None, None])
    assert all(not layer.bias.any() for layer in (gate.mlp[0], gate.mlp[2], gate.norm))


def test_the_spatial_convolution_sees_the_maximum_first_and_the_mean_second() -> None:
    gate = ConvolutionalBlockAttention(2, kernel=1).eval()
    for parameter in gate.mlp.parameters():
        parameter.data.zero_()  # the channel gate is 1 / 2
    gate.norm.weight.data.fill_(1)
    gate.spatial.weight.data = torch.tensor([2.0, 6.0]).view(1, 2, 1, 1)
    x = torch.tensor([4.0, 2.0]).view(1, 2, 1, 1)  # after the channel gate: maximum 2, mean 1.5

    logit = (2 * 2 + 6 * 1.5) / (1 + gate.norm.eps) ** 0.5

    torch.testing.assert_close(gate(x), 0.5 * x * torch.sigmoid(torch.tensor(logit)))


def test_one_image_trains_unless_its_map_is_a_single_pixel() -> None:
    gate = ConvolutionalBlockAttention(8)

    assert gate(torch.randn(1, 8, 1, 2)).isfinite().all()
    with pytest.raises(ModelError, match="batches of 2 images or more"):
        gate(torch.randn(1, 8, 1, 1))
