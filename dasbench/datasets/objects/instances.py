"""Objects in photographs as COCO annotates them: read from a file, checked, and kept as arrays."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.objects.coco_records import Records, read_records, record_name
from dasbench.errors import DataError
from dasbench.spec.plain import Record

TOLERANCE = 1.0
"""Pixels by which a box may reach out of its image, as rounding makes some."""


@dataclass(frozen=True)
class Instances:
    """Images with their objects, M in all.

    The objects of image i are those from `starts[i]` to before `starts[i + 1]`.

    Args:
        file: the annotation file.
        classes: names of the categories, in the order of their ids; the position is the label.
        ids: of the images, rising: int64, [N].
        names: path of each image below its folder.
        sizes: width and height of each image in pixels: int32, [N, 2].
        starts: int64, [N + 1].
        boxes: left, upper, right and lower edge in pixels: float32, [M, 4].
        labels: int64, [M].
        areas: pixels of each object: float32, [M].
        crowd: whether it is a crowd that is not told apart: bool, [M].
        own_files: where each image has an annotation file of its own: its path; then `file` is
            their folder.
    """

    file: Path
    classes: tuple[str, ...]
    ids: NDArray[np.int64]
    names: tuple[str, ...]
    sizes: NDArray[np.int32]
    starts: NDArray[np.int64]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    areas: NDArray[np.float32]
    crowd: NDArray[np.bool_]
    own_files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def source(self, index: int) -> str:
        """Where it is said what an image is, for messages."""
        if self.own_files:
            return str(self.own_files[index])
        return f"{self.file} (image {self.ids[index]})"

    @property
    def owners(self) -> NDArray[np.int64]:
        """The image of each object, [M]."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, indices: NDArray[np.int64]) -> "Instances":
        """Some of the images, in rising order, with their objects."""
        kept = np.zeros(len(self), bool)
        kept[indices] = True
        objects = self.keep(kept[self.owners])
        counts = np.diff(objects.starts)[kept]
        return replace(
            objects,
            ids=self.ids[kept],
            names=tuple(compress(self.names, kept)),
            sizes=self.sizes[kept],
            starts=np.concatenate([[0], np.cumsum(counts)]),
            own_files=tuple(compress(self.own_files, kept)),
        )

    def keep(self, objects: NDArray[np.bool_]) -> "Instances":
        """All of the images with some of their objects, bool, [M]."""
        counts = np.bincount(self.owners[objects], minlength=len(self))
        return replace(
            self,
            starts=np.concatenate([[0], np.cumsum(counts)]),
            boxes=self.boxes[objects],
            labels=self.labels[objects],
            areas=self.areas[objects],
            crowd=self.crowd[objects],
        )

    def clipped(self) -> "Instances":
        """The same with every box within its image."""
        ends = np.tile(self.sizes[self.owners], 2).astype(np.float32)
        return replace(self, boxes=np.clip(self.boxes, 0, ends))


def read_instances(
    file: Path, *, num_classes: int | None = None, without_parents: bool = False
) -> Instances:
    """Read an annotation file in COCO's format.

    The area of an object that has none is that of its box.

    Args:
        file: an `instances_*.json`.
        num_classes: how many categories there must be; None takes any number.
        without_parents: whether to leave out categories without an object that other categories are
            said to belong to.

    Raises:
        DataError: if it is no such file, or something in it does not fit together; all complaints
            of a kind at once.
    """
    records = read_records(file)
    if without_parents:
        records = _without_parents(records)
    complaints = list(_complaints(file, records, num_classes))
    if complaints:
        raise DataError("\n".join(complaints))
    return _as_arrays(file, records)


def _without_parents(records: Records) -> Records:
    """Categories but those without an object to which others are said to belong."""
    parents = set(_values(records.categories, "supercategory"))
    used = set(_values(records.annotations, "category_id"))
    children = [
        one for one in records.categories if one["id"] in used or one["name"] not in parents
    ]
    return records._replace(categories=children or records.categories)


