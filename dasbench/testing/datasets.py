"""What every data set keeps: three parts that share no image, labels in range, a fingerprint that is stable."""

from collections.abc import Mapping
from typing import Any

import torch

from dasbench.catalog import DATASETS
from dasbench.datasets.dataset import Dataset
from dasbench.testing.gates import check_documentation


def check_dataset(name: str, *, params: Mapping[str, Any] | None = None) -> None:
    """Check a data set's parts, labels and fingerprint.

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_dataset("digits", params={"image_size": 8})
    """
    check_documentation(DATASETS[name])
    data: Dataset = DATASETS[name].make(**(params or {}))
    again: Dataset = DATASETS[name].make(**(params or {}))
    seen: set[bytes] = set()
    for part in (data.train, data.val, data.test):
        assert part.images.dtype == torch.uint8, "images are not 8-bit"
        assert part.images.shape[1:] == data.input_size, "images of the parts differ in size"
        assert len(part.images) == len(part.labels) > 0, "images and labels do not match"
        assert set(part.labels.tolist()) == set(range(len(data.classes))), "a class is missing from a part"
        images = {image.numpy().tobytes() for image in part.images}
        assert not images & seen, "two parts share an image"
        seen |= images
    assert data.fingerprint == again.fingerprint, "the fingerprint changes from one reading to the next"
    assert data.licence, "say under which licence the images are"
    assert data.citation, "say whom to cite"
    assert len(data.mean) == len(data.std) == data.input_size[0], "one mean and standard deviation for each channel"
