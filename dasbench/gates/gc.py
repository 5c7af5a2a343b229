"""Global context (GC): one attention-pooled vector of the whole map, added to every position."""

from typing import Literal

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width


@GATES.register(
    "gc",
    source="Cao et al. 2019, GCNet: Non-local networks meet squeeze-excitation networks and "
    "beyond, arXiv 1904.11492, section 4.3",
    placement={"after": "before_add"},
)
class GlobalContext(nn.Module):
    """Pool the map by a softmax over its positions, transform the vector, add it to every position.

    `context = sum_p softmax_p(w x + b) x_p`
    `out = x + W2 relu(layer_norm(W1 context))`

    As in the authors' code, the last convolution starts at 0, so that the gate starts as the
    identity, and the weights of the attention start from He's normal distribution over the fan-in,
    its bias at 0.

    Not established: where the gates of the published classification row stand, since its count fits
    both: in every block of all four stages, c2 to c5 (taken here; ResNet-50 then has 28,105,032
    parameters), or of the last three, c3 to c5 (`placement: {stages: [2, 3, 4]}`; 28,078,773), as
    in all configurations of detectors that the authors published. Those add, too.

    Args:
        channels: channels C of the map.
        reduction: the hidden layer has C / reduction channels, at least 1; 16 in the paper.
        fusion: `add` the transformed context, or `scale` by its sigmoid.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> x = torch.ones(2, 64, 7, 5)
        >>> torch.equal(GlobalContext(64)(x), x)
        True
    """

    def __init__(
        self, channels: int, *, reduction: Reduction = 16, fusion: Literal["add", "scale"] = "add"
    ) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.fusion = fusion
        self.attention = nn.Conv2d(channels, 1, 1)
        self.transform = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.LayerNorm([hidden, 1, 1]),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1),
        )
        self._initialise()

    def _initialise(self) -> None:
        for parameter in (*self.attention.parameters(), *self.transform[-1].parameters()):
            nn.init.zeros_(parameter)
        nn.init.kaiming_normal_(self.attention.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        weights = self.attention(x).flatten(2).softmax(dim=2)
        context = torch.bmm(x.flatten(2), weights.transpose(1, 2))
        change: Tensor = self.transform(context[..., None])
        return x + change if self.fusion == "add" else x * torch.sigmoid(change)