def _values(records: Sequence[Record], key: str) -> list[Any]:
    """A field of some records; None where one lacks it."""
    return [record.get(key) for record in records]


def _complaints(file: Path, records: Records, num_classes: int | None) -> Iterator[str]:
    """What does not fit together: ids, names, references, boxes."""
    images, annotations, categories = records
    if num_classes is not None and len(categories) != num_classes:
        yield f"{file}: has {len(categories)} categories, but num_classes is {num_classes}"
    yield from _repeated_values(file, "categories", categories, ("id", "name"))
    yield from _repeated_values(file, "images", images, ("id", "file_name"))
    image_of = {image["id"]: image for image in images}
    yield from _dead_references(file, annotations, "image_id", image_of)
    yield from _dead_references(file, annotations, "category_id", set(_values(categories, "id")))
    yield from _boxes_outside(file, annotations, image_of)


def _repeated_values(
    file: Path, kind: str, records: Sequence[Record], keys: Sequence[str]
) -> Iterator[str]:
    for key in keys:
        times = Counter(_values(records, key))
        twice = [value for value in times if times[value] > 1]
        if twice:
            what = f"the {key} '{twice[0]}' stands for more than one ({len(twice)} such)"
            yield f"{file}: {kind}: {what}"


def _dead_references(
    file: Path, annotations: Sequence[Record], key: str, known: Collection[int]
) -> Iterator[str]:
    dead = [number for number, record in enumerate(annotations) if record[key] not in known]
    if dead:
        first = record_name("annotations", annotations, dead[0])
        what = f"{key} {annotations[dead[0]][key]} is none of the {len(known)} in the file"
        yield f"{file}: {first}: {what} ({len(dead)} such annotations)"


def _boxes_outside(
    file: Path, annotations: Sequence[Record], images: dict[int, Record]
) -> Iterator[str]:
    outside = [number for number, record in enumerate(annotations) if _reaches_out(record, images)]
    if outside:
        record = annotations[outside[0]]
        first = record_name("annotations", annotations, outside[0])
        image = images[record["image_id"]]
        size = f"{image['width']} x {image['height']} pixels"
        what = f"bbox {record['bbox']} reaches out of image {image['id']} of {size}"
        yield f"{file}: {first}: {what} ({len(outside)} such annotations)"


def _reaches_out(annotation: Record, images: dict[int, Record]) -> bool:
    """Whether a box ends beyond the tolerance; of an unknown image it is not told."""
    left, upper, width, height = annotation["bbox"]
    image = images.get(annotation["image_id"])
    return image is not None and (
        min(left, upper) < -TOLERANCE
        or left + width > image["width"] + TOLERANCE
        or upper + height > image["height"] + TOLERANCE
    )


def _as_arrays(file: Path, records: Records) -> Instances:
    """Images by rising id, each with its objects in the order of the file."""
    images = sorted(records.images, key=itemgetter("id"))
    categories = sorted(records.categories, key=itemgetter("id"))
    ids = np.array(_values(images, "id"), np.int64)
    annotations = sorted(records.annotations, key=itemgetter("image_id"))
    owners = np.searchsorted(ids, _values(annotations, "image_id"))
    left, upper, width, height = np.array(_values(annotations, "bbox"), np.float64).T
    labels = np.searchsorted(_values(categories, "id"), _values(annotations, "category_id"))
    areas = np.array(_values(annotations, "area"), np.float64)  # None is NaN
    return Instances(
        file=file,
        classes=tuple(_values(categories, "name")),
        ids=ids,
        names=tuple(_values(images, "file_name")),
        sizes=np.array(list(map(itemgetter("width", "height"), images)), np.int32),
        starts=np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(images)))]),
        boxes=np.stack([left, upper, left + width, upper + height], axis=1).astype(np.float32),
        labels=labels.astype(np.int64),
        areas=np.where(np.isnan(areas), width * height, areas).astype(np.float32),
        crowd=np.array(_values(annotations, "iscrowd"), bool),
    )
