"""COCO: 118,287 photographs to train on, with 860,001 boxes in 80 classes; and folders like it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, MinLen

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part
from dasbench.datasets.objects.coco_layouts import (
    HOW,
    ROBOFLOW,
    AnnotationFile,
    find_layout,
    place_images,
)
from dasbench.datasets.objects.instance_split import InstanceSplit
from dasbench.datasets.objects.instances import Instances, read_instances
from dasbench.datasets.objects.object_files import (
    Photographs,
    cut_by_lot,
    object_dataset,
    photographs_in,
)
from dasbench.errors import DataError

SOURCE = "Lin et al. 2014, Microsoft COCO: Common Objects in Context, ECCV, arXiv 1405.0312"

LICENCE = (
    "annotations CC BY 4.0, photographs on Flickr's terms of use; "
    "of a folder of one's own, its owner's"
)

OFFICIAL_SHARE, OWN_SHARE = 0.02, 0.15
"""Of the images, what a part gets that is cut by lot."""


@DATASETS.register("coco", source=SOURCE, gives=("objects",))
def coco(
    *,
    root: Annotated[str, MinLen(1)] = "coco",
    val_share: Annotated[float, Gt(0), Le(0.5)] | None = None,
    test_share: Annotated[float, Gt(0), Le(0.45)] = OWN_SHARE,
    num_classes: Annotated[int, Ge(1), Le(1000)] | None = None,
) -> Dataset[InstanceSplit]:
    """COCO 2017 with its boxes; the official validation images test, some training images validate.

    The 5,000 official validation images are what papers report on, so they are looked at once, at
    the end; choices are made on a fixed random 2 % of the training images (2,366), which are not
    trained on. Training leaves out images without an object, and boxes without an area (two of
    COCO's); boxes are cut to their image. Evaluation has all images, and boxes as they are in the
    file.

    A folder of one's own may also have an annotation file for each part, in or beside the folders
    of their images, or one for all images; a part that is missing is cut from the training images
    by lot.

    Images keep their size. What is stated as the size of an image is the largest that detectors
    scale it to, 800 x 1333 pixels (Ren et al. 2015; Lin et al. 2017, Feature Pyramid Networks).

    Args:
        root: the folder, absolute or below the data root; a user's own folder in COCO's layout will
            do.
        val_share: share of the training images that validate, if there is no such part; ours. If
            left out, 0.02 under COCO's own names of files, else 0.15.
        test_share: share of the training images that are the test part, if there is none.
        num_classes: how many categories there must be. If left out, 80 in the folder `coco` under
            COCO's own names of files, else as many as there are.

    Raises:
        DataError: if a file is missing, damaged, or contradicts itself or another.
    """
    folder = data_access().root / Path(root).expanduser()
    layout = find_layout(folder)
    if num_classes is None and layout.official and root == "coco":
        num_classes = 80
    parts, origins = _listings(layout.sources, num_classes)
    _refuse_other_classes(folder, parts)
    shares: dict[Part, float]
    if layout.official:
        shares = {"val": val_share or OFFICIAL_SHARE}
    else:
        shares = {"val": val_share or OWN_SHARE, "test": test_share}
    parts, cut = cut_by_lot(parts, shares, salt="coco")
    return object_dataset(
        name="coco",
        parts=parts,
        origins={**origins, **cut},
        licence=LICENCE,
        citation=SOURCE,
        remedy="cut it by another val_share or test_share",
        same_name_only=layout.official,
    )


def _listings(
    sources: Mapping[Part, AnnotationFile], num_classes: int | None
) -> tuple[dict[Part, Photographs], dict[Part, str]]:
    """The images of each annotation file, and what each part is made of; all complaints at once."""
    found: dict[Part, Photographs] = {}
    complaints = []
    for part, source in reversed([*sources.items()]):  # the small one first
        is_roboflow = source.file.name == ROBOFLOW
        try:
            instances = read_instances(
                source.file, num_classes=num_classes, without_parents=is_roboflow
            )
            folder, names = place_images(source, instances.names)
            found[part] = photographs_in(folder, replace(instances, names=names))
        except DataError as error:
            complaints.append(str(error))
    if complaints:
        raise DataError("\n".join([*complaints, HOW]))
    parts: dict[Part, Photographs] = {}
    origins: dict[Part, str] = {}
    for part, source in sources.items():
        parts[part] = found[part]
        origins[part] = f"{source.file.parent.name}/{source.file.name}"
    return parts, origins


def _refuse_other_classes(folder: Path, parts: Mapping[Part, Photographs]) -> None:
    """Refuse annotation files whose categories differ."""
    train, *others = (listing.instances for listing in parts.values())
    for other in others:
        if train.classes != other.classes:
            raise DataError(
                f"{folder}: the categories of both annotation files, by rising id, "
                f"{_difference(train, other)}"
            )


def _difference(train: Instances, other: Instances) -> str:
    """How the categories of two annotation files differ."""
    names = [instances.file.stem.removeprefix("instances_") for instances in (train, other)]
    if names[0] == names[1]:
        names = [instances.file.parent.name for instances in (train, other)]
    if len(train.classes) != len(other.classes):
        lone = sorted(set(train.classes) ^ set(other.classes))
        counts = f"are {len(train.classes)} in {names[0]} and {len(other.classes)} in {names[1]}"
        return f"{counts}; in one of them alone: {', '.join(map(repr, lone))}. {HOW}"
    odd = [pair for pair in zip(train.classes, other.classes, strict=True) if pair[0] != pair[1]]
    first, second = odd[0]
    example = f"'{first}' in {names[0]} and '{second}' in {names[1]}"
    return f"differ in {len(odd)}, such as {example}. {HOW}"
