"""ImageNet-1k: 1.28 million photographs in 1,000 classes."""

from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part, stratified_split
from dasbench.datasets.folders.labelled import expect_classes, file_dataset, files_in
from dasbench.datasets.folders.layouts import part_folder
from dasbench.datasets.folders.walk import Tree, added, walk
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.pictures.framing import Fit, Framing, ImageSize
from dasbench.errors import DataError

SOURCE = (
    "Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge, IJCV 115, "
    "arXiv:1409.0575"
)

HOW = (
    "Get ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from https://image-net.org "
    "(a free account) and unpack them into imagenet/train/<wnid>/*.JPEG and "
    "imagenet/val/<wnid>/*.JPEG below `data_root` (or $DASBENCH_DATA); "
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
    """ImageNet-1k; the official validation images test, and some training images validate.

    The 50,000 official validation images are what papers report on, so they are looked at once, at
    the end; choices are made on a stratified, fixed 2 % of the training images (about 25,600),
    which are not trained on.

    Args:
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width];
            224 in the paper.
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad`
            fills them up.
        val_share: share of the training images that validate; ours.
        num_classes: how many class folders there must be; fewer for a subset such as ImageNet-100.

    Raises:
        DataError: if files are missing or empty, or the number of classes is another.
    """
    folder = data_access().root / "imagenet"
    training = _tree_of(folder, "train", num_classes)
    official = _tree_of(folder, "val", num_classes)
    _refuse_other_classes(folder, training, official)
    if (folder / training.top.place).samefile(folder / official.top.place):
        raise DataError(
            f"{folder / official.top.place}: is the folder of the training images. {HOW}"
        )
    whole = files_in(folder, list(training.top.folders.values()))
    test = files_in(folder, list(official.top.folders.values()))
    train, val = stratified_split(whole.labels, [val_share], salt="imagenet")
    _refuse_common_names(whole.files, test.files)
    place = f"{training.top.place}/"
    return file_dataset(
        name="imagenet",
        classes=tuple(training.top.folders),
        parts={"train": whole.take(train), "val": whole.take(val), "test": test},
        framing=Framing.of(image_size, fit),
        licence="for non-commercial research and education, on the terms of image-net.org",
        citation=SOURCE,
        origins={
            "train": f"the rest of {place}",
            "val": f"cut from {place} by lot",
            "test": f"{official.top.place}/",
        },
        left_out=added(training.left_out, official.left_out),
    )


def _tree_of(folder: Path, part: Part, num_classes: int) -> Tree:
    """What lies below the folder of a part."""
    tree = walk(folder, inside=part_folder(folder, part), how=HOW)
    expect_classes(folder / tree.top.place, list(tree.top.folders), num_classes, how=HOW)
    return tree


def _refuse_other_classes(folder: Path, training: Tree, official: Tree) -> None:
    odd = sorted(set(training.top.folders) ^ set(official.top.folders))
    if odd:
        head = f"{folder}: train and val differ in {len(odd)} class folders. {HOW}"
        raise DataError(f"{head}\n{listing(list(map(legible, odd)), name='odd-classes')}")


def _refuse_common_names(train: tuple[str, ...], test: tuple[str, ...]) -> None:
    """Refuse parts that share names of images, which the official ones never do."""
    names = {file.rpartition("/")[2] for file in train}
    common = [file for file in test if file.rpartition("/")[2] in names]
    if common:
        raise DataError(
            f"{common[0]}: one of {len(common)} of {len(test)} images of val "
            f"that are also in train. {HOW}"
        )
