"""Handwritten digits that come with scikit-learn: 1,797 real images, nothing to download."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray

from dasbench.catalog import DATASETS
from dasbench.datasets.dataset import Dataset, fingerprint, stratified_split
from dasbench.datasets.memory import MemorySplit

SOURCE = (
    "Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI; "
    "as bundled with scikit-learn"
)


class _Originals(NamedTuple):
    """The digits as they are kept.

    Args:
        images: float64, [1797, 8, 8], from 0 to 16.
        target: int64, [1797], the digit that each shows.
    """

    images: NDArray[np.float64]
    target: NDArray[np.int64]


def _originals() -> _Originals:
    """The digits out of scikit-learn's file; it is imported, in a second, if that has moved."""
    sklearn = find_spec("sklearn")
    assert sklearn is not None, "dasbench is installed with scikit-learn"
    for folder in sklearn.submodule_search_locations or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            images = np.ascontiguousarray(table[:, :-1]).reshape(-1, 8, 8)
            return _Originals(images, table[:, -1].astype(np.int64))
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return _Originals(bunch.images, bunch.target.astype(np.int64))


@DATASETS.register("digits", source=SOURCE)
def digits(*, image_size: Annotated[int, Ge(8), Le(256)] = 32) -> Dataset:
    """1,797 digits of 8x8 pixels, enlarged; 70 % to train, 15 % each to validate and test.

    Args:
        image_size: height and width in pixels that the 8x8 originals are enlarged to (bilinear).

    Example:
        >>> data = digits(image_size=16)
        >>> data.train.images.shape, len(data.val.labels), len(data.test.labels)
        (torch.Size([1259, 3, 16, 16]), 269, 269)
    """
    originals = _originals()
    labels = originals.target
    pixels = torch.from_numpy(originals.images).float()[:, None] * (255 / 16)
    enlarged = torch.nn.functional.interpolate(
        pixels, size=image_size, mode="bilinear", align_corners=False
    )
    images = enlarged.round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)
    parts = stratified_split(labels, [0.15, 0.15], salt="digits")

    def split_of(part: NDArray[np.int64]) -> MemorySplit:
        numbers = torch.from_numpy(labels[part])
        return MemorySplit(images[part].contiguous(), numbers, max_shift=image_size // 8)

    train, val, test = map(split_of, parts)
    # not torch's sums, whose last digits depend on the number of threads
    scaled = train.images[:, 0].numpy() / 255
    return Dataset(
        name="digits",
        classes=tuple(map(str, range(10))),
        train=train,
        val=val,
        test=test,
        input_size=(3, image_size, image_size),
        mean=(float(scaled.mean()),) * 3,
        std=(float(scaled.std(ddof=1)),) * 3,
        fingerprint=fingerprint(originals.images, labels, *parts),
        licence="CC BY 4.0",
        citation=SOURCE,
    )
