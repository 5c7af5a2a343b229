"""Photographs in files with the objects in them, in whatever format they are annotated: checked, read, mirrored."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from dasbench.data_access import data_access
from dasbench.datasets.annotations import Objects, Scene
from dasbench.datasets.dataset import Dataset, LeftOut, Part, stratified_split
from dasbench.datasets.looking.contents import content_fingerprint, copies_over_parts
from dasbench.datasets.looking.first_look import FileList, first_look
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.objects.instances import Instances
from dasbench.datasets.pictures.orientation import SIDEWAYS, turned_boxes
from dasbench.datasets.pictures.pixels import read_header, read_photograph, readable_endings
from dasbench.errors import DataError

LARGEST = (3, 800, 1333)
"""Channels, height and width of the largest that detectors scale an image to."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InstanceSplit:
    """Photographs of any size with their objects; in training, half of them are mirrored.

    A photograph is shown upright. Where its annotations are for the size that it has as it is
    shown, so are the boxes. Where they are for the size as it lies in its file, whoever drew them
    saw it lying: they are turned with it.

    Args:
        folder: where the images lie.
        instances: what they are and show.
    """

    folder: Path
    instances: Instances
    num_draws: int = 1

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def file_lists(self) -> Sequence[FileList]:
        """The files that it is read from."""
        return (FileList(self.folder, self.instances.names),)

    def scenes(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> list[Scene]:
        """Some images with their objects, decoded in the thread that asks."""
        mirrored = np.zeros(len(indices), bool) if draws is None else draws[:, 0] < 0.5
        return [
            self._scene(index, mirrored=flip)
            for index, flip in zip(indices.tolist(), mirrored, strict=True)
        ]

    def _scene(self, index: int, *, mirrored: bool) -> Scene:
        image, orientation = read_photograph(self.folder / self.instances.names[index])
        pixels = np.array(image)
        inside = slice(*self.instances.starts[index : index + 2])
        boxes = self.instances.boxes[inside].copy()
        width, height = self.instances.sizes[index].tolist()
        if image.size != (width, height):
            if orientation not in SIDEWAYS or image.size != (height, width):
                raise DataError(wrong_size(self.folder, self.instances, index, image.size))
            boxes = turned_boxes(boxes, orientation, width=width, height=height)
        if mirrored:
            pixels = pixels[:, ::-1]
            boxes[:, [0, 2]] = pixels.shape[1] - boxes[:, [2, 0]]
        objects = (boxes, *(array[inside].copy() for array in self._beside_boxes()))
        return Scene(
            torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
            Objects(*map(torch.from_numpy, objects)),
        )

    def _beside_boxes(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        """What is known of the objects beside their boxes."""
        return self.instances.labels, self.instances.areas, self.instances.crowd


def wrong_size(folder: Path, instances: Instances, index: int, size: tuple[int, int]) -> str:
    """What to say of an image of another size than its annotations are for."""
    width, height = instances.sizes[index].tolist()
    stated = f"{instances.source(index)} says {width} x {height}"
    path = folder / instances.names[index]
    return f"{path}: is {size[0]} x {size[1]} pixels, but {stated}; replace the image, or mend that file"


class Listing(NamedTuple):
    """The images of a folder with their objects, all of them there.

    Args:
        folder: where they lie.
        instances: what they are and show.
    """

    folder: Path
    instances: Instances

    def take(self, indices: NDArray[np.int64]) -> "Listing":
        """Some of the images, in rising order."""
        return Listing(self.folder, self.instances.take(indices))


def listed(folder: Path, instances: Instances) -> Listing:
    """Images of which every file is there.

    Raises:
        DataError: naming those that are missing or empty.
    """
    complaints = []
    for name in instances.names:
        path = folder / name
        try:
            if path.stat().st_size == 0:
                complaints.append(f"{path}: is empty (0 bytes)")
        except OSError as error:
            link = f" (a link to '{path.readlink()}')" if path.is_symlink() else ""
            what = (
                "is missing"
                if isinstance(error, FileNotFoundError)
                else f"cannot be read ({error.strerror})"
            )
            complaints.append(f"{path}: {what}{link}")
    if complaints:
        count = (
            f"{len(complaints)} of the {len(instances)} images that are annotated cannot be used."
        )
        raise DataError(f"{listing(complaints, name='missing')}\n{count}")
    return Listing(folder, instances)


def to_train_on(listing: Listing) -> Listing:
    """The images with an object to learn from, and their boxes within them, those without an area left out."""
    instances = listing.instances.clipped()
    extents = instances.boxes[:, 2:] - instances.boxes[:, :2]
    instances = instances.keep(extents.min(axis=1) > 0)
    kept = np.unique(instances.owners[~instances.crowd])
    dropped = len(extents) - len(instances.boxes), len(instances) - len(kept)
    log.info(
        "%s: %d boxes without an area and %d images without an object are not trained on",
        instances.file,
        *dropped,
    )
    return Listing(listing.folder, instances).take(kept)


def cut_missing(
    parts: Mapping[Part, Listing], shares: Mapping[Part, float], *, salt: str
) -> tuple[dict[Part, Listing], dict[Part, str]]:
    """Cut the parts that are missing from the training images by lot, the same on every machine.

    Args:
        parts: that are there, `train` among them.
        shares: of the training images, for the parts that may be cut.
        salt: names the lot, so that data sets differ.

    Returns:
        All parts, and what those that were cut are made of.
    """
    missing = [part for part in shares if part not in parts]
    whole = parts["train"]
    lot = stratified_split(
        np.zeros(len(whole.instances), np.int64), [shares[part] for part in missing], salt=salt
    )
    cut: dict[Part, Listing] = dict(zip(missing, map(whole.take, lot[1:]), strict=True))
    given = {**parts, "train": whole.take(lot[0])}
    return {**given, **cut}, dict.fromkeys(missing, "cut from train by lot")


def object_dataset(
    *,
    name: str,
    parts: Mapping[Part, Listing],
    origins: Mapping[Part, str],
    licence: str,
    citation: str,
    remedy: str,
    same_name_only: bool = False,
) -> Dataset[InstanceSplit]:
    """Make a data set of photographs with objects, after every file was looked at.

    Args:
        name: as studies call it.
        parts: all images of each; training leaves out those without an object.
        origins: what each part is made of.
        licence: of the images.
        citation: whom to cite.
        remedy: what may be done if a part has no object.
        same_name_only: whether a copy in two parts is refused under the same name alone.

    Raises:
        DataError: if a part has no object, or a file cannot be read, has another size than
            annotated, or is in two parts.
    """
    split: dict[Part, Listing] = {**parts, "train": to_train_on(parts["train"])}
    refuse_objectless(split, remedy=remedy)
    fingerprint = fingerprint_of(split)
    access = data_access()
    if (
        access.look != "names" and not access.contents
    ):  # what another process has read, it has compared
        _refuse_copies(split, same_name_only=same_name_only)
        _refuse_other_sizes(split)
    train, val, test = (InstanceSplit(*split[part]) for part in get_args(Part))
    return Dataset(
        name=name,
        classes=test.instances.classes,
        train=train,
        val=val,
        test=test,
        input_size=LARGEST,
        fingerprint=fingerprint,
        licence=licence,
        citation=citation,
        origins=origins,
        left_out=_left_out(parts),
    )


def _left_out(parts: Mapping[Part, Listing]) -> dict[str, LeftOut]:
    """The images that lie beside those of a data set and are in no part, if there are any."""
    used = {folder / name for folder, instances in parts.values() for name in instances.names}
    beside = []
    for place in {path.parent for path in used}:
        paths = (path for path in place.iterdir() if path.suffix.lower() in readable_endings())
        beside += [path for path in paths if path not in used and not path.name.startswith(".")]
    return {"images in no part": LeftOut(len(beside), str(min(beside)))} if beside else {}


def refuse_objectless(parts: Mapping[Part, Listing], *, remedy: str) -> None:
    """Refuse a part in which there is nothing to learn or to find.

    Args:
        parts: by name.
        remedy: what else may be done than to annotate more.

    Raises:
        DataError: naming the first such part.
    """
    for part, (folder, instances) in parts.items():
        if instances.crowd.all():
            images = f"of its {len(instances)} images none has an object"
            raise DataError(f"{folder}: {images} in the {part} part; annotate more, or {remedy}")


def fingerprint_of(parts: Mapping[Part, Listing]) -> str:
    """What identifies photographs with their objects: the bytes of the files, and what is annotated in each.

    Raises:
        DataError: naming every file that cannot be read.
    """
    facts: list[NDArray[np.generic] | Sequence[str]] = []
    for _, instances in parts.values():
        arrays = (
            instances.sizes,
            instances.starts,
            instances.boxes,
            instances.labels,
            instances.areas,
        )
        facts += [list(instances.classes), *arrays, instances.crowd]
    lists: dict[str, FileList] = {
        part: FileList(folder, known.names) for part, (folder, known) in parts.items()
    }
    return content_fingerprint(lists, *facts)


def _refuse_other_sizes(parts: Mapping[Part, Listing]) -> None:
    """Refuse images of other sizes than their annotations are for, as shown or as they lie in their files."""
    complaints = []
    found = first_look([FileList(folder, instances.names) for folder, instances in parts.values()])
    for (folder, instances), known in zip(parts.values(), found, strict=True):
        sizes = np.array([(one.width, one.height) for one in known], np.int32).reshape(-1, 2)
        for index in np.flatnonzero((sizes != instances.sizes).any(axis=1)).tolist():
            shown, said = tuple(sizes[index].tolist()), tuple(instances.sizes[index].tolist())
            lies = (
                shown == said[::-1]
                and read_header(folder / instances.names[index]).orientation in SIDEWAYS
            )
            if not lies:
                complaints.append(wrong_size(folder, instances, index, shown))
    if complaints:
        raise DataError(listing(complaints, name="sizes"))


def _refuse_copies(parts: Mapping[Part, Listing], *, same_name_only: bool) -> None:
    """Refuse images of the same bytes in two parts."""
    lists: dict[str, FileList] = {
        part: FileList(folder, instances.names) for part, (folder, instances) in parts.items()
    }
    complaints = [
        f"{copy.file}: of {copy.part} is also in {copy.original_part}, as {copy.original}"
        for copy in copies_over_parts(lists)
        if copy.file.name == copy.original.name or not same_name_only
    ]
    if complaints:
        rest = f"images in two parts: {len(complaints)}; remove one of each"
        raise DataError(f"{listing(complaints, name='copies')}\n{rest}")
