"""The layers inside a DAS gate: what compresses features, and what makes attention of them."""

from dataclasses import dataclass
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dasbench.gates.das.norms import NormName, NormSlot
from dasbench.ops.deform_backends import without_autocast
from dasbench.ops.deform_conv import DeformConv2d


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The parameters of a gate that its parts are built with; meanings and ranges as in `Das`."""

    alpha: float
    first_norm: NormName
    second_norm: NormName
    kernel: int
    offset_groups: int
    affine: bool
    mask: bool


def squeezed_channels(channels: int, alpha: float) -> int:
    """How many channels the compression leaves: `alpha * channels` rounded up, at least 1.

    Rounding up is what the paper's counts require. The small term keeps a product that is whole but
    for the error of floating point (0.07 * 100) from being rounded past itself.

    Example:
        >>> [squeezed_channels(channels, 0.2) for channels in (64, 128, 256, 512)]
        [13, 26, 52, 103]
    """
    return max(1, ceil(alpha * channels - 1e-9))


def separable(in_channels: int, out_channels: int) -> nn.Sequential:
    """A depthwise 3x3 convolution and a pointwise one, with bias: [B, in, H, W] -> [B, out, H, W].

    Example:
        >>> sum(each.numel() for each in separable(8, 4).parameters()) == 10 * 8 + 4 + 8 * 4
        True
    """
    depthwise = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels)
    return nn.Sequential(depthwise, nn.Conv2d(in_channels, out_channels, 1))


def compress(channels: int, squeezed: int, settings: Settings) -> nn.Module:
    """Equation 1: `GELU(norm(separable(x)))`, from c channels to the squeezed ones."""
    norm = NormSlot(squeezed, norm=settings.first_norm, affine=settings.affine)
    return nn.Sequential(separable(channels, squeezed), norm, nn.GELU())


class OfContext(nn.Module):
    """A mixer that reads the context alone, not the gate's input.

    Args:
        layer: what turns the context into a map.

    Shape:
        context: [B, R, H, W]; x: [B, C, H, W], ignored; returns what `layer` makes of the context
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, context: Tensor, x: Tensor) -> Tensor:
        """Mix the context."""
        out: Tensor = self.layer(context)
        return out


class Resampled(nn.Module):
    """Sets the input, sampled where the context points, beside the context (designs a and b).

    Not established: the paper says no more than that a GridSample of the input is concatenated.
    Here the flow is a displacement in `grid_sample`'s units (2 is the side of the map), it starts
    at zero, where the sampled input is the input, and there are zeros outside of the map.

    Args:
        flow: context -> displacement (x, y) of every position.
        mix: context and sampled input, concatenated -> out.

    Shape:
        context: [B, R, H, W]; x: [B, C, H, W]; flow's output: [B, 2, H, W]; returns [B, out, H, W]
    """

    def __init__(self, flow: nn.Sequential, mix: nn.Module) -> None:
        super().__init__()
        self.flow = flow
        self.mix = mix
        last = [module for module in flow.modules() if isinstance(module, nn.Conv2d)][-1]
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, context: Tensor, x: Tensor) -> Tensor:
        """Mix the context and the input that it points to."""
        flow = self.flow(context)
        with without_autocast(x.device):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            grid = _identity_grid(wide) + flow.to(wide.dtype).permute(0, 2, 3, 1)
            sampled = F.grid_sample(wide, grid, padding_mode="zeros", align_corners=False).to(
                x.dtype
            )
        out: Tensor = self.mix(torch.cat((context, sampled), dim=1))
        return out


def _identity_grid(x: Tensor) -> Tensor:
    """The centre of every position of a map in `grid_sample`'s units: [H, W, 2] as (x, y)."""
    sides = (
        torch.arange(side, device=x.device, dtype=x.dtype) * (2 / side) + (1 / side - 1)
        for side in x.shape[2:]
    )
    return torch.stack(torch.meshgrid(*sides, indexing="ij")[::-1], dim=-1)


def deformable(context: int, channels: int, settings: Settings) -> nn.Module:
    """Equation 2: a deformable convolution from the context to c channels.

    Inferred: that its kernel is dense. The paper's counts do not see the kernel; they fix its
    offset and mask convolutions alone.
    """
    return OfContext(
        DeformConv2d(
            context,
            channels,
            kernel=settings.kernel,
            offset_groups=settings.offset_groups,
            mask=settings.mask,
        )
    )


def rigid(context: int, channels: int, settings: Settings) -> nn.Module:
    """The deformable convolution without offsets and mask: dense, of the same kernel, no bias."""
    return OfContext(
        nn.Conv2d(context, channels, settings.kernel, padding=settings.kernel // 2, bias=False)
    )


def depthwise_deformable(context: int, channels: int, settings: Settings) -> nn.Module:
    """A deformable convolution of each channel by itself, then a pointwise one with bias to c."""
    depthwise = DeformConv2d(
        context,
        context,
        kernel=settings.kernel,
        offset_groups=settings.offset_groups,
        groups=context,
        mask=settings.mask,
    )
    return OfContext(nn.Sequential(depthwise, nn.Conv2d(context, channels, 1)))


def regular(context: int, channels: int, _settings: Settings) -> nn.Module:
    """A depthwise separable convolution from the context to c channels."""
    return OfContext(separable(context, channels))


def resampled_features(context: int, channels: int, _settings: Settings) -> nn.Module:
    """Design a: new features from the input and a resampled copy of it."""
    flow = nn.Sequential(
        nn.Conv2d(context, context, 1, bias=False), nn.GELU(), separable(context, 2)
    )
    return Resampled(flow, separable(context + channels, channels))


def resampled_map(context: int, channels: int, _settings: Settings) -> nn.Module:
    """Design b: one value per position from the compressed input and a resampled copy of it."""
    flow = nn.Sequential(separable(context, context), nn.GELU(), separable(context, 2))
    return Resampled(flow, separable(context + channels, 1))
