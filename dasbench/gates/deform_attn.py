"""Deformable attention: every position mixes values that it reads at learned, fractional places."""

from collections.abc import Mapping
from math import gcd, pi
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError

_HEADS = 8
"""Heads in the paper."""

_OFFSET_RATE = 0.1
"""Learning rate of the offsets' layer, as a multiple of all others'."""


@GATES.register(
    "deform_attn",
    source="Zhu et al. 2021, Deformable DETR: Deformable transformers for end-to-end object "
    "detection, arXiv 2010.04159, section 4.1",
    placement={"after": "stage"},
)
class DeformAttnGate(nn.Module):
    """Add to every position a mixture of values that each head reads at a few places around it.

    `out(p) = x(p) + W concat_h sum_k a_hk(p) v_h(p + d_hk(p))`, where the offsets `d` (in pixels)
    and the weights `a = softmax_k` are linear in `x(p)`, and `v = V x` is split among the heads.
    Values between pixels are bilinear, zero outside of the map. At the start the offsets do not
    depend on `x`: head `h` looks in the direction `2 pi h / heads`, at points 1, 2, 3, ... pixels
    away along the longer axis; all weights are equal. The layer of the offsets learns at a tenth of
    the rate, as in the authors' training.

    Places and samples are computed in float32 at least, also under autocast: bfloat16 cannot tell
    pixels apart.

    Differs from the paper: one map instead of several scales, the map itself as query without an
    embedding of the position, no dropout, no norm, no feed-forward layer. The skip connection is
    that of its encoder layer. Its place in a classifier, after each stage, is our own choice.

    Args:
        channels: channels of the map.
        heads: parts into which the channels are split; a divisor of `channels`. 8 in the paper.
            None for 8 or, where the channels do not allow that, the largest power of two below it
            that they do.
        points: places that each head reads; 4 in the paper.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: if the channels cannot be split that way.

    Example:
        >>> gate = DeformAttnGate(16)
        >>> gate(torch.zeros(2, 16, 5, 7)).shape
        torch.Size([2, 16, 5, 7])
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: Annotated[int, Ge(1)] | None = None,
        points: Annotated[int, Ge(1)] = 4,
    ) -> None:
        super().__init__()
        self.heads = _choose_heads(channels, heads)
        self.points = points
        self.value = nn.Linear(channels, channels)
        self.offset = nn.Linear(channels, self.heads * points * 2)
        self.weight = nn.Linear(channels, self.heads * points)
        self.project = nn.Linear(channels, channels)
        self._initialise()

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        batch, channels, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        value: Tensor = self.value(tokens).transpose(1, 2)
        value = value.reshape(batch * self.heads, channels // self.heads, height, width)
        samples = sample(value, self.offsets(tokens))
        mixed = (samples * self.weights(tokens).unsqueeze(1)).sum(dim=3)
        change: Tensor = self.project(
            mixed.reshape(batch, channels, -1).transpose(1, 2).to(value.dtype)
        )
        return x + change.transpose(1, 2).reshape(x.shape)

    def rate_factors(self) -> Mapping[nn.Parameter, float]:
        """The offsets learn at a tenth of the rate (see `dasbench.gates.traits.HasRates`)."""
        return dict.fromkeys(self.offset.parameters(), _OFFSET_RATE)

    def offsets(self, tokens: Tensor) -> Tensor:
        """How far off its heads read, in pixels: [B * heads, H * W, points, 2] with (x, y) last."""
        return self._by_head(self.offset(tokens), self.points, 2)

    def weights(self, tokens: Tensor) -> Tensor:
        """The weight of each place: [B * heads, H * W, points]; a head's points sum to 1."""
        return torch.softmax(self._by_head(self.weight(tokens), self.points), dim=2)

    def _by_head(self, x: Tensor, *rest: int) -> Tensor:
        """Move the heads to the batch, in float32 at least.

        Shape:
            [B, H * W, heads * rest] -> [B * heads, H * W, *rest]
        """
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return wide.reshape(*x.shape[:2], self.heads, *rest).transpose(1, 2).flatten(0, 1)

    def _initialise(self) -> None:
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        for layer in (self.value, self.project):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.offset.bias.copy_(_star(self.heads, self.points).flatten())


def sample(value: Tensor, offsets: Tensor) -> Tensor:
    """Read a map around each position, bilinearly, zero outside of it; in the offsets' type.

    Args:
        value: the map.
        offsets: distance of every place from its position in pixels, (x, y) last.

    Shape:
        value: [N, C, H, W]; offsets: [N, H * W, points, 2]; returns [N, C, H * W, points]

    Example:
        >>> half_to_the_right = torch.tensor([0.5, 0.0]).expand(1, 2, 1, 2)
        >>> sample(torch.tensor([[[[4.0, 6.0]]]]), half_to_the_right).flatten()
        tensor([5., 3.])
    """
    height, width = value.shape[-2:]
    columns = torch.arange(width, device=value.device).repeat(height).unsqueeze(1)
    rows = torch.arange(height, device=value.device).repeat_interleave(width).unsqueeze(1)
    across = (2 * (columns + offsets[..., 0]) + 1) / width - 1
    down = (2 * (rows + offsets[..., 1]) + 1) / height - 1
    grid = torch.stack((across, down), dim=3)
    return F.grid_sample(
        value.to(grid.dtype), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )


def _star(heads: int, points: int) -> Tensor:
    """Places (x, y) on a ray for each head, on a square of radius 1, 2, ... for each point.

    Example:
        >>> _star(4, 2)[1].round().abs()
        tensor([[0., 1.],
                [0., 2.]])
    """
    angles = 2 * pi * torch.arange(heads, dtype=torch.float32) / heads
    rays = torch.stack((angles.cos(), angles.sin()), dim=1)
    rays = rays / rays.abs().amax(dim=1, keepdim=True)
    return rays.unsqueeze(1) * torch.arange(1, points + 1).view(1, points, 1)


def _choose_heads(channels: int, heads: int | None) -> int:
    if heads is None:
        return gcd(channels, _HEADS)
    if channels % heads:
        raise ModelError(
            f"heads: {channels} channels cannot be split into {heads} equal heads; leave 'heads' "
            f"out or set it to a divisor of {channels}, such as {gcd(channels, _HEADS)}"
        )
    return heads
