"""A labelled data set in memory: its three parts, what identifies it, and how its images are varied in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.seeds import derive_seed, permutation

Part = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Args:
        images: uint8, [N, 3, H, W].
        labels: int64, [N], from 0.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled images with a fixed split into training, validation and test parts.

    Args:
        name: as studies call it.
        classes: names of the classes, in the order of the labels.
        train: the part that weights are fitted to.
        val: the part that choices are made on.
        test: the part that is looked at once, at the end.
        mean, std: of each channel, in [0, 1], over the training part.
        max_shift: largest shift of a training image in each direction, in pixels.
        flip: whether training images are mirrored.
        fingerprint: hash of the original content and of the split.
        licence: of the images.
        citation: whom to cite.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    max_shift: int = 0
    flip: bool = False
    fingerprint: str
    licence: str
    citation: str

    @property
    def input_size(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def fingerprint(*arrays: NDArray[Any]) -> str:
    """16 hexadecimal digits that change with any byte of the given arrays: original pixels, labels, split.

    Example:
        >>> fingerprint(np.array([1, 2])) != fingerprint(np.array([1, 3]))
        True
    """
    digest = sha256()
    for array in arrays:
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def stratified_split(labels: NDArray[np.int64], shares: Sequence[float], *, salt: str) -> list[NDArray[np.int64]]:
    """Cut indices into parts that hold every class in the given shares; the same on every machine and version.

    Args:
        labels: class of each example, [N].
        shares: share of each part but the first, which gets the rest.
        salt: names the split, so that data sets differ.

    Returns:
        Sorted indices of the first part, then of the others in the order of `shares`.

    Example:
        >>> train, test = stratified_split(np.array([0, 1] * 10), [0.2], salt="example")
        >>> len(train), len(test)
        (16, 4)
    """
    parts: list[list[NDArray[np.int64]]] = [[] for _ in range(len(shares) + 1)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[permutation(derive_seed("split", salt, int(label)), len(members))]
        start = 0
        for number, share in enumerate(shares, start=1):
            stop = start + round(share * len(members))
            parts[number].append(members[start:stop])
            start = stop
        parts[0].append(members[start:])
    return [np.sort(np.concatenate(part)) for part in parts]


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
