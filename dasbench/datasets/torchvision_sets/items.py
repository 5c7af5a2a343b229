"""The image files of torchvision's data sets and their labels, without decoding an image."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from PIL import Image

Options = Mapping[str, str | bool | int]
"""Arguments of a class of torchvision that choose one of its parts."""


class Source(Protocol):
    """One of torchvision's data sets: an image, or its path, and a label each."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


class Items(NamedTuple):
    """What one part of a data set consists of.

    Args:
        source: torchvision's data set.
        paths: the file of each image.
        labels: the class of each image, as torchvision numbers them.
    """

    source: Source
    paths: list[str]
    labels: list[int]


class Open(Protocol):
    """Makes torchvision's data set of one part."""

    def __call__(self, **more: Any) -> Source:
        """Torchvision's data set.

        Args:
            more: arguments of its class beside those that choose the part.
        """
        ...


Listing = Callable[[Open, Path, Options], Items]
"""Lists one part: how to open it, below which root, and the options that choose it."""


def by_loader(open_part: Open, _root: Path, _options: Options) -> Items:
    """Of a class that takes the function that loads a file: ours gives the path instead."""
    return _all_items(open_part(loader=str))


def by_header(open_part: Open, _root: Path, _options: Options) -> Items:
    """Of a class that opens a file before the image is transformed: an open file has a path."""
    return _all_items(open_part(transform=_path_of_open))


def pets(open_part: Open, root: Path, options: Options) -> Items:
    """Of OxfordIIITPet, whose class gives decoded images: by the official list that it reads."""
    source = open_part()
    folder = root / "oxford-iiit-pet"
    paths: list[str] = []
    labels: list[int] = []
    for line in (folder / f"annotations/{options['split']}.txt").read_text().splitlines():
        words = line.split()
        paths.append(str(folder / "images" / f"{words[0]}.jpg"))
        labels.append(int(words[1]) - 1)
    return _of_one_length(Items(source, paths, labels))


def signs(open_part: Open, root: Path, options: Options) -> Items:
    """Of GTSRB, whose class gives decoded images: by the folders and the list that it reads."""
    from torchvision.datasets import DatasetFolder  # takes seconds to import

    folder = root / "gtsrb"
    source = open_part()
    if options["split"] == "train":
        training = DatasetFolder(str(folder / "GTSRB/Training"), loader=str, extensions=(".ppm",))
        return _of_one_length(_items_of(source, training.samples))
    paths: list[str] = []
    labels: list[int] = []
    with (folder / "GT-final_test.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter=";", skipinitialspace=True):
            paths.append(str(folder / "GTSRB/Final_Test/Images" / row["Filename"]))
            labels.append(int(row["ClassId"]))
    return _of_one_length(Items(source, paths, labels))


def _all_items(source: Source) -> Items:
    """What a data set gives out one by one: a path and a label each."""
    return _items_of(source, [source[index] for index in range(len(source))])


def _items_of(source: Source, samples: Sequence[tuple[str, Any]]) -> Items:
    """The items of a data set, from a path and a label each."""
    paths: list[str] = []
    labels: list[int] = []
    for path, label in samples:
        paths.append(path)
        labels.append(int(label))
    return Items(source, paths, labels)


def _path_of_open(image: Image.Image) -> str:
    with image:
        return str(getattr(image, "filename", ""))


def _of_one_length(items: Items) -> Items:
    """Refuse a list that is not the one that torchvision reads."""
    if len(items.source) != len(items.paths):
        raise ValueError(
            f"torchvision counts {len(items.source)} images, its list holds {len(items.paths)}"
        )
    return items
