"""Faster R-CNN with a feature pyramid on a ResNet: torchvision's detector with frozen batch norms."""

from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d

STAGES = ("layer1", "layer2", "layer3", "layer4")


def faster_rcnn(backbone: nn.Module, *, num_classes: int) -> FasterRCNN:
    """A detector on the four stages of a ResNet (Ren et al. 2015, arXiv 1506.01497; Lin et al. 2017, arXiv 1612.03144).

    The batch norms of the backbone become frozen ones, whose scales and shifts are no parameters, as the detectors of
    the paper's Table 2 have them.

    Args:
        backbone: a ResNet; it is changed in place and becomes a part of the detector.
        num_classes: classes of objects and the background; 81 for COCO's 80.

    Example:
        >>> import torch
        >>> from dasbench.catalog import BACKBONES
        >>> with torch.device("meta"):
        ...     detector = faster_rcnn(BACKBONES["resnet50"].make(1000).module, num_classes=81)
        >>> sum(parameter.numel() for parameter in detector.parameters())
        41704036
    """
    channels = [_out_channels(backbone.get_submodule(stage)) for stage in STAGES]
    _freeze_norms(backbone)
    levels = {stage: str(number) for number, stage in enumerate(STAGES)}
    return FasterRCNN(BackboneWithFPN(backbone, levels, channels, out_channels=256), num_classes=num_classes)


def _out_channels(stage: nn.Module) -> int:
    """Channels of a stage: those of its last convolution."""
    return [module.out_channels for module in stage.modules() if isinstance(module, nn.Conv2d)][-1]


def _freeze_norms(parent: nn.Module) -> None:
    for name, child in list(parent.named_children()):
        if isinstance(child, nn.BatchNorm2d):
            setattr(parent, name, FrozenBatchNorm2d(child.num_features))
        else:
            _freeze_norms(child)
