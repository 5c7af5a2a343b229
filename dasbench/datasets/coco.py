"""COCO: 118,287 photographs to train on, with the boxes of 860,001 objects in 80 classes."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, MinLen
from numpy.typing import NDArray

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.annotations import Objects, Scene
from dasbench.datasets.dataset import Dataset, Part, stratified_split
from dasbench.datasets.instances import Instances, read_instances
from dasbench.datasets.pixels import read_image
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

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InstanceSplit:
    """Photographs of any size with their objects; in training, half of them are mirrored.

    Args:
        folder: where the images lie.
        instances: what they are and show.
    """

    folder: Path
    instances: Instances
    num_draws: int = 1

    def __len__(self) -> int:
        return len(self.instances)

    def scenes(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> list[Scene]:
        """Some images with their objects, decoded in the thread that asks."""
        mirrored = np.zeros(len(indices), bool) if draws is None else draws[:, 0] < 0.5
        return [self._scene(index, mirrored=flip) for index, flip in zip(indices.tolist(), mirrored, strict=True)]

    def _scene(self, index: int, *, mirrored: bool) -> Scene:
        pixels = self._pixels(index)
        inside = slice(*self.instances.starts[index : index + 2])
        boxes = self.instances.boxes[inside].copy()
        if mirrored:
            pixels = pixels[:, ::-1]
            boxes[:, [0, 2]] = pixels.shape[1] - boxes[:, [2, 0]]
        objects = (boxes, *(array[inside].copy() for array in self._told()))
        return Scene(
            torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), Objects(*map(torch.from_numpy, objects))
        )

    def _told(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        """What is told of the objects beside their boxes."""
        return self.instances.labels, self.instances.areas, self.instances.crowd

    def _pixels(self, index: int) -> NDArray[np.uint8]:
        """One image, [H, W, 3], of the size that its annotations are for."""
        path = self.folder / self.instances.names[index]
        pixels = np.array(read_image(path))
        height, width = pixels.shape[:2]
        expected = self.instances.sizes[index].tolist()
        if [width, height] != expected:
            said = f"{self.instances.file} says {expected[0]} x {expected[1]} (image {self.instances.ids[index]})"
            raise DataError(f"{path}: is {width} x {height} pixels, but {said}; replace the image, or mend that file")
        return pixels


class Listing(NamedTuple):
    """The images of a folder with their objects, all of them there.

    Args:
        folder: where they lie.
        instances: what they are and show.
        num_bytes: size of each file, [N].
    """

    folder: Path
    instances: Instances
    num_bytes: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> "Listing":
        """Some of the images, in rising order."""
        return Listing(self.folder, self.instances.take(indices), self.num_bytes[indices])


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
        "train": _to_train_on(train.take(fitted)),
        "val": train.take(chosen),
        "test": test,
    }
    _refuse_objectless(parts)
    split = {part: InstanceSplit(listing.folder, listing.instances) for part, listing in parts.items()}
    return Dataset(
        name="coco",
        classes=test.instances.classes,
        train=split["train"],
        val=split["val"],
        test=split["test"],
        input_size=(3, 800, 1333),
        fingerprint=_fingerprint(parts),
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
            listings.append(Listing(folder / name, instances, _num_bytes(folder / name, instances.names)))
        except DataError as error:
            complaints.append(str(error))
    if complaints:
        raise DataError("\n".join([*complaints, HOW]))
    return listings[::-1]


def _annotation_file(folder: Path, name: str) -> Path:
    return folder / "annotations" / f"instances_{name}.json"


def _num_bytes(folder: Path, names: Sequence[str]) -> NDArray[np.int64]:
    """The size of each image file."""
    sizes = np.array([_size(folder / name) for name in names], np.int64)
    complaints = []
    for size, what in ((-1, "is missing"), (0, "is empty (0 bytes)")):
        if len(places := np.flatnonzero(sizes == size)):
            count = f"{len(places)} of the {len(names)} images that are annotated"
            complaints.append(f"{folder / names[places[0]]}: {what}, as are {count}")
    if complaints:
        raise DataError("\n".join(complaints))
    return sizes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _refuse_other_classes(folder: Path, train: Instances, test: Instances) -> None:
    pairs = zip(train.classes, test.classes, strict=True)
    if odd := [pair for pair in pairs if pair[0] != pair[1]]:
        first, second = odd[0]
        differ = f"differ in {len(odd)}, such as '{first}' in {FOLDERS[0]} and '{second}' in {FOLDERS[1]}"
        raise DataError(f"{folder}: the categories of both annotation files, by rising id, {differ}. {HOW}")


def _refuse_copies(train: Listing, test: Listing) -> None:
    """Refuse images that stand in both folders under one name; ids and names alone may be counted anew in each."""
    at = {name: place for place, name in enumerate(train.instances.names)}
    copies = [
        name
        for name, size in zip(test.instances.names, test.num_bytes, strict=True)
        if name in at
        and train.num_bytes[at[name]] == size
        and (train.folder / name).read_bytes() == (test.folder / name).read_bytes()
    ]
    if copies:
        counts = f"is one of {len(copies)} of {len(test.instances)} images that are also in {train.folder}"
        raise DataError(f"{test.folder / copies[0]}: {counts}. {HOW}")


def _to_train_on(listing: Listing) -> Listing:
    """The images with an object to learn from, and their boxes within them, those without an area left out."""
    instances = listing.instances.clipped()
    extents = instances.boxes[:, 2:] - instances.boxes[:, :2]
    instances = instances.keep(extents.min(axis=1) > 0)
    kept = np.unique(instances.owners[~instances.crowd])
    dropped = len(extents) - len(instances.boxes), len(instances) - len(kept)
    log.info(
        "%s: %d boxes without an area and %d images without an object are not trained on", instances.file, *dropped
    )
    return Listing(listing.folder, instances, listing.num_bytes).take(kept)


def _refuse_objectless(parts: Mapping[Part, Listing]) -> None:
    """Refuse a part in which there is nothing to learn or to find."""
    for part, (folder, instances, _) in parts.items():
        if instances.crowd.all():
            images = f"of its {len(instances)} images none has an object"
            raise DataError(f"{folder}: {images} in the {part} part; annotate more, or cut it by another val_share")


def _fingerprint(parts: Mapping[Part, Listing]) -> str:
    """16 hexadecimal digits that change with the annotations, any image's name below its folder, size or part.

    The bytes of the images are not read; one that was changed without a change of its size is not noticed.
    """
    digest = sha256()
    for part, listing in parts.items():
        with listing.instances.file.open("rb") as stream:
            digest.update(f"{part}\n{file_digest(stream, 'sha256').hexdigest()}\n".encode())
        for name, size in zip(listing.instances.names, listing.num_bytes.tolist(), strict=True):
            digest.update(os.fsencode(f"{name}\0{size}\n"))
    return digest.hexdigest()[:16]
