"""The maps that a backbone makes on the way to its logits, for networks that detect or segment."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter

from dasbench.backbones.site import Site
from dasbench.errors import ModelError
from dasbench.faults import foreign, message_of

_SIDE = 64
"""Of the image that shows how large the maps are."""


class Level(NamedTuple):
    """The last map of one resolution.

    Args:
        child: name of the module in the trunk whose output it is.
        channels: of the map.
        stride: pixels of the image to one of the map.
    """

    child: str
    channels: int
    stride: int


class Trunk(NamedTuple):
    """A backbone without its head.

    Args:
        module: has the backbone's layers as children, one after the other; the hooks of gates
            included.
        levels: the last map of each resolution, finest first.
    """

    module: nn.Module
    levels: tuple[Level, ...]


def find_trunk(backbone: nn.Module, stage_ends: Sequence[Site]) -> Trunk:
    """Where a backbone's maps are, after making sure that it runs its layers one after the other.

    Args:
        backbone: a classification network, perhaps with gates, which its caller has put into eval
            mode: they see an image, and are no part of it. It shares its layers with the trunk.
        stage_ends: where its stages end.

    Raises:
        ModelError: if it has fewer than two resolutions, or does anything beside running its layers
            in their order.

    Example:
        >>> from dasbench.catalog import BACKBONES
        >>> net = BACKBONES["mobilenet_v2"].make(10)
        >>> ends = [site for site in net.sites if site.after == "stage"]
        >>> [level.stride for level in find_trunk(net.module, ends).levels]
        [2, 4, 8, 16, 32]
    """
    parents = {site.parent for site in stage_ends}
    if len(parents) != 1:
        raise ModelError(
            "a backbone whose stages do not stand side by side gives no maps "
            "to detect or segment with"
        )
    (parent,) = parents
    module = backbone.get_submodule(parent)
    with foreign(_not_in_order):
        sizes = _sizes(backbone, module, [site.child for site in stage_ends])
    last: dict[int, Level] = {}
    for site in stage_ends:
        size = sizes[site.child]
        last[size] = Level(site.child, site.channels, _SIDE // size)
    if len(last) < 2:
        raise ModelError(
            "a backbone with a single resolution gives no maps to detect or segment with"
        )
    return Trunk(module, tuple(last.values()))


def _not_in_order(error: BaseException) -> ModelError:
    return ModelError(
        "the backbone does not run its layers one after the other, or takes no images of "
        f"{_SIDE} px: {message_of(error)}"
    )


def _sizes(backbone: nn.Module, module: nn.Module, names: Sequence[str]) -> Mapping[str, int]:
    """Height of the map behind each child, which must be the whole backbone's there."""
    like = next(backbone.parameters())
    # no two pixels are equal
    ramp = torch.linspace(-1, 1, 3 * _SIDE**2, device=like.device, dtype=like.dtype)
    image = ramp.reshape(1, 3, _SIDE, _SIDE)
    with evaluating(backbone), _outputs_of(module, names) as outputs, torch.no_grad():
        backbone(image)
        whole = dict(outputs)
        IntermediateLayerGetter(module, dict(zip(names, names, strict=True)))(image)
    for name in names:
        if not _are_equal(outputs[name], whole[name]):
            raise ModelError(
                f"the backbone does more than run its layers one after the other: '{name}' differs"
            )
    return {name: value.shape[-1] for name, value in whole.items()}


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode, and each of its modules back into its own.

    Example:
        >>> network = nn.Sequential(nn.Dropout())
        >>> with evaluating(network):
        ...     print(network[0].training)
        False
        >>> network[0].training
        True
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def _outputs_of(module: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """What each of some children gave when it ran last, by its name."""
    outputs: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _args: object, output: Tensor) -> None:
        outputs[name] = output

    with ExitStack() as hooks:
        for name in names:
            child = module.get_submodule(name)
            hooks.enter_context(child.register_forward_hook(partial(keep, name)))
        yield outputs


def _are_equal(one: Tensor, other: Tensor) -> bool:
    """Whether two maps are; without values, whether they are of one shape."""
    return one.shape == other.shape and (one.is_meta or torch.equal(one, other))
