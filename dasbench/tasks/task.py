"""What a task has to say: how to build a learner for a trial, and what the learner can do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from dasbench.records import Cost
from dasbench.spec.trial import Trial


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on one part of the data.

    Args:
        metrics: value by name, without a prefix (`top1`, `loss`).
        correct: which examples were right, as hexadecimal bits in their order; `""` where that has no meaning.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    correct: str = ""


class Learner(Protocol):
    """A model with its data: what the training loop needs and all that it knows."""

    objective: str
    """The metric on the validation part that picks the best epoch; larger is better."""
    examples_per_epoch: int
    steps_per_epoch: int

    @property
    def model(self) -> nn.Module:
        """What is trained."""
        ...

    def batches(self, epoch: int) -> Iterator[Any]:
        """The batches of an epoch (from 1), the same for the same trial and epoch."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """The loss of one batch, a scalar, in training mode."""
        ...

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Scores on one part, in evaluation mode."""
        ...


class Task(Protocol):
    """One kind of learning problem."""

    def build(self, trial: Trial, *, device: torch.device) -> Learner:
        """A learner with freshly drawn weights for a resolved trial."""
        ...

    def cost(self, trial: Trial) -> Cost:
        """What the trial's model costs; needs no training."""
        ...
