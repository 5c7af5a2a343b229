"""A data set: its three parts, what identifies it, and how a part gives out its images."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Generic, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import TypeVar

from dasbench.seeds import derive_seed, permutation

Part = Literal["train", "val", "test"]

PARTS: tuple[Part, ...] = get_args(Part)
"""In the order in which they are named and read."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of each channel over ImageNet's training images: what photographs are normalised with."""


class Examples(Protocol):
    """One part of a data set, whatever its examples are."""

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one example in training."""
        ...

    def __len__(self) -> int: ...


class Images(Examples, Protocol):
    """One part of a data set of images that are of one size.

    An image depends on its index and on its own row of draws alone, never on the batch it comes in:
    any number of loaders and any size of batches gives the same bits.
    """

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images: varied by their draws, or as they are evaluated.

        Args:
            indices: which images, [B].
            draws: uniform numbers in [0, 1), [B, num_draws], for training; None for the image as it
                is evaluated.

        Shape:
            uint8, [B, 3, H, W]

        Raises:
            DataError: if a file is missing or cannot be decoded; the message names it.
        """
        ...


class Split(Images, Protocol):
    """One part of a data set of images that have a class each."""

    @property
    def labels(self) -> Tensor:
        """Class of each image, from 0; int64, [N]."""
        ...


T = TypeVar("T")
S_co = TypeVar("S_co", bound=Examples, covariant=True, default=Split)
"""What a data set's parts know; by default, that images of one size have a class each."""


class LeftOut(NamedTuple):
    """Files that are not used.

    Args:
        number: how many there are.
        example: the path of one.
    """

    number: int
    example: str


@dataclass(frozen=True, kw_only=True)
class Dataset(Generic[S_co]):
    """Images with a fixed split into training, validation and test parts.

    Args:
        name: as studies call it.
        classes: names of the classes, in the order of the labels.
        train: the part that weights are fitted to.
        val: the part that choices are made on.
        test: the part that is looked at once, at the end.
        input_size: (channels, height, width) of an image; where images differ in size, of one as
            networks see it.
        mean, std: of each channel, in [0, 1], over the training part or over images like it.
        fingerprint: hash of the original content and of the split.
        licence: of the images.
        citation: whom to cite.
        origins: what each part was made of, in a few words (`Training/`, `cut from Training/`).
        left_out: what lies beside the images and is not used, by what it is (`.txt`,
            `in no class folder`).
    """

    name: str
    classes: tuple[str, ...]
    train: S_co
    val: S_co
    test: S_co
    input_size: tuple[int, int, int]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    fingerprint: str
    licence: str
    citation: str
    origins: Mapping[Part, str] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)


def fingerprint(*arrays: NDArray[Any]) -> str:
    """16 hexadecimal digits that change with any byte of some arrays: pixels, labels, split.

    Example:
        >>> fingerprint(np.array([1, 2])) != fingerprint(np.array([1, 3]))
        True
    """
    digest = sha256()
    for array in arrays:
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def parts_in_order(parts: Mapping[Part, T]) -> dict[Part, T]:
    """What belongs to parts, by part in the order of `PARTS`.

    Example:
        >>> parts_in_order({"test": 10, "train": 80})
        {'train': 80, 'test': 10}
    """
    return {part: parts[part] for part in PARTS if part in parts}


def shares_of_missing(shares: Mapping[Part, float], there: Collection[Part]) -> dict[Part, float]:
    """The shares of the parts that are not there, and have to be cut from the training images."""
    return {part: share for part, share in shares.items() if part not in there}


def stratified_split(
    labels: NDArray[np.int64], shares: Sequence[float], *, salt: str
) -> list[NDArray[np.int64]]:
    """Cut indices into parts that hold every class in the given shares; the same everywhere.

    Args:
        labels: class of each example, [N].
        shares: share of each part but the first, which gets the rest.
        salt: names the split, so that data sets differ.

    Returns:
        Sorted indices of the first part, then of the others in the order of `shares`.

    Example:
        >>> train, test = stratified_split(np.array([0, 1] * 10), [0.2], salt="example")
        >>> len(train), len(test)
        (16, 4)
    """
    parts: list[list[NDArray[np.int64]]] = [[] for _ in range(len(shares) + 1)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[permutation(derive_seed("split", salt, int(label)), len(members))]
        start = 0
        for number, share in enumerate(shares, start=1):
            stop = start + round(share * len(members))
            parts[number].append(members[start:stop])
            start = stop
        parts[0].append(members[start:])
    return [np.sort(np.concatenate(part)) for part in parts]
