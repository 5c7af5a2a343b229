"""DRA, dual relation-aware attention: positions attend to regions, channels to compact channels."""

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width
from dasbench.gates.single_values import refuse_single_values

_PYRAMID = (1, 2, 3, 6)
"""Sides of the grids of regions: 1 + 4 + 9 + 36 = 50 centres."""


class ConvBlock(nn.Module):
    """A 1x1 convolution without bias, batch norm, ReLU.

    Args:
        inputs: channels of the map.
        outputs: channels of the result.

    Shape:
        [B, inputs, H, W] -> [B, outputs, H, W]

    Raises:
        ModelError: in train mode, on a batch of one map of 1x1.

    Example:
        >>> ConvBlock(8, 2)(torch.zeros(2, 8, 3, 3)).shape
        torch.Size([2, 2, 3, 3])
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the result for `x`."""
        out: Tensor = self.conv(x)
        refuse_single_values(self.norm, out)
        return torch.relu(self.norm(out))


class PositionAttention(nn.Module):
    """Every position attends to the 50 centres that average pools make of the map (CPAM).

    `out(p) = x(p) + scale sum_m softmax_m(q(p) . k(y_m)) v(y_m)` over the centres `y`, each level
    of the pyramid having a `ConvBlock` of its own. `scale` starts at 0.

    Args:
        channels: channels of the map.
        reduction: queries and keys have `channels / reduction` channels (rounded down, at least 1);
            4 in the paper.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: in train mode, on a batch of one image: the pyramid's top has one value per
            channel.

    Example:
        >>> PositionAttention(8).centres(torch.zeros(2, 8, 7, 9)).shape
        torch.Size([2, 50, 8])
    """

    def __init__(self, channels: int, *, reduction: Reduction = 4) -> None:
        super().__init__()
        reduced = hidden_width(channels, reduction)
        self.pools = nn.ModuleList(nn.AdaptiveAvgPool2d(side) for side in _PYRAMID)
        self.levels = nn.ModuleList(ConvBlock(channels, channels) for _ in _PYRAMID)
        self.query = nn.Conv2d(channels, reduced, 1)
        self.key = nn.Linear(channels, reduced)
        self.value = nn.Linear(channels, channels)
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        centres = self.centres(x)
        value: Tensor = self.value(centres)
        mixed = torch.bmm(value.transpose(1, 2), self.weights(x, centres).transpose(1, 2))
        return x + self.scale * mixed.reshape(x.shape)

    def centres(self, x: Tensor) -> Tensor:
        """The features of the regions, as [B, 50, C]."""
        maps = [
            level(pool(x)).flatten(2) for pool, level in zip(self.pools, self.levels, strict=True)
        ]
        return torch.cat(maps, dim=2).transpose(1, 2)

    def weights(self, x: Tensor, centres: Tensor) -> Tensor:
        """The weight of each centre for every position, as [B, H * W, 50]; a row sums to 1."""
        query: Tensor = self.query(x)
        key: Tensor = self.key(centres)
        return torch.softmax(
            torch.bmm(query.flatten(2).transpose(1, 2), key.transpose(1, 2)), dim=2
        )


class ChannelAttention(nn.Module):
    """Every channel attends to a few compact channels (CCAM).

    `out_c = x_c + scale sum_m softmax_m(max_j e_cj - e_cm) y_m`, where `y` is a `ConvBlock` of `x`
    and `e_cm` the sum of `x_c y_m` over the map: the less a compact channel has in common with
    `x_c`, the more it adds. `scale` starts at 0.

    Args:
        channels: channels of the map.
        reduction: there are `channels / reduction` compact channels (rounded down, at least 1); 16
            in the paper.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: in train mode, on a batch of one map of 1x1.

    Example:
        >>> x = torch.rand(2, 32, 3, 5)
        >>> bool(torch.equal(ChannelAttention(32)(x), x))
        True
    """

    def __init__(self, channels: int, *, reduction: Reduction = 16) -> None:
        super().__init__()
        self.compact = ConvBlock(channels, hidden_width(channels, reduction))
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        compact: Tensor = self.compact(x).flatten(2)
        mixed = torch.bmm(self.weights(x, compact), compact)
        return x + self.scale * mixed.reshape(x.shape)

    def weights(self, x: Tensor, compact: Tensor) -> Tensor:
        """The weight of each compact channel for every channel: [B, C, compact]; rows sum to 1."""
        energy = torch.bmm(x.flatten(2), compact.transpose(1, 2))
        return torch.softmax(energy.amax(dim=2, keepdim=True) - energy, dim=2)


@GATES.register(
    "dra",
    source="Fu et al. 2021, Scene segmentation with dual relation-aware attention network, "
    "doi 10.1109/TNNLS.2020.3006524, the compact position and channel attention modules",
    placement={"after": "stage"},
)
class DraGate(nn.Module):
    """Average what position attention and channel attention, both compact, make of the map.

    `out = (PositionAttention(x) + ChannelAttention(x)) / 2`. Both scales start at 0: a new gate
    changes nothing.

    Differs from the paper: the authors use the two modules once, in a head for segmentation, each
    behind a 3x3 convolution of its own, and a decoder joins them. As a gate they share their input
    and are averaged; its place in a classifier, after each stage, is our own choice. That is heavy
    where maps have many channels: about 5.6 C^2 parameters.

    Args:
        channels: channels of the map.
        reduction: positions are compared in `channels / reduction` channels (at least 1); 4 in the
            paper.
        compact_reduction: channels are compared with `channels / compact_reduction` compact ones
            (at least 1); 16 in the paper.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: in train mode, on a batch of one image: a batch norm behind a global average
            pool has one value per channel.

    Example:
        >>> gate = DraGate(32)
        >>> x = torch.rand(2, 32, 7, 5)
        >>> bool(torch.allclose(gate(x), x))
        True
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Reduction = 4,
        compact_reduction: Reduction = 16,
    ) -> None:
        super().__init__()
        self.position = PositionAttention(channels, reduction=reduction)
        self.channel = ChannelAttention(channels, reduction=compact_reduction)

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        by_position: Tensor = self.position(x)
        by_channel: Tensor = self.channel(x)
        return (by_position + by_channel) / 2
