"""What a task has to say: how to build a learner for a trial, and what the learner can do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dasbench.records import Cost
from dasbench.spec.trial import Trial


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on one part of the data.

    Args:
        metrics: value by name, without a prefix (`top1`, `loss`).
        correct: which examples were right, as hexadecimal bits in their order; `""` where that has
            no meaning.
        confusion: of the test part, which classes were taken for which, as `Confusion.to_text`
            writes it; `""` where that has no meaning.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    correct: str = ""
    confusion: str = ""


@dataclass
class Replica:
    """One of the processes that train a trial together, each on its share of the images.

    Args:
        rank: which one, from 0.
        number: how many there are.
        sharing: whether the images under way are shared out; if not, every replica computes all of
            them, for itself.

    Example:
        >>> [Replica(rank, 2).share(np.arange(5)).tolist() for rank in (0, 1)]
        [[0, 2, 4], [1, 3]]
    """

    rank: int = 0
    number: int = 1
    sharing: bool = True

    def can_share(self, indices: NDArray[np.int64]) -> bool:
        """Whether each replica gets two images or more, as batch norms and some gates need."""
        return len(indices) >= 2 * self.number

    def share(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """What this replica computes of some images: every so many, or all of too few to share."""
        if not self.can_share(indices):
            return indices
        return indices[self.rank :: self.number]


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

    def losses(self, batch: Any) -> Iterable[Tensor]:
        """What the parts of one batch add to its loss: scalars, in training mode, made one by one.

        Their sum over a batch, and over the replicas that share it, is the loss of the batch:
        whoever trains sums up the gradients too.
        """
        ...

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Scores on one part, in evaluation mode."""
        ...


class Task(Protocol):
    """One kind of learning problem."""

    def build(
        self, trial: Trial, *, device: torch.device, replica: Replica | None = None
    ) -> Learner:
        """A learner with fresh weights for a resolved trial, which trains on a replica's share."""
        ...

    def cost(self, trial: Trial) -> Cost:
        """What the trial's model costs; needs no training."""
        ...
