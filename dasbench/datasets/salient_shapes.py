"""Generated images whose class is told by one object with two far ends, among distractors."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Annotated, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray
from torch import Tensor

from dasbench.catalog import DATASETS
from dasbench.datasets.annotations import Objects, Scene
from dasbench.datasets.dataset import Dataset, fingerprint
from dasbench.datasets.memory import MemorySplit
from dasbench.datasets.scenes import SHAPES, VERSION, Scenes, draw_scenes
from dasbench.seeds import derive_seed, uniform

PAIRS = tuple(combinations_with_replacement(range(len(SHAPES)), 2))
"""Shapes of the two ends, by class; which end comes first has no meaning."""

CHUNK = 2**18
"""Pixels that are drawn at a time: few enough for a processor's cache."""


class Regions(NamedTuple):
    """Where the object is that tells the class, in images as they are evaluated.

    Args:
        masks: whether a pixel belongs to the object: bool, [B, H, W].
        boxes: left, upper, right and lower edge in pixels, right and lower outside: int64, [B, 4].
    """

    masks: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class ShapesSplit:
    """A part of the data set, drawn when it is first read.

    Args:
        seed: of the part's scenes.
        length: number of images.
        image_size: height and width in pixels.
        difficulty: as `salient_shapes` says.
    """

    seed: int
    length: int
    image_size: int
    difficulty: float
    num_draws: int = 3

    def __len__(self) -> int:
        return self.length

    @property
    def max_shift(self) -> int:
        """Largest shift of a training image, in pixels."""
        return self.image_size // 16

    @property
    def labels(self) -> Tensor:
        """Every class equally often, in turn."""
        return torch.arange(self.length) % len(PAIRS)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images; in training shifted by up to a sixteenth of their size, half mirrored."""
        return self.in_memory.batch(indices, draws)

    def regions(self, indices: NDArray[np.int64]) -> Regions:
        """Masks and boxes of the objects of some images."""
        masks = self._masks(indices)
        boxes = torch.tensor([_box(mask) for mask in masks], dtype=torch.int64)
        return Regions(torch.from_numpy(masks), boxes.reshape(-1, 4))

    def class_maps(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> Tensor:
        """The class of each pixel, varied as the image: uint8, [B, H, W], 0 beside it."""
        return self._maps.batch(indices, draws)[:, 0]

    def scenes(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> list[Scene]:
        """Some images with their one object each: its box is around what is left in the image."""
        images, masks = self.batch(indices, draws), self.class_maps(indices, draws) > 0
        labels = self.labels[torch.from_numpy(indices)]
        boxes = torch.tensor([_box(mask) for mask in masks.numpy()], dtype=torch.float32)
        areas = masks.sum((1, 2), dtype=torch.float32)[:, None]
        crowd = torch.zeros(len(indices), 1, dtype=torch.bool)
        scenes: list[Scene] = []
        for image, *of_object in zip(
            images, boxes.reshape(-1, 1, 4), labels[:, None], areas, crowd, strict=True
        ):
            objects = Objects(*of_object)
            scenes.append(Scene(image, objects))
        return scenes

    @cached_property
    def in_memory(self) -> MemorySplit:
        """All images of the part."""
        pixels = np.concatenate([scenes.pixels for scenes in self._scenes(np.arange(self.length))])
        return self._as_images(torch.from_numpy(pixels))

    @cached_property
    def _maps(self) -> MemorySplit:
        """The class maps of all images, as images of one channel that vary like the others."""
        masks = self._masks(np.arange(self.length))
        maps = torch.from_numpy(masks) * (self.labels + 1).to(torch.uint8)[:, None, None]
        return self._as_images(maps[:, None])

    def _as_images(self, tensor: Tensor) -> MemorySplit:
        """A part that gives out what a tensor holds, shifted and mirrored in training."""
        return MemorySplit(tensor, self.labels, max_shift=self.max_shift, flip=True)

    def resident(self, device: torch.device) -> MemorySplit:
        """The part with its images on a device, if they fit there."""
        return self.in_memory.resident(device)

    def resident_maps(self, device: torch.device) -> MemorySplit:
        """The class maps as images of one channel, on a device if they fit there."""
        return self._maps.resident(device)

    def _masks(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where the objects of some images are."""
        return np.concatenate([scenes.masks for scenes in self._scenes(indices)])

    def _scenes(self, indices: NDArray[np.int64]) -> Iterator[Scenes]:
        step = max(1, CHUNK // self.image_size**2)
        for start in range(0, len(indices), step):
            yield self._draw(indices[start : start + step])

    def _draw(self, indices: NDArray[np.int64]) -> Scenes:
        pairs = np.array(PAIRS)[indices % len(PAIRS)]
        swapped = uniform(derive_seed(self.seed, "swap"), indices) < 0.5  # [B, 1]
        first, second = np.where(swapped, pairs[:, ::-1], pairs).T
        return draw_scenes(
            self.seed,
            indices,
            ends=(first, second),
            image_size=self.image_size,
            difficulty=self.difficulty,
        )


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest box around a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@DATASETS.register("salient_shapes", source="dasbench", gives=("labels", "objects", "maps"))
def salient_shapes(
    *,
    image_size: Annotated[int, Ge(32), Le(224)] = 32,
    difficulty: Annotated[float, Ge(0), Le(1)] = 0.5,
    num_train: Annotated[int, Ge(60), Le(1_000_000)] = 3000,
    num_val: Annotated[int, Ge(60), Le(100_000)] = 600,
    num_test: Annotated[int, Ge(60), Le(100_000)] = 600,
) -> Dataset:
    """Generated images of a bar with a disc, a ring or a cross at each end: the class is the pair.

    The ends lie at least 0.42 of the image's side apart, so that no small kernel sees both, and one
    end leaves three classes open. Distractors have the same shapes, but no bar: what counts is
    which two shapes are joined. Colours, places and directions are random. Each image comes with
    the mask and the box of its object, for saliency, detection and segmentation.

    Args:
        image_size: height and width in pixels.
        difficulty: from 0, no distractors on a calm ground, to 1, six distractors as strong as the
            object on a rough ground.
        num_train: number of training images.
        num_val: number of images to validate on.
        num_test: number of test images.

    Example:
        >>> data = salient_shapes(num_train=60)
        >>> data.classes[:2], data.train.batch(np.array([3, 1])).shape
        (('disc-disc', 'disc-ring'), torch.Size([2, 3, 32, 32]))
        >>> data.test.regions(np.array([0])).masks.shape
        torch.Size([1, 32, 32])
    """
    lengths = {"train": num_train, "val": num_val, "test": num_test}
    train, val, test = (
        ShapesSplit(derive_seed("salient_shapes", part), length, image_size, difficulty)
        for part, length in lengths.items()
    )
    return Dataset(
        name="salient_shapes",
        classes=tuple(f"{SHAPES[first]}-{SHAPES[second]}" for first, second in PAIRS),
        train=train,
        val=val,
        test=test,
        input_size=(3, image_size, image_size),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        fingerprint=fingerprint(
            np.array([VERSION, image_size, difficulty, *lengths.values()], np.float64)
        ),
        licence="MIT, as dasbench",
        citation="the data set salient_shapes of dasbench",
    )
