"""Squeeze-and-excitation (SE): channels scaled by a gate from all channels' means."""

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width


@GATES.register(
    "se",
    source="Hu et al. 2018, Squeeze-and-excitation networks, arXiv 1709.01507, section 3",
    placement={"after": "before_add"},
    components={"bias": {"bias": False}},
    capacity={"reduction": range(1, 257)},
    sweeps={"reduction": {"reduction": (4, 8, 16, 32)}},
)
class SqueezeExcitation(nn.Module):
    """Scale every channel by a gate that is computed from the means of all channels.

    `out = x * sigmoid(W2 relu(W1 mean_hw(x)))`

    The published parameter counts are those without biases; the authors' Caffe models have them.
    The layers start as torch starts linear layers.

    Args:
        channels: channels C of the map.
        reduction: the hidden layer has C / reduction channels, at least 1; 16 in the paper.
        bias: whether both layers have a bias.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> SqueezeExcitation(64)(torch.zeros(2, 64, 7, 5)).shape
        torch.Size([2, 64, 7, 5])
    """

    def __init__(self, channels: int, *, reduction: Reduction = 16, bias: bool = False) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Linear(channels, hidden, bias=bias)
        self.expand = nn.Linear(hidden, channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        squeezed = self.squeeze(x).flatten(1)
        scale = torch.sigmoid(self.expand(torch.relu(self.reduce(squeezed))))
        return x * scale[:, :, None, None]
