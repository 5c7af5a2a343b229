"""GALA, global-and-local attention: a channel and a spatial branch, joined by learned sums."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.reduction import Reduction, hidden_width

_KEPT = 0.87962566103423978
"""Standard deviation of a standard normal variable that is cut off at -2 and 2."""


@GATES.register(
    "gala",
    source="Linsley et al. 2019, Learning what and where to attend, arXiv 1805.08819, the GALA "
    "module",
    placement={"after": "before_add"},
)
class GlobalLocalAttention(nn.Module):
    """Scale the map by a function of a global value G per channel and a local value L per position.

    `G = W2 relu(W1 mean_hw(x))`, `L = conv1x1(relu(conv1x1(x)))`,
    `out = x * tanh(alpha (G + L) + beta G L)`

    All layers have biases. Initial values and the absence of weight decay are those of the authors'
    code. The loss that draws the attention towards human click maps is not part of the gate.

    Differs from the authors' code in favour of the paper: tanh where the code has a sigmoid
    (`activation: sigmoid`), no ReLU after W2. And in favour of the published parameter count, which
    the code's defaults miss by far: r = 16 instead of 4, no 5x5 convolution in the local branch, a
    gate in every block.

    Args:
        channels: channels C of the map.
        reduction: the hidden layers have C / reduction channels, at least 1; 16 fits the published
            count.
        activation: `tanh`, or `sigmoid`.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> GlobalLocalAttention(64)(torch.zeros(2, 64, 7, 5)).shape
        torch.Size([2, 64, 7, 5])
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: Reduction = 16,
        activation: Literal["tanh", "sigmoid"] = "tanh",
    ) -> None:
        super().__init__()
        hidden = hidden_width(channels, reduction)
        self.activation = activation
        self.global_ = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        self.local = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 1, 1)
        )
        self.alpha = nn.Parameter(torch.empty(channels, 1, 1))
        self.beta = nn.Parameter(torch.empty(channels, 1, 1))
        self._initialise()

    def _initialise(self) -> None:
        for layer in (*self.global_, *self.local):
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
            if isinstance(layer, nn.Conv2d):
                _scale_variance(layer.weight, layer.in_channels)
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
        _scale_variance(self.alpha, 1)
        _scale_variance(self.beta, 1)

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        """All of them (see `dasbench.gates.traits.HasUndecayed`)."""
        return self.parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        g = self.global_(x.mean((2, 3)))[:, :, None, None]
        # alpha (G + L) + beta G L, ordered such that only the last two steps are as large as the
        # map
        logits = self.alpha * g + (self.alpha + self.beta * g) * self.local(x)
        attention = torch.tanh(logits) if self.activation == "tanh" else torch.sigmoid(logits)
        return x * attention.to(x.dtype)


def _scale_variance(tensor: Tensor, fan_in: int) -> None:
    """Draw from a normal cut off at twice its deviation, of variance 1 / fan_in after the cut."""
    deviation = fan_in**-0.5 / _KEPT
    nn.init.trunc_normal_(tensor, std=deviation, a=-2 * deviation, b=2 * deviation)
