"""GSoP: a factor per channel, read off the covariance of the channels (second-order pooling)."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.single_values import refuse_single_values
from dasbench.gates.traits import Place

_ROWS = 4
"""Values that are computed from each row of the covariance."""

_FIRST_STAGE_STRIDE = 2
"""Of the authors' gate in the first stage, which has the largest maps (56x56 at 224 px)."""


@GATES.register(
    "gsop",
    source="Gao et al. 2019, Global second-order pooling convolutional networks, arXiv "
    "1811.12006, section 3",
    placement={"after": "before_add", "blocks": "last"},
    backbone={"last_stride": 1},
)
class GsopGate(nn.Module):
    """Scale every channel by what its covariances with the other channels say (GSoP-Net1).

    `out = x * sigmoid(W2 r(BN(cov(ReLU(BN(W1 ReLU(x)))))))`, where `cov` is the covariance of the
    reduced channels over the map, divided by the number of positions, and `r` computes 4 values
    from each of its rows.

    In the authors' networks it stands in the last block of each stage, before the addition, the
    last stage keeps stride 1, and in the first stage the reduction has stride 2, whatever the size
    of the images. Convolutions start from He's normal distribution over the fan-out, as theirs.

    Args:
        channels: channels of the map.
        hidden: channels that the covariance relates; 128 in the paper.
        stride: every how many pixels the map is read, in each direction; None for the authors': 2
            in the first stage of the backbone that the gate is attached to, 1 elsewhere.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: in train mode, on a batch of one image whose map, once thinned, is 1x1 (or with
            `hidden` 1).

    Example:
        >>> gate = GsopGate(256)
        >>> sum(parameter.numel() for parameter in gate.parameters())
        230784
        >>> gate(torch.zeros(2, 256, 7, 7)).shape
        torch.Size([2, 256, 7, 7])
    """

    def __init__(
        self,
        channels: int,
        *,
        hidden: Annotated[int, Ge(1)] = 128,
        stride: Annotated[int, Ge(1)] | None = None,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.reduce_norm = nn.BatchNorm2d(hidden)
        self.row_norm = nn.BatchNorm2d(hidden)
        self.rows = nn.Conv2d(hidden, _ROWS * hidden, (hidden, 1), groups=hidden)
        self.expand = nn.Conv2d(_ROWS * hidden, channels, 1)
        for conv in (self.reduce, self.rows, self.expand):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")

    def attach(self, backbone: nn.Module, site: Place, sites: Sequence[Place]) -> None:
        """Learn whether this is the first stage (see `dasbench.gates.traits.NeedsBackbone`)."""
        if self.stride is None and site.stage == min(other.stage for other in sites):
            self.stride = _FIRST_STAGE_STRIDE

    def forward(self, x: Tensor) -> Tensor:
        """Gate `x`."""
        return x * self.factors(x)

    def factors(self, x: Tensor) -> Tensor:
        """The factor of every channel, in (0, 1), as [B, C, 1, 1]."""
        reduced: Tensor = self.reduce(torch.relu(self._thin(x)))
        refuse_single_values(self.reduce_norm, reduced)
        related = covariance(torch.relu(self.reduce_norm(reduced))).unsqueeze(-1)
        refuse_single_values(self.row_norm, related)
        return torch.sigmoid(self.expand(self.rows(self.row_norm(related))))

    def _thin(self, x: Tensor) -> Tensor:
        """Every `stride`-th pixel, as a strided 1x1 convolution reads them."""
        stride = self.stride or 1
        if stride == 1:
            return x
        return x[..., ::stride, ::stride]


def covariance(x: Tensor) -> Tensor:
    """The covariance of the channels over the positions of each map, divided by their number.

    Shape:
        [B, C, H, W] -> [B, C, C]

    Example:
        >>> covariance(torch.tensor([[[[1.0, 3.0]], [[6.0, 2.0]]]]))
        tensor([[[ 1., -2.],
                 [-2.,  4.]]])
    """
    values = x.flatten(2)
    centred = values - values.mean(dim=2, keepdim=True)
    return torch.bmm(centred, centred.transpose(1, 2)) / values.shape[2]
