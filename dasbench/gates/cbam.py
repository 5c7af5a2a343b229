"""Convolutional block attention (CBAM): a gate over channels, then a gate over positions."""

from typing import Literal

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width
from dasbench.gates.single_values import refuse_single_values


@GATES.register(
    "cbam",
    source="Woo et al. 2018, CBAM: Convolutional block attention module, arXiv 1807.06521, "
    "section 3",
    placement={"after": "before_add"},
    components={"spatial_context": {"kernel": 1}},
    capacity={"reduction": range(1, 257)},
    sweeps={"reduction": {"reduction": (4, 8, 16, 32)}, "kernel": {"kernel": (3, 5, 7, 9)}},
)
class ConvolutionalBlockAttention(nn.Module):
    """Scale the channels, then the positions of the result.

    `y = x * sigmoid(mlp(mean_hw(x)) + mlp(max_hw(x)))`
    `out = y * sigmoid(bn(conv([max_c(y), mean_c(y)])))`

    As in the authors' code, which the paper's formulas leave open: a batch norm after the
    convolution (momentum 0.01), whose gain starts at 0, so that the spatial gate starts at 0.5
    everywhere; biases start at 0.

    Args:
        channels: channels C of the map.
        reduction: the hidden layer has C / reduction channels, at least 1; 16 in the paper.
        kernel: side of the spatial convolution in pixels, odd; 7 in the paper.

    Shape:
        [B, C, H, W] -> the same

    Raises:
        ModelError: in training on one image with a map of 1x1.

    Example:
        >>> ConvolutionalBlockAttention(64)(torch.ones(2, 64, 7, 5)).shape
        torch.Size([2, 64, 7, 5])
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Reduction = 16,
        kernel: Literal[1, 3, 5, 7, 9, 11, 13, 15] = 7,
    ) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        self.spatial = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)
        self._initialise()

    def _initialise(self) -> None:
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)
        nn.init.kaiming_normal_(self.spatial.weight, mode="fan_out")
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        logits = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        x = x * torch.sigmoid(logits)[:, :, None, None]
        logits = self.spatial(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1))
        refuse_single_values(self.norm, logits)
        return x * torch.sigmoid(self.norm(logits))
