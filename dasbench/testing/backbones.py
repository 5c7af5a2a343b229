"""What every backbone keeps: logits of the right length, sites that are really there."""

import torch
from torch import Tensor, nn

from dasbench.catalog import BACKBONES
from dasbench.spec.plain import Params
from dasbench.testing.documentation import check_documentation


def check_backbone(name: str, *, params: Params | None = None, image_size: int = 64) -> None:
    """Check a backbone's logits, and that every site has the channels that it declares.

    Args:
        name: a registered backbone.
        params: its parameters; those of the registration's `example`, if it has one, and defaults
            otherwise.
        image_size: height and width of the images that it is tried on.

    Raises:
        AssertionError: naming the site or the part of the contract that is broken.

    Example:
        >>> check_backbone("resnet18", params={"width": 4, "stem": "small"}, image_size=16)
    """
    entry = BACKBONES[name]
    check_documentation(entry)
    backbone = entry.make(7, **{**entry.traits.example, **(params or {})})
    seen: dict[str, int] = {}
    for site in backbone.sites:
        module = backbone.module.get_submodule(site.path)
        module.register_forward_hook(_Note(seen, site.path))
    with torch.no_grad():
        logits = backbone.module.eval()(torch.randn(2, 3, image_size, image_size))
    assert logits.shape == (2, 7), f"logits have the shape {tuple(logits.shape)}, not (2, 7)"
    assert backbone.sites, "a backbone without sites takes no gate"
    for site in backbone.sites:
        channels = seen.get(site.path)
        assert channels == site.channels, (
            f"site '{site.path}': {channels} channels, not {site.channels}"
        )


class _Note:
    """Notes the channels of a module's output."""

    def __init__(self, seen: dict[str, int], path: str) -> None:
        self.seen = seen
        self.path = path

    def __call__(self, module: nn.Module, args: object, output: Tensor) -> None:
        self.seen[self.path] = output.shape[1]
