"""Grad-CAM: which places of a layer's output speak for a class."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dasbench.backbones.trunk import evaluating
from dasbench.errors import ModelError, UsageError, nearest_name
from dasbench.models import GatedNetwork

Target = Literal["predicted", "label"]
"""The class whose evidence is looked for: the one that the network predicts, or the right one."""

_STAGE = re.compile(r"stage\d+")


class Heat(NamedTuple):
    """Grad-CAM maps of some images.

    Args:
        maps: raw maps of the layer's size, nothing below zero, not scaled: [B, h, w].
        classes: the class that each map speaks for: int64, [B].
        predicted: the class that the network predicts: int64, [B].
    """

    maps: Tensor
    classes: Tensor
    predicted: Tensor


def grad_cam(
    network: nn.Module, images: Tensor, *, layer: str, classes: Tensor | None = None
) -> Heat:
    """Find what in a layer's output speaks for a class.

    It is the ReLU of its channels' sum, weighted by their mean gradients. The network is looked at
    in eval mode and left as it was. What is looked at is what the next layer sees: behind a gate,
    the gated output.

    Args:
        network: images -> logits [B, classes].
        images: as the network takes them, [B, 3, H, W].
        layer: path of the module whose output is looked at (see `find_layer`).
        classes: a class for each image, int64, [B]; None takes the predicted ones.

    Raises:
        ModelError: if there is no such layer, its output is no map, it does not run exactly once,
            or the logits do not depend on it.
        UsageError: if there is no such class.

    Source:
        Selvaraju et al. 2017, Grad-CAM, arXiv 1610.02391, eq. 1 and 2.

    Example:
        >>> head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 5))
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), head)
        >>> grad_cam(network, torch.rand(2, 3, 8, 8), layer="1").maps.shape
        torch.Size([2, 6, 6])
    """
    with evaluating(network), torch.enable_grad(), _layer_outputs(network, layer) as outputs:
        logits: Tensor = network.forward(images)  # a compiled form would pass by the hook
        output = _only_map(outputs, layer)
        predicted = logits.detach().argmax(1)
        chosen = predicted
        if classes is not None:
            chosen = _classes_of(logits, classes)
        evidence = logits.gather(1, chosen[:, None]).sum()
        (slopes,) = torch.autograd.grad(evidence, output, allow_unused=True)
    if slopes is None:
        raise ModelError(f"layer '{layer}': the logits do not depend on its output")
    weights = slopes.mean((2, 3), keepdim=True)
    return Heat(functional.relu((weights * output.detach()).sum(1)), chosen, predicted)


def enlarge(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps as large as their images, interpolated between the middles of their cells.

    Shape:
        [B, h, w] -> [B, H, W]
    """
    in_channels = maps[:, None]
    large = functional.interpolate(in_channels, tuple(size), mode="bilinear", align_corners=False)
    return large[:, 0]


def find_layer(network: nn.Module, layer: str) -> str:
    """The path of a layer that is named by its stage (`stage3`) or its own path.

    The path may be written with or without `backbone.`.

    Args:
        network: where it is looked for.
        layer: its name.

    Raises:
        ModelError: if there is none; the message names the nearest, or the stages that there are.

    Example:
        >>> from dasbench.models import build_model
        >>> from dasbench.resolution import resolve_network
        >>> from dasbench.spec.network import Network
        >>> asked = Network(backbone="resnet18", gate="das", num_classes=10, input_size=(3, 32, 32))
        >>> find_layer(build_model(resolve_network(asked)), "stage3")
        'backbone.layer3'
    """
    if _STAGE.fullmatch(layer):
        return _end_of_stage(network, layer)
    prefix = _prefix_of(network)
    paths = dict(network.named_modules()).keys() - {""}
    for path in (prefix + layer, layer):
        if path in paths:
            return path
    guess = nearest_name(layer, sorted(path.removeprefix(prefix) for path in paths))
    raise ModelError(
        f"layer '{layer}': the network has no such module.{guess} "
        "Write a path, or stage1, stage2, ..."
    )


def _prefix_of(network: nn.Module) -> str:
    """What the paths of a backbone's modules begin with in a network."""
    if isinstance(network, GatedNetwork):
        return "backbone."
    return ""


def _end_of_stage(network: nn.Module, layer: str) -> str:
    """The path of the module at which a stage (`stage3`) of the network ends."""
    stage = int(layer.removeprefix("stage"))
    ends: dict[int, str] = {}
    if isinstance(network, GatedNetwork):
        ends = {site.stage: site.path for site in network.stage_ends}
    if stage in ends:
        return _prefix_of(network) + ends[stage]
    there = ", ".join(f"stage{number}" for number in ends)
    there = there or "none that are known; give a module's path"
    raise ModelError(f"layer '{layer}': there is no such stage; there are {there}")


@contextmanager
def _layer_outputs(network: nn.Module, layer: str) -> Iterator[list[Any]]:
    """What a layer puts out, as leaves of the graph.

    Gradients end there, also where the weights before are frozen.
    """
    outputs: list[Any] = []

    def keep(_module: nn.Module, _inputs: object, output: Any) -> Any:
        if not isinstance(output, Tensor):
            outputs.append(output)
            return output
        outputs.append(output.detach().requires_grad_())
        return outputs[-1].clone()  # what follows may change its input in place

    try:
        module = network.get_submodule(layer)
    except AttributeError:
        raise ModelError(f"layer '{layer}': the network has no such module") from None
    # runs after the hooks of gates, and sees what they return
    handle = module.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def _only_map(outputs: Sequence[Any], layer: str) -> Tensor:
    """The one output of a layer."""
    if len(outputs) != 1:
        times = f"runs {len(outputs)} times in a forward pass"
        raise ModelError(f"layer '{layer}': {times}; choose one that runs once")
    output = outputs[0]
    if isinstance(output, Tensor) and output.ndim == 4:
        return output
    what: object = type(output).__name__
    if isinstance(output, Tensor):
        what = list(output.shape)
    raise ModelError(f"layer '{layer}': puts out {what}; Grad-CAM needs maps [B, C, H, W]")


def _classes_of(logits: Tensor, classes: Tensor) -> Tensor:
    """The classes that are asked for, one for each image."""
    num_images, num_classes = logits.shape
    if classes.shape != (num_images,) or classes.min() < 0 or classes.max() >= num_classes:
        raise UsageError(
            f"classes: give {num_images}, one for each image, each from 0 to {num_classes - 1}"
        )
    return classes.to(logits.device)
