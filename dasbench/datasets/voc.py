"""Pascal VOC's format for the boxes of objects: its own years, and folders of other tools."""

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, MinLen

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.objects.instance_split import InstanceSplit
from dasbench.datasets.objects.object_files import (
    Photographs,
    cut_by_lot,
    object_dataset,
)
from dasbench.datasets.objects.voc_layouts import find_images, find_parts
from dasbench.datasets.objects.voc_records import Record, as_instances, read_record
from dasbench.errors import DataError

SOURCE = "Everingham et al. 2010, The Pascal Visual Object Classes (VOC) Challenge, IJCV 88"

LICENCE = "photographs on Flickr's terms of use; of a folder of one's own, its owner's"


@DATASETS.register("voc", source=SOURCE, gives=("objects",))
def voc(
    *,
    root: Annotated[str, MinLen(1)] = "VOCdevkit",
    val_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    test_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    num_classes: Annotated[int, Ge(1), Le(1000)] | None = None,
) -> Dataset[InstanceSplit]:
    """Photographs with the boxes of objects as Pascal VOC annotates them: an XML for each image.

    Parts are the lists of `ImageSets/Main`, or folders; what is missing is cut from the training
    images by lot. Objects that are called difficult are neither learned nor a fault. Training
    leaves out images without an object.

    VOC counts pixels from 1, and its boxes hold their last pixel. Where any box of a folder begins
    before pixel 1, its tool counted from 0, and all boxes of the folder are taken as they are.

    Args:
        root: the folder, absolute or below the data root: of a year, or above it, or a user's own.
        val_share: share of the training images that validate, if there is no such part.
        test_share: share of the training images that are the test part, if there is none.
        num_classes: how many classes there must be; as many as are annotated if left out.

    Raises:
        DataError: if a file is missing, damaged, or contradicts itself or another.
    """
    folder = data_access().root / Path(root).expanduser()
    base, annotated = find_parts(folder)
    records = _read_all(chain.from_iterable(each.files for each in annotated.values()))
    names: set[str] = set()
    first_pixel = 1
    for box in chain.from_iterable(record.objects for record in records.values()):
        names.add(box.name)
        if min(box.edges) < 1:
            first_pixel = 0
    classes = sorted(names)
    _refuse_other_number(base, classes, num_classes)
    given: dict[Part, Photographs] = {}
    origins: dict[Part, str] = {}
    for part, each in annotated.items():
        paths = find_images(each, [records[file].file_name for file in each.files])
        places = [os.path.relpath(path, base) for path in paths]
        images = dict(zip(each.files, places, strict=True))
        instances = as_instances(base, images, records, classes, first_pixel=first_pixel)
        given[part] = Photographs(base, instances)
        origins[part] = each.origin
    parts, cut = cut_by_lot(given, {"val": val_share, "test": test_share}, salt="voc")
    return object_dataset(
        name="voc",
        parts=parts,
        origins=origins | cut,
        licence=LICENCE,
        citation=SOURCE,
        remedy="cut it by another val_share or test_share",
    )


def _refuse_other_number(base: Path, classes: Sequence[str], num_classes: int | None) -> None:
    """Refuse another number of classes than the study says."""
    if num_classes is not None and len(classes) != num_classes:
        names = ", ".join(classes[:30])
        raise DataError(
            f"{base}: has {len(classes)} classes ({names}), but num_classes is {num_classes}"
        )


def _read_all(files: Iterable[Path]) -> dict[Path, Record]:
    """What some annotation files say; the complaints about all of them at once."""
    records: dict[Path, Record] = {}
    complaints = []
    for file in files:
        try:
            records[file] = read_record(file)
        except DataError as error:
            complaints += str(error).splitlines()
    if complaints:
        lines = listing(complaints, name="annotations")
        raise DataError(f"{lines}\ncomplaints about annotations: {len(complaints)}")
    return records
