"""The networks that a cost report is about: each distinct one once, with its counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from dasbench.costs.by_module import ModuleCost
from dasbench.costs.cross_check import CrossCheck
from dasbench.costs.latency import MeasuredCost
from dasbench.costs.measure import measure_cost
from dasbench.devices import device_of
from dasbench.models import GatedNetwork, build_model, inference_form
from dasbench.records import Cost
from dasbench.resolution import resolve_network
from dasbench.spec.network import Network
from dasbench.spec.plain import Variant


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One network with its cost.

    Args:
        label: the variants of a study that have this network, or its backbone and gate.
        network: its parts, defaults filled in.
        cost: its counts.
        build: makes the network as it is trained.
        variants: the varied fields of each variant that has it; none outside of a study.
    """

    label: str
    network: Network
    cost: Cost
    build: Callable[[], nn.Module]
    variants: Sequence[Variant] = field(default=())


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """All that a cost report says of one network.

    Args:
        network: the network with its counts.
        check: what ptflops says of it, if it was asked.
        measured: its time and memory, if they were measured.
    """

    network: Counted
    check: CrossCheck | None = None
    measured: MeasuredCost | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkModules:
    """What each module of a network costs.

    Args:
        label: as in `Counted`.
        modules: the whole network first, then its parts.
    """

    label: str
    modules: Sequence[ModuleCost]


def count_network(asked: Network) -> Counted:
    """Build and count a network; no data set is looked at.

    Raises:
        StudyError: if the backbone or the gate does not accept its parameters.
        ModelError: if the backbone has no such stage or site, or a gate cannot work on its map;
            names the site.

    Example:
        >>> narrow = {"name": "resnet18", "width": 4}
        >>> asked = Network(backbone=narrow, gate="das", num_classes=10, input_size=(3, 64, 64))
        >>> counted = count_network(asked)
        >>> counted.label, counted.cost.params_full > counted.cost.params_paper
        ('resnet18(width=4) + das', True)
    """
    network = resolve_network(asked)
    return Counted(
        label=asked.title,
        network=network,
        cost=measure_cost(inference_form(build_model(network)), network.input_size),
        build=partial(build_model, network),
    )


def as_counted(network: nn.Module) -> nn.Module:
    """The form in which a network is counted: gates that can dissolve into a layer have done so."""
    if isinstance(network, GatedNetwork):
        return inference_form(network)
    return network


def placed(network: nn.Module, device: str) -> nn.Module:
    """The network on a device (`auto`: CUDA if there is one), in the memory format of training."""
    place = device_of(device)
    network.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
