"""ABN: pixels amplified by the mask of a branch that classifies the images too."""

import copy
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError
from dasbench.gates.attachment import NotAttached, PassMemory
from dasbench.gates.single_values import refuse_single_values
from dasbench.gates.traits import Place


@GATES.register(
    "abn",
    source="Fukui et al. 2019, Attention branch network: Learning of attention mechanism for "
    "visual explanation, arXiv 1812.10025, section 3",
    placement={"after": "stage", "stages": (3,)},
)
class AttentionBranchGate(nn.Module):
    """Amplify every pixel by the mask of an attention branch that classifies the images too.

    `out = x * mask + x`; see `AttentionBranch` for the mask. The branch begins with a copy of the
    stage that follows the gate, of the same layers but with weights of its own and with stride 1.
    Its logits are trained with the same cross-entropy as the network's, at equal weight: the loss
    of a training is the sum of both.

    The number of classes is that of the backbone's last linear layer. Convolutions start from He's
    normal distribution over the fan-out.

    In eval mode the branch still computes its logits, as in the authors' network, and the gate
    drops them. Counters of modules include them, as the published figure does; a count of traced
    operators, on which the output depends, leaves out their one convolution.

    Args:
        channels: channels C of the map.

    Shape:
        [B, C, H, W] -> the same; in training B at least 2, or H * W at least 2

    Raises:
        ModelError: if it is not attached; where no stage follows, or one that takes other channels;
            in training, on a single image whose map is 1x1.

    Example:
        >>> from dasbench.backbones.site import Site
        >>> stages = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        >>> net = nn.Sequential(*stages, nn.Linear(16, 10))
        >>> sites = Site("0", 1, 8, "block"), Site("1", 2, 16, "block")
        >>> gate = AttentionBranchGate(8)
        >>> gate.attach(net, sites[0], sites)
        >>> x = torch.zeros(2, 8, 7, 5)
        >>> gate(x).shape, [tuple(logits.shape) for logits in gate.take_auxiliary()]
        (torch.Size([2, 8, 7, 5]), [(2, 10)])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.branch: nn.Module = NotAttached()
        self.kept = PassMemory()

    def attach(self, backbone: nn.Module, site: Place, sites: Sequence[Place]) -> None:
        """Copy the stage that follows (see `dasbench.gates.traits.NeedsBackbone`)."""
        blocks = _blocks_after(site, sites)
        if not blocks:
            raise ModelError(
                f"no stage follows on '{site.path}', of which the branch could be a copy; choose "
                "one before"
            )
        num_classes = _count_classes(backbone)
        modules = [backbone.get_submodule(block.path) for block in blocks]
        stage = nn.Sequential(*map(copy.deepcopy, modules))
        takes = _channels_taken(stage, usual=self.channels)
        if takes != self.channels:
            other = f"but the stage that follows takes {takes}"
            raise ModelError(f"'{site.path}' has {self.channels} channels, {other}")
        self.branch = AttentionBranch(stage, blocks[-1].channels, num_classes=num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Gate the map."""
        attention: Attention = self.branch(x)
        if self.training:
            self.kept.put(0, attention.logits)
        return x * attention.mask + x

    def take_auxiliary(self) -> Iterable[Tensor]:
        """The branch's logits (see `dasbench.gates.traits.HasAuxiliary`)."""
        return self.kept.take()


class Attention(NamedTuple):
    """What the branch says about a batch of maps.

    Args:
        mask: how much to amplify each pixel, in (0, 1), as [B, 1, H, W].
        logits: the branch's own classification, as [B, classes].
    """

    mask: Tensor
    logits: Tensor


class AttentionBranch(nn.Module):
    """A second end of a network: maps of evidence for each class, and what they amount to.

    `e = relu(BN(conv1x1(BN(stage(x)))))` has one channel for each class;
    `logits = mean_hw(conv1x1(e))`, `mask = sigmoid(BN(conv3x3(e)))`. No convolution has a bias.

    Args:
        stage: what comes first; its convolutions get stride 1, and all its weights are drawn anew.
        channels: channels that the stage puts out.
        num_classes: length of the logits.

    Shape:
        [B, C, H, W] -> `Attention` with [B, 1, H, W] and [B, num_classes]

    Raises:
        ModelError: in training, on a single image whose map is 1x1.
    """

    def __init__(self, stage: nn.Module, channels: int, *, num_classes: int) -> None:
        super().__init__()
        self.stage = stage
        self.norm = nn.BatchNorm2d(channels)
        self.evidence = nn.Sequential(
            nn.Conv2d(channels, num_classes, 1, bias=False), nn.BatchNorm2d(num_classes), nn.ReLU()
        )
        self.classify = nn.Conv2d(num_classes, num_classes, 1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.to_mask = nn.Sequential(
            nn.Conv2d(num_classes, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1)
        )
        _keep_resolution(self.stage)
        _draw_weights(self)

    def forward(self, x: Tensor) -> Attention:
        """Mask and logits."""
        refuse_single_values(self.norm, x)
        evidence = self.evidence(self.norm(self.stage(x)))
        logits = self.pool(self.classify(evidence)).flatten(1)
        return Attention(torch.sigmoid(self.to_mask(evidence)), logits)


def _blocks_after(site: Place, sites: Sequence[Place]) -> list[Place]:
    """The blocks of the stage that follows on a place."""
    following = site.stage + 1
    return [other for other in sites if other.stage == following and other.after == "block"]


def _count_classes(backbone: nn.Module) -> int:
    """The outputs of a backbone's last linear layer."""
    linears = [module for module in backbone.modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise ModelError(
            "the backbone has no linear layer at its end, so the branch cannot know the classes"
        )
    return linears[-1].out_features


def _keep_resolution(stage: nn.Module) -> None:
    """Give every convolution stride 1."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)


def _draw_weights(module: nn.Module) -> None:
    """Start all convolutions from He's distribution and all batch norms afresh."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            part.reset_parameters()


def _channels_taken(stage: nn.Module, *, usual: int) -> int:
    """The channels that the first convolution of a stage takes."""
    for part in stage.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
    return usual
