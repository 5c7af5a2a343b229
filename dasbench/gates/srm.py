"""SRM, style-based recalibration: channels scaled by a gate from their mean and deviation."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError
from dasbench.gates.single_values import refuse_single_values

_EPS = 1e-5


@GATES.register(
    "srm",
    source="Lee et al. 2019, SRM: A style-based recalibration module for convolutional neural "
    "networks, arXiv 1903.10829, section 3",
    placement={"after": "before_add"},
)
class StyleRecalibration(nn.Module):
    """Scale every channel by a gate that is computed from its own mean and standard deviation.

    `z_c = w_c1 mean_hw(x_c) + w_c2 std_hw(x_c)`, `out = x * sigmoid(bn(z))`

    The standard deviation is `sqrt(var + 1e-5)` with the unbiased variance, as in the authors'
    code. The weights w start at 0, so that the gate starts at 0.5. No parameter gets weight decay,
    as in the authors' training.

    Args:
        channels: channels C of the map.

    Shape:
        [B, C, H, W] -> the same; H * W at least 2, and B at least 2 in training

    Raises:
        ModelError: on a map of 1x1, in training and in evaluation; in training on one image.

    Example:
        >>> StyleRecalibration(64)(torch.ones(2, 64, 7, 5)).unique()
        tensor([0.5000], grad_fn=<Unique2Backward0>)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.style = nn.Parameter(torch.zeros(channels, 2))
        self.norm = nn.BatchNorm2d(channels)

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        """All of them (see `dasbench.gates.traits.HasUndecayed`)."""
        return self.parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        if tuple(x.shape[-2:]) == (1, 1):
            raise ModelError(
                "a map of 1x1 has no standard deviation, which this gate is computed from; give "
                "the network larger images or a stem that keeps more of them (for images below "
                "64 px: stem small), or leave this stage out"
            )
        var, mean = torch.var_mean(x, dim=(2, 3), correction=1)
        style = mean * self.style[:, 0] + torch.sqrt(var + _EPS) * self.style[:, 1]
        refuse_single_values(self.norm, style)
        scale = torch.sigmoid(self.norm(style[:, :, None, None]))
        return x * scale.to(x.dtype)
