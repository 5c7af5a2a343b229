"""How images are cut into batches, and the batches in order, decoded ahead by threads when images lie in files."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Split
from dasbench.seeds import uniform

CHUNK = 16
"""Images that a loader decodes at a time: few enough that all loaders work on the first batch of an epoch."""

AHEAD = 2
"""Batches that are decoded ahead of the one in use."""


def load_batches(
    split: Split,
    batches: Iterable[NDArray[np.int64]],
    *,
    variation: int | None = None,
    loaders: int = 0,
    pin_memory: bool = False,
) -> Iterator[Tensor]:
    """The images of some batches, in order; bit for bit the same for any number of loaders.

    Args:
        split: the part.
        batches: indices of each batch.
        variation: seed of the random variation in training; None gives the images as they are evaluated.
        loaders: threads that decode ahead; 0 decodes each batch when it is asked for.
        pin_memory: whether the images lie where a GPU copies them from while it computes.

    Shape:
        uint8, [B, 3, H, W] each

    Raises:
        DataError: in the thread that asks, whichever loader met the broken file.

    Example:
        >>> from dasbench.datasets.memory import MemorySplit
        >>> split = MemorySplit(torch.zeros(5, 3, 8, 8, dtype=torch.uint8), torch.zeros(5, dtype=torch.int64))
        >>> [len(images) for images in load_batches(split, [np.arange(3), np.arange(3, 5)], loaders=2)]
        [3, 2]
    """
    if not loaders:
        for indices in batches:
            images = _images(split, indices, variation)
            yield images.pin_memory() if pin_memory else images
        return
    pool = ThreadPoolExecutor(loaders, thread_name_prefix="loader")
    try:
        for chunks in _ahead(pool, split, batches, variation):
            yield _joined(chunks, pin_memory=pin_memory)
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(length: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Indices of a part from its first to its last image, cut into batches."""
    return (np.arange(start, min(start + batch_size, length)) for start in range(0, length, batch_size))


def without_lone_image(length: int, batch_size: int) -> list[NDArray[np.int64]]:
    """Indices of a part in order, cut into batches to train on: none holds a single image, if there are more.

    Batch norms cannot learn from one image, and neither dropping it nor repeating another would train on every image
    once. Where one would be left over, the last two batches are shared evenly; batches of 2 end with one of 3 instead.

    Args:
        length: number of images.
        batch_size: images of a batch; 1 is taken as it is.

    Example:
        >>> [len(batch) for batch in without_lone_image(9, 4)], [len(batch) for batch in without_lone_image(5, 2)]
        ([4, 3, 2], [2, 3])
    """
    batches = list(in_order(length, batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1 < batch_size:
        last = np.concatenate(batches[-2:])
        batches[-2:] = np.array_split(last, max(1, min(2, len(last) // 2)))
    return batches


def parts_of(batch: NDArray[np.int64], *, number: int, batch_size: int) -> list[NDArray[np.int64]]:
    """A batch in parts of almost equal size; a shorter batch in fewer parts of about the size of a whole one's.

    Where the parts of a whole batch hold 2 images or more, so do those of a shorter one.

    Args:
        batch: indices, [B].
        number: parts of a whole batch.
        batch_size: images of a whole batch.

    Example:
        >>> [part.tolist() for part in parts_of(np.arange(5), number=2, batch_size=6)]
        [[0, 1, 2], [3, 4]]
    """
    parts = math.ceil(len(batch) * number / batch_size)
    if batch_size >= 2 * number:
        parts = min(parts, len(batch) // 2)
    return np.array_split(batch, max(parts, 1))


def _ahead(
    pool: ThreadPoolExecutor, split: Split, batches: Iterable[NDArray[np.int64]], variation: int | None
) -> Iterator[list[Tensor]]:
    """Keep some batches in the making, and hand out the oldest."""
    pending: deque[list[Future[Tensor]]] = deque()
    for indices in chain(batches, [None] * AHEAD):
        if indices is not None:
            chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
            pending.append([pool.submit(_images, split, chunk, variation) for chunk in chunks])
        if pending and (indices is None or len(pending) > AHEAD):
            yield [chunk.result() for chunk in pending.popleft()]


def _joined(chunks: list[Tensor], *, pin_memory: bool) -> Tensor:
    """The chunks of a batch as one tensor."""
    shape = (sum(map(len, chunks)), *chunks[0].shape[1:])
    return torch.cat(chunks, out=torch.empty(shape, dtype=chunks[0].dtype, pin_memory=pin_memory))


def _images(split: Split, indices: NDArray[np.int64], variation: int | None) -> Tensor:
    draws = None if variation is None else uniform(variation, indices, draws=split.num_draws)
    return split.batch(indices, draws)
