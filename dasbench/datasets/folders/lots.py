"""Parts that are missing are cut from the training images by lot, by class and by groups."""

from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np
from numpy.typing import NDArray

from dasbench.datasets.dataset import Part, stratified_split
from dasbench.datasets.folders.labelled import ImageFiles
from dasbench.datasets.looking.listing import legible, listing
from dasbench.errors import DataError
from dasbench.seeds import derive_seed, permutation


def cut_missing(
    parts: Mapping[Part, ImageFiles],
    classes: Sequence[str],
    shares: Mapping[Part, float],
    *,
    salt: str,
) -> dict[Part, ImageFiles]:
    """Cut the parts that are missing from the training images; the same on every machine.

    Args:
        parts: those that are there, `train` among them.
        classes: their names.
        shares: share of each class that goes to a part, for the parts that are missing.
        salt: names the split, so that data sets differ.

    Raises:
        DataError: if a class has too few images, or too few groups, to be in every part.
    """
    whole = parts["train"]
    if not shares:
        return dict(parts)
    if whole.groups is None:
        _refuse_small_classes(whole, classes, shares)
        cut = stratified_split(whole.labels, list(shares.values()), salt=salt)
    else:
        cut = grouped_split(whole.labels, whole.groups, list(shares.values()), salt=salt)
        _refuse_torn_classes(whole, whole.groups, classes, cut)
    train, *others = map(whole.take, cut)
    return {**parts, "train": train, **dict(zip(shares, others, strict=True))}


def grouped_split(
    labels: NDArray[np.int64], groups: NDArray[np.int64], shares: Sequence[float], *, salt: str
) -> list[NDArray[np.int64]]:
    """Cut indices into parts that tear no group and hold every class in about the given shares.

    Groups are handed out one by one, the largest first, those of one size by lot. Each goes to the
    part that lacks most of the group's classes; where a class has as many groups left as there are
    parts without it, to one of those.

    Args:
        labels: class of each example, [N].
        groups: the group that each belongs to, from 0, [N].
        shares: share of each part but the first, which gets the rest.
        salt: names the split, so that data sets differ.

    Returns:
        Sorted indices of the first part, then of the others in the order of `shares`. A class with
        fewer groups than parts is missing from some.

    Example:
        >>> labels, groups = np.array([0, 1] * 10), np.repeat(np.arange(10), 2)
        >>> [len(part) for part in grouped_split(labels, groups, [0.2], salt="example")]
        [16, 4]
    """
    counts = np.zeros((int(groups.max()) + 1, int(labels.max()) + 1), np.int64)
    np.add.at(counts, (groups, labels), 1)
    of_class = counts.sum(axis=0)
    wanted = np.array([1 - sum(shares), *shares])[:, None] * of_class
    held = np.zeros_like(wanted)
    left = (counts > 0).sum(axis=0)
    part_of = np.zeros(len(counts), np.int64)
    lot = permutation(derive_seed("split", salt, "groups"), len(counts))
    for group in lot[np.argsort(-counts[lot].sum(axis=1), kind="stable")]:
        own = np.flatnonzero(counts[group])
        without = held[:, own] == 0
        urgent = (without & (left[own] <= without.sum(axis=0))).sum(axis=1)
        lack = (wanted - held)[:, own] * counts[group, own] / of_class[own] ** 2
        weights = list(zip(urgent.tolist(), map(fsum, lack), strict=True))
        part_of[group] = weights.index(max(weights))
        held[part_of[group]] += counts[group]
        left[own] -= 1
    return [np.flatnonzero(part_of[groups] == part) for part in range(len(wanted))]


def _refuse_small_classes(
    whole: ImageFiles, classes: Sequence[str], shares: Mapping[Part, float]
) -> None:
    wanted = " and ".join(f"{share:g} for the {part} part" for part, share in shares.items())
    smallest = min(shares.values())
    counts = np.bincount(whole.labels, minlength=len(classes)).tolist()
    lines: list[str] = []
    for name, number in zip(classes, counts, strict=True):
        if round(smallest * number) == 0:
            what = f"too few to cut a share of {wanted}"
            lines.append(f"class '{name}' has {number} images, {what}")
    if lines:
        remedy = "Add images, or make parts of your own"
        raise DataError(
            f"{legible(whole.folder)}: {listing(lines, name='small-classes')}. {remedy}."
        )


def _refuse_torn_classes(
    whole: ImageFiles,
    groups: NDArray[np.int64],
    classes: Sequence[str],
    cut: Sequence[NDArray[np.int64]],
) -> None:
    """Refuse a cut by groups that leaves a part without a class."""
    lines = []
    for label, name in enumerate(classes):
        if not all((whole.labels[indices] == label).any() for indices in cut):
            count = len(np.unique(groups[whole.labels == label]))
            what = f"which could not be dealt out over {len(cut)} parts"
            lines.append(f"class '{name}' has {count} groups, {what}")
    if lines:
        remedy = "Add groups, or say in a column `split` which part each belongs to"
        raise DataError(
            f"{legible(whole.folder)}: {listing(lines, name='small-classes')}. {remedy}."
        )
