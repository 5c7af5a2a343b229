"""What every data set keeps: parts that share no image, labels in range, images that depend on their index alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dasbench.catalog import DATASETS
from dasbench.datasets.dataset import Dataset, Split
from dasbench.datasets.loading import in_order, load_batches
from dasbench.testing.gates import check_documentation


def check_dataset(name: str, *, params: Mapping[str, Any] | None = None) -> None:
    """Check a data set's parts, labels, batches and fingerprint.

    Files are looked for where `dasbench.data_access.reading_data` or $DASBENCH_DATA say.

    Args:
        name: the registered name.
        params: parameters for its constructor.

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_dataset("digits", params={"image_size": 8})
    """
    check_documentation(DATASETS[name])
    data: Dataset = DATASETS[name].make(**(params or {}))
    again: Dataset = DATASETS[name].make(**(params or {}))
    assert data.fingerprint == again.fingerprint, "the fingerprint changes from one reading to the next"
    assert data.licence, "say under which licence the images are"
    assert data.citation, "say whom to cite"
    assert len(data.mean) == len(data.std) == data.input_size[0], "one mean and standard deviation for each channel"
    seen: set[bytes] = set()
    for part in (data.train, data.val, data.test):
        assert part.labels.dtype == torch.int64, "labels are not int64"
        assert set(part.labels.tolist()) == set(range(len(data.classes))), "a class is missing from a part"
        images = _checked_images(part, data.input_size)
        assert not images & seen, "two parts share an image"
        seen |= images
    check_split(data.train)


def _checked_images(part: Split, size: tuple[int, int, int]) -> set[bytes]:
    """The bytes of every image of a part as it is evaluated."""
    images: set[bytes] = set()
    for batch in load_batches(part, in_order(len(part), 64)):
        assert batch.dtype == torch.uint8, "images are not 8-bit"
        assert batch.shape[1:] == size, "images differ in size from what the data set says"
        images |= {image.numpy().tobytes() for image in batch}
    assert len(part) == len(part.labels) > 0, "images and labels do not match"
    return images


def check_split(split: Split, *, variation: int = 7) -> None:
    """Check that an image depends on its index and its draws alone: not on its batch, nor on the number of loaders.

    Args:
        split: the part to check; its first 20 images are read.
        variation: seed of the draws.

    Raises:
        AssertionError: naming what changed the images.
    """
    order = np.arange(min(20, len(split)))[::-1].copy()
    for seed in (None, variation):

        def read(size: int, *, loaders: int = 0, seed: int | None = seed) -> Tensor:
            batches = [order[start : start + size] for start in range(0, len(order), size)]
            return torch.cat(list(load_batches(split, batches, variation=seed, loaders=loaders)))

        whole = read(len(order))
        assert torch.equal(whole, read(len(order))), "the same images differ when they are read again"
        assert torch.equal(whole, read(1)), "an image depends on the batch that it comes in"
        assert torch.equal(whole, read(3, loaders=3)), "an image depends on the number of loaders"
