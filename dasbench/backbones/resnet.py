"""Residual networks of 18 to 152 layers: torchvision's, of any width and with two stems."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Le
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from dasbench.backbones.site import Backbone, Site
from dasbench.backbones.weights import find_weights, load_pretrained, pretrained_file
from dasbench.catalog import BACKBONES

Width = Annotated[int, Ge(1), Le(1024)]
Stem = Literal["imagenet", "small"]
Stride = Literal[1, 2]
Block = type[BasicBlock] | type[Bottleneck]

SOURCE = (
    "He et al. 2016, Deep residual learning for image recognition, arXiv 1512.03385; "
    "torchvision's v1.5 strides"
)

LAYERS: dict[str, tuple[Block, tuple[int, ...]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
}
"""The block of each network, and how many of them its stages have."""

NORMS: dict[Block, tuple[str, str]] = {BasicBlock: ("bn1", "bn2"), Bottleneck: ("bn2", "bn3")}
"""Of each block, the norm of the middle convolution and that of the last."""


@BACKBONES.register(
    "resnet18", source=SOURCE, weights_file=partial(pretrained_file, "resnet18"), stages=4
)
def resnet18(
    num_classes: int,
    *,
    width: Width = 64,
    stem: Stem = "imagenet",
    last_stride: Stride = 2,
    weights: str | None = None,
) -> Backbone:
    """ResNet-18: 4 stages of 2 basic blocks.

    Args:
        num_classes: length of the logits.
        width: channels of the first stage; 64 in the paper. Each further stage has twice as many.
        stem: `imagenet` (7x7, stride 2, max-pool: the paper's) or `small` (3x3, stride 1) for
            images below 64 px.
        last_stride: stride of the last stage; 2 in the paper, 1 where a method wants larger maps at
            the end.
        weights: file to start from (a state_dict, also torchvision's own), or one of torchvision's
            names for this network (`IMAGENET1K_V1`), if its file is in the folder of torch.hub, or
            the key of a trial whose weights were kept (`dasbench run --keep-weights`); None for
            fresh weights.

    Example:
        >>> [site.path for site in resnet18(10, width=8).sites if site.after == "stage"]
        ['layer1', 'layer2', 'layer3', 'layer4']
    """
    return _resnet("resnet18", num_classes, width, stem, last_stride, weights)


@BACKBONES.register(
    "resnet34", source=SOURCE, weights_file=partial(pretrained_file, "resnet34"), stages=4
)
def resnet34(
    num_classes: int,
    *,
    width: Width = 64,
    stem: Stem = "imagenet",
    last_stride: Stride = 2,
    weights: str | None = None,
) -> Backbone:
    """ResNet-34: 4 stages of 3, 4, 6 and 3 basic blocks.

    `width`, `stem`, `last_stride` and `weights` as for `resnet18`.
    """
    return _resnet("resnet34", num_classes, width, stem, last_stride, weights)


@BACKBONES.register(
    "resnet50", source=SOURCE, weights_file=partial(pretrained_file, "resnet50"), stages=4
)
def resnet50(
    num_classes: int,
    *,
    width: Width = 64,
    stem: Stem = "imagenet",
    last_stride: Stride = 2,
    weights: str | None = None,
) -> Backbone:
    """ResNet-50: 4 stages of 3, 4, 6 and 3 bottlenecks.

    `width`, `stem`, `last_stride` and `weights` as for `resnet18`.
    """
    return _resnet("resnet50", num_classes, width, stem, last_stride, weights)


@BACKBONES.register(
    "resnet101", source=SOURCE, weights_file=partial(pretrained_file, "resnet101"), stages=4
)
def resnet101(
    num_classes: int,
    *,
    width: Width = 64,
    stem: Stem = "imagenet",
    last_stride: Stride = 2,
    weights: str | None = None,
) -> Backbone:
    """ResNet-101: 4 stages of 3, 4, 23 and 3 bottlenecks.

    `width`, `stem`, `last_stride` and `weights` as for `resnet18`.
    """
    return _resnet("resnet101", num_classes, width, stem, last_stride, weights)


@BACKBONES.register(
    "resnet152", source=SOURCE, weights_file=partial(pretrained_file, "resnet152"), stages=4
)
def resnet152(
    num_classes: int,
    *,
    width: Width = 64,
    stem: Stem = "imagenet",
    last_stride: Stride = 2,
    weights: str | None = None,
) -> Backbone:
    """ResNet-152: 4 stages of 3, 8, 36 and 3 bottlenecks.

    `width`, `stem`, `last_stride` and `weights` as for `resnet18`.
    """
    return _resnet("resnet152", num_classes, width, stem, last_stride, weights)


def _resnet(
    name: str, num_classes: int, width: int, stem: Stem, last_stride: Stride, weights: str | None
) -> Backbone:
    block, depths = LAYERS[name]
    # torchvision's forward and names; every layer with weights is replaced below
    with torch.device("meta"):
        net = ResNet(block, [1, 1, 1, 1], num_classes)
    if stem == "imagenet":
        net.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    else:
        net.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
    net.bn1 = nn.BatchNorm2d(width)
    channels = width
    strides = (1, 2, 2, last_stride)
    for stage, (depth, stride) in enumerate(zip(depths, strides, strict=True), start=1):
        planes = width * 2 ** (stage - 1)
        net.add_module(f"layer{stage}", _stage(block, channels, planes, depth, stride=stride))
        channels = planes * block.expansion
    net.fc = nn.Linear(channels, num_classes)
    _initialise(net)
    if weights is not None:
        load_pretrained(net, find_weights(weights, model=name), head="fc")
    return Backbone(net, tuple(_sites(block, depths, width)))


def _stage(block: Block, channels: int, planes: int, depth: int, *, stride: int) -> nn.Sequential:
    out = planes * block.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(
            nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
        )
    first = block(channels, planes, stride, shortcut)
    return nn.Sequential(first, *(block(out, planes) for _ in range(depth - 1)))


def _sites(block: Block, depths: tuple[int, ...], width: int) -> Iterator[Site]:
    middle_norm, last_norm = NORMS[block]
    for stage, depth in enumerate(depths, start=1):
        planes = width * 2 ** (stage - 1)
        channels = planes * block.expansion
        for index in range(depth):
            yield Site(f"layer{stage}.{index}.{middle_norm}", stage, planes, "inside", index)
            yield Site(f"layer{stage}.{index}.{last_norm}", stage, channels, "before_add", index)
            yield Site(f"layer{stage}.{index}", stage, channels, "block", index)
        yield Site(f"layer{stage}", stage, channels, "stage")


def _initialise(net: nn.Module) -> None:
    """He initialisation of all convolutions, as torchvision does it."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
