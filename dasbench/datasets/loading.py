"""Batches of a part in a given order, decoded ahead by threads when their images lie in files."""

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
    split: Split, batches: Iterable[NDArray[np.int64]], *, variation: int | None = None, loaders: int = 0
) -> Iterator[Tensor]:
    """The images of some batches, in order; bit for bit the same for any number of loaders.

    Args:
        split: the part.
        batches: indices of each batch.
        variation: seed of the random variation in training; None gives the images as they are evaluated.
        loaders: threads that decode ahead; 0 decodes each batch when it is asked for.

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
            yield _images(split, indices, variation)
        return
    pool = ThreadPoolExecutor(loaders, thread_name_prefix="loader")
    try:
        yield from _ahead(pool, split, batches, variation)
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(length: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Indices of a part from its first to its last image, cut into batches."""
    return (np.arange(start, min(start + batch_size, length)) for start in range(0, length, batch_size))


def _ahead(
    pool: ThreadPoolExecutor, split: Split, batches: Iterable[NDArray[np.int64]], variation: int | None
) -> Iterator[Tensor]:
    """Keep some batches in the making, and hand out the oldest."""
    pending: deque[list[Future[Tensor]]] = deque()
    for indices in chain(batches, [None] * AHEAD):
        if indices is not None:
            chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
            pending.append([pool.submit(_images, split, chunk, variation) for chunk in chunks])
        if pending and (indices is None or len(pending) > AHEAD):
            yield torch.cat([chunk.result() for chunk in pending.popleft()])


def _images(split: Split, indices: NDArray[np.int64], variation: int | None) -> Tensor:
    draws = None if variation is None else uniform(variation, indices, draws=split.num_draws)
    return split.batch(indices, draws)
