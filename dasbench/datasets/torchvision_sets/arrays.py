"""Torchvision's data sets of small images of one size: read whole, enlarged at once or later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dasbench.datasets.dataset import (
    Dataset,
    Part,
    Split,
    fingerprint,
    shares_of_missing,
    stratified_split,
)
from dasbench.datasets.memory import MemorySplit, refuse_mixed_up, shift_and_flip
from dasbench.datasets.pictures.framing import Fit
from dasbench.datasets.torchvision_sets.classes import (
    Classes,
    Labels,
    class_names,
    number_classes,
    origins,
    refuse_missing_classes,
)
from dasbench.datasets.torchvision_sets.items import Source
from dasbench.datasets.torchvision_sets.opening import Asked, in_our_words, open_part
from dasbench.errors import UsageError

MOST_BYTES = 10**9
"""The most that a data set's images may take in memory at the size that is wanted."""

CHUNK = 1000
"""Images that are counted at a time, as counting takes eight times their memory."""

COLOURS = {"L": (), "RGB": (3,)}
"""Shape of a pixel in memory by the kind of image: grey images are held as such."""


class Pixels(NamedTuple):
    """All images of one part, as torchvision gives them out.

    Args:
        images: uint8, [N, H, W] if they are grey, else [N, H, W, 3].
        labels: as torchvision numbers them, [N].
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


class ThreeParts(NamedTuple):
    """Images in memory, and the class of each.

    Args:
        images: of each part.
        labels: of each part, from 0.
    """

    images: Mapping[Part, NDArray[np.uint8]]
    labels: Labels


def read_pixels(source: Source) -> Pixels:
    """Every image of one of torchvision's data sets and its label, one after the other.

    Raises:
        ValueError: if an image has no label.
    """
    first, _ = source[0]
    kind = "RGB"
    if first.mode == "L":
        kind = "L"
    images = np.empty((len(source), first.height, first.width, *COLOURS[kind]), np.uint8)
    labels = np.empty(len(source), np.int64)
    for index in range(len(source)):
        image, label = source[index]
        if label is None:
            raise ValueError(f"image {index} of {len(source)} has no label")
        # torchvision made it of an array: no file's oddities
        images[index] = np.asarray(image.convert(kind))
        labels[index] = int(label)
    return Pixels(images, labels)


def scaled(images: NDArray[np.uint8], height: int, width: int) -> Tensor:
    """Whole images at another size, bilinear.

    Args:
        images: [N, H, W] or [N, H, W, 3].
        height: wanted, in pixels.
        width: wanted, in pixels.

    Shape:
        uint8, [N, 3, height, width]

    Example:
        >>> scaled(np.zeros((2, 28, 28), np.uint8), 32, 32).shape
        torch.Size([2, 3, 32, 32])
    """
    sized = images
    if images.shape[1:3] != (height, width):
        sized = np.empty((len(images), height, width, *images.shape[3:]), np.uint8)
        for row, image in enumerate(images):
            resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
            sized[row] = np.asarray(resized)
    coloured = torch.from_numpy(sized)
    if images.ndim == 3:
        return coloured[:, None].expand(-1, 3, -1, -1).contiguous()
    return coloured.permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class EnlargedSplit:
    """Images in memory at their own size, enlarged when they are asked for.

    Args:
        originals: uint8, [N, H, W] if they are grey, else [N, H, W, 3].
        labels: int64, [N], from 0.
        height: of what is given out, in pixels.
        width: of what is given out, in pixels.
        max_shift: largest shift of a training image in each direction, in pixels.
        flip: whether half of the training images are mirrored.
    """

    originals: NDArray[np.uint8]
    labels: Tensor
    height: int
    width: int
    max_shift: int = 0
    flip: bool = False
    num_draws: int = 3

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images, with the bits of a `MemorySplit`; enlarged in the thread that asks."""
        images = scaled(self.originals[indices], self.height, self.width)
        if draws is None:
            return images
        return shift_and_flip(images, draws, max_shift=self.max_shift, flip=self.flip)

    def enlarge_now(self) -> MemorySplit:
        """The same part with all of its images enlarged now."""
        images = scaled(self.originals, self.height, self.width)
        return MemorySplit(images, self.labels, max_shift=self.max_shift, flip=self.flip)


