"""Finds places for gates in any network: stages and blocks, from the shapes of maps on the way of one image.

The rules, for networks that say nothing about themselves:

- A *unit* is a module through which the whole map passes: a child of the network that turns one map into one map, or,
  where that shrinks the sides by 3 or more (several stages in one, as torchvision's `features`), its children instead.
- Of the units, those count whose modules have modules themselves: stages and blocks, but no stem or head. Where there
  are none, those with modules count (SqueezeNet), and where there are none of those either, all layers (VGG).
- A *stage* holds the units whose maps are of one size. It ends with the last of them.
- The *blocks* of a unit are its children if it is a sequence, the children of its `blocks` (timm's name) if it has such
  a sequence, and otherwise the unit itself.

Only square maps `[1, C, H, W]` with sides above 1 count, so that a network of tokens, or one whose channels come last,
has no places but in its first convolutions; and a module that runs more than once in a pass is no place.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from dasbench.backbones.site import Site
from dasbench.errors import ModelError

_SEVERAL_STAGES = 3
"""From this factor between its input's and its output's side on, a module is taken for several stages."""


@dataclass(frozen=True)
class _Step:
    """What went through a module: the sides of the first map that it got, and channels and side of its output."""

    order: int
    side_in: int
    channels: int
    side: int


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
    net = copy.deepcopy(net).to("meta").eval()
    steps = _passed(net, image_side)
    units = sorted(_units(net, "", steps), key=lambda path: steps[path].order)
    depths = {path: _depth(net.get_submodule(path)) for path in units}
    deepest = min(2, max(depths.values(), default=0))
    units = [path for path in units if depths[path] >= deepest]
    sites: list[Site] = []
    for stage, (_, group) in enumerate(groupby(units, key=lambda path: steps[path].side), start=1):
        members = list(group)
        blocks = [block for path in members for block in _blocks(net, path, steps)]
        sites += [Site(path, stage, steps[path].channels, "block", index) for index, path in enumerate(blocks)]
        sites.append(Site(members[-1], stage, steps[members[-1]].channels, "stage"))
    return tuple(sites)


def _passed(net: nn.Module, image_side: int) -> dict[str, _Step]:
    """What went through every module that turns one map into another and runs once; `net` is on the meta device."""
    steps: dict[str, _Step] = {}
    runs: dict[str, int] = {}

    def note(path: str, args: tuple[object, ...], output: object) -> None:
        runs[path] = runs.get(path, 0) + 1
        before, after = _map_in(args), _map_in((output,))
        if before is not None and after is not None:
            steps[path] = _Step(len(runs), before.shape[3], after.shape[1], after.shape[3])

    for path, module in net.named_modules():
        module.register_forward_hook(lambda _, args, output, path=path: note(path, args, output))
    try:
        with torch.no_grad():
            net(torch.zeros(1, 3, image_side, image_side, device="meta"))
    except (RuntimeError, ValueError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"{type(net).__name__}: no places can be found in it: {error}") from error
    return {path: step for path, step in steps.items() if runs[path] == 1}


def _map_in(values: tuple[object, ...]) -> Tensor | None:
    """The value that stands first, if it is a square map of more than one position."""
    x = values[0] if values else None
    if isinstance(x, Tensor) and x.ndim == 4 and x.shape[2] == x.shape[3] > 1:
        return x
    return None


def _units(module: nn.Module, path: str, steps: Mapping[str, _Step]) -> Iterator[str]:
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        step = steps.get(inner)
        if _depth(child) and (step is None or step.side_in >= _SEVERAL_STAGES * step.side):
            yield from _units(child, inner, steps)
        elif step is not None:
            yield inner


def _depth(module: nn.Module) -> int:
    """Levels of modules below a module: 0 for a layer."""
    return max((1 + _depth(child) for child in module.children()), default=0)


def _blocks(net: nn.Module, path: str, steps: Mapping[str, _Step]) -> list[str]:
    unit = net.get_submodule(path)
    inner = dict(unit.named_children()).get("blocks")
    sequence, prefix = (inner, f"{path}.blocks") if isinstance(inner, nn.Sequential) else (unit, path)
    if not isinstance(sequence, nn.Sequential):
        return [path]
    children = [f"{prefix}.{name}" for name, child in sequence.named_children() if _depth(child)]
    return [child for child in children if child in steps and steps[child].side == steps[path].side] or [path]
