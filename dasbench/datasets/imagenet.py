"""ImageNet-1k: 1.28 million photographs in 1,000 classes."""

from typing import Annotated

from annotated_types import Ge, Gt, Le

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, stratified_split
from dasbench.datasets.folders import expect_classes, file_dataset, list_images, subfolders
from dasbench.datasets.framing import Fit, Framing, ImageSize
from dasbench.errors import DataError

SOURCE = "Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge, IJCV 115, arXiv:1409.0575"

HOW = (
    "Get ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from https://image-net.org (a free account) and unpack "
    "them into imagenet/train/<wnid>/*.JPEG and imagenet/val/<wnid>/*.JPEG below --data-root (or $DASBENCH_DATA); "
    "torchvision.datasets.ImageNet does so."
)


@DATASETS.register("imagenet", source=SOURCE)
def imagenet(
    *,
    image_size: ImageSize = 224,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.5)] = 0.02,
    num_classes: Annotated[int, Ge(2), Le(1000)] = 1000,
) -> Dataset:
    """ImageNet-1k; the official validation images are the test part, and some training images validate.

    The 50,000 official validation images are what papers report on, so they are looked at once, at the end; choices
    are made on a stratified, fixed 2 % of the training images (about 25,600), which are not trained on.

    Args:
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width]; 224 in the paper.
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad` fills them up.
        val_share: share of the training images that validate; ours.
        num_classes: how many class folders there must be; fewer for a subset such as ImageNet-100.

    Raises:
        DataError: if files are missing or empty, or the number of classes is another.
    """
    folder = data_access().root / "imagenet"
    wnids = subfolders(folder / "train", how=HOW)
    expect_classes(folder / "train", wnids, num_classes, how=HOW)
    found = subfolders(folder / "val", how=HOW)
    expect_classes(folder / "val", found, num_classes, how=HOW)
    if odd := sorted(set(found) ^ set(wnids)):
        raise DataError(f"{folder}: train and val differ in {len(odd)} class folders, such as '{odd[0]}'. {HOW}")
    if (folder / "train").samefile(folder / "val"):
        raise DataError(f"{folder / 'val'}: is the folder of the training images. {HOW}")
    whole = list_images(folder, wnids, inside="train")
    train, val = stratified_split(whole.labels, [val_share], salt="imagenet")
    test = list_images(folder, wnids, inside="val")
    _refuse_common_names(whole.files, test.files)
    return file_dataset(
        name="imagenet",
        classes=wnids,
        parts={"train": whole.take(train), "val": whole.take(val), "test": test},
        framing=Framing.of(image_size, fit),
        licence="for non-commercial research and education, on the terms of image-net.org",
        citation=SOURCE,
    )


def _refuse_common_names(train: tuple[str, ...], test: tuple[str, ...]) -> None:
    """Images of the two official parts never share a name; where they do, one was copied into the other."""
    names = {file.rpartition("/")[2] for file in train}
    common = [file for file in test if file.rpartition("/")[2] in names]
    if common:
        raise DataError(f"{common[0]}: one of {len(common)} of {len(test)} images of val that are also in train. {HOW}")
