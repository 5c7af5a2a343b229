"""What a gate may ask of the trainer, as protocols; most gates ask nothing and implement none."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from torch import nn


@runtime_checkable
class HasUndecayed(Protocol):
    """A module with parameters that its authors train without weight decay.

    Whoever makes the optimiser asks every module of a network, so that a gate need not know where it stands. The method
    returns parameters rather than names, since names change with the place.

    Example:
        >>> class Scale(nn.Module):
        ...     def __init__(self) -> None:
        ...         super().__init__()
        ...         self.factor = nn.Parameter(nn.init.ones_(nn.Parameter()))
        ...     def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        ...         return [self.factor]
        >>> network = nn.Sequential(nn.Linear(2, 2), Scale())
        >>> [p for m in network.modules() if isinstance(m, HasUndecayed) for p in m.undecayed_parameters()] == [
        ...     network[1].factor
        ... ]
        True
    """

    def undecayed_parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that get no weight decay; each also is one of the module's own `parameters()`."""
        ...
