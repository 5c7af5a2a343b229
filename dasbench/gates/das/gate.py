"""The DAS attention gate, in any of its designs."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.gates.das.designs import DESIGNS, DesignName, design_components, unused_parameters
from dasbench.gates.das.mixers import Settings, squeezed_channels
from dasbench.gates.das.norms import NormName


@GATES.register(
    "das",
    source="Salajegheh, Asadi, Saryazdi, Mudur 2023, DAS: A deformable attention to capture "
    "salient information in CNNs, arXiv 2311.12091, sections 3.1 and 3.2 (equations 1 to 4) and "
    "4.3 (designs, norms, alpha)",
    placement={"after": "stage"},
    unused=unused_parameters,
    components=design_components,
    capacity={"alpha": tuple(step / 1000 for step in range(1, 1001))},
    sweeps={
        "norms": {"first_norm": ("bn", "fn", "in", "ln"), "second_norm": ("bn", "fn", "in", "ln")},
        "alpha": {"alpha": (0.01, 0.1, 0.2, 0.5, 1.0)},
    },
)
class Das(nn.Module):
    """Deformable attention: `x * sigmoid(norm(deform(GELU(norm(separable(x))))))`, or variants.

    The paper has no public code; its parameter and FLOP counts leave one construction for most
    designs.

    Determined by the counts: the separable convolution (depthwise 3x3, then pointwise, both with
    bias), the number of squeezed channels, and the 3x3 offset and mask convolutions of the
    deformable one (one offset group), in designs c to h; that g and h have a norm with a scale and
    a shift. Not established: the shape of the deformable kernel (dense here, depthwise in design
    i), whether the norms are affine (not, here), the axes of the layer norm, which the paper does
    not name (`ln` is over channels and positions; `ln_c` over the channels of each position), the
    activation and the batch norm of g and h (GELU, as elsewhere in the gate), and all of a and b
    beyond their counts and the sentence on each in section 4.3. Differs from the paper: offsets and
    mask start at zero, so that a fresh gate is the same for every position; layer norm's scale and
    shift, if any, are one per channel, so that a gate fits maps of any size.

    Args:
        channels: channels c of the map.
        design: a row of Table 4, or one of ours: i, with a depthwise deformable kernel and a
            pointwise convolution; j, with an ordinary convolution instead of the deformable one.
            The paper's choice is c.
        alpha: share of the channels that the compression leaves, rounded up; 0.2 in the paper.
        first_norm: norm of the compressed features; instance norm in the paper.
        second_norm: norm before the sigmoid; layer norm in the paper, taken here over (C, H, W).
        kernel: side of the deformable convolution's kernel; 3 in the paper.
        offset_groups: parts of the compressed channels that are sampled at positions of their own;
            1 in the paper.
        affine: whether the norms in the two slots learn a scale and a shift per channel.
        mask: whether every sample has a weight in (0, 1), as in the paper's equation 2.

    Shape:
        [B, channels, H, W] -> [B, channels, H, W]

    Raises:
        ModelError: if `offset_groups` does not divide the channels that the deformable convolution
            reads, or if `ln_c` has one channel to normalise; in the forward pass, if an instance
            norm meets a map of 1x1.

    Example:
        >>> import torch
        >>> gate = Das(64)
        >>> x = torch.randn(2, 64, 8, 8)
        >>> gate(x).shape
        torch.Size([2, 64, 8, 8])
        >>> bool((gate(x).abs() <= x.abs()).all())
        True
    """

    def __init__(
        self,
        channels: int,
        *,
        design: DesignName = "c",
        alpha: Annotated[float, Gt(0), Le(1)] = 0.2,
        first_norm: NormName = "in",
        second_norm: NormName = "ln",
        kernel: Literal[1, 3, 5, 7] = 3,
        offset_groups: Annotated[int, Ge(1)] = 1,
        affine: bool = False,
        mask: bool = True,
    ) -> None:
        super().__init__()
        settings = Settings(
            alpha=alpha,
            first_norm=first_norm,
            second_norm=second_norm,
            kernel=kernel,
            offset_groups=offset_groups,
            affine=affine,
            mask=mask,
        )
        row = DESIGNS[design]
        squeezed = channels
        self.compress: nn.Module = nn.Identity()
        if row.compress:
            squeezed = squeezed_channels(channels, alpha)
            self.compress = row.compress(channels, squeezed, settings)
        self.mix = row.mix(squeezed, channels, settings)
        self.norm = row.norm(channels, settings)
        self.finish = row.finish

    def forward(self, x: Tensor) -> Tensor:
        """Weight the features of `x`, or replace them (designs a, g and h)."""
        return self.finish(x, self.norm(self.mix(self.compress(x), x)))
