"""The parts of a network, a backbone and its gates: made, and named when they fail."""

from dataclasses import dataclass

from torch import Tensor, nn

from dasbench.backbones.site import Backbone, Site
from dasbench.blame import refusal
from dasbench.catalog import BACKBONES, GATES, KINDS
from dasbench.errors import ModelError
from dasbench.faults import foreign
from dasbench.gates.traits import NeedsBackbone
from dasbench.spec.network import Network
from dasbench.spec.trial import Choice


@dataclass(frozen=True)
class Names:
    """How errors call the parts of a network.

    Args:
        backbone: with its parameters (`resnet18(width=4)`); `""` for one that comes from no
            registry.
        gate: with its parameters; `""` likewise.
        takes: which images the backbone takes, in words; `""` if that is not known.
    """

    backbone: str = ""
    gate: str = ""
    takes: str = ""


UNNAMED = Names()
"""Of a network whose parts come from no registry."""


def make_backbone(network: Network) -> Backbone:
    """The network's backbone.

    Raises:
        ModelError: if its constructor raises anything, or returns something else.
    """
    entry = BACKBONES[network.backbone.name]
    what = f"backbone '{called('backbone', network.backbone)}'"
    with foreign(lambda error: refusal(f"{what} cannot be made", error, entry=entry)):
        made = entry.make(network.num_classes, **network.backbone.params)
    if not isinstance(made, Backbone):
        returns = f"its constructor returns {kind_of(made)}, not a Backbone(module, sites)"
        raise ModelError(f"{what}: {returns} ({entry.place})")
    return made


def make_gate(gate: Choice, site: Site, backbone: Backbone) -> nn.Module:
    """A gate for a site.

    Raises:
        ModelError: if its constructor raises anything, or returns something else; names the site.
    """
    entry = GATES[gate.name]
    what = f"site '{site.path}': gate '{called('gate', gate)}'"
    unmade = f"{what} cannot be made for {site.channels} channels"
    with foreign(lambda error: refusal(unmade, error, entry=entry)):
        made = entry.make(site.channels, **gate.params)
    if not isinstance(made, nn.Module):
        returns = f"its constructor returns {kind_of(made)}, not a torch.nn.Module"
        raise ModelError(f"{what}: {returns} ({entry.place})")
    if isinstance(made, NeedsBackbone):
        with foreign(lambda error: refusal(f"{what} cannot be attached", error, entry=entry)):
            made.attach(backbone.module, site, backbone.sites)
    return made


def called(kind: str, choice: Choice) -> str:
    """A component with those of its parameters that are not the defaults."""
    defaults = KINDS[kind][choice.name].defaults
    other = {
        key: value for key, value in choice.params.items() if (key, value) not in defaults.items()
    }
    return str(Choice(name=choice.name, params=other))


def bare_name(called: str) -> str:
    """The name of a component without its parameters."""
    return called.partition("(")[0]


def kind_of(value: object) -> str:
    """What a module was given or gives back, in a few words.

    Example:
        >>> import torch
        >>> kind_of(torch.zeros(1, 4, 2, 2)), kind_of(None), kind_of((torch.zeros(1), 2))
        ('a map [1, 4, 2, 2]', 'None', 'a tuple')
    """
    if isinstance(value, Tensor):
        return f"a map {list(value.shape)}"
    if value is None:
        return "None"
    return f"a {type(value).__name__}"
