"""A part of a data set whose images lie in memory, the device's if they fit there."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Split

SHARE_OF_FREE_MEMORY = 0.25
"""The most of a GPU's free memory that images may take; the rest belongs to the network."""


@runtime_checkable
class Resident(Protocol):
    """A part that can hold all its images on a device, and has nothing to gain from loaders."""

    def resident(self, device: torch.device) -> Split:
        """The part with its images on a device, if they fit there."""
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
        >>> split = MemorySplit(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]), max_shift=1)
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

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images, on the device where they lie."""
        images = self.images[torch.from_numpy(indices).to(self.images.device)]
        if draws is None:
            return images
        return shift_and_flip(images, draws, max_shift=self.max_shift, flip=self.flip)

    def resident(self, device: torch.device) -> "MemorySplit":
        """The same part with its images on a device, if they fit there."""
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if self.images.nbytes > SHARE_OF_FREE_MEMORY * free:
                return self
        return replace(self, images=self.images.to(device))


def shift_and_flip(images: Tensor, draws: NDArray[np.float64], *, max_shift: int, flip: bool) -> Tensor:
    """Shift each image by its own draw, zeros coming in at the border, and mirror it where its draw says so.

    Args:
        images: [B, C, H, W].
        draws: uniform numbers in [0, 1), [B, 3]: vertical shift, horizontal shift, flip.
        max_shift: largest shift in pixels.
        flip: whether to mirror half of the images.

    Shape:
        [B, C, H, W]
    """
    height, width = images.shape[-2:]
    if max_shift:
        offsets = torch.from_numpy(np.floor(draws[:, :2] * (2 * max_shift + 1)).astype(np.int64)).to(images.device)
        padded = torch.nn.functional.pad(images, [max_shift] * 4)
        rows = offsets[:, :1] + torch.arange(height, device=images.device)
        columns = offsets[:, 1:] + torch.arange(width, device=images.device)
        batch = torch.arange(len(images), device=images.device)[:, None, None]
        images = padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if flip:
        mirrored = torch.from_numpy(draws[:, 2] < 0.5).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    return images
