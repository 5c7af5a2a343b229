"""Finds places for gates in any network, from the shapes of maps on the way of one image.

The rules, for networks that say nothing about themselves:

- A *unit* is a module through which the whole map passes: a child of the network that turns one map
  into one map, or, where that shrinks the sides by 3 or more (several stages in one, as
  torchvision's `features`), its children instead.
- Of the units, those count whose modules have modules themselves: stages and blocks, but no stem or
  head. Where there are none, those with modules count (SqueezeNet), and where there are none of
  those either, all layers (VGG).
- A *stage* holds the units whose maps are of one size. It ends with the last of them.
- The *blocks* of a unit are its children if it is a sequence, the children of its `blocks` (timm's
  name) if it has such a sequence, and otherwise the unit itself.

Only square maps `[1, C, H, W]` with sides above 1 count. So a network of tokens, or one whose
channels come last, has no place behind its stem; and one whose maps grow again on the way has none
at all. A module that runs more than once in a pass is no place either.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from operator import attrgetter

import torch
from torch import Tensor, nn

from dasbench.backbones.site import Backbone, Site
from dasbench.errors import ModelError
from dasbench.faults import foreign, message_of
from dasbench.spec.plain import Params

_SEVERAL_STAGES = 3
"""A module whose input's side is this many times its output's is taken for several stages."""


@dataclass(frozen=True)
class _Step:
    """A module that turned one map into another.

    Args:
        path: where it stands in the network.
        order: number among those that had finished by then.
        depth: levels of modules below it, 0 for a layer.
        side_in: side of the map that it got.
        channels: of the map that it returned.
        side: of the map that it returned.
    """

    path: str
    order: int
    depth: int
    side_in: int
    channels: int
    side: int

    @property
    def holds_stages(self) -> bool:
        """Whether it is several stages in one."""
        return self.depth > 0 and self.side_in >= _SEVERAL_STAGES * self.side


def count_stages(make: Callable[..., Backbone], params: Params) -> int:
    """How many stages a network has, by its sites; 0 if it cannot be made: its maker says why.

    Args:
        make: the backbone's constructor.
        params: its parameters, of which `model` alone decides.
    """
    return _num_stages_of(make, str(params.get("model", "")))


@cache
def _num_stages_of(make: Callable[..., Backbone], model: str) -> int:
    try:
        return max((site.stage for site in make(2, model=model).sites), default=0)
    except ModelError:
        return 0


def trace_sites(net: nn.Module, *, image_side: int) -> tuple[Site, ...]:
    """The stage ends and block ends of a network, in the order in which data passes them.

    Args:
        net: the network; a copy without values is taken, so that the pass costs nothing.
        image_side: height and width of the image that is passed, in pixels.

    Raises:
        ModelError: if the network does not take such an image.

    Example:
        >>> from torchvision.models import shufflenet_v2_x1_0
        >>> sites = trace_sites(shufflenet_v2_x1_0(), image_side=224)
        >>> [(site.path, site.channels) for site in sites if site.after == "stage"]
        [('stage2', 116), ('stage3', 232), ('stage4', 464)]
    """

    def answer(error: BaseException) -> ModelError:
        return ModelError(
            f"{type(net).__name__}: no places for gates can be found in it: {message_of(error)}"
        )

    with foreign(answer):
        net = copy.deepcopy(net).to("meta").eval()
        steps = _steps_of(net, image_side)
    units = _stages_and_blocks(net, steps)
    if any(after.side > before.side for before, after in pairwise(units)):
        return ()
    return tuple(_sites(net, units, steps))


def _sites(
    net: nn.Module, units: Sequence[_Step], steps: Mapping[str, _Step | None]
) -> Iterator[Site]:
    """The ends of the blocks of each stage, and its own."""
    for stage, (_, group) in enumerate(groupby(units, key=attrgetter("side")), start=1):
        members = list(group)
        blocks: list[_Step] = []
        for unit in members:
            blocks += _blocks(net, unit, steps)
        for index, block in enumerate(blocks):
            yield Site(block.path, stage, block.channels, "block", index)
        yield Site(members[-1].path, stage, members[-1].channels, "stage")


def _stages_and_blocks(net: nn.Module, steps: Mapping[str, _Step | None]) -> list[_Step]:
    """The units that count, in the order in which data passes them."""
    units = sorted(_units(net, "", steps), key=lambda step: step.order)
    depth = min(2, max((unit.depth for unit in units), default=0))
    return [unit for unit in units if unit.depth >= depth]


def _steps_of(net: nn.Module, image_side: int) -> dict[str, _Step | None]:
    """Every module that runs; None for one that does not turn one map into another, once."""
    steps: dict[str, _Step | None] = {}

    def note(path: str, module: nn.Module, args: tuple[object, ...], output: object) -> None:
        before, after = _map_in(args), _map_in((output,))
        if before is None or after is None or path in steps:
            steps[path] = None
        else:
            steps[path] = _Step(
                path, len(steps), _depth(module), before.shape[3], after.shape[1], after.shape[3]
            )

    for path, module in net.named_modules():
        module.register_forward_hook(
            lambda module, args, output, path=path: note(path, module, args, output)
        )
    with torch.no_grad():
        net(torch.zeros(1, 3, image_side, image_side, device="meta"))
    return steps


def _map_in(values: tuple[object, ...]) -> Tensor | None:
    """The value that stands first, if it is a square map of more than one position."""
    x = next(iter(values), None)
    if isinstance(x, Tensor) and x.ndim == 4 and x.shape[2] == x.shape[3] > 1:
        return x
    return None


def _depth(module: nn.Module) -> int:
    """Levels of modules below a module; a batch norm with its activation is one layer still."""
    if isinstance(module, nn.BatchNorm2d):
        return 0
    return max((1 + _depth(child) for child in module.children()), default=0)


def _units(module: nn.Module, prefix: str, steps: Mapping[str, _Step | None]) -> Iterator[_Step]:
    for name, child in module.named_children():
        path = prefix + name
        step = steps.get(path)
        is_list = path not in steps  # of modules, which run one by one
        if is_list or (step is not None and step.holds_stages):
            yield from _units(child, f"{path}.", steps)
        elif step is not None:
            yield step


def _blocks(net: nn.Module, unit: _Step, steps: Mapping[str, _Step | None]) -> list[_Step]:
    sequence, prefix = net.get_submodule(unit.path), unit.path
    inner = dict(sequence.named_children()).get("blocks")
    if isinstance(inner, nn.Sequential):
        sequence, prefix = inner, f"{unit.path}.blocks"
    if not isinstance(sequence, nn.Sequential):
        return [unit]
    blocks: list[_Step] = []
    for name, _ in sequence.named_children():
        step = steps.get(f"{prefix}.{name}")
        if step and step.depth and step.side == unit.side:
            blocks.append(step)
    return blocks or [unit]
