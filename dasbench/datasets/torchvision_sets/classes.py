"""How the classes of torchvision's parts are called and numbered, and which parts are cut."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.dataset import PARTS, Part
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.torchvision_sets.items import Source
from dasbench.datasets.torchvision_sets.opening import Asked
from dasbench.errors import DataError

Labels = Mapping[Part, NDArray[np.int64]]
"""The class of each image of some parts."""


class Classes(NamedTuple):
    """The classes that occur.

    Args:
        names: of each, in the order of the labels.
        labels: of the images, from 0 without gaps.
    """

    names: tuple[str, ...]
    labels: Labels


def class_names(asked: Asked, source: Source) -> list[str]:
    """What torchvision calls the classes, by the first word of each; none where it has numbers."""
    return list(map(_first_word, getattr(source, asked.known.names, ())))


def _first_word(name: str | Sequence[str]) -> str:
    """What a class is called that may have one name or several."""
    if isinstance(name, str):
        return name
    return str(name[0])


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
            counts = f"the {part} part has {len(own)} classes, the train part {len(names['train'])}"
            raise DataError(
                f"{legible(asked.root)}: of {asked.name}, {counts}; they differ in\n{_listing(odd)}"
            )
    used = np.unique(np.concatenate(list(labels.values())))
    known = dict(enumerate(names["train"]))
    words = tuple(known.get(label, str(label)) for label in used.tolist())
    numbered = {part: np.searchsorted(used, own) for part, own in labels.items()}
    classes = Classes(words, numbered)
    refuse_missing_classes(asked, classes)
    return classes


def refuse_missing_classes(asked: Asked, classes: Classes) -> None:
    """Refuse a part without an image of some class.

    Raises:
        DataError: naming all such classes.
    """
    for part, labels in classes.labels.items():
        counts = np.bincount(labels, minlength=len(classes.names))
        lacking = list(compress(classes.names, counts == 0))
        if lacking:
            share = f"{len(lacking)} of {len(classes.names)} classes"
            raise DataError(
                f"{legible(asked.root)}: of {asked.name}, {share} have no image "
                f"in the {part} part\n{_listing(lacking)}"
            )


def origins(asked: Asked) -> dict[Part, str]:
    """What each part is made of, by the options that torchvision takes."""
    words: dict[Part, str] = {}
    for part, options in asked.parts.options.items():
        chosen = ", ".join(f"{name}={value}" for name, value in options.items())
        words[part] = chosen or "all images"
    cut = f"cut from {words['train']} by lot"
    missing = [part for part in PARTS if part not in words]
    if missing:
        words["train"] = f"the rest of {words['train']}"
    return {**words, **dict.fromkeys(missing, cut)}


def _listing(names: Sequence[str]) -> str:
    return listing([f"class '{legible(name)}'" for name in names], name="classes")
