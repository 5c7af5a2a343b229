"""Where the object is that a network should look at: masks of the data set or of image files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Split
from dasbench.datasets.pictures.pixels import read_values
from dasbench.errors import DataError
from dasbench.saliency.matches import Matches

FindRegions = Callable[[NDArray[np.int64]], Tensor]
"""Gives the regions of some images, as they are evaluated: bool, [B, H, W], none of them empty."""


class Located(Protocol):
    """What a part says about the objects of some images."""

    @property
    def masks(self) -> Tensor:
        """Whether a pixel belongs to the object: bool, [B, H, W]."""
        ...


@runtime_checkable
class HasRegions(Protocol):
    """A part of a data set that knows where its objects are."""

    def regions(self, indices: NDArray[np.int64]) -> Located:
        """Masks of the objects of some images, as they are evaluated."""
        ...


def own_regions(split: Split) -> FindRegions | None:
    """The regions that a part of a data set offers itself, or None.

    Example:
        >>> from dasbench.datasets.salient_shapes import salient_shapes
        >>> find = own_regions(salient_shapes().test)
        >>> find(np.array([4, 7])).shape
        torch.Size([2, 32, 32])
    """
    if not isinstance(split, HasRegions):
        return None
    offered = split

    def find(indices: NDArray[np.int64]) -> Tensor:
        names = [f"image {index}" for index in indices.tolist()]
        return refuse_empty_masks(offered.regions(indices).masks, names)

    return find


def read_masks(matches: Matches, *, size: tuple[int, int]) -> FindRegions:
    """The regions that matched files show.

    Args:
        matches: the mask of each image.
        size: height and width that they have to have.

    Raises:
        DataError: when regions are asked for, if a file is missing or not alone, damaged, empty or
            of another size.
    """

    def find(indices: NDArray[np.int64]) -> Tensor:
        paths = matches.files(indices)
        if not paths:
            return torch.empty(0, *size).bool()
        masks = torch.stack([_read_mask(path, size) for path in paths])
        names = [f"{path}: image {index}" for path, index in zip(paths, indices, strict=True)]
        return refuse_empty_masks(masks, names)

    return find


def refuse_empty_masks(masks: Tensor, names: Sequence[str]) -> Tensor:
    """Masks, none of which is empty.

    Raises:
        DataError: naming the first image whose mask is, and how many there are.
    """
    empty = (~masks.flatten(1).any(1)).nonzero().flatten().tolist()
    if not empty:
        return masks
    rest = ""
    if len(empty) > 1:
        rest = f", as are {len(empty)} of {len(names)} in all"
    raise DataError(
        f"{names[empty[0]]}: its region is empty{rest}; a score needs an object to look at"
    )


def _read_mask(path: Path, size: tuple[int, int]) -> Tensor:
    """A mask file as bool, [H, W], turned as it is shown; index 0 of a palette is no region."""
    image = read_values(path)
    pixels, has_alpha = np.array(image), image.getbands()[-1] == "A"
    if pixels.ndim == 3:
        pixels = pixels[..., : pixels.shape[2] - has_alpha].max(axis=2)
    if pixels.shape != size:
        height, width = pixels.shape
        there = f"is {width}x{height}, but the image is evaluated at {size[1]}x{size[0]}"
        remedy = "(after resizing and cropping); give the mask in that size"
        raise DataError(f"{path}: {there} {remedy}")
    return torch.from_numpy(pixels != 0)
