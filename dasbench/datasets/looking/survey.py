"""What there is to say of a data set before it is trained on: parts, classes, sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dasbench.datasets.dataset import PARTS, Dataset, Examples, LeftOut, Part
from dasbench.datasets.looking.first_look import FileList, first_look, refuse_damaged
from dasbench.datasets.looking.known_files import Known
from dasbench.datasets.pictures.framing import Framing
from dasbench.datasets.pictures.pixels import read_header
from dasbench.spec.fingerprints import BY_NAMES

SAMPLE = 1000
"""Images whose headers are read where files are not looked at closely."""


@runtime_checkable
class InFiles(Protocol):
    """A part whose images are files below a folder."""

    @property
    def file_lists(self) -> Sequence[FileList]:
        """The files that it is read from, its images first."""
        ...


class Sizes(NamedTuple):
    """How large images are.

    Args:
        smallest: width and height of the image of the smallest area, in pixels.
        largest: of the largest area.
        number: how many images that is known of.
    """

    smallest: tuple[int, int]
    largest: tuple[int, int]
    number: int


class Sharpest(NamedTuple):
    """The image that loses most when it is scaled down.

    Args:
        factor: its side divided by that of what networks see of it.
        file: its path.
    """

    factor: float
    file: str


@dataclass(frozen=True, kw_only=True)
class PartSurvey:
    """What there is to say of one part.

    Args:
        number: of images.
        counts: images of each class; empty where images have none.
        origin: what it was made of, `""` where there is no choice.
    """

    number: int
    counts: Sequence[int] = ()
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What there is to say of a data set.

    Args:
        classes: names of the classes.
        parts: by name.
        input_size: height and width that networks see.
        left_out: what lies beside the images and is not used.
        sizes: of the images, None where they are no files.
        sharpest: the sharpest downscale, None where nothing is scaled down.
        seen_share: mean share of an image's area that evaluation sees, None where images are no
            files.
        fit: how images get to their size, `""` where they keep it.
        num_files: files that it is read from.
        never_decoded: how many of them nobody has decoded.
        copies: photographs that stand in another part too, where that is not refused; None if there
            are none.
        by_names: whether names and sizes of the files stand for their content.
    """

    classes: Sequence[str]
    parts: dict[Part, PartSurvey]
    input_size: tuple[int, int]
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    sizes: Sizes | None = None
    sharpest: Sharpest | None = None
    seen_share: float | None = None
    fit: str = ""
    num_files: int = 0
    never_decoded: int = 0
    copies: LeftOut | None = None
    by_names: bool = False


def survey(data: Dataset[Any]) -> Survey:
    """Look through a data set, as closely as is chosen with `reading_data`.

    Raises:
        DataError: naming every file that cannot be used.
    """
    parts: dict[Part, PartSurvey] = {}
    lists: list[FileList] = []
    for part in PARTS:
        split: Examples = getattr(data, part)
        origin = data.origins.get(part, "")
        parts[part] = PartSurvey(number=len(split), counts=_counts(split, data), origin=origin)
        if isinstance(split, InFiles):
            lists += split.file_lists
    return Survey(
        classes=data.classes,
        parts=parts,
        input_size=data.input_size[1:],
        left_out=dict(data.left_out),
        **_in_files(data, lists),
    )


def _counts(split: Examples, data: Dataset[Any]) -> Sequence[int]:
    """Images of each class."""
    labels = getattr(split, "labels", None)
    if labels is None:
        return ()
    counts: list[int] = np.bincount(labels.cpu().numpy(), minlength=len(data.classes)).tolist()
    return counts


def _in_files(data: Dataset[Any], lists: Sequence[FileList]) -> dict[str, Any]:
    """What there is to say of files, as fields of a survey."""
    if not lists:
        return {}
    by_names = data.fingerprint.startswith(BY_NAMES)
    num_files = sum(len(files.names) for files in lists)
    copies: LeftOut | None = None
    if by_names:
        known = [*_sample(lists)]
        never_decoded = num_files
    else:
        found = first_look(lists)
        refuse_damaged(lists, found)
        known = [*_photographs(lists, found)]
        never_decoded = sum(not one.decoded for one in chain.from_iterable(found))
        copies = _copies(lists, found)
    return {
        "num_files": num_files,
        "never_decoded": never_decoded,
        "copies": copies,
        "by_names": by_names,
        **_of_sizes(known, getattr(data.test, "framing", None)),
    }


def _copies(lists: Sequence[FileList], found: Sequence[Sequence[Known]]) -> LeftOut | None:
    """Photographs that stand in an earlier list too; there is one list of them for each part."""
    first: dict[str, int] = {}
    copies: list[str] = []
    for number, (files, known) in enumerate(zip(lists, found, strict=True)):
        if files.holds != "photographs":
            continue
        for name, one in zip(files.names, known, strict=True):
            if first.setdefault(one.digest, number) != number:
                copies.append(name)
    if not copies:
        return None
    return LeftOut(len(copies), copies[0])


def _photographs(
    lists: Sequence[FileList], found: Sequence[Sequence[Known]]
) -> Iterator[tuple[str, int, int]]:
    """Path, width and height of every photograph."""
    for files, known in zip(lists, found, strict=True):
        if files.holds == "photographs":
            for name, one in zip(files.names, known, strict=True):
                yield name, one.width, one.height


def _sample(lists: Sequence[FileList]) -> Iterator[tuple[str, int, int]]:
    """The same of a few of them, evenly spread, whose headers are read now."""
    for files in lists:
        step = max(1, len(files.names) * len(lists) // SAMPLE)
        if files.holds == "photographs":
            for name in files.names[::step]:
                header = read_header(files.folder / name)
                yield name, header.width, header.height


def _of_sizes(known: Sequence[tuple[str, int, int]], framing: object) -> dict[str, Any]:
    """What there is to say of the sizes of images, as fields of a survey."""
    if not known:
        return {}
    by_area = sorted((width * height, (width, height)) for _, width, height in known)
    sizes = Sizes(by_area[0][1], by_area[-1][1], len(known))
    if not isinstance(framing, Framing):
        return {"sizes": sizes}
    scales = [(framing.downscale(width, height), name) for name, width, height in known]
    shares = [framing.seen_share(width, height) for _, width, height in known]
    return {
        "sizes": sizes,
        "sharpest": Sharpest(*max(scales)),
        "seen_share": float(np.mean(shares)),
        "fit": framing.fit,
    }
