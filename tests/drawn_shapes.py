"""A trial on drawn shapes, and images without any."""

import torch

from dasbench.datasets.memory import MemorySplit
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

MEMORY = MemorySplit(
    torch.zeros(20, 3, 4, 4, dtype=torch.uint8), torch.zeros(20, dtype=torch.int64)
)


def shapes_trial(gate="das", **training):
    """A resolved trial of a narrow ResNet-18 on 60 drawn images a part."""
    return resolve(
        Trial(
            backbone={"name": "resnet18", "width": 4, "stem": "small"},
            gate=gate,
            dataset={"name": "salient_shapes", "num_train": 60, "num_val": 60, "num_test": 60},
            training={"epochs": 2, "lr": 0.05, **training},
        )
    )
