"""ASR: channels scaled by factors that no image changes, and that fold into the norm before."""

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width

_START = 0.1
"""What the learnt vector starts from."""


@GATES.register(
    "asr",
    source="Zhong et al. 2023, ASR: Attention-alike structural re-parameterization, arXiv "
    "2304.06345, section 4",
    placement={"after": "before_add"},
)
class AttentionAlike(nn.Module):
    """Scale every channel by a factor that squeeze-and-excitation computes from a learnt vector.

    `out = x * v`, `v = sigmoid(W2 relu(W1 psi + b1) + b2)`

    As `v` is the same for every image, a trained gate folds into the batch norm before it, exactly:
    its weight and its bias are multiplied by `v`. The network then is the plain one, and so are its
    costs.

    Differs from the paper: the authors' code has an unused pair of parameters beside these, which
    is left out.

    Args:
        channels: channels C of the map.
        reduction: the hidden layer has C / reduction channels, at least 1; 16 in the paper.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> gate, norm = AttentionAlike(64), nn.BatchNorm2d(64)
        >>> gate.fold(norm), torch.equal(norm.weight, gate.factors())
        (True, True)
        >>> gate(torch.zeros(2, 64, 7, 5)).shape
        torch.Size([2, 64, 7, 5])
    """

    def __init__(self, channels: int, *, reduction: Reduction = 16) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.psi = nn.Parameter(torch.full((channels,), _START))
        self.reduce = nn.Linear(channels, hidden)
        self.expand = nn.Linear(hidden, channels)

    def factors(self) -> Tensor:
        """The factor of every channel, in (0, 1), as [C]."""
        hidden = torch.relu(self.reduce(self.psi.unsqueeze(0)))
        return torch.sigmoid(self.expand(hidden)).squeeze(0)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        return x * self.factors()[:, None, None]

    def fold(self, before: nn.Module) -> bool:
        """Multiply a batch norm's weight and bias by the factors (see `gates.traits.Foldable`)."""
        if not isinstance(before, nn.BatchNorm2d) or not before.affine:
            return False
        with torch.no_grad():
            factors = self.factors()
            before.weight.mul_(factors)
            before.bias.mul_(factors)
        return True
