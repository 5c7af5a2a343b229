"""A part of a data set whose images lie in memory, the device's if they fit there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.data_access import data_access
from dasbench.errors import DataError
from dasbench.seeds import uniform

MOST_COPIES = 0.2
"""Share of test images that may also be training images: a few are, officially."""

SHARE_OF_MEMORY = 0.25
"""The most that images may take of a GPU's memory, or of a process's share of it."""


def refuse_mixed_up(train: NDArray[np.uint8], test: NDArray[np.uint8], *, of: str) -> None:
    """Refuse test images of which too many are training images.

    Args:
        train: [N, ...].
        test: of the same shape each.
        of: whose they are, for the error.

    Raises:
        DataError: with the counts.
    """
    seen = set(map(_digest, train))
    copies = sum(digest in seen for digest in map(_digest, test))
    if copies > MOST_COPIES * len(test):
        counts = f"{copies} of {len(test)} test images are also training images ({len(train)})"
        raise DataError(f"{of} {counts}")


def _digest(image: NDArray[np.uint8]) -> bytes:
    """What is equal for images of equal pixels."""
    return sha256(image.tobytes()).digest()


@runtime_checkable
class Resident(Protocol):
    """A part that can hold all its images on a device, where loaders gain nothing."""

    def resident(self, device: torch.device) -> "MemorySplit":
        """The part with its images on a device, if they fit there."""
        ...


@runtime_checkable
class ResidentMaps(Protocol):
    """A part that can hold the class of every pixel on a device."""

    def resident_maps(self, device: torch.device) -> "MemorySplit":
        """Its class maps as images of one channel, on a device if they fit there."""
        ...


@dataclass(frozen=True)
class MemorySplit:
    """Images in one tensor.

    Args:
        images: uint8, [N, 3, H, W].
        labels: int64, [N], from 0.
        max_shift: largest shift of a training image in each direction, in pixels.
        flip: whether half of the training images are mirrored.

    Example:
        >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> split = MemorySplit(images, torch.tensor([0, 1]), max_shift=1)
        >>> split.batch(np.array([1, 0, 1]), np.full((3, 3), 0.5)).shape
        torch.Size([3, 3, 8, 8])
    """

    images: Tensor
    labels: Tensor
    max_shift: int = 0
    flip: bool = False
    num_draws: int = 3

    def __len__(self) -> int:
        return len(self.labels)

    def batch(
        self, indices: NDArray[np.int64] | Tensor, draws: NDArray[np.float64] | Tensor | None = None
    ) -> Tensor:
        """Some images, on the device where they lie; indices and draws are copied there."""
        images = self.images[torch.as_tensor(indices, device=self.images.device)]
        if draws is None:
            return images
        return shift_and_flip(images, draws, max_shift=self.max_shift, flip=self.flip)

    def batches(
        self, batches: Sequence[NDArray[np.int64]], *, variation: int | None = None
    ) -> Iterator[Tensor]:
        """The images of some batches, in order; indices and draws are copied to the device once.

        Args:
            batches: indices of each batch.
            variation: seed of the random variation in training; None gives the images as they are
                evaluated.
        """
        device = self.images.device
        for indices, draws in zip(
            cut_on_device(batches, device), self._draws(batches, variation), strict=True
        ):
            yield self.batch(indices, draws)

    def _draws(
        self, batches: Sequence[NDArray[np.int64]], variation: int | None
    ) -> Iterator[Tensor | None]:
        """The random numbers of every batch, on the device; None for evaluation."""
        if variation is None:
            return iter([None] * len(batches))
        draws = [uniform(variation, indices, draws=self.num_draws) for indices in batches]
        return cut_on_device(draws, self.images.device)

    def lies_on(self, device: torch.device) -> bool:
        """Whether the images are on a device of this kind."""
        return self.images.device.type == device.type

    def resident(self, device: torch.device) -> "MemorySplit":
        """The same part with its images on a device, if they fit there."""
        if not self.fits(device):
            return self
        return replace(self, images=self.images.to(device))

    def fits(self, device: torch.device) -> bool:
        """Whether a device has room for the images, whatever others hold there at the moment."""
        if device.type != "cuda":
            return True
        _, total = torch.cuda.mem_get_info(device)
        return self.images.nbytes <= SHARE_OF_MEMORY * data_access().gpu_share * total


def cut_on_device(pieces: Sequence[NDArray[np.generic]], device: torch.device) -> Iterator[Tensor]:
    """Arrays as tensors on a device, to which they are copied in one go.

    Example:
        >>> pieces = cut_on_device([np.arange(2), np.arange(3)], torch.device("cpu"))
        >>> [piece.tolist() for piece in pieces]
        [[0, 1], [0, 1, 2]]
    """
    whole = torch.from_numpy(np.concatenate(pieces)).to(device)
    return iter(torch.split_with_sizes(whole, list(map(len, pieces))))


def shift_and_flip(
    images: Tensor, draws: NDArray[np.float64] | Tensor, *, max_shift: int, flip: bool
) -> Tensor:
    """Shift each image by its own draw, zeros coming in, and mirror it where its draw says so.

    Args:
        images: [B, C, H, W].
        draws: uniform numbers in [0, 1), [B, 3]: vertical shift, horizontal shift, flip; best where
            the images lie.
        max_shift: largest shift in pixels.
        flip: whether to mirror half of the images.

    Shape:
        [B, C, H, W]
    """
    height, width = images.shape[-2:]
    draws = torch.as_tensor(draws, device=images.device)
    if max_shift:
        offsets = (draws[:, :2] * (2 * max_shift + 1)).floor().long()
        padded = torch.nn.functional.pad(images, [max_shift] * 4)
        rows = offsets[:, :1] + torch.arange(height, device=images.device)
        columns = offsets[:, 1:] + torch.arange(width, device=images.device)
        batch = torch.arange(len(images), device=images.device)[:, None, None]
        images = padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if flip:
        mirrored = draws[:, 2] < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    return images
