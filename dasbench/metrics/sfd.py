"""The salient feature detection score: how much of a network's attention lies where it belongs."""

import math
from typing import Annotated, Literal, get_args

import torch
from annotated_types import Ge, Le
from torch import Tensor

from dasbench.catalog import METRICS
from dasbench.errors import DataError, UsageError, unknown_name

Antilog = Literal["shifted", "plain"]
"""How weights are stretched before they are averaged: base^w - 1, or base^w."""


@METRICS.register(
    "sfd",
    unit="",
    direction="max",
    needs="saliency",
    tasks=("classification",),
    source="Salajegheh, Asadi, Saryazdi, Mudur 2023, DAS: A deformable attention to capture "
    "salient information in CNNs, arXiv 2311.12091, section 4.4 (equation 5)",
)
def sfd(
    maps: Tensor,
    regions: Tensor,
    *,
    base: Annotated[float, Ge(1), Le(1e6)] = 10.0,
    threshold: Annotated[float, Ge(0), Le(1)] = 0.15,
    antilog: Antilog = "shifted",
) -> Tensor:
    """Score heat maps by how much of their weight lies in the regions that matter: 1 all, 0 none.

    sfd = W_r / (W_r + W_n). W_r is the mean weight in the region R; W_n is the mean weight in B
    without R, where B is the smallest box that holds R and every weight of at least `threshold`.
    Weights are the map as a share of its own maximum, stretched by an antilog. Where B has nothing
    beside R, W_n is 0.

    Open in the paper: the base of the antilog and the threshold of B. The base is that of the
    common logarithm; the threshold is the one with which Grad-CAM's authors cut boxes out of their
    maps.

    Differs from the paper: "antilog scaling" of weights between 0 and 1, read literally, is base^w,
    which is 1 where the map is 0. With base 10 no score could then leave 1/11 to 10/11, but the
    paper has sfd vary from 0 to 1 and prints scores beyond 10/11. So a weight of 0 stays 0 here:
    base^w - 1. `antilog="plain"` is the literal reading.

    Args:
        maps: raw Grad-CAM maps, nothing below zero. They are divided by their maximum, but no
            minimum is subtracted: that would turn an evenly lit map into noise.
        regions: whether a pixel is part of what matters, bool.
        base: of the antilog; 1 leaves the weights as they are (its limit).
        threshold: share of a map's maximum from which a weight counts as salient; 0 makes B the
            whole image.
        antilog: `shifted` (base^w - 1) or `plain` (base^w).

    Shape:
        [..., H, W] and [..., H, W] -> [...], float64; NaN for a map that is zero everywhere or not
        finite: a network that looks nowhere has no score.

    Raises:
        DataError: if a region is empty.
        UsageError: if the shapes differ, a weight is negative, or a parameter is out of its range.

    Example:
        >>> region = torch.tensor([[True, True, False, False]])
        >>> lit = [[[2.0, 2.0, 0.0, 0.0]], [[1.0, 1.0, 1.0, 1.0]], [[0.0, 0.0, 1.0, 1.0]]]
        >>> sfd(torch.tensor(lit), region.expand(3, 1, 4)).tolist()
        [1.0, 0.5, 0.0]
    """
    check_sfd(base=base, threshold=threshold, antilog=antilog)
    _check_maps(maps, regions)
    peak = maps.double().amax((-2, -1), keepdim=True)
    weights = maps.double() / torch.where(peak > 0, peak, 1.0)
    around = box_around(regions | (weights >= threshold)) & ~regions
    stretched = _stretch(weights, base=base, antilog=antilog)
    relevant, other = _mean(stretched, regions), _mean(stretched, around)
    seen = (peak[..., 0, 0] > 0) & peak[..., 0, 0].isfinite()
    return torch.where(seen, relevant / (relevant + other), math.nan)


def box_around(mask: Tensor) -> Tensor:
    """The smallest upright box that holds every true pixel, as a mask.

    Shape:
        bool, [..., H, W] -> [..., H, W]

    Example:
        >>> box_around(torch.tensor([[True, False, False], [False, True, False]])).int().tolist()
        [[1, 1, 0], [1, 1, 0]]
    """
    return _fill_between(mask.any(-1))[..., :, None] & _fill_between(mask.any(-2))[..., None, :]


def _fill_between(line: Tensor) -> Tensor:
    """True from the first to the last true value."""
    seen = line.int()
    return (seen.cumsum(-1) > 0) & (seen.flip(-1).cumsum(-1).flip(-1) > 0)


def _stretch(weights: Tensor, *, base: float, antilog: Antilog) -> Tensor:
    if antilog == "plain":
        return base**weights
    return weights if base == 1 else torch.expm1(weights * math.log(base))


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """The mean over some pixels, 0 over none."""
    total = torch.where(where, values, 0.0).sum((-2, -1))
    return total / where.sum((-2, -1)).clamp(min=1)


def check_sfd(*, base: float, threshold: float, antilog: str) -> None:
    """Refuse parameters of `sfd` that are out of their range, before anything is computed.

    Raises:
        UsageError: naming the parameter and its range.
    """
    if antilog not in get_args(Antilog):
        raise UsageError(unknown_name("antilog", antilog, get_args(Antilog)))
    if not 1 <= base <= 1e6:
        raise UsageError(
            f"base '{base:g}' is out of range; the base of the antilog lies from 1 (none) to 1e6"
        )
    if base == 1 and antilog == "plain":
        raise UsageError(
            "base '1' makes every weight 1 with antilog plain; write a larger base, or antilog "
            "shifted"
        )
    if not 0 <= threshold <= 1:
        raise UsageError(
            f"threshold '{threshold:g}' is out of range; it is a share of a map's maximum, from 0 "
            "to 1"
        )


def _check_maps(maps: Tensor, regions: Tensor) -> None:
    if maps.shape != regions.shape or maps.ndim < 2:
        shapes = f"maps {list(maps.shape)}, regions {list(regions.shape)}"
        raise UsageError(
            f"sfd of {shapes}: both have to be [..., H, W], pixel by pixel of the same image"
        )
    if regions.dtype != torch.bool:
        raise UsageError(f"sfd: regions are {regions.dtype}, not bool; write regions > 0")
    if (maps < 0).any():
        raise UsageError(
            "sfd: a weight is negative; Grad-CAM keeps what speaks for a class alone: relu the maps"
        )
    empty = (~regions.flatten(-2).any(-1)).flatten().nonzero().flatten().tolist()
    if empty:
        raise DataError(
            f"sfd: the region of map {empty[0]} is empty ({len(empty)} such); there is nothing to "
            "look at"
        )
