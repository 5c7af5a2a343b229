"""CIFAR-10: 60,000 images of 32x32 pixels in 10 classes."""

from typing import Annotated

from annotated_types import Ge, Gt, Le

from dasbench.catalog import DATASETS
from dasbench.datasets.cifar import SOURCE, CifarFiles, read_cifar
from dasbench.datasets.dataset import Dataset

LAYOUT = CifarFiles(
    name="cifar10",
    folder="cifar-10-batches-py",
    train=[f"data_batch_{number}" for number in range(1, 6)],
    test=["test_batch"],
    meta="batches.meta",
    labels="labels",
    names="label_names",
    num_classes=10,
    torchvision="CIFAR10",
)


@DATASETS.register("cifar10", source=SOURCE)
def cifar10(
    *,
    image_size: Annotated[int, Ge(8), Le(256)] = 32,
    val_share: Annotated[float, Gt(0), Le(0.5)] = 0.1,
) -> Dataset:
    """CIFAR-10: 50,000 images to train and validate, 10,000 to test.

    In training, they are shifted by up to 4 of 32 pixels and mirrored.

    Args:
        image_size: height and width in pixels that the 32x32 originals are scaled to (bilinear).
        val_share: share of the training images that validate, stratified and fixed; ours.

    Raises:
        DataError: if files are missing or damaged.
    """
    return read_cifar(LAYOUT, image_size=image_size, val_share=val_share)
