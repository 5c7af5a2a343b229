"""What is counted: a copy of the model in eval mode, and one black image."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.spec.network import InputSize


@dataclass(frozen=True)
class Specimen:
    """A model that may be taken apart, and what to feed it.

    Args:
        model: in eval mode; shares nothing with the model it was copied from.
        image: zeros `[1, C, H, W]` on the model's device and in its floating-point type.
    """

    model: nn.Module
    image: Tensor


@contextmanager
def forward_only(specimen: Specimen) -> Iterator[None]:
    """Neither gradients nor autocast, whose casts of weights cannot be traced."""
    with torch.no_grad(), torch.autocast(specimen.image.device.type, enabled=False):
        yield


def take_specimen(model: nn.Module, input_size: InputSize) -> Specimen:
    """Copy a model for counting; the model itself keeps its statistics, its hooks and its flags.

    Raises:
        ModelError: if the size is not three positive whole numbers.
    """
    check_input_size(input_size)
    like = representative(model)
    image = torch.zeros((1, *input_size), dtype=like.dtype, device=like.device)
    return Specimen(deepcopy(model).eval(), image)


def check_input_size(input_size: InputSize) -> None:
    """Make sure that a size is (channels, height, width), each at least 1.

    Raises:
        ModelError: if it is not.
    """
    if len(input_size) != 3 or any(extent < 1 for extent in input_size):
        raise ModelError(
            f"input size {tuple(input_size)}: expected (channels, height, width), each at least 1"
        )


def representative(model: nn.Module) -> Tensor:
    """A tensor of the model that shows its device and floating-point type.

    A scalar on the CPU if it owns none.
    """
    tensors = chain(model.parameters(), model.buffers())
    return next((tensor for tensor in tensors if tensor.is_floating_point()), torch.zeros(()))


def num_parameters(module: nn.Module) -> int:
    """All parameters of a module and of what lies below it."""
    return sum(parameter.numel() for parameter in module.parameters())
