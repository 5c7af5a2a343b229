"""A fully convolutional network that tells the class of each pixel, on any backbone with stages."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.fcn import FCNHead

from dasbench.backbones.site import Site
from dasbench.backbones.trunk import find_trunk
from dasbench.errors import ModelError


class FullyConvolutional(nn.Module):
    """Class scores of each pixel: those of a backbone's last maps, added up and enlarged.

    Source:
        Long, Shelhamer and Darrell 2015, Fully convolutional networks for semantic segmentation,
        arXiv 1411.4038, section 4: one level is FCN-32s there, three are FCN-8s. The head of the
        coarsest level is torchvision's.

    Differs from the paper: maps are enlarged bilinearly, not by a learned transposed convolution.

    Args:
        backbone: a classification network, perhaps with gates; its layers become a part of this
            one.
        stage_ends: where its stages end.
        num_classes: classes of a pixel, that of the background included.
        levels: how many resolutions vote.

    Shape:
        [B, 3, H, W] -> [B, num_classes, H, W]

    Raises:
        ModelError: if the backbone has fewer resolutions, or none that can be told.

    Example:
        >>> import torch
        >>> from dasbench.catalog import BACKBONES
        >>> net = BACKBONES["resnet18"].make(10, width=4, stem="small")
        >>> ends = [site for site in net.sites if site.after == "stage"]
        >>> FullyConvolutional(net.module, ends, num_classes=7)(torch.zeros(2, 3, 48, 32)).shape
        torch.Size([2, 7, 48, 32])
    """

    def __init__(
        self, backbone: nn.Module, stage_ends: Sequence[Site], *, num_classes: int, levels: int = 3
    ) -> None:
        super().__init__()
        trunk = find_trunk(backbone, stage_ends)
        if levels > len(trunk.levels):
            strides = ", ".join(str(level.stride) for level in trunk.levels)
            most = len(trunk.levels)
            raise ModelError(
                f"task.levels: {levels} resolutions are to vote, and the backbone has {most} "
                f"(of stride {strides}); write levels: {most} or fewer"
            )
        chosen = trunk.levels[-levels:][::-1]
        self.body = IntermediateLayerGetter(
            trunk.module, {level.child: level.child for level in chosen}
        )
        self.head = FCNHead(chosen[0].channels, num_classes)
        self.scores = nn.ModuleDict()
        for level in chosen[1:]:
            self.scores[level.child] = nn.Conv2d(level.channels, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores [B, num_classes, H, W] of images [B, 3, H, W]."""
        maps = list(self.body(images).values())[::-1]
        total: Tensor = self.head(maps[0])
        for finer, score in zip(maps[1:], list(self.scores.values()), strict=True):
            total = _enlarge(total, finer.shape[2:]) + score(finer)
        return _enlarge(total, images.shape[2:])


def _enlarge(maps: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(maps, size=list(size), mode="bilinear", align_corners=False)
