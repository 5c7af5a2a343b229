"""How images are cut into batches, and the batches in order, read ahead by threads."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Images
from dasbench.datasets.memory import MemorySplit
from dasbench.datasets.transfer import Transfer
from dasbench.seeds import uniform

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)

CHUNK = 16
"""Images that a loader decodes at a time: so few that all loaders share the first batch."""

AHEAD = 2
"""Batches that are read ahead of the one in use."""


class Read(Protocol[T_co]):
    """Gives out some examples: varied by their draws, or as they are evaluated."""

    def __call__(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None, /
    ) -> T_co:
        """What is read of some examples, [B] and [B, num_draws]."""
        ...


def load_batches(
    split: Images,
    batches: Iterable[NDArray[np.int64]],
    *,
    variation: int | None = None,
    loaders: int = 0,
    transfer: Transfer | None = None,
) -> Iterator[Tensor]:
    """The images of some batches on a device, in order; the same bits for any number of loaders.

    Images that lie on the device are picked there. Others are read by the loaders, see `load`.

    Args:
        split: the part.
        batches: indices of each batch.
        variation: seed of the random variation in training; None gives the images as they are
            evaluated.
        loaders: threads that read ahead; 0 reads each batch when it is asked for.
        transfer: the way to the device; None stays on the CPU.

    Shape:
        uint8, [B, 3, H, W] each

    Example:
        >>> images = torch.zeros(5, 3, 8, 8, dtype=torch.uint8)
        >>> split = MemorySplit(images, torch.zeros(5, dtype=torch.int64))
        >>> batches = [np.arange(3), np.arange(3, 5)]
        >>> [len(images) for images in load_batches(split, batches, loaders=2)]
        [3, 2]
    """
    transfer = transfer or Transfer(torch.device("cpu"))
    if isinstance(split, MemorySplit) and split.lies_on(transfer.device):
        yield from split.batches(list(batches), variation=variation)
        return
    for arriving in load(
        split.batch,
        batches,
        join=transfer.send_joined,
        num_draws=split.num_draws,
        variation=variation,
        loaders=loaders,
    ):
        yield arriving.take()[0]


def load(
    read: Read[T],
    batches: Iterable[NDArray[np.int64]],
    *,
    join: Callable[[Sequence[T]], U],
    num_draws: int,
    variation: int | None = None,
    loaders: int = 0,
) -> Iterator[U]:
    """What is read of some batches, in order; bit for bit the same for any number of loaders.

    Args:
        read: gives out some examples; it is called from several threads, with parts of a batch.
        batches: indices of each batch.
        join: makes a batch of its parts; it is called from several threads, too.
        num_draws: uniform numbers that vary one example.
        variation: seed of those; None reads the examples as they are evaluated.
        loaders: threads that read and join ahead; 0 reads each batch when it is asked for.

    Raises:
        DataError: in the thread that asks, whichever loader met the broken file.
    """

    def read_varied(indices: NDArray[np.int64]) -> T:
        if variation is None:
            return read(indices)
        return read(indices, uniform(variation, indices, draws=num_draws))

    if not loaders:
        for indices in batches:
            yield join([read_varied(indices)])
        return
    pool = ThreadPoolExecutor(loaders, thread_name_prefix="loader")
    try:
        yield from _read_ahead(pool, read_varied, join, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(length: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Indices of a part from its first to its last image, cut into batches."""
    for start in range(0, length, batch_size):
        yield np.arange(start, min(start + batch_size, length))


def without_lone_image(length: int, batch_size: int) -> list[NDArray[np.int64]]:
    """Indices of a part in order, cut into batches to train on: none holds an image alone.

    Batch norms cannot learn from one image, and neither dropping it nor repeating another would
    train on every image once. Where one would be left over, the last two batches are shared evenly;
    batches of 2 end with one of 3 instead.

    Args:
        length: number of images.
        batch_size: images of a batch; 1 is taken as it is.

    Example:
        >>> [list(map(len, without_lone_image(*sizes))) for sizes in [(9, 4), (5, 2)]]
        [[4, 3, 2], [2, 3]]
    """
    batches = list(in_order(length, batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1 < batch_size:
        last = np.concatenate(batches[-2:])
        batches[-2:] = np.array_split(last, max(1, min(2, len(last) // 2)))
    return batches


def parts_of(batch: NDArray[np.int64], *, number: int, batch_size: int) -> list[NDArray[np.int64]]:
    """A batch in parts of almost equal size; a shorter one in fewer parts of about that size.

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


def _read_ahead(
    pool: ThreadPoolExecutor,
    read: Callable[[NDArray[np.int64]], T],
    join: Callable[[Sequence[T]], U],
    batches: Iterable[NDArray[np.int64]],
) -> Iterator[U]:
    """Keep some batches in the making, and hand out the oldest."""
    pending: deque[Future[U]] = deque()
    for indices in chain(batches, [None] * AHEAD):
        if indices is not None:
            chunks = np.split(indices, range(CHUNK, len(indices), CHUNK))
            reads = [pool.submit(read, chunk) for chunk in chunks]
            pending.append(pool.submit(_batch_of, join, reads))
        if pending and (indices is None or len(pending) > AHEAD):
            yield pending.popleft().result()


def _batch_of(join: Callable[[Sequence[T]], U], chunks: Sequence[Future[T]]) -> U:
    """A batch of its parts.

    All were handed to the pool before, so that none waits for the thread that waits here.
    """
    return join([chunk.result() for chunk in chunks])
