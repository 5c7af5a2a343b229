"""SA: channel attention for half of each group, spatial for the rest, then a shuffle."""

from math import gcd
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError

_GROUPS = 64
"""Groups in the paper's ImageNet networks."""


@GATES.register(
    "sa",
    source="Zhang and Yang 2021, SA-Net: Shuffle attention for deep convolutional neural networks, "
    "arXiv 2102.00240, section 3",
    placement={"after": "before_add"},
)
class SaGate(nn.Module):
    """Scale half of the channels by their means, half by their normalised selves, and shuffle.

    Within each of G groups: `x1 * sigmoid(w1 mean(x1) + b1)` and `x2 * sigmoid(w2 GN(x2) + b2)`,
    where `GN` normalises every channel over its map. All groups share `w`, `b` and the affine map
    of `GN`. Then the first and the second half of all channels are interleaved. As in the authors'
    code, `w` starts at 0 and `b` at 1.

    Args:
        channels: channels of the map; even.
        groups: G; `channels` is a multiple of twice as many. 64 in the paper. None for 64 or, where
            the channels do not allow that, the largest power of two below it that they do (32 on 64
            channels).

    Shape:
        [B, channels, H, W] -> the same; B * G * H * W at least 2

    Raises:
        ModelError: if the channels cannot be split that way, or if the groups of a whole batch
            leave a single value per channel.

    Example:
        >>> gate = SaGate(256)
        >>> gate.groups, sum(parameter.numel() for parameter in gate.parameters())
        (64, 12)
        >>> SaGate(64).groups
        32
        >>> gate(torch.zeros(2, 256, 7, 7)).shape
        torch.Size([2, 256, 7, 7])
    """

    def __init__(self, channels: int, *, groups: Annotated[int, Ge(1)] | None = None) -> None:
        super().__init__()
        self.groups = _choose_groups(channels, groups)
        half = channels // (2 * self.groups)
        self.channel_weight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.channel_bias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.spatial_weight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.spatial_bias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.norm = nn.GroupNorm(half, half)

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        batch, channels, height, width = x.shape
        parts = x.reshape(batch * self.groups, channels // self.groups, height, width)
        if parts.shape[0] * height * width == 1:
            raise ModelError(
                "group norm cannot normalise one value per channel: use more than 1 group, a "
                "larger batch, or larger maps (larger images, or a stem that keeps more of them)"
            )
        first, second = parts.chunk(2, dim=1)
        by_mean = torch.sigmoid(
            self.channel_weight * first.mean((2, 3), keepdim=True) + self.channel_bias
        )
        by_place = torch.sigmoid(self.spatial_weight * self.norm(second) + self.spatial_bias)
        gated = torch.cat((first * by_mean, second * by_place), dim=1)
        return interleave_halves(gated.reshape(batch, channels, height, width))


def interleave_halves(x: Tensor) -> Tensor:
    """Order channels as first of either half, second of either half, and so on.

    Shape:
        [B, C, H, W] -> the same; C even

    Example:
        >>> interleave_halves(torch.arange(6.0).view(1, 6, 1, 1)).flatten()
        tensor([0., 3., 1., 4., 2., 5.])
    """
    batch, channels, height, width = x.shape
    halves = x.reshape(batch, 2, channels // 2, height, width)
    return halves.transpose(1, 2).reshape(batch, channels, height, width)


def _choose_groups(channels: int, groups: int | None) -> int:
    if channels % 2:
        raise ModelError(
            f"{channels} channels cannot be split into halves: shuffle attention needs an even "
            "number"
        )
    largest = gcd(channels // 2, _GROUPS)
    if groups is None:
        return largest
    if channels % (2 * groups):
        raise ModelError(
            f"groups: {channels} channels are no multiple of 2 x {groups}; "
            f"leave 'groups' out or set it to a divisor of {channels // 2}, such as {largest}"
        )
    return groups
