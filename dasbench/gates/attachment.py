"""For gates that look beyond their site: a part made later, tensors that last one forward pass."""

import threading

from torch import Tensor, nn

from dasbench.errors import ModelError


class NotAttached(nn.Module):
    """Stands for a part that is made when the gate is attached (see `traits.NeedsBackbone`).

    Raises:
        ModelError: when it is called.

    Example:
        >>> NotAttached()(None)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        dasbench.errors.ModelError: this gate reads more of its backbone than the map ...
    """

    def forward(self, x: Tensor) -> Tensor:
        """Refuse."""
        raise ModelError(
            "this gate reads more of its backbone than the map at its site; build the network "
            "with dasbench.models.build_model, or call gate.attach(backbone, site, sites) before "
            "the first forward pass"
        )


class PassMemory(threading.local):
    """Tensors that a module keeps from one moment of a forward pass to a later one, by number.

    Each thread has its own, so that threads can share a network. A copy or a pickle is empty: the
    graph of a pass that is under way cannot be copied, and does not belong to the network.

    Example:
        >>> import copy, torch
        >>> memory = PassMemory()
        >>> memory.put(1, torch.ones(2))
        >>> copy.deepcopy(memory).take(), memory.take(), memory.take()
        ([], [tensor([1., 1.])], [])
    """

    def __init__(self) -> None:
        self._tensors: dict[int, Tensor] = {}

    def put(self, number: int, tensor: Tensor) -> None:
        """Keep a tensor, in place of the one that had its number."""
        self._tensors[number] = tensor

    def take(self) -> list[Tensor]:
        """Hand out all tensors in the order of their numbers, and forget them."""
        tensors = [self._tensors[number] for number in sorted(self._tensors)]
        self._tensors.clear()
        return tensors

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), ())
