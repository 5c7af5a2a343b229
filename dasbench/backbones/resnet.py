"""Residual networks of 18 to 152 layers: torchvision's, of any width, with the ImageNet or the small-image stem."""

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Le
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from dasbench.backbones.site import Backbone, Site
from dasbench.catalog import BACKBONES

Width = Annotated[int, Ge(1), Le(1024)]
Stem = Literal["imagenet", "small"]
Block = type[BasicBlock] | type[Bottleneck]

SOURCE = "He et al. 2016, Deep residual learning for image recognition, arXiv 1512.03385; torchvision's v1.5 strides"


@BACKBONES.register("resnet18", source=SOURCE)
def resnet18(num_classes: int, *, width: Width = 64, stem: Stem = "imagenet") -> Backbone:
    """ResNet-18: 4 stages of 2 basic blocks.

    Args:
        num_classes: length of the logits.
        width: channels of the first stage; 64 in the paper. Each further stage has twice as many.
        stem: `imagenet` (7x7, stride 2, max-pool: the paper's) or `small` (3x3, stride 1) for images below 64 px.

    Example:
        >>> [site.path for site in resnet18(10, width=8).sites if site.after == "stage"]
        ['layer1', 'layer2', 'layer3', 'layer4']
    """
    return _resnet(BasicBlock, (2, 2, 2, 2), num_classes, width, stem)


@BACKBONES.register("resnet34", source=SOURCE)
def resnet34(num_classes: int, *, width: Width = 64, stem: Stem = "imagenet") -> Backbone:
    """ResNet-34: 4 stages of 3, 4, 6 and 3 basic blocks. Arguments as for `resnet18`."""
    return _resnet(BasicBlock, (3, 4, 6, 3), num_classes, width, stem)


@BACKBONES.register("resnet50", source=SOURCE)
def resnet50(num_classes: int, *, width: Width = 64, stem: Stem = "imagenet") -> Backbone:
    """ResNet-50: 4 stages of 3, 4, 6 and 3 bottlenecks. Arguments as for `resnet18`."""
    return _resnet(Bottleneck, (3, 4, 6, 3), num_classes, width, stem)


@BACKBONES.register("resnet101", source=SOURCE)
def resnet101(num_classes: int, *, width: Width = 64, stem: Stem = "imagenet") -> Backbone:
    """ResNet-101: 4 stages of 3, 4, 23 and 3 bottlenecks. Arguments as for `resnet18`."""
    return _resnet(Bottleneck, (3, 4, 23, 3), num_classes, width, stem)


@BACKBONES.register("resnet152", source=SOURCE)
def resnet152(num_classes: int, *, width: Width = 64, stem: Stem = "imagenet") -> Backbone:
    """ResNet-152: 4 stages of 3, 8, 36 and 3 bottlenecks. Arguments as for `resnet18`."""
    return _resnet(Bottleneck, (3, 8, 36, 3), num_classes, width, stem)


def _resnet(block: Block, depths: tuple[int, ...], num_classes: int, width: int, stem: Stem) -> Backbone:
    with torch.device("meta"):  # torchvision's forward and names; every layer with weights is replaced below
        net = ResNet(block, [1, 1, 1, 1], num_classes)
    if stem == "imagenet":
        net.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    else:
        net.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
    net.bn1 = nn.BatchNorm2d(width)
    channels = width
    for stage, depth in enumerate(depths, start=1):
        planes = width * 2 ** (stage - 1)
        net.add_module(f"layer{stage}", _stage(block, channels, planes, depth, stride=1 if stage == 1 else 2))
        channels = planes * block.expansion
    net.fc = nn.Linear(channels, num_classes)
    _initialise(net)
    return Backbone(net, tuple(_sites(block, depths, width)))


def _stage(block: Block, channels: int, planes: int, depth: int, *, stride: int) -> nn.Sequential:
    out = planes * block.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))
    first = block(channels, planes, stride, shortcut)
    return nn.Sequential(first, *(block(out, planes) for _ in range(depth - 1)))


def _sites(block: Block, depths: tuple[int, ...], width: int) -> Iterator[Site]:
    last_norm = "bn2" if block is BasicBlock else "bn3"
    for stage, depth in enumerate(depths, start=1):
        channels = width * 2 ** (stage - 1) * block.expansion
        for index in range(depth):
            yield Site(f"layer{stage}.{index}.{last_norm}", stage, channels, "before_add")
            yield Site(f"layer{stage}.{index}", stage, channels, "block")
        yield Site(f"layer{stage}", stage, channels, "stage")


def _initialise(net: nn.Module) -> None:
    """He initialisation of all convolutions, as torchvision does it."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
