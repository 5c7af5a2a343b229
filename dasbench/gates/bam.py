"""Bottleneck attention (BAM): one gate from a channel branch and a dilated spatial branch."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width
from dasbench.gates.single_values import refuse_single_values


@GATES.register(
    "bam",
    source="Park et al. 2018, BAM: Bottleneck attention module, arXiv 1807.06514, section 3",
    placement={"after": "stage", "stages": (1, 2, 3)},
    components={"dilation": {"dilation": 1}},
    capacity={"reduction": range(1, 257)},
    sweeps={
        "reduction": {"reduction": (4, 8, 16, 32)},
        "dilation": {"dilation": (1, 2, 4)},
        "fusion": {"fusion": ("product", "sum")},
    },
)
class BottleneckAttention(nn.Module):
    """Amplify the map by 1 to 2, channel by channel and position by position.

    `out = x * (1 + sigmoid(channel(x) * spatial(x)))`
    `channel` = mean over positions, linear to C / r, batch norm, ReLU, linear to C;
    `spatial` = 1x1 convolution to C / r and two dilated 3x3 ones, each with batch norm and ReLU,
    1x1 to one channel.

    It stands at the ends of the first three stages of a ResNet. Convolutions start by He (fan out),
    biases at 0.

    Differs from the paper: as in the authors' code, whose trained weights fit it, the branches are
    multiplied where the paper adds them (`fusion: sum`), and batch norms follow the hidden layers
    instead of ending the branches.

    Args:
        channels: channels C of the map.
        reduction: the hidden layers have C / reduction channels, at least 1; 16 in the paper.
        dilation: of the 3x3 convolutions, in pixels; 4 in the paper.
        fusion: how the branches are joined, `product` or `sum`.

    Shape:
        [B, C, H, W] -> the same; B at least 2 in training

    Raises:
        ModelError: in training on one image, since the channel branch has a batch norm.

    Example:
        >>> BottleneckAttention(64).eval()(torch.ones(1, 64, 7, 5)).shape
        torch.Size([1, 64, 7, 5])
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Reduction = 16,
        dilation: Annotated[int, Ge(1)] = 4,
        fusion: Literal["product", "sum"] = "product",
    ) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.fusion = fusion
        self.channel = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, channels),
        )
        self.spatial = nn.Sequential(
            *_conv_norm_relu(nn.Conv2d(channels, hidden, 1)),
            *_conv_norm_relu(nn.Conv2d(hidden, hidden, 3, padding=dilation, dilation=dilation)),
            *_conv_norm_relu(nn.Conv2d(hidden, hidden, 3, padding=dilation, dilation=dilation)),
            nn.Conv2d(hidden, 1, 1),
        )
        self._initialise()

    def _initialise(self) -> None:
        for layer in (*self.channel, *self.spatial):
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        squeezed = x.mean((2, 3))
        refuse_single_values(self.channel[1], squeezed)
        channel = self.channel(squeezed)[:, :, None, None]
        spatial = self.spatial(x)
        logits = channel * spatial if self.fusion == "product" else channel + spatial
        return x * (1 + torch.sigmoid(logits))


def _conv_norm_relu(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()
