"""Triplet attention: the mean of three gates, one across each pair of the axes C, H and W."""

from typing import Literal

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.single_values import refuse_single_values

Kernel = Literal[1, 3, 5, 7, 9, 11, 13, 15]


@GATES.register(
    "triplet",
    source="Misra et al. 2021, Rotate to attend: Convolutional triplet attention module, arXiv "
    "2010.03045, section 3",
    placement={"after": "before_add"},
)
class TripletAttention(nn.Module):
    """Scale the map by the mean of three gates, each from the max and the mean over one axis.

    `a_d = sigmoid(bn(conv([max_d(x), mean_d(x)])))` for d in H, W, C, constant along d;
    `out = x * (a_H + a_W + a_C) / 3`

    Batch norms have momentum 0.01. The gates see the planes (C, W), (H, C) and (H, W), in this
    order of axes, which is that of the authors' weights.

    Args:
        channels: channels C of the map; there are as many parameters for any.
        kernel: side of the convolutions, odd; 7 in the paper's ResNets, 3 in its MobileNetV2.
        zero_init: whether the gain of the norm in the gate over (H, W) starts at 0, and with it
            this gate at 0.5 everywhere: as in the authors' ResNets; not so in their MobileNetV2.

    Shape:
        [B, C, H, W] -> the same

    Raises:
        ModelError: in training on one image, if two of C, H and W are 1.

    Example:
        >>> gate = TripletAttention(64)
        >>> gate(torch.ones(2, 64, 7, 5)).shape, sum(each.numel() for each in gate.parameters())
        (torch.Size([2, 64, 7, 5]), 300)
    """

    def __init__(self, channels: int, *, kernel: Kernel = 7, zero_init: bool = True) -> None:
        super().__init__()
        self.over_height = _PlaneGate(kernel)
        self.over_width = _PlaneGate(kernel)
        self.over_channels = _PlaneGate(kernel)
        if zero_init:
            nn.init.zeros_(self.over_channels.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        over_height = self.over_height(x.transpose(1, 2)).transpose(1, 2)
        over_width = self.over_width(x.transpose(1, 3)).transpose(1, 3)
        attention: Tensor = (over_height + over_width + self.over_channels(x)) / 3
        return x * attention


class _PlaneGate(nn.Module):
    """Attention on a plane from max and mean over the second axis: [B, D, M, N] -> [B, 1, M, N]."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Compute the attention."""
        logits = self.conv(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1))
        refuse_single_values(self.norm, logits)
        return torch.sigmoid(self.norm(logits))
