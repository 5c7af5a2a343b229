"""GE, gather-excite over the whole map: plain, with a depthwise gather, or with an MLP on top."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError
from dasbench.gates.reduction import Reduction, hidden_width
from dasbench.gates.single_values import refuse_single_values

Variant = Literal["theta0", "theta", "theta_plus"]

_EXCITE_DEVIATION = 0.01
"""Standard deviation of the fresh weights of the channel MLP."""

_BIAS_RATE = 2.0
"""Learning rate of the MLP's biases, as a multiple of all others'."""


@GATES.register(
    "ge",
    source="Hu et al. 2018, Gather-excite: Exploiting feature context in convolutional neural "
    "networks, arXiv 1810.12348, section 3",
    placement={"after": "before_add"},
)
class GatherExcite(nn.Module):
    """Scale every channel by a gate that is gathered from the whole map (global extent).

    `theta0` (the paper's theta-minus): `out = x * sigmoid(mean_hw(x))`, no parameters;
    `theta`: `out = x * sigmoid(bn(depthwise(x)))`, the kernel as large as the map, no padding;
    `theta_plus`: `out = x * sigmoid(W2 relu(W1 relu(bn(depthwise(x)))))`.

    A kernel as large as the map ties `theta` and `theta_plus` to one size of images.

    As in the authors' training, the gather's kernel starts from He's normal distribution over the
    fan-in, the weights of `W1` and `W2` from one of deviation 0.01, their biases at 0. These biases
    learn at twice the rate; they and the batch norm have no weight decay (nor has any other batch
    norm of theirs, which is a matter of the recipe here).

    Args:
        channels: channels C of the map.
        variant: `theta0`, `theta` or `theta_plus`; the paper has all three.
        size: height and width of the map in pixels; `theta0` needs and uses none. In the paper's
            ResNets at 224 px: 56, 28, 14 and 7 in the four stages.
        base_channels: channels at which the map has that size; it is taken to halve, rounded up,
            wherever the channels double, as from stage to stage of a ResNet (ResNet-50 at 224 px:
            size 56, base_channels 256). None: the map has that size at every place.
        reduction: the hidden layer of `theta_plus` has C / reduction channels, at least 1; 16 in
            the paper.

    Shape:
        [B, C, H, W] -> the same; H = W = size except for `theta0`; B at least 2 in training except
        for `theta0`

    Raises:
        ModelError: except for `theta0`: if there is no size, if the map has another, in training on
            one image.

    Example:
        >>> GatherExcite(64)(torch.zeros(1, 64, 7, 5)).shape
        torch.Size([1, 64, 7, 5])
        >>> GatherExcite(512, variant="theta", size=56, base_channels=256).size
        28
    """

    def __init__(
        self,
        channels: int,
        *,
        variant: Variant = "theta0",
        size: Annotated[int, Ge(1)] | None = None,
        base_channels: Annotated[int, Ge(1)] | None = None,
        reduction: Reduction = 16,
    ) -> None:
        super().__init__()
        self.size: int | None = None
        self.gather: nn.Module = nn.AdaptiveAvgPool2d(1)
        self.norm: nn.Module = nn.Identity()
        self.excite: nn.Module = nn.Identity()
        if variant != "theta0":
            self.size = _kernel_size(channels, variant, size, base_channels)
            self.gather = nn.Conv2d(channels, channels, self.size, groups=channels, bias=False)
            self.norm = nn.BatchNorm2d(channels)
        if variant == "theta_plus":
            self.excite = _channel_mlp(channels, reduction)
        self._initialise()

    def _initialise(self) -> None:
        if isinstance(self.gather, nn.Conv2d):
            nn.init.kaiming_normal_(self.gather.weight, mode="fan_in", nonlinearity="relu")
        for parameter in self.excite.parameters():
            nn.init.normal_(parameter, std=_EXCITE_DEVIATION)
        for bias in self._excite_biases():
            nn.init.zeros_(bias)

    def _excite_biases(self) -> list[nn.Parameter]:
        return [
            parameter for name, parameter in self.excite.named_parameters() if name.endswith("bias")
        ]

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        """The batch norm's, and the biases (see `dasbench.gates.traits.HasUndecayed`)."""
        return [*self.norm.parameters(), *self._excite_biases()]

    def rate_factors(self) -> Mapping[nn.Parameter, float]:
        """The biases learn at twice the rate (see `dasbench.gates.traits.HasRates`)."""
        return dict.fromkeys(self._excite_biases(), _BIAS_RATE)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        if self.size is not None and tuple(x.shape[-2:]) != (self.size, self.size):
            height, width = x.shape[-2:]
            raise ModelError(
                f"expected a map of {self.size}x{self.size}, which the kernel of ge covers, got "
                f"{height}x{width}; set 'size' to the map's side, or take the variant 'theta0', "
                "which takes any map"
            )
        gathered = self.gather(x)
        if self.size is not None:
            refuse_single_values(self.norm, gathered)
        return x * torch.sigmoid(self.excite(self.norm(gathered)))


def _kernel_size(
    channels: int, variant: Variant, size: int | None, base_channels: int | None
) -> int:
    """The side of the map where it has this number of channels."""
    if size is None:
        raise ModelError(
            f"ge: the variant '{variant}' has a kernel as large as the map: give its side as "
            "'size' (in pixels), or take the variant 'theta0', which needs none"
        )
    if base_channels is None:
        return size
    return math.ceil(size * base_channels / channels)


def _channel_mlp(channels: int, reduction: int) -> nn.Sequential:
    hidden = hidden_width(channels, reduction)
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1)
    )
