"""Torchvision's data sets whose images are files, decoded when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dasbench.datasets.dataset import Dataset, Part, shares_of_missing
from dasbench.datasets.folders.labelled import ImageFiles, file_dataset
from dasbench.datasets.folders.lots import cut_missing
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.pictures.framing import Framing
from dasbench.datasets.torchvision_sets.classes import (
    class_names,
    number_classes,
    origins,
)
from dasbench.datasets.torchvision_sets.items import Items, Listing
from dasbench.datasets.torchvision_sets.opening import Asked, in_our_words, open_part
from dasbench.errors import DataError


class NeverMirrored(Framing):
    """What is seen of images that mean another thing from right to left."""

    def shown(self, image: Image.Image, draws: Sequence[float] | None = None) -> Image.Image:
        """What is seen of one image; the last of its draws, which mirrors, does not."""
        if draws is not None:
            draws = [*draws[:-1], 1.0]
        return super().shown(image, draws)


def photograph_dataset(
    asked: Asked, list_items: Listing, shares: Mapping[Part, float], *, framing: Framing
) -> Dataset:
    """A data set whose images are files.

    Args:
        asked: which one, and where.
        list_items: how its files are listed.
        shares: of each class, what is cut for a part that it does not have.
        framing: what is seen of an image.

    Raises:
        DataError: if files are missing, damaged or empty, or a class lacks images.
    """
    listed: dict[Part, ImageFiles] = {}
    numbers: dict[Part, NDArray[np.int64]] = {}
    names: dict[Part, Sequence[str]] = {}
    for part, options in asked.parts.options.items():
        with in_our_words(asked):
            items = list_items(partial(open_part, asked, options), asked.root, options)
        listed[part] = _image_files(asked, items)
        numbers[part] = listed[part].labels
        names[part] = class_names(asked, items.source)
    classes = number_classes(asked, numbers, names)
    for part, labels in classes.labels.items():
        listed[part] = replace(listed[part], labels=labels)
    if asked.known.tracks:
        listed["train"] = replace(listed["train"], groups=_tracks(listed["train"].files))
    if not asked.known.mirrored:
        framing = NeverMirrored(framing.height, framing.width, framing.fit)
    missing = shares_of_missing(shares, asked.parts.options)
    salt = f"torchvision {asked.name}"
    return file_dataset(
        name="torchvision",
        classes=classes.names,
        parts=cut_missing(listed, classes.names, missing, salt=salt),
        framing=framing,
        licence=asked.known.licence,
        citation=asked.known.citation,
        origins=origins(asked),
        left_out={},
    )


def _tracks(files: Sequence[str]) -> NDArray[np.int64]:
    """Numbers of the scenes that images show: what their names say before the last `_`."""
    scenes = [file.rpartition("_")[0] for file in files]
    return np.unique(np.array(scenes), return_inverse=True)[1].astype(np.int64)


def _image_files(asked: Asked, items: Items) -> ImageFiles:
    """The files that torchvision lists, sorted, so that they are in one order on every machine."""
    samples = sorted(zip(items.paths, items.labels, strict=True))
    files: list[str] = []
    sizes: list[int] = []
    labels: list[int] = []
    missing: list[str] = []
    for place, label in samples:
        path = Path(place)
        try:
            sizes.append(path.stat().st_size)
        except (FileNotFoundError, NotADirectoryError):
            missing.append(f"{legible(place)}: is missing")
            continue
        files.append(path.relative_to(asked.root).as_posix())
        labels.append(label)
    if missing:
        counts = f"{len(missing)} of {len(samples)} images of {asked.name} are missing"
        raise DataError(f"{listing(missing, name='missing')}\n{counts}. {asked.how}")
    return ImageFiles(
        asked.root, tuple(files), np.array(labels, np.int64), np.array(sizes, np.int64)
    )
