"""From 8-bit pixels to what a network sees."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Normalisation:
    """Pixels from 0 to 255 as `(x / 255 - mean) / std`, channel by channel, channels last.

    On a CPU computed as it is written there. On a GPU by one multiply-add for each pixel in fp32,
    rounded once to the type that the network trains in: a single kernel reads bytes and writes that
    type. The two differ by the rounding of fp32.

    Args:
        mean: of each channel, in [0, 1].
        std: of each channel.
        device: where the images lie.
        dtype: of what a GPU gives; a CPU gives fp32.

    Shape:
        uint8, [B, C, H, W] -> fp32 or `dtype`, [B, C, H, W], channels last

    Example:
        >>> normalise = Normalisation([0.5], [0.25], device=torch.device("cpu"))
        >>> normalise(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)).tolist()
        [[[[-2.0, 2.0]]]]
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype
        self._mean = torch.tensor(mean, device=device)[:, None, None]
        self._std = torch.tensor(std, device=device)[:, None, None]
        self._scale = 1 / (255 * self._std.double())
        self._shift = -self._mean * 255 * self._scale
        self._scale, self._shift = self._scale.float(), self._shift.float()

    def __call__(self, images: Tensor) -> Tensor:
        """Normalise a batch where it lies."""
        if images.is_cuda:
            return self.in_one_step(images)
        return self.step_by_step(images)

    def step_by_step(self, images: Tensor) -> Tensor:
        """In fp32, each operation rounded: the bits of results on a CPU."""
        scaled = (images.float() / 255 - self._mean) / self._std
        return scaled.contiguous(memory_format=torch.channels_last)

    def in_one_step(self, images: Tensor) -> Tensor:
        """In `dtype`, by one multiply-add."""
        layout = torch.channels_last
        out = torch.empty(
            images.shape, dtype=self.dtype, device=images.device, memory_format=layout
        )
        return torch.addcmul(self._shift, images, self._scale, out=out)
