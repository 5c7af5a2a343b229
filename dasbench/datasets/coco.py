"""COCO: 118,287 photographs to train on, with the boxes of 860,001 objects in 80 classes."""

from filecmp import cmp
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, MinLen

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part, stratified_split
from dasbench.datasets.instances import Instances, read_instances
from dasbench.datasets.object_files import (
    InstanceSplit,
    Listing,
    fingerprint_of,
    listed,
    refuse_objectless,
    to_train_on,
)
from dasbench.errors import DataError

SOURCE = "Lin et al. 2014, Microsoft COCO: Common Objects in Context, ECCV, arXiv 1405.0312"

HOW = (
    "Get train2017.zip, val2017.zip and annotations_trainval2017.zip from https://cocodataset.org (20 GB; nothing is "
    "downloaded for you) and unpack them into coco/train2017/*.jpg, coco/val2017/*.jpg, "
    "coco/annotations/instances_train2017.json and instances_val2017.json below --data-root (or $DASBENCH_DATA). "
    "A folder of your own has the same layout; say where it is with root, and how many classes it has with num_classes."
)

FOLDERS = ("train2017", "val2017")
"""Of the images; the second holds the official validation images, which are the test part."""


@DATASETS.register("coco", source=SOURCE, gives=("objects",))
def coco(
    *,
    root: Annotated[str, MinLen(1)] = "coco",
    val_share: Annotated[float, Gt(0), Le(0.5)] = 0.02,
    num_classes: Annotated[int, Ge(1), Le(1000)] = 80,
) -> Dataset[InstanceSplit]:
    """COCO 2017 with its boxes; the official validation images are the test part, and some training images validate.

    The 5,000 official validation images are what papers report on, so they are looked at once, at the end; choices are
    made on a fixed random 2 % of the training images (2,366), which are not trained on. Training leaves out images
    without an object, and boxes without an area (two of COCO's); boxes are cut to their image. Evaluation has all
    images, and boxes as they are in the file.

    Images keep their size. What is stated as the size of an image is the largest that detectors scale it to, 800 x
    1333 pixels (Ren et al. 2015; Lin et al. 2017, Feature Pyramid Networks).

    Args:
        root: the folder, absolute or below the data root; a user's own folder in COCO's layout will do.
        val_share: share of the training images that validate; ours.
        num_classes: how many categories there must be.

    Raises:
        DataError: if a file is missing, damaged, or contradicts itself or another.
    """
    folder = data_access().root / Path(root).expanduser()
    train, test = _listings(folder, num_classes)
    _refuse_other_classes(folder, train.instances, test.instances)
    _refuse_copies(train, test)
    fitted, chosen = stratified_split(np.zeros(len(train.instances), np.int64), [val_share], salt="coco")
    parts: dict[Part, Listing] = {
        "train": to_train_on(train.take(fitted)),
        "val": train.take(chosen),
        "test": test,
    }
    refuse_objectless(parts, remedy="cut it by another val_share")
    split = {part: InstanceSplit(listing.folder, listing.instances) for part, listing in parts.items()}
    return Dataset(
        name="coco",
        classes=test.instances.classes,
        train=split["train"],
        val=split["val"],
        test=split["test"],
        input_size=(3, 800, 1333),
        fingerprint=fingerprint_of(parts),
        licence="annotations CC BY 4.0, photographs on Flickr's terms of use; of a folder of one's own, its owner's",
        citation=SOURCE,
    )


def _listings(folder: Path, num_classes: int) -> list[Listing]:
    """The images of both folders; the complaints about both at once."""
    wanted = [folder / name for name in FOLDERS] + [_annotation_file(folder, name) for name in FOLDERS]
    if missing := [path for path in wanted if not path.exists()]:
        raise DataError("\n".join([*(f"{path}: is missing" for path in missing), HOW]))
    listings, complaints = [], []
    for name in reversed(FOLDERS):  # the small one first
        try:
            instances = read_instances(_annotation_file(folder, name), num_classes=num_classes)
            listings.append(listed(folder / name, instances))
        except DataError as error:
            complaints.append(str(error))
    if complaints:
        raise DataError("\n".join([*complaints, HOW]))
    return listings[::-1]


def _annotation_file(folder: Path, name: str) -> Path:
    return folder / "annotations" / f"instances_{name}.json"


def _refuse_other_classes(folder: Path, train: Instances, test: Instances) -> None:
    pairs = zip(train.classes, test.classes, strict=True)
    if odd := [pair for pair in pairs if pair[0] != pair[1]]:
        first, second = odd[0]
        differ = f"differ in {len(odd)}, such as '{first}' in {FOLDERS[0]} and '{second}' in {FOLDERS[1]}"
        raise DataError(f"{folder}: the categories of both annotation files, by rising id, {differ}. {HOW}")


def _refuse_copies(train: Listing, test: Listing) -> None:
    """Refuse images that stand in both folders under one name; ids and names alone may be counted anew in each."""
    at = set(train.instances.names)
    copies = [
        name
        for name in test.instances.names
        if name in at and cmp(train.folder / name, test.folder / name, shallow=False)
    ]
    if copies:
        counts = f"is one of {len(copies)} of {len(test.instances)} images that are also in {train.folder}"
        raise DataError(f"{test.folder / copies[0]}: {counts}. {HOW}")
