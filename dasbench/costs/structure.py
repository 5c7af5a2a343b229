"""What a network is made of, as a hash: by it, two processes tell whether they built the same."""

from hashlib import sha256

from torch import nn

from dasbench.costs.specimen import num_parameters
from dasbench.errors import ModelError
from dasbench.records import Cost


def structure_of(network: nn.Module) -> str:
    """12 hexadecimal digits of the names, shapes and types of a network's parameters.

    Example:
        >>> structure_of(nn.Linear(2, 3)) == structure_of(nn.Linear(2, 3))
        True
        >>> structure_of(nn.Linear(2, 3)) == structure_of(nn.Linear(3, 2))
        False
    """
    lines = []
    for name, parameter in network.named_parameters():
        lines.append(f"{name} {tuple(parameter.shape)} {parameter.dtype}")
    return sha256("\n".join(lines).encode()).hexdigest()[:12]


def refuse_other_network(network: nn.Module, cost: Cost) -> None:
    """Make sure that a network is the one that was counted.

    Args:
        network: as it is to be trained.
        cost: of a network of the same trial, which another process may have built.

    Raises:
        ModelError: if their parameters have other names, shapes or types.
    """
    if cost.structure and structure_of(network) != cost.structure:
        params = num_parameters(network)
        raise ModelError(
            f"the network that was built to be trained has {params:,} parameters whose names, "
            f"shapes or types are not those of the network that was counted ({cost.params_full:,} "
            "parameters in use); a constructor must build the same network each time and on each "
            "machine"
        )
