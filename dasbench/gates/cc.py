"""CC, criss-cross: every position attends to its row and column, twice, and so to the whole map."""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width


@GATES.register(
    "cc",
    source="Huang et al. 2019, CCNet: Criss-cross attention for semantic segmentation, arXiv "
    "1811.11721, section 3.2",
    placement={"after": "stage"},
)
class CcGate(nn.Module):
    """Add to every position a mixture of the values in its row and its column.

    `out(p) = x(p) + gamma sum_u softmax_u(q(p) . k(u)) v(u)` over the H + W - 1 positions `u` of
    the row and the column of `p`, where `q`, `k` and `v` are 1x1 convolutions of `x`. The same
    weights are applied `passes` times in a row: with two passes, everything reaches everything.
    `gamma` starts at 0, so that a new gate changes nothing.

    Weights and values are kept as [B * W, H, .] and [B * H, W, .]: memory grows with H * W * (H +
    W), not (H * W)^2.

    Differs from the paper: the authors use it once, in a head for segmentation. Its place in a
    classifier, after each stage, is our own choice.

    Args:
        channels: channels of the map.
        reduction: queries and keys have `channels / reduction` channels (rounded down, at least 1);
            8 in the paper.
        passes: times that the gate is applied, with shared weights; 2 in the paper.

    Shape:
        [B, channels, H, W] -> the same

    Example:
        >>> gate = CcGate(16)
        >>> x = torch.rand(2, 16, 5, 7)
        >>> bool(torch.equal(gate(x), x))
        True
    """

    def __init__(
        self, channels: int, *, reduction: Reduction = 8, passes: Annotated[int, Ge(1)] = 2
    ) -> None:
        super().__init__()
        self.passes = passes
        reduced = hidden_width(channels, reduction)
        self.query = nn.Conv2d(channels, reduced, 1)
        self.key = nn.Conv2d(channels, reduced, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        for _ in range(self.passes):
            x = x + self.gamma * self._attend(x)
        return x

    def weights(self, x: Tensor) -> Tensor:
        """The weights of each position's column, then of its row: [B, H, W, H + W]; they sum to 1.

        A position stands in both its row and its column: it is counted in the row, its weight in
        the column is 0.
        """
        batch, _, height, width = x.shape
        query: Tensor = self.query(x)
        key: Tensor = self.key(x)
        in_column = torch.bmm(_columns(query), _columns(key).transpose(1, 2))
        itself = torch.eye(height, dtype=torch.bool, device=x.device)
        in_column = in_column.masked_fill(itself, float("-inf")).reshape(
            batch, width, height, height
        )
        in_row = torch.bmm(_rows(query), _rows(key).transpose(1, 2)).reshape(
            batch, height, width, width
        )
        return torch.softmax(torch.cat((in_column.transpose(1, 2), in_row), dim=3), dim=3)

    def _attend(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        weights = self.weights(x)
        value: Tensor = self.value(x)
        in_column = weights[..., :height].transpose(1, 2).reshape(batch * width, height, height)
        in_row = weights[..., height:].reshape(batch * height, width, width)
        by_column = torch.bmm(in_column, _columns(value)).reshape(batch, width, height, channels)
        by_row = torch.bmm(in_row, _rows(value)).reshape(batch, height, width, channels)
        return by_column.permute(0, 3, 2, 1) + by_row.permute(0, 3, 1, 2)


def _columns(x: Tensor) -> Tensor:
    """Every column as a sequence: [B, C, H, W] -> [B * W, H, C]."""
    return x.permute(0, 3, 2, 1).reshape(-1, x.shape[2], x.shape[1])


def _rows(x: Tensor) -> Tensor:
    """Every row as a sequence: [B, C, H, W] -> [B * H, W, C]."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[3], x.shape[1])
