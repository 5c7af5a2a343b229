"""A2, double attention: one gathers global features, another hands them out to every position."""

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width


@GATES.register(
    "a2",
    source="Chen et al. 2018, A2-Nets: Double attention networks, arXiv 1810.11579, section 3",
    placement={"stages": (2, 3), "after": "block", "blocks": "alternate"},
)
class A2Gate(nn.Module):
    """Add to every position a mixture of descriptors that were gathered from the whole map.

    `out = x + W ((A softmax_positions(B)^T) softmax_channels(V))`, where `A`, `B` and `V` are 1x1
    convolutions of `x` and `W` is one back to its channels. Each row of `softmax(B)` says where one
    descriptor is gathered, each column of `softmax(V)` how one position mixes the descriptors.

    Not established: the authors published no code. Five blocks of half the channels, two in stage 2
    and three in stage 3, come nearest to their parameters of ResNet-50, 0.28 % below. Which blocks
    of the stages those are, whether a batch norm follows `W`, and how the layers are initialised is
    unknown: here it is every second block, after the addition; no batch norm; torch's defaults.

    Args:
        channels: channels of the map.
        reduction: the descriptors have `channels / reduction` channels (rounded down, at least 1),
            and there are as many of them; 2 fits the paper's counts.

    Shape:
        [B, channels, H, W] -> the same

    Example:
        >>> gate = A2Gate(512)
        >>> sum(parameter.numel() for parameter in gate.parameters())
        525568
        >>> gate(torch.zeros(2, 512, 4, 3)).shape
        torch.Size([2, 512, 4, 3])
    """

    def __init__(self, channels: int, *, reduction: Reduction = 2) -> None:
        super().__init__()
        reduced = hidden_width(channels, reduction)
        self.features = nn.Conv2d(channels, reduced, 1)
        self.gathering = nn.Conv2d(channels, reduced, 1)
        self.distribution = nn.Conv2d(channels, reduced, 1)
        self.expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        features: Tensor = self.features(x).flatten(2)
        gathered = torch.bmm(features, self.where_to_gather(x).transpose(1, 2))
        mixed = torch.bmm(gathered, self.how_to_mix(x))
        change: Tensor = self.expand(mixed.reshape(*mixed.shape[:2], *x.shape[-2:]))
        return x + change

    def where_to_gather(self, x: Tensor) -> Tensor:
        """The weight of every position in each descriptor: [B, descriptors, H * W].

        A row sums to 1.
        """
        return torch.softmax(self.gathering(x).flatten(2), dim=2)

    def how_to_mix(self, x: Tensor) -> Tensor:
        """The weight of each descriptor at every position: [B, descriptors, H * W].

        A column sums to 1.
        """
        return torch.softmax(self.distribution(x).flatten(2), dim=1)
