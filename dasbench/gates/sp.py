"""SP, strip pooling: a factor per element from the means over each row and each column."""

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.single_values import refuse_single_values


@GATES.register(
    "sp",
    source="Hou et al. 2020, Strip pooling: Rethinking spatial pooling for scene parsing, "
    "arXiv 2003.13328, section 3.1",
    placement={"after": "inside", "blocks": "last"},
)
class SpGate(nn.Module):
    """Scale every element by what the means of its row and of its column say.

    `out = x * sigmoid(W ReLU(BN(conv_3x1(rows)) + BN(conv_1x3(columns))))`, where `rows` and
    `columns` are the means of `ReLU(x)` over the width and over the height, and their sum is spread
    over the whole map again.

    The authors put it inside of a block, after the ReLU of its middle convolution. Between that
    convolution's batch norm and the ReLU it computes the same, because the factors are positive:
    `ReLU(x) * s = ReLU(x * s)`; for that, the gate itself rectifies what it pools. The strips'
    convolutions have no bias, the last one has.

    As in the authors' code, the weights of all three convolutions start from He's normal
    distribution over the fan-out, as their whole network does.

    Differs from the paper: besides the last block of each stage, the authors gate every block of
    the last stage, and they add a pooling head for segmentation.

    Args:
        channels: channels of the map.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: in train mode, on a batch of one image whose map has a single row or a single
            column.

    Example:
        >>> gate = SpGate(64)
        >>> sum(parameter.numel() for parameter in gate.parameters())
        28992
        >>> gate(torch.zeros(2, 64, 5, 7)).shape
        torch.Size([2, 64, 5, 7])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rows = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False)
        self.rows_norm = nn.BatchNorm2d(channels)
        self.columns = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=False)
        self.columns_norm = nn.BatchNorm2d(channels)
        self.fuse = nn.Conv2d(channels, channels, 1)
        for conv in (self.rows, self.columns, self.fuse):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        return x * self.factors(x)

    def factors(self, x: Tensor) -> Tensor:
        """The factor of every element, in (0, 1), as [B, C, H, W]."""
        positive = torch.relu(x)
        rows: Tensor = self.rows(positive.mean(dim=3, keepdim=True))
        columns: Tensor = self.columns(positive.mean(dim=2, keepdim=True))
        refuse_single_values(self.rows_norm, rows)
        refuse_single_values(self.columns_norm, columns)
        return torch.sigmoid(
            self.fuse(torch.relu(self.rows_norm(rows) + self.columns_norm(columns)))
        )