def array_dataset(
    asked: Asked,
    shares: Mapping[Part, float],
    *,
    image_size: int | tuple[int, int] | None,
    fit: Fit,
) -> Dataset:
    """A data set of small images of one size, which lie in memory.

    In training, they are shifted by up to an eighth of their shorter side.

    Args:
        asked: which one, and where.
        shares: of each class, what is cut for a part that it does not have.
        image_size: wanted, in pixels; None for that of the originals.
        fit: how they get to another shape: as they are shown whole, only `squeeze` does it.

    Raises:
        DataError: if files are missing or damaged, a class lacks images, or test images are those
            to train on.
        UsageError: if the wanted shape is not that of the originals, and they are not to be
            squeezed.
    """
    images: dict[Part, NDArray[np.uint8]] = {}
    numbers: dict[Part, NDArray[np.int64]] = {}
    names: dict[Part, Sequence[str]] = {}
    for part, options in asked.parts.options.items():
        source = open_part(asked, options)
        with in_our_words(asked):
            images[part], numbers[part] = read_pixels(source)
        names[part] = class_names(asked, source)
    height, width = _wanted_size(asked, images["train"].shape[1:3], image_size, fit)
    classes = number_classes(asked, numbers, names)
    originals, labels = _three_parts(asked, images, classes, shares)
    where = f"{asked.root}: of {asked.name},"
    refuse_mixed_up(originals["train"], originals["test"], of=where)
    num_images = sum(map(len, originals.values()))
    fit_into_memory = num_images * 3 * height * width <= MOST_BYTES
    max_shift, flip = min(height, width) // 8, asked.known.mirrored
    splits: dict[Part, Split] = {}
    contents: list[NDArray[Any]] = []
    for part, pixels in originals.items():
        own_labels = torch.from_numpy(labels[part])
        split = EnlargedSplit(pixels, own_labels, height, width, max_shift, flip)
        splits[part] = split
        if fit_into_memory:
            splits[part] = split.enlarge_now()
        contents += [pixels, labels[part]]
    mean, std = normal_of(originals["train"])
    return Dataset(
        name="torchvision",
        classes=classes.names,
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        input_size=(3, height, width),
        mean=mean,
        std=std,
        fingerprint=fingerprint(*contents, np.array(classes.names)),
        licence=asked.known.licence,
        citation=asked.known.citation,
        origins=origins(asked),
    )


class Normal(NamedTuple):
    """What images are normalised with.

    Args:
        mean: of each channel, in [0, 1].
        std: of each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


def normal_of(images: NDArray[np.uint8]) -> Normal:
    """Mean and standard deviation of three channels, from counts: the same on every machine.

    Example:
        >>> normal_of(np.array([[[0, 255]]], np.uint8))
        Normal(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    """
    channels = prod(images.shape[3:])
    flat = images.reshape(len(images), -1, channels)
    counts = np.zeros((channels, 256), np.int64)
    for start, channel in product(range(0, len(flat), CHUNK), range(channels)):
        values = flat[start : start + CHUNK, :, channel]
        counts[channel] += np.bincount(values.reshape(-1), minlength=256)
    shares = counts / counts.sum(1, keepdims=True)
    levels = np.arange(256) / 255
    mean = (shares * levels).sum(1)
    std = np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1))
    repeats = 3 // channels
    return Normal(tuple(mean.tolist()) * repeats, tuple(std.tolist()) * repeats)


def _three_parts(
    asked: Asked,
    official: Mapping[Part, NDArray[np.uint8]],
    classes: Classes,
    shares: Mapping[Part, float],
) -> ThreeParts:
    """Torchvision's parts, and those that are cut from its images to train on."""
    images, labels = dict(official), dict(classes.labels)
    missing = shares_of_missing(shares, official)
    if missing:
        whole = Pixels(images["train"], labels["train"])
        salt = f"torchvision {asked.name}"
        cut = stratified_split(whole.labels, list(missing.values()), salt=salt)
        for part, indices in zip(["train", *missing], cut, strict=True):
            images[part], labels[part] = whole.images[indices], whole.labels[indices]
        refuse_missing_classes(asked, Classes(classes.names, labels))
    return ThreeParts(images, labels)


def _wanted_size(
    asked: Asked, original: tuple[int, ...], image_size: int | tuple[int, int] | None, fit: Fit
) -> tuple[int, ...]:
    """Height and width that images are given out in."""
    if image_size is None:
        return original
    if isinstance(image_size, int):
        image_size = (image_size, image_size)
    if fit != "squeeze" and image_size[0] * original[1] != image_size[1] * original[0]:
        given, own = "x".join(map(str, image_size)), "x".join(map(str, original))
        raise UsageError(
            f"dataset.image_size: images of {asked.name} are {own} pixels and shown whole, "
            f"so they cannot be brought to {given} by `fit: {fit}`; write one number, "
            "or `fit: squeeze`"
        )
    return image_size
