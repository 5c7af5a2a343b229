"""Random images in memory, so that no time goes into drawing or decoding, and networks that train on them."""

from dataclasses import dataclass
from typing import Any

import torch

from dasbench.catalog import DATASETS
from dasbench.datasets.dataset import Dataset
from dasbench.datasets.memory import MemorySplit
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

CLASSES = 10


@DATASETS.register("noise", source="random numbers")
def noise(
    *, image_size: int = 32, num_train: int = 25_600, num_eval: int = 512, first_label: int = 0
) -> Dataset:
    """Random images of ten classes.

    Args:
        image_size: height and width in pixels.
        num_train: images of the training part.
        num_eval: images of each of the other parts.
        first_label: the lowest label; above 0, the highest is none of the ten classes, which breaks
            a training.
    """
    stream = torch.Generator().manual_seed(0)

    def part(length: int) -> MemorySplit:
        shape = (length, 3, image_size, image_size)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=stream)
        return MemorySplit(
            images,
            torch.arange(length) % CLASSES + first_label,
            max_shift=image_size // 8,
            flip=True,
        )

    return Dataset(
        name="noise",
        classes=tuple(map(str, range(CLASSES))),
        train=part(num_train),
        val=part(num_eval),
        test=part(num_eval),
        input_size=(3, image_size, image_size),
        fingerprint=f"noise{image_size}-{num_train}-{num_eval}-{first_label}",
        licence="none",
        citation="none",
    )


@dataclass(frozen=True)
class Work:
    """A network and the images that it trains on.

    Args:
        backbone: name of a ResNet.
        width: of its first stage, in channels.
        image_size: height and width of the images in pixels.
        images: of an epoch.
        batch: images of a step.
    """

    backbone: str
    width: int
    image_size: int
    images: int
    batch: int

    @property
    def stem(self) -> str:
        """The stem for small images up to 32 px, ImageNet's above."""
        return "small" if self.image_size <= 32 else "imagenet"

    def trial(
        self, gate: str = "none", *, seed: int = 0, first_label: int = 0, **training: Any
    ) -> Trial:
        """The trial that trains the network with a gate: two epochs without augmentation, if nothing else is said."""
        fields = {
            "backbone": {"name": self.backbone, "width": self.width, "stem": self.stem},
            "gate": gate,
            "dataset": {
                "name": "noise",
                "image_size": self.image_size,
                "num_train": self.images,
                "num_eval": min(512, self.images),
                "first_label": first_label,
            },
            "training": {
                "epochs": 2,
                "batch_size": self.batch,
                "lr": 0.01,
                "augment": False,
                **training,
            },
            "seed": seed,
        }
        return resolve(Trial.model_validate(fields))
