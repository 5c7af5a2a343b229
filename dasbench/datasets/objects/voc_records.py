"""The annotation files of Pascal VOC, one XML for each image: parsed safely, each field checked."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from dasbench.datasets.objects.instances import TOLERANCE, Instances
from dasbench.datasets.pictures.pixels import read_header
from dasbench.errors import DataError

EDGES = ("xmin", "ymin", "xmax", "ymax")


class AnnotatedObject(NamedTuple):
    """One object of an annotation file.

    Args:
        name: of its class.
        edges: xmin, ymin, xmax, ymax as they are in the file.
        difficult: whether it is too hard to be asked for.
    """

    name: str
    edges: tuple[float, float, float, float]
    difficult: bool


class Record(NamedTuple):
    """What an annotation file says.

    Args:
        file_name: of the image, `""` if it does not say.
        size: width and height of the image, None if it does not say.
        objects: in its order.
    """

    file_name: str
    size: tuple[int, int] | None
    objects: tuple[AnnotatedObject, ...]


class _NoDocumentType(ET.TreeBuilder):
    """Refuses a document type: its entities may fill the memory or read other files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        what = "has a document type (<!DOCTYPE ...>), which an annotation does not need"
        raise DataError(f"{what}; remove that line")


def read_record(file: Path) -> Record:
    """Read an annotation file.

    Raises:
        DataError: if it is no XML, no annotation, or an object has no name or no box of four
            numbers; all complaints.
    """
    try:
        parser = ET.XMLParser(target=_NoDocumentType())  # noqa: S314
        root = ET.fromstring(file.read_bytes(), parser=parser)  # noqa: S314
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    except (ET.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{file}: is no XML, or is cut off ({error}); replace it") from error
    if root.tag != "annotation":
        wanted = "an annotation of Pascal VOC has <annotation>"
        raise DataError(f"{file}: its outermost element is <{root.tag}>; {wanted}")
    objects, complaints = [], []
    for number, element in enumerate(root.findall("object"), start=1):
        try:
            objects.append(_object(element))
        except DataError as error:
            complaints.append(f"{file}: object number {number}: {error}")
    if complaints:
        raise DataError("\n".join(complaints))
    return Record(_text(root, "filename"), _size(root), tuple(objects))


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _size(root: ET.Element) -> tuple[int, int] | None:
    """Width and height; None where they are missing or 0, as some tools write them."""
    width, height = _number(_text(root, "size/width")), _number(_text(root, "size/height"))
    if width >= 1 and height >= 1:
        return int(width), int(height)
    return None


def _number(text: str) -> float:
    """A finite number, or NaN."""
    with suppress(ValueError):
        number = float(text)
        if math.isfinite(number):
            return number
    return math.nan


def _object(element: ET.Element) -> AnnotatedObject:
    name = _text(element, "name")
    if not name or not name.isprintable():
        raise DataError(f"its <name> is {name!r}; it has to be that of a class")
    texts = [_text(element, f"bndbox/{edge}") for edge in EDGES]
    left, upper, right, lower = map(_number, texts)
    if not (left <= right and upper <= lower):
        edges = ", ".join(map("{} {!r}".format, EDGES, texts))
        wanted = "it has to have four numbers, the larger ones last"
        raise DataError(f"'{name}' has a <bndbox> of {edges}; {wanted}")
    difficult = _text(element, "difficult").lower() in ("1", "true", "yes")
    return AnnotatedObject(name, (left, upper, right, lower), difficult)


def as_instances(
    folder: Path,
    images: Mapping[Path, str],
    records: Mapping[Path, Record],
    classes: Sequence[str],
    *,
    first_pixel: int,
) -> Instances:
    """Images with their objects, in the order of their annotation files.

    Args:
        folder: what the paths of the images start from.
        images: the path of each image below the folder, by its annotation file.
        records: what each annotation file says.
        classes: names of the classes; the position is the label.
        first_pixel: the number of the first pixel: 1 as VOC counts, edges inside; 0 with right and
            lower outside.

    Raises:
        DataError: naming every annotation file with a box outside of its image.
    """
    sizes: list[tuple[int, int]] = []
    starts = [0]
    objects: list[AnnotatedObject] = []
    for file, name in images.items():
        record = records[file]
        sizes.append(record.size or read_header(folder / name)[:2])
        objects += record.objects
        starts.append(len(objects))
    label_of = {name: label for label, name in enumerate(classes)}
    edges = np.array([one.edges for one in objects], np.float32).reshape(-1, 4)
    edges[:, :2] -= first_pixel
    instances = Instances(
        file=next(iter(images)).parent,
        classes=tuple(classes),
        ids=np.arange(len(images)),
        names=tuple(images.values()),
        sizes=np.array(sizes, np.int32).reshape(-1, 2),
        starts=np.array(starts, np.int64),
        boxes=edges,
        labels=np.array([label_of[one.name] for one in objects], np.int64),
        areas=(edges[:, 2:] - edges[:, :2]).prod(axis=1),
        crowd=np.array([one.difficult for one in objects], bool),
        own_files=tuple(images),
    )
    _refuse_outside(instances)
    return instances


def _refuse_outside(instances: Instances) -> None:
    """Refuse boxes that reach out of their image by more than rounding does."""
    ends = instances.sizes[instances.owners]
    beyond = (instances.boxes[:, :2] < -TOLERANCE) | (instances.boxes[:, 2:] > ends + TOLERANCE)
    complaints = []
    for number in np.flatnonzero(beyond.any(axis=1)).tolist():
        name, box = instances.classes[instances.labels[number]], instances.boxes[number].tolist()
        file, size = instances.own_files[instances.owners[number]], ends[number]
        what = f"reaches out of its image of {size[0]} x {size[1]} pixels"
        complaints.append(f"{file}: the box of '{name}', {box} from pixel 0, {what}")
    if complaints:
        count = f"boxes outside of their image: {len(complaints)}"
        raise DataError("\n".join([*complaints[:10], count]))
