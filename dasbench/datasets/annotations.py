"""What a part of a data set may know of its images beyond their classes: objects, pixels.

A data set says so where it is registered (`gives=("labels", "objects", "maps")`), and a task what
it needs.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Images

IGNORED = 255
"""In a class map: a pixel of which nobody says what it is; neither learned from nor scored."""


class Objects(NamedTuple):
    """The objects in one image, n of them; there may be none.

    Args:
        boxes: left, upper, right and lower edge in pixels, right and lower outside: float32, [n,
            4].
        labels: class of each, from 0: int64, [n].
        areas: pixels that belong to each, which its size is told by: float32, [n].
        crowd: whether a box holds a crowd that is not told apart: nothing to learn from, and no
            fault to find in it: bool, [n].
    """

    boxes: Tensor
    labels: Tensor
    areas: Tensor
    crowd: Tensor


class Scene(NamedTuple):
    """An image with its objects.

    Args:
        image: uint8, [3, H, W]; images of a part may differ in size.
        objects: in it.
    """

    image: Tensor
    objects: Objects


@runtime_checkable
class HasObjects(Protocol):
    """A part that knows the objects in its images; gives out scenes as a `Split` does images."""

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one scene in training."""
        ...

    def __len__(self) -> int: ...

    def scenes(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> list[Scene]:
        """Some images with their objects: varied by their draws, or as they are evaluated.

        Args:
            indices: which images, [B].
            draws: uniform numbers in [0, 1), [B, num_draws], for training; None for evaluation.

        Raises:
            DataError: if a file is missing or cannot be decoded; the message names it.
        """
        ...


@runtime_checkable
class HasClassMaps(Images, Protocol):
    """A part that knows the class of every pixel."""

    def class_maps(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> Tensor:
        """The class of each pixel of what `batch` gives out for the same indices and draws.

        Shape:
            uint8, [B, H, W]: 0 where nothing is, else the class, from 1; `IGNORED` where nobody
            knows
        """
        ...


class ClassMaps:
    """The class maps of a part, given out as images of one channel.

    Args:
        split: whose maps these are.
    """

    def __init__(self, split: HasClassMaps) -> None:
        self._split = split

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one map, as its image, in training."""
        return self._split.num_draws

    def __len__(self) -> int:
        return len(self._split)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """The maps of some images: uint8, [B, 1, H, W]."""
        return self._split.class_maps(indices, draws)[:, None]
