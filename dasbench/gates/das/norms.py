"""The norms that a DAS gate can have in its two slots (Table 5 of the paper), and the slot."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from dasbench.errors import ModelError

NormName = Literal["bn", "fn", "in", "ln", "ln_c", "none"]
"""The keys of `NORMS`, as a type: what a study may write."""


class NormSlot(nn.Module):
    """A place in a gate where the paper exchanges norms.

    Being a type of its own, it lets the paper's way of counting leave out whatever norm stands
    here; a batch norm that belongs to a design stands in no slot and counts.

    Args:
        channels: channels of the map.
        norm: which norm, by its key in `NORMS`.
        affine: whether the norm learns a scale and a shift per channel.

    Shape:
        [B, channels, H, W] -> the same

    Example:
        >>> type(NormSlot(8, norm="in").norm).__name__
        'InstanceNorm'
    """

    def __init__(self, channels: int, *, norm: NormName, affine: bool = False) -> None:
        super().__init__()
        self.norm = NORMS[norm](channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`."""
        out: Tensor = self.norm(x)
        return out


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm that says what to do when the map is a single pixel, without a variance.

    Shape:
        [B, C, H, W] -> the same; H * W at least 2

    Raises:
        ModelError: on a map of 1x1, in training and in evaluation.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every channel of every sample over its map."""
        if tuple(x.shape[-2:]) == (1, 1):
            raise ModelError(
                "instance norm cannot normalise a map of 1x1: every value is its own mean; give "
                "the network larger images or a stem that keeps more of them (for images below "
                "64 px: stem small), or take another norm"
            )
        return super().forward(x)


class FeatureNorm(nn.Module):
    """Divide the feature vector of every position by its L2 norm over the channels; no parameters.

    Not established: what the paper's "Simple Feature Norm" (FN) is. This is the simplest reading.

    Shape:
        [B, C, H, W] -> the same

    Example:
        >>> import torch
        >>> FeatureNorm()(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).flatten()
        tensor([0.6000, 0.8000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`; a vector of zeros stays zero."""
        return F.normalize(x, dim=1)


class ChannelLayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each position: another reading of "Layer Normalization".

    Args:
        channels: channels of the map; at least 2.
        affine: whether it learns a scale and a shift per channel.

    Shape:
        [B, channels, H, W] -> the same

    Raises:
        ModelError: if there is one channel, whose value is its own mean at every position.

    Example:
        >>> import torch
        >>> x = torch.tensor([3.0, 5.0]).view(1, 2, 1, 1)
        >>> ChannelLayerNorm(2, affine=False)(x).flatten().round()
        tensor([-1.,  1.])
    """

    def __init__(self, channels: int, *, affine: bool) -> None:
        if channels < 2:
            raise ModelError(
                "layer norm over the channels (ln_c) cannot normalise one channel: every value "
                "is its own mean; leave more channels (a larger alpha), or take another norm, "
                "such as ln"
            )
        super().__init__(channels, elementwise_affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the channels of every position."""
        return super().forward(x.movedim(1, 3)).movedim(3, 1)


def _batch_norm(channels: int, affine: bool) -> nn.Module:
    return nn.BatchNorm2d(channels, affine=affine)


def _feature_norm(_channels: int, _affine: bool) -> nn.Module:
    return FeatureNorm()


def _instance_norm(channels: int, affine: bool) -> nn.Module:
    return InstanceNorm(channels, affine=affine)


def _layer_norm(channels: int, affine: bool) -> nn.Module:
    """Over (C, H, W), as `nn.LayerNorm([C, H, W])`, but for maps of any size."""
    return nn.GroupNorm(1, channels, affine=affine)


def _channel_layer_norm(channels: int, affine: bool) -> nn.Module:
    return ChannelLayerNorm(channels, affine=affine)


def _no_norm(_channels: int, _affine: bool) -> nn.Module:
    return nn.Identity()


NORMS: Mapping[str, Callable[[int, bool], nn.Module]] = {
    "bn": _batch_norm,
    "fn": _feature_norm,
    "in": _instance_norm,
    "ln": _layer_norm,
    "ln_c": _channel_layer_norm,
    "none": _no_norm,
}
"""Name -> function that makes the norm from (channels, affine); names are those of `NormName`."""
