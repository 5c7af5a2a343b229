"""Photographs in files with the objects in them: found, checked, and made into a data set."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, LeftOut, Part, shares_of_missing, stratified_split
from dasbench.datasets.looking.contents import content_fingerprint, copies_over_parts
from dasbench.datasets.looking.first_look import FileList, first_look
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.objects.image_folders import is_visible_image
from dasbench.datasets.objects.instance_split import InstanceSplit, wrong_size
from dasbench.datasets.objects.instances import Instances
from dasbench.datasets.pictures.orientation import SIDEWAYS
from dasbench.datasets.pictures.pixels import read_header
from dasbench.errors import DataError

LARGEST = (3, 800, 1333)
"""Channels, height and width of the largest that detectors scale an image to."""

log = logging.getLogger(__name__)


class Photographs(NamedTuple):
    """The images of a folder with their objects, all of them there.

    Args:
        folder: where they lie.
        instances: what they are and show.
    """

    folder: Path
    instances: Instances

    @property
    def files(self) -> FileList:
        """Their files."""
        return FileList(self.folder, self.instances.names)

    def take(self, indices: NDArray[np.int64]) -> "Photographs":
        """Some of the images, in rising order."""
        return Photographs(self.folder, self.instances.take(indices))


def photographs_in(folder: Path, instances: Instances) -> Photographs:
    """Images of which every file is there.

    Raises:
        DataError: naming those that are missing or empty.
    """
    photographs = Photographs(folder, instances)
    complaints: list[str] = []
    for path in photographs.files.paths:
        fault = _fault_of_file(path)
        if fault:
            complaints.append(f"{path}: {fault}")
    if complaints:
        count = f"{len(complaints)} of the {len(instances)} images that are annotated"
        raise DataError(f"{listing(complaints, name='missing')}\n{count} cannot be used.")
    return photographs


def _fault_of_file(path: Path) -> str:
    """Why a file cannot be read; empty if it can, as far as is seen from outside."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        fault = "is missing"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    else:
        if size:
            return ""
        return "is empty (0 bytes)"
    if path.is_symlink():
        fault += f" (a link to '{path.readlink()}')"
    return fault


def to_train_on(photographs: Photographs) -> Photographs:
    """The images with an object to learn from.

    Their boxes are within them; those without an area are left out.
    """
    instances = photographs.instances.clipped()
    extents = instances.boxes[:, 2:] - instances.boxes[:, :2]
    instances = instances.keep(extents.min(axis=1) > 0)
    kept = np.unique(instances.owners[~instances.crowd])
    dropped = len(extents) - len(instances.boxes), len(instances) - len(kept)
    log.info(
        "%s: %d boxes without an area and %d images without an object are not trained on",
        instances.file,
        *dropped,
    )
    return Photographs(photographs.folder, instances).take(kept)


def cut_by_lot(
    parts: Mapping[Part, Photographs], shares: Mapping[Part, float], *, salt: str
) -> tuple[dict[Part, Photographs], dict[Part, str]]:
    """Cut the parts that are missing from the training images, the same on every machine.

    Args:
        parts: that are there, `train` among them.
        shares: of the training images, for the parts that may be cut.
        salt: names the lot, so that data sets differ.

    Returns:
        All parts, and what those that were cut are made of.
    """
    missing = shares_of_missing(shares, parts)
    whole = parts["train"]
    alike = np.zeros(len(whole.instances), np.int64)
    train, *others = map(whole.take, stratified_split(alike, list(missing.values()), salt=salt))
    cut = {**parts, "train": train, **dict(zip(missing, others, strict=True))}
    return cut, dict.fromkeys(missing, "cut from train by lot")


def object_dataset(
    *,
    name: str,
    parts: Mapping[Part, Photographs],
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
    split: dict[Part, Photographs] = {**parts, "train": to_train_on(parts["train"])}
    refuse_objectless(split, remedy=remedy)
    fingerprint = fingerprint_of(split)
    access = data_access()
    # what another process has read, it has compared
    if access.look != "names" and not access.contents:
        _refuse_copies(split, same_name_only=same_name_only)
        _refuse_other_sizes(split)
    return Dataset(
        name=name,
        classes=split["test"].instances.classes,
        train=InstanceSplit(*split["train"]),
        val=InstanceSplit(*split["val"]),
        test=InstanceSplit(*split["test"]),
        input_size=LARGEST,
        fingerprint=fingerprint,
        licence=licence,
        citation=citation,
        origins=origins,
        left_out=_left_out(parts),
    )


def _left_out(parts: Mapping[Part, Photographs]) -> dict[str, LeftOut]:
    """The images that lie beside those of a data set and are in no part, if there are any."""
    used: set[Path] = set()
    for photographs in parts.values():
        used.update(photographs.files.paths)
    beside: list[Path] = []
    for place in {path.parent for path in used}:
        beside += filter(is_visible_image, set(place.iterdir()) - used)
    if not beside:
        return {}
    return {"images in no part": LeftOut(len(beside), str(min(beside)))}


def refuse_objectless(parts: Mapping[Part, Photographs], *, remedy: str) -> None:
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


def fingerprint_of(parts: Mapping[Part, Photographs]) -> str:
    """What identifies photographs with their objects: the bytes of the files, and the annotations.

    Raises:
        DataError: naming every file that cannot be read.
    """
    facts: list[NDArray[np.generic] | Sequence[str]] = []
    for _, instances in parts.values():
        facts += [
            list(instances.classes),
            instances.sizes,
            instances.starts,
            instances.boxes,
            instances.labels,
            instances.areas,
            instances.crowd,
        ]
    return content_fingerprint(_files_of(parts), *facts)


def _files_of(parts: Mapping[Part, Photographs]) -> dict[str, FileList]:
    return {part: photographs.files for part, photographs in parts.items()}


def _refuse_other_sizes(parts: Mapping[Part, Photographs]) -> None:
    """Refuse images of other sizes than annotated, as shown or as they lie in their files."""
    complaints: list[str] = []
    looks = first_look(list(_files_of(parts).values()))
    for photographs, known in zip(parts.values(), looks, strict=True):
        sizes = np.array([(one.width, one.height) for one in known], np.int32).reshape(-1, 2)
        complaints += _wrong_sizes(photographs, sizes)
    if complaints:
        raise DataError(listing(complaints, name="sizes"))


def _wrong_sizes(photographs: Photographs, sizes: NDArray[np.int32]) -> Iterator[str]:
    """What to say of the images whose size as they are shown, [N, 2], is not the annotated one."""
    folder, instances = photographs
    for index in np.flatnonzero((sizes != instances.sizes).any(axis=1)).tolist():
        shown, stated = sizes[index].tolist(), instances.sizes[index].tolist()
        path = folder / instances.names[index]
        if shown != stated[::-1] or read_header(path).orientation not in SIDEWAYS:
            yield wrong_size(folder, instances, index, (shown[0], shown[1]))


def _refuse_copies(parts: Mapping[Part, Photographs], *, same_name_only: bool) -> None:
    """Refuse images of the same bytes in two parts."""
    complaints: list[str] = []
    for copy in copies_over_parts(_files_of(parts)):
        if same_name_only and copy.file.name != copy.original.name:
            continue
        where = f"of {copy.part} is also in {copy.original_part}, as {copy.original}"
        complaints.append(f"{copy.file}: {where}")
    if complaints:
        rest = f"images in two parts: {len(complaints)}; remove one of each"
        raise DataError(f"{listing(complaints, name='copies')}\n{rest}")
