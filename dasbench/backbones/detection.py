"""Faster R-CNN with a feature pyramid, on any backbone with stages: torchvision's detector."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from dasbench.backbones.site import Site
from dasbench.backbones.trunk import find_trunk

LEVELS = 4
"""Resolutions of the backbone that the pyramid stands on."""

POOLED = 7
"""Side of the maps that boxes are cut out to."""


def faster_rcnn(
    backbone: nn.Module,
    stage_ends: Sequence[Site],
    *,
    num_classes: int,
    frozen_norms: bool = True,
    frozen_stages: int = 0,
    pyramid: int = 256,
    features: int = 1024,
    proposals: int = 1000,
    sampled: int = 512,
    sides: tuple[int, int] = (800, 1333),
    mean: Sequence[float] = (0.485, 0.456, 0.406),
    std: Sequence[float] = (0.229, 0.224, 0.225),
) -> FasterRCNN:
    """A detector on the last four resolutions of a backbone.

    Anchors have 8 times the stride of their level and three shapes, which for a ResNet with the
    ImageNet stem are the 32 to 512 pixels of the papers.

    Args:
        backbone: a classification network, perhaps with gates; it is changed in place and becomes a
            part of the detector, without its head.
        stage_ends: where its stages end.
        num_classes: classes of objects and the background; 81 for COCO's 80.
        frozen_norms: whether its batch norms become frozen ones, whose scales and shifts are no
            parameters, as the detectors of the paper's Table 2 have them. Those of gates never do.
        frozen_stages: the stem and this many stages are not trained; their gates are.
        pyramid: channels of the feature pyramid; 256 in the paper.
        features: of a box; 1,024 in the paper.
        proposals: boxes that are looked at in an image once the detector is trained; twice as many
            in training.
        sampled: boxes of an image that one step of training learns from; 512 in the paper.
        sides: images are scaled to this length of their shorter side, or less, so that the longer
            has this at most.
        mean: of each channel, in [0, 1].
        std: of each channel.

    Source:
        Ren et al. 2015, Faster R-CNN, arXiv 1506.01497; Lin et al. 2017, Feature pyramid networks,
        arXiv 1612.03144.

    Raises:
        ModelError: if the backbone's maps cannot be had, or it has a single resolution.

    Example:
        >>> from dasbench.catalog import BACKBONES
        >>> with torch.device("meta"):
        ...     net = BACKBONES["resnet50"].make(1000)
        ...     ends = [site for site in net.sites if site.after == "stage"]
        ...     detector = faster_rcnn(net.module, ends, num_classes=81)
        >>> sum(parameter.numel() for parameter in detector.parameters())
        41704036
    """
    trunk = find_trunk(backbone, stage_ends)
    levels = trunk.levels[-LEVELS:]
    if frozen_norms:
        _freeze_norms(backbone)
    _freeze_stages(trunk.module, stage_ends[:frozen_stages])
    children, channels, strides = map(list, zip(*levels, strict=True))
    names = {child: str(number) for number, child in enumerate(children)}
    body = BackboneWithFPN(trunk.module, names, channels, out_channels=pyramid)
    strides.append(2 * strides[-1])  # the pyramid adds a level of its own
    anchors = AnchorGenerator(
        tuple((8 * stride,) for stride in strides), ((0.5, 1.0, 2.0),) * len(strides)
    )
    shorter, longer = sides
    return FasterRCNN(
        body,
        min_size=shorter,
        max_size=longer,
        image_mean=list(mean),
        image_std=list(std),
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(pyramid, anchors.num_anchors_per_location()[0]),
        rpn_pre_nms_top_n_train=2 * proposals,
        rpn_pre_nms_top_n_test=proposals,
        rpn_post_nms_top_n_train=2 * proposals,
        rpn_post_nms_top_n_test=proposals,
        box_roi_pool=MultiScaleRoIAlign(list(names.values()), output_size=POOLED, sampling_ratio=2),
        box_head=TwoMLPHead(pyramid * POOLED**2, features),
        box_predictor=FastRCNNPredictor(features, num_classes),
        box_batch_size_per_image=sampled,
    )


class Unrolled(nn.Module):
    """What a detector computes for an image and a fixed number of boxes.

    So its cost does not depend on what it finds.

    Args:
        detector: shares its modules with this one.
        boxes: that it looks at.

    Shape:
        [1, 3, H, W] -> scores and corrections of the anchors, level by level, class scores [boxes,
        classes] and box corrections [boxes, 4 * classes]: everything that is computed, for a trace
        leaves out what nobody asks for
    """

    def __init__(self, detector: FasterRCNN, *, boxes: int) -> None:
        super().__init__()
        self.detector = detector
        self.boxes = boxes

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Pyramid, region proposals, and the head on boxes that are the whole image."""
        maps = self.detector.backbone(image)
        objectness, anchors = self.detector.rpn.head(list(maps.values()))
        height, width = image.shape[2:]
        whole = torch.tensor([[0.0, 0.0, width, height]], device=image.device).repeat(self.boxes, 1)
        heads = self.detector.roi_heads
        pooled = heads.box_head(heads.box_roi_pool(maps, [whole], [(height, width)]))
        scores, corrections = heads.box_predictor(pooled)
        return *objectness, *anchors, scores, corrections


class FrozenNorm(FrozenBatchNorm2d):  # type: ignore[misc]  # torchvision does not say what it is
    """A batch norm that nothing trains; it answers in the type of what it is asked.

    torchvision's own, from which the names in its state come, answers in fp32 also in half
    precision, and with it all that follows.

    Shape:
        [B, C, H, W] -> [B, C, H, W]

    Example:
        >>> FrozenNorm(3)(torch.zeros(1, 3, 2, 2, dtype=torch.bfloat16)).dtype
        torch.bfloat16
    """

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift, which are computed in the type of the weights."""
        scale: Tensor = self.weight * (self.running_var + self.eps).rsqrt()
        shift: Tensor = self.bias - self.running_mean * scale
        if scale.dtype != x.dtype:
            scale, shift = scale.to(x.dtype), shift.to(x.dtype)
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def _freeze_stages(trunk: nn.Module, ends: Sequence[Site]) -> None:
    """Fix the weights of everything up to the end of the last of some stages."""
    if not ends:
        return
    for name, child in trunk.named_children():
        child.requires_grad_(requires_grad=False)
        if name == ends[-1].child:
            return


def _freeze_norms(parent: nn.Module) -> None:
    """Put frozen batch norms in the place of a network's own, with all that belongs to them."""
    for name, child in list(parent.named_children()):
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenNorm(child.num_features, eps=child.eps)
            if not child.weight.is_meta:
                frozen.load_state_dict(child.state_dict(), strict=False)
            # torch has no public way to move a hook
            frozen._forward_hooks.update(child._forward_hooks)
            frozen._forward_pre_hooks.update(child._forward_pre_hooks)
            setattr(parent, name, frozen)
        else:
            _freeze_norms(child)
