"""MobileNetV2: torchvision's, of any width and with two stems; where each gate stands in it.

The 17 inverted residuals form 7 stages, which end at `features.1, 3, 6, 10, 13, 16, 17`.

Published: the code behind the rows of Triplet Attention and of ECA ends the branch of every
inverted residual with the
gate, behind its last batch norm: `x + gate(branch(x))`, and `gate(branch(x))` in blocks without a
skip connection. That
is `after: before_add`, as in a ResNet. SE and CBAM have published counts, which fit the same place
but would not tell it from one behind the addition; their code for this network is not known.

Ours, by the same rule: every gate whose default in a ResNet is before the addition stands there
(GC, SRM, GALA, GE, SA, ASR, which then dissolves into that batch norm; GSoP in the last block of
each stage, EMCA in the first). So does SP, whose default is inside of the block. There is no place
`inside` here: what SP gates in a ResNet is the narrow middle of a bottleneck, and an inverted
residual is widest there and narrow at its end; also, its ReLU6, unlike a ReLU, does not commute
with factors. A2 stands after every second block of stages 3 and 5, BAM at the ends of stages 2, 3
and 5, ABN at that of stage 5, CC, DRA and deformable attention at all seven stage ends, like DAS
(its place is inferred from the published counts).

Default stages, where a gate has any, are numbered as a ResNet's; they become the last stages of the
same strides (4, 8, 16, 32): 2, 3, 5 and 7.
"""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from torchvision.models.mobilenetv2 import MobileNetV2

from dasbench.backbones.site import Backbone, Site
from dasbench.backbones.weights import find_weights, load_pretrained, pretrained_file
from dasbench.catalog import BACKBONES

# expansion, channels, blocks, stride of the first block: table 2 of the paper
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@BACKBONES.register(
    "mobilenet_v2",
    source="Sandler et al. 2018, MobileNetV2: Inverted residuals and linear bottlenecks, "
    "arXiv 1801.04381, table 2",
    weights_file=partial(pretrained_file, "mobilenet_v2"),
    stages=len(_STAGES),
    conventions={"after": {"inside": "before_add"}, "stages": {1: 2, 2: 3, 3: 5, 4: 7}},
)
def mobilenet_v2(
    num_classes: int,
    *,
    width_mult: Annotated[float, Gt(0), Le(8)] = 1.0,
    stem: Literal["imagenet", "small"] = "imagenet",
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2,
    weights: str | None = None,
) -> Backbone:
    """MobileNetV2: 17 inverted residuals in 7 stages.

    Args:
        num_classes: length of the logits.
        width_mult: factor of all channels, which are rounded to multiples of 8; 1 in the paper's
            main network.
        stem: `imagenet` (the paper's, 32 pixels of the image to one of the last map) or `small` for
            images below 64 px: the first convolution and the second stage keep stride 1, so that it
            is 8, as in the ResNets' small stem.
        dropout: share of the features that are dropped before the last layer in training.
        weights: file to start from (a state_dict, also torchvision's own), or one of torchvision's
            names for this network (`IMAGENET1K_V1`), if its file is in the folder of torch.hub;
            None for fresh weights.

    Example:
        >>> sites = mobilenet_v2(10, width_mult=0.1).sites
        >>> [site.path for site in sites if site.after == "stage"][-3:]
        ['features.13', 'features.16', 'features.17']
    """
    stages = list(map(list, _STAGES))
    if stem == "small":
        stages[1][3] = 1
    net = MobileNetV2(
        num_classes, width_mult=width_mult, inverted_residual_setting=stages, dropout=dropout
    )
    if stem == "small":
        net.features[0][0].stride = (1, 1)
    if weights is not None:
        load_pretrained(net, find_weights(weights, model="mobilenet_v2"), head="classifier.1")
    return Backbone(net, tuple(_sites(net)))


def _sites(net: MobileNetV2) -> Iterator[Site]:
    feature = 0
    for stage, (_, _, depth, _) in enumerate(_STAGES, start=1):
        for index in range(depth):
            feature += 1
            block = net.features[feature]
            channels = block.out_channels
            last_norm = f"features.{feature}.conv.{len(block.conv) - 1}"
            yield Site(last_norm, stage, channels, "before_add", index)
            yield Site(f"features.{feature}", stage, channels, "block", index)
        yield Site(f"features.{feature}", stage, channels, "stage")
