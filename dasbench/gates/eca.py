"""Efficient channel attention (ECA): a short convolution along the channels' means."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES


@GATES.register(
    "eca",
    source="Wang et al. 2020, ECA-Net: Efficient channel attention for deep convolutional neural "
    "networks, arXiv 1910.03151, section 3",
    placement={"after": "before_add"},
)
class EfficientChannelAttention(nn.Module):
    """Scale every channel by a gate that is computed from the means of its neighbours.

    `out = x * sigmoid(conv1d(mean_hw(x)))`

    Differs from the authors' trained networks, which set the kernel by hand, stage by stage: 3, 5,
    5, 7 for example, where the paper's formula gives 5, 5, 5, 7 in ResNet-50. In MobileNetV2 theirs
    is 1 below 96 channels and 3 from 96 on (in an earlier version of their code, 96 channels had 1,
    too), where the formula gives 3 up to 96 channels, and 5 for 160 and 320. One `kernel` for all
    places, or the formula, is what a study can ask for here.

    Args:
        channels: channels C of the map.
        kernel: channels that a gate sees, odd; or `adaptive`, the paper's `(log2(C) + 1) / 2`, made
            odd.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> [EfficientChannelAttention(num).conv.kernel_size[0] for num in (256, 512, 1024, 2048)]
        [5, 5, 5, 7]
    """

    def __init__(
        self, channels: int, *, kernel: Literal["adaptive", 1, 3, 5, 7, 9, 11, 13, 15] = "adaptive"
    ) -> None:
        super().__init__()
        size = adaptive_kernel(channels) if kernel == "adaptive" else kernel
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        squeezed = self.squeeze(x).flatten(1)
        scale = torch.sigmoid(self.conv(squeezed[:, None]))
        return x * scale[:, 0, :, None, None]


def adaptive_kernel(channels: int) -> int:
    """The paper's kernel for C channels: `(log2(C) + 1) / 2` cut to a whole number, then odd.

    Example:
        >>> adaptive_kernel(64), adaptive_kernel(128)
        (3, 5)
    """
    return int((math.log2(channels) + 1) / 2) | 1
