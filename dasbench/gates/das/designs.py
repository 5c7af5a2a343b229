"""The designs of the DAS gate (Figure 2 and Table 4 of the paper) as a table of functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from dasbench.gates.das.mixers import (
    Settings,
    compress,
    deformable,
    depthwise_deformable,
    regular,
    resampled_features,
    resampled_map,
    rigid,
)
from dasbench.gates.das.norms import NormSlot
from dasbench.spec.plain import Params

DesignName = Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
"""The keys of `DESIGNS`, as a type: what a study may write."""


def second_norm(channels: int, settings: Settings) -> nn.Module:
    """The norm before the sigmoid, in its slot."""
    return NormSlot(channels, norm=settings.second_norm, affine=settings.affine)


def batch_norm(channels: int, _settings: Settings) -> nn.Module:
    """A batch norm of the design's own: it stands in no slot, and the paper's count sees it."""
    return nn.BatchNorm2d(channels)


def no_norm(_channels: int, _settings: Settings) -> nn.Module:
    """Nothing."""
    return nn.Identity()


def attend(x: Tensor, mixed: Tensor) -> Tensor:
    """Equations 3 and 4: the input times an attention map in (0, 1)."""
    return x * mixed.sigmoid()


def activate(_x: Tensor, mixed: Tensor) -> Tensor:
    """New features instead of attention, activated."""
    return F.gelu(mixed)


def replace(_x: Tensor, mixed: Tensor) -> Tensor:
    """New features instead of attention, as they are."""
    return mixed


_PARAMETERS: Mapping[Callable[..., Any], frozenset[str]] = {
    compress: frozenset({"alpha", "first_norm", "affine"}),
    deformable: frozenset({"kernel", "offset_groups", "mask"}),
    rigid: frozenset({"kernel"}),
    depthwise_deformable: frozenset({"kernel", "offset_groups", "mask"}),
    second_norm: frozenset({"second_norm", "affine"}),
}


@dataclass(frozen=True, kw_only=True)
class Design:
    """One design: context = compress(x), then finish(x, norm(mix(context, x))).

    Args:
        summary: what sets it apart.
        compress: makes the context from (channels, squeezed channels, settings); None where the
            context is the input.
        mix: makes the layer from (context channels, channels, settings).
        norm: makes the norm from (channels, settings).
        finish: the gate's output from its input and the mixed, normalised features.
        without: components that can be left out, each with the design that is left.
    """

    summary: str
    compress: Callable[[int, int, Settings], nn.Module] | None = None
    mix: Callable[[int, int, Settings], nn.Module]
    norm: Callable[[int, Settings], nn.Module]
    finish: Callable[[Tensor, Tensor], Tensor]
    without: Mapping[str, DesignName] = field(default_factory=dict)

    @property
    def parts(self) -> frozenset[str]:
        """The parameters of `Das` that change this design; the others make no difference.

        Example:
            >>> sorted(DESIGNS["d"].parts)
            ['affine', 'kernel', 'mask', 'offset_groups', 'second_norm']
        """
        steps = (self.compress, self.mix, self.norm)
        return frozenset().union(*(_PARAMETERS.get(step, frozenset()) for step in steps if step))


DESIGNS: Mapping[str, Design] = {
    "a": Design(
        summary="the input beside a resampled copy of it, mixed by a separable convolution; no "
        "attention",
        mix=resampled_features,
        norm=no_norm,
        finish=replace,
    ),
    "b": Design(
        summary="as a, from compressed features, and used as attention: one value per position",
        compress=compress,
        mix=resampled_map,
        norm=no_norm,
        finish=attend,
    ),
    "c": Design(
        summary="the proposed gate: compression, deformable convolution, attention",
        compress=compress,
        mix=deformable,
        norm=second_norm,
        finish=attend,
        without={
            "compression": "d",
            "offsets": "j",
            "dense_kernel": "i",
            "deformable_convolution": "f",
            "attention": "h",
        },
    ),
    "d": Design(
        summary="c without the compression: the deformable convolution reads the input",
        mix=deformable,
        norm=second_norm,
        finish=attend,
        without={"deformable_convolution": "e", "attention": "g"},
    ),
    "e": Design(
        summary="c without the deformable convolution: the initial separable convolution alone, "
        "not compressing",
        mix=regular,
        norm=second_norm,
        finish=attend,
    ),
    "f": Design(
        summary="c with a second separable convolution instead of the deformable one",
        compress=compress,
        mix=regular,
        norm=second_norm,
        finish=attend,
        without={"compression": "e"},
    ),
    "g": Design(
        summary="a deformable convolution as an ordinary layer; no attention",
        mix=deformable,
        norm=batch_norm,
        finish=activate,
    ),
    "h": Design(
        summary="g with the compression before it; no attention",
        compress=compress,
        mix=deformable,
        norm=batch_norm,
        finish=activate,
        without={"compression": "g"},
    ),
    "i": Design(
        summary="ours: c with a depthwise deformable kernel and a pointwise convolution instead "
        "of a dense kernel",
        compress=compress,
        mix=depthwise_deformable,
        norm=second_norm,
        finish=attend,
        without={"offsets": "f"},
    ),
    "j": Design(
        summary="ours: c with an ordinary convolution of the same shape instead of the "
        "deformable one",
        compress=compress,
        mix=rigid,
        norm=second_norm,
        finish=attend,
        without={"dense_kernel": "f"},
    ),
}
"""Name -> design. A new row is also a member of `DesignName`."""


def unused_parameters(params: Params) -> frozenset[str]:
    """The parameters of `Das` that change nothing in the design that they come with.

    Example:
        >>> params = {"design": "e", "alpha": 0.2, "kernel": 3, "second_norm": "ln"}
        >>> sorted(unused_parameters(params))
        ['alpha', 'kernel']
    """
    return frozenset(params) - DESIGNS[params["design"]].parts - {"design"}


NEUTRAL: Params = {"first_norm": "none", "second_norm": "none", "mask": False}
"""Components that a parameter leaves out, in the designs that have them."""


def design_components(params: Params) -> Mapping[str, Params]:
    """What a gate is composed of: each component with the parameters that leave it out.

    Args:
        params: all parameters of a `Das`.

    Example:
        >>> params = {"design": "d", "second_norm": "ln", "mask": True}
        >>> design_components(params)["deformable_convolution"]
        {'design': 'e'}
        >>> list(design_components({"design": "h"}))
        ['compression', 'first_norm', 'mask']
    """
    design = DESIGNS[params["design"]]
    left_out: dict[str, Params] = {
        name: {"design": other} for name, other in design.without.items()
    }
    return left_out | {
        name: {name: value} for name, value in NEUTRAL.items() if name in design.parts
    }
