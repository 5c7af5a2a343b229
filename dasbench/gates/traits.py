"""What a gate may ask of those who build, train and count a network; most gates ask nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class HasUndecayed(Protocol):
    """A module with parameters that its authors train without weight decay.

    Whoever makes the optimiser asks every module of a network, so that a gate need not know where
    it stands. The method returns parameters rather than names, since names change with the place.

    Example:
        >>> class Scale(nn.Module):
        ...     def __init__(self) -> None:
        ...         super().__init__()
        ...         self.factor = nn.Parameter(nn.init.ones_(nn.Parameter()))
        ...     def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        ...         return [self.factor]
        >>> network = nn.Sequential(nn.Linear(2, 2), Scale())
        >>> (scale,) = [each for each in network.modules() if isinstance(each, HasUndecayed)]
        >>> scale.undecayed_parameters()[0] is network[1].factor
        True
    """

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that get no weight decay; each also is one of the module's own."""
        ...


@runtime_checkable
class HasRates(Protocol):
    """A module with parameters that its authors train at a multiple of the learning rate.

    As with `HasUndecayed`, whoever makes the optimiser asks every module of a network, wherever it
    stands. A parameter may be in both answers. The factor holds at any time, whatever the schedule
    makes of the rate.

    Example:
        >>> class Shift(nn.Module):
        ...     def __init__(self) -> None:
        ...         super().__init__()
        ...         self.offset = nn.Parameter(nn.init.zeros_(nn.Parameter()))
        ...     def rate_factors(self) -> Mapping[nn.Parameter, float]:
        ...         return {self.offset: 0.1}
        >>> shift = Shift()
        >>> isinstance(shift, HasRates), list(shift.rate_factors().values())
        (True, [0.1])
    """

    def rate_factors(self) -> Mapping[nn.Parameter, float]:
        """The factor of each parameter that has one, above 0; each also is one of the module's."""
        ...


@runtime_checkable
class HasAuxiliary(Protocol):
    """A module that classifies the images too, beside the network around it, to learn from it.

    A task adds the loss of these logits to that of the network's own, with equal weight.
    """

    def take_auxiliary(self) -> Iterable[Tensor]:
        """The logits [B, classes] of the last forward pass in train mode, handed out once."""
        ...


class Place(Protocol):
    """What a gate may know of a site: see `dasbench.backbones.site.Site`."""

    @property
    def path(self) -> str:
        """Dotted path of the module whose output is gated."""
        ...

    @property
    def stage(self) -> int:
        """Number of the stage, from 1."""
        ...

    @property
    def channels(self) -> int:
        """Channels of that output."""
        ...

    @property
    def after(self) -> str:
        """Which kind of place it is (`stage`, `block`, `before_add`, ...)."""
        ...


@runtime_checkable
class NeedsBackbone(Protocol):
    """A gate that needs more of the backbone than the map at its site.

    `models.build_model` attaches each gate as soon as it is made and before any gate acts. What
    `attach` draws comes from the gate's own random stream. It may register hooks; as a network is
    copied and pickled with them, they are instances of classes rather than closures.
    """

    def attach(self, backbone: nn.Module, site: Place, sites: Sequence[Place]) -> None:
        """Look around in the backbone, which is to be left as it is but for hooks.

        Args:
            backbone: the network, without gates.
            site: where this gate stands.
            sites: all sites of the backbone, in the order in which data passes them.

        Raises:
            ModelError: if the backbone lacks what the gate needs.
        """
        ...


@runtime_checkable
class Foldable(Protocol):
    """A gate that can dissolve into the layer before it (see `models.inference_form`)."""

    def fold(self, before: nn.Module) -> bool:
        """Change the layer so that it computes what layer and gate did together, in eval mode.

        Args:
            before: the module whose output is gated.

        Returns:
            Whether that is done; if not, the layer is untouched and the gate is still needed.
        """
        ...
