"""A trial of segmentation on drawn images, and maps of the class of each pixel."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dasbench.catalog import TASKS
from dasbench.datasets.memory import shift_and_flip
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.tasks.segmentation import _Segmenter
from dasbench.tasks.task import Replica

FEW = {"num_train": 60, "num_val": 60, "num_test": 60}

TRIAL = Trial(
    task="segmentation",
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    gate="das",
    dataset={"name": "salient_shapes", "image_size": 32, "difficulty": 0.0, **FEW},
    training={"epochs": 2, "batch_size": 24, "optimizer": "adamw", "lr": 4e-3},
)


def learner_of(trial: Trial, replica: Replica | None = None) -> _Segmenter:
    """The learner of a trial, or of one of its replicas."""
    task = TASKS["segmentation"].make()
    learner = task.build(resolve(trial), device=torch.device("cpu"), replica=replica)
    assert isinstance(learner, _Segmenter)
    return learner


@dataclass(frozen=True)
class Painted:
    """Images that are read one by one, as files are, and whose red channel says the class of each pixel."""

    maps: Tensor
    num_draws: int = 3

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def labels(self) -> Tensor:
        return torch.arange(len(self.maps)) % 6

    def batch(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
        return self.shown(indices, draws)[:, None].expand(-1, 3, -1, -1) * 30

    def class_maps(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
        return self.shown(indices, draws)

    def shown(self, indices: np.ndarray, draws: np.ndarray | None) -> Tensor:
        maps = self.maps[torch.from_numpy(indices)]
        return (
            maps
            if draws is None
            else shift_and_flip(maps[:, None], draws, max_shift=3, flip=True)[:, 0]
        )


def random_maps(seed: int, number: int) -> Tensor:
    """Maps of seven classes at random."""
    return torch.randint(
        0, 7, (number, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )
