"""Torchvision's data sets whose images are files, decoded when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from dasbench.datasets.dataset import Dataset, Part
from dasbench.datasets.folders import ImageFiles, file_dataset
from dasbench.datasets.framing import Framing
from dasbench.datasets.torchvision_cuts import class_names, number_classes, scene_of, three_parts
from dasbench.datasets.torchvision_items import Items, Listing
from dasbench.datasets.torchvision_open import Asked, in_our_words, open_part
from dasbench.errors import DataError


class NeverMirrored(Framing):
    """What is seen of images that mean another thing from right to left."""

    def shown(self, image: Image.Image, draws: Sequence[float] | None = None) -> Image.Image:
        """What is seen of one image; the last of its draws, which mirrors, does not."""
        return super().shown(image, None if draws is None else [*draws[:-1], 1.0])


def photograph_dataset(asked: Asked, listing: Listing, shares: Mapping[Part, float], *, framing: Framing) -> Dataset:
    """A data set whose images are files.

    Args:
        asked: which one, and where.
        listing: how its files are listed.
        shares: of each class, what is cut for a part that it does not have.
        framing: what is seen of an image.

    Raises:
        DataError: if files are missing, damaged or empty, or a class lacks images.
    """
    listed: dict[Part, ImageFiles] = {}
    names: dict[Part, Sequence[str]] = {}
    for part, options in asked.parts.options.items():
        with in_our_words(asked):
            items = listing(partial(open_part, asked, options), asked.root, options)
        listed[part] = _image_files(asked, items)
        names[part] = class_names(asked, items.source)
    classes = number_classes(asked, {part: files.labels for part, files in listed.items()}, names)
    scenes = [scene_of(file) for file in listed["train"].files] if asked.known.tracks else None
    parts = three_parts(asked, classes, shares, scenes=scenes)
    numbered = {part: replace(files, labels=classes.labels[part]) for part, files in listed.items()}
    return file_dataset(
        name="torchvision",
        classes=classes.names,
        parts={part: numbered[taken.source].take(taken.indices) for part, taken in parts.items()},
        framing=framing if asked.known.mirrored else NeverMirrored(framing.height, framing.width, framing.fit),
        licence=asked.known.licence,
        citation=asked.known.citation,
        origins={part: taken.origin for part, taken in parts.items()},
        left_out={},
    )


def _image_files(asked: Asked, items: Items) -> ImageFiles:
    """The files that torchvision lists, sorted, so that they are in one order on every machine."""
    samples = sorted(zip(items.paths, items.labels, strict=True))
    sizes = [_size_of(path) for path, _ in samples]
    missing = [path for (path, _), size in zip(samples, sizes, strict=True) if size is None]
    if missing:
        counts = f"as are {len(missing)} of {len(samples)} files in all"
        raise DataError(f"{missing[0]}: is missing, {counts}. {asked.how}")
    return ImageFiles(
        asked.root,
        tuple(Path(path).relative_to(asked.root).as_posix() for path, _ in samples),
        np.array([label for _, label in samples], np.int64),
        np.array(sizes, np.int64),
    )


def _size_of(path: str) -> int | None:
    """Bytes of a file; None if it is missing."""
    try:
        return Path(path).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
