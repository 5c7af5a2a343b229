"""Any of torchvision's classification networks by its name; gates' places are traced."""

from difflib import get_close_matches
from pathlib import Path

import torchvision
from torch import nn

from dasbench.backbones.site import Backbone
from dasbench.backbones.tracing import count_stages, trace_sites
from dasbench.backbones.weights import (
    find_head,
    find_weights,
    load_pretrained,
    pretrained_file,
    published_file,
)
from dasbench.catalog import BACKBONES
from dasbench.errors import ModelError
from dasbench.faults import foreign, message_of
from dasbench.spec.plain import Params

_IMAGE_SIDE = 224
"""Pixels of the image by which places are found."""

_SECOND_HEADS = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}
"""Weights of networks that have further heads in training; ours give one set of logits."""


def _weights_file(params: Params) -> Path | None:
    return pretrained_file(params["model"], params)


def _num_stages(params: Params) -> int:
    return count_stages(torchvision_model, params)


@BACKBONES.register(
    "torchvision",
    source="torchvision's models; the paper of each is in torchvision's documentation",
    weights_file=_weights_file,
    stages=_num_stages,
    example={"model": "shufflenet_v2_x0_5"},
    conventions={"after": {"before_add": "block", "inside": "block"}},
)
def torchvision_model(num_classes: int, *, model: str, weights: str | None = None) -> Backbone:
    """Any classification network of torchvision, by its name.

    Its stages and blocks are found by tracing (see `dasbench.backbones.tracing`;
    `dasbench show backbone torchvision --set backbone.model=NAME` lists them). There is no place
    before an addition, so a gate whose default it is stands at the blocks' ends. Networks with an
    entry of their own here (`resnet50`, `mobilenet_v2`) have more to set.

    Args:
        num_classes: length of the logits.
        model: torchvision's name (`efficientnet_b0`).
        weights: file to start from (a state_dict, also torchvision's own), or one of torchvision's
            names for this network (`IMAGENET1K_V1`), if its file is in the folder of torch.hub;
            None for fresh weights.

    Raises:
        ModelError: if torchvision has no such network.

    Example:
        >>> sites = torchvision_model(10, model="shufflenet_v2_x0_5").sites
        >>> [site.path for site in sites if site.after == "stage"]
        ['stage2', 'stage3', 'stage4']
    """
    known = torchvision.models.list_models(module=torchvision.models)
    if model.removeprefix("quantized_") in known and model not in known:
        float_model = model.removeprefix("quantized_")
        raise ModelError(
            f"backbone.model: '{model}' is quantised and cannot be trained; write '{float_model}'"
        )
    if model not in known:
        near = ", ".join(get_close_matches(model, known, n=3, cutoff=0.4)) or "nothing"
        raise ModelError(
            f"backbone.model: torchvision has no classification network '{model}'; nearest: {near}"
        )
    file = None
    if weights is not None:
        file = find_weights(weights, model=model)
    options = _options(model, file)
    with foreign(
        lambda error: ModelError(f"torchvision cannot make '{model}': {message_of(error)}")
    ):
        net = torchvision.models.get_model(model, weights=None, num_classes=num_classes, **options)
    if file is not None:
        load_pretrained(net, file, head=find_head(net), spare=_SECOND_HEADS.get(model, ()))
    sites = trace_sites(net, image_side=options.get("image_size", _IMAGE_SIDE))
    return Backbone(net, sites, takes=_takes(model, net))


def _options(model: str, file: Path | None) -> dict[str, int]:
    """How torchvision would build a network; for some, this depends on their weights."""
    options: dict[str, int] = {}
    if model in _SECOND_HEADS:
        options = {"aux_logits": False, "init_weights": True}
    if file is None or not (model in _SECOND_HEADS or model.startswith("vit_")):
        return options
    published = published_file(model, file)
    if published is not None and model in _SECOND_HEADS:
        options["transform_input"] = True
    elif published is not None:
        options["image_size"] = published.meta["min_size"][0]
    return options


def _takes(model: str, net: nn.Module) -> str:
    """Which images a network takes, in words.

    Example:
        >>> _takes("alexnet", nn.Identity())
        '63x63 px and more'
    """
    side = getattr(net, "image_size", None)  # of its vision transformers
    if side is not None:
        return f"{side}x{side} px alone"
    released = [weights.meta["min_size"] for weights in torchvision.models.get_model_weights(model)]
    if not released:
        return ""
    return "{}x{} px and more".format(*min(released))
