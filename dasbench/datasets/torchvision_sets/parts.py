"""How torchvision's data sets name their parts, and where the files of each lie."""

from collections.abc import Mapping
from dataclasses import dataclass

from dasbench.datasets.dataset import PARTS, Part
from dasbench.datasets.torchvision_sets.items import Options

Variant = str | int | None
"""The name of one of several versions of a data set; None where there is one alone."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What torchvision's class is asked for.

    Args:
        options: of each part that there is; `train` is the whole where there is no other.
        places: files and folders that have to be there, below the root.
    """

    options: Mapping[Part, Options]
    places: tuple[str, ...]


def by_train(places: tuple[str, ...]) -> Mapping[Variant, Parts]:
    """Of a class that takes `train`."""
    return {
        None: Parts(options={"train": {"train": True}, "test": {"train": False}}, places=places)
    }


def by_split(
    *places: str, train: str = "train", val: str = "", test: str = "test"
) -> Mapping[Variant, Parts]:
    """Of a class that takes the name of a `split`; an empty one is cut from `train`."""
    names: dict[Part, str] = {"train": train, "val": val, "test": test}
    options: dict[Part, Options] = {part: {"split": name} for part, name in names.items() if name}
    return {None: Parts(options=options, places=places)}


def whole(*places: str) -> Mapping[Variant, Parts]:
    """Of a class that has no parts."""
    return {None: Parts(options={"train": {}}, places=places)}


def mnist_files(folder: str) -> tuple[str, ...]:
    """The unpacked files of MNIST and its kin."""
    return (*_idx_files(f"{folder}/raw/train"), *_idx_files(f"{folder}/raw/t10k"))


def emnist_parts(split: str) -> Parts:
    """One of the six ways to cut EMNIST."""
    raw = f"EMNIST/raw/emnist-{split}"
    return Parts(
        options={
            "train": {"split": split, "train": True},
            "test": {"split": split, "train": False},
        },
        places=(*_idx_files(f"{raw}-train"), *_idx_files(f"{raw}-test")),
    )


def _idx_files(part: str) -> tuple[str, str]:
    """The files of images and labels of a part in MNIST's format."""
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def dtd_parts(partition: int) -> Parts:
    """One of the ten official partitions of DTD."""
    options: dict[Part, Options] = {part: {"split": part, "partition": partition} for part in PARTS}
    return Parts(options=options, places=("dtd/dtd/images", "dtd/dtd/labels"))


def aircraft_parts(level: str) -> Parts:
    """FGVC-Aircraft with classes of one level."""
    options: dict[Part, Options] = {
        part: {"split": part, "annotation_level": level} for part in PARTS
    }
    return Parts(options=options, places=("fgvc-aircraft-2013b/data",))


def imagenette_parts(size: str, folder: str) -> Parts:
    """Imagenette at one size; its official validation images are reported on, so they test."""
    return Parts(
        options={
            "train": {"split": "train", "size": size},
            "test": {"split": "val", "size": size},
        },
        places=(f"{folder}/train", f"{folder}/val"),
    )


def places365_parts(size: str) -> Parts:
    """Places365 at one size; its test images have no public labels: the validation images test."""
    small = size == "256"
    lists = ("categories_places365.txt", "places365_train_standard.txt", "places365_val.txt")
    return Parts(
        options={
            "train": {"split": "train-standard", "small": small},
            "test": {"split": "val", "small": small},
        },
        places=(*lists, f"data_{size}_standard", f"val_{size}"),
    )


def inaturalist_parts(train: str) -> Parts:
    """Images of 2021; its test images have no public labels: the validation images test."""
    return Parts(
        options={"train": {"version": train}, "test": {"version": "2021_valid"}},
        places=(train, "2021_valid"),
    )
