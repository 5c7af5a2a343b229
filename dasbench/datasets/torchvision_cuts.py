"""Which of torchvision's images make up a part, and how their classes are numbered: for files and arrays alike."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.dataset import Part
from dasbench.datasets.torchvision_items import Options
from dasbench.datasets.torchvision_open import Asked
from dasbench.errors import DataError
from dasbench.seeds import derive_seed, permutation

MOST_NAMED = 10
"""Classes that an error names; it counts all of them."""

Labels = Mapping[Part, NDArray[np.int64]]
"""The class of each image of the parts that torchvision has."""


class Classes(NamedTuple):
    """The classes that occur.

    Args:
        names: of each, in the order of the labels.
        labels: of the images, from 0 without gaps.
    """

    names: tuple[str, ...]
    labels: Labels


class Taken(NamedTuple):
    """Which images make up a part of ours.

    Args:
        source: torchvision's part that they come from.
        indices: which of its images.
        origin: the same in words.
    """

    source: Part
    indices: NDArray[np.int64]
    origin: str


def class_names(asked: Asked, source: Any) -> list[str]:
    """What torchvision calls the classes, the first of several words for one; none where it has numbers alone."""
    names = getattr(source, asked.known.names, ())
    return [name if isinstance(name, str) else str(name[0]) for name in names]


def number_classes(asked: Asked, labels: Labels, names: Mapping[Part, Sequence[str]]) -> Classes:
    """Number the classes that occur.

    Args:
        asked: which data set, and where.
        labels: as torchvision numbers them.
        names: of the classes, as each part gives them.

    Raises:
        DataError: if parts differ in the names of their classes, or a class is missing from one.
    """
    for part, own in names.items():
        odd = sorted({*own} ^ {*names["train"]})
        if odd:
            counts = f"{part} has {len(own)} classes, train {len(names['train'])}"
            raise DataError(f"{asked.root}: of {asked.name}, {counts}; they differ in {_listed(odd)}")
    used = np.unique(np.concatenate(list(labels.values())))
    known = dict(enumerate(names["train"]))
    words = tuple(known.get(label, str(label)) for label in used.tolist())
    for part, own_labels in labels.items():
        lacking = [words[place] for place in np.flatnonzero(~np.isin(used, own_labels))]
        if lacking:
            counts = f"{len(lacking)} of {len(words)} classes have no image in the {part} part"
            raise DataError(f"{asked.root}: of {asked.name}, {counts}: {_listed(lacking)}")
    return Classes(words, {part: np.searchsorted(used, own_labels) for part, own_labels in labels.items()})


def three_parts(
    asked: Asked, classes: Classes, shares: Mapping[Part, float], *, scenes: Sequence[str] | None = None
) -> dict[Part, Taken]:
    """The parts that torchvision has, and those that are cut from its images to train on.

    Args:
        asked: which data set, and where.
        classes: of the images of torchvision's parts.
        shares: of each class, what is cut for a part that torchvision does not have.
        scenes: what each image to train on shows; images of one scene stay together.

    Raises:
        DataError: if a class has too few images.
    """
    options = asked.parts.options
    missing: dict[Part, float] = {part: share for part, share in shares.items() if part not in options}
    taken = {part: Taken(part, np.arange(len(own)), _words_of(options[part])) for part, own in classes.labels.items()}
    if missing:
        labels, origin = classes.labels["train"], _words_of(options["train"])
        few = _too_small(labels, scenes, len(missing) + 1)
        if few:
            what = f"of {asked.name}, {len(few)} classes have too few images to cut a {' and a '.join(missing)} part"
            raise DataError(f"{asked.root}: {what}: {_listed([classes.names[label] for label in few])}")
        cut = cut_by_lot(labels, missing, salt=f"torchvision {asked.name}", scenes=scenes)
        taken |= {part: Taken("train", indices, f"cut from {origin}") for part, indices in cut.items()}
        taken["train"] = taken["train"]._replace(origin=f"the rest of {origin}")
    return {part: taken[part] for part in ("train", "val", "test")}


def cut_by_lot(
    labels: NDArray[np.int64],
    shares: Mapping[Part, float],
    *,
    salt: str,
    scenes: Sequence[str] | None = None,
) -> dict[Part, NDArray[np.int64]]:
    """Cut images into parts that hold every class in about the given shares; the same on every machine and version.

    Every part gets at least one scene of each class.

    Args:
        labels: class of each image, [N].
        shares: share of each part but `train`, which gets the rest.
        salt: names the cut, so that data sets differ.
        scenes: what each image shows, [N]; images of one scene stay together. None if no two show the same.

    Returns:
        Sorted indices of each part, `train` first.

    Example:
        >>> parts = cut_by_lot(np.array([0, 1] * 10), {"test": 0.2}, salt="example")
        >>> {part: len(indices) for part, indices in parts.items()}
        {'train': 16, 'test': 4}
    """
    scene = _scene_numbers(labels, scenes)
    chosen: dict[Part, list[NDArray[np.int64]]] = {"train": [], **{part: [] for part in shares}}
    for members in _members_of_classes(labels):
        label = int(labels[members[0]])
        there = np.unique(scene[members])
        there = there[permutation(derive_seed("split", salt, label), len(there))]
        start = 0
        for part, share in shares.items():
            stop = start + max(1, round(share * len(there)))
            chosen[part].append(members[np.isin(scene[members], there[start:stop])])
            start = stop
        chosen["train"].append(members[np.isin(scene[members], there[start:])])
    return {part: np.sort(np.concatenate(indices)) for part, indices in chosen.items()}


def scene_of(path: str) -> str:
    """What an image shows, by its name: all before the last `_`.

    Example:
        >>> scene_of("00007/00003_00029.ppm")
        '00007/00003'
    """
    return path.rpartition("_")[0]


def _too_small(labels: NDArray[np.int64], scenes: Sequence[str] | None, num_parts: int) -> list[int]:
    """The classes with fewer scenes than parts."""
    scene = _scene_numbers(labels, scenes)
    groups = _members_of_classes(labels)
    return [int(labels[members[0]]) for members in groups if len(np.unique(scene[members])) < num_parts]


def _scene_numbers(labels: NDArray[np.int64], scenes: Sequence[str] | None) -> NDArray[np.int64]:
    if scenes is None:
        return np.arange(len(labels))
    return np.unique(np.array(scenes), return_inverse=True)[1].astype(np.int64)


def _members_of_classes(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The images of each class, found in one go: there may be thousands of classes and millions of images."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _words_of(options: Options) -> str:
    """The options of a part as torchvision takes them."""
    return ", ".join(f"{name}={value}" for name, value in options.items()) or "all images"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + more
