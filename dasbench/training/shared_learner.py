"""What the replicas of a trial exchange: gradients, losses and scores.

Not shared: dropout. Its masks come from a random stream for each replica, so that a network with
dropout learns from other masks than on one device.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, distributed, nn

from dasbench.seeds import derive_seed
from dasbench.tasks.task import Evaluation, Learner, Replica
from dasbench.training.shared_norm import share_norms

T = TypeVar("T")


def from_first(value: T) -> T:
    """The first replica's value, in every replica."""
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def add_up(model: nn.Module, loss: Tensor) -> Tensor:
    """Make every replica's gradients and loss the sum over all of them, in one go."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([*map(torch.flatten, gradients), loss.reshape(1)])
    distributed.all_reduce(flat)
    sums = torch.split_with_sizes(flat[:-1], list(map(torch.numel, gradients)))
    for gradient, summed in zip(gradients, sums, strict=True):
        gradient.copy_(summed.view(gradient.shape))
    return flat[-1]


class SharedLearner:
    """A learner on its share: batch statistics are over all replicas, only the first one evaluates.

    Args:
        learner: of this replica.
        replica: which one this is.
    """

    def __init__(self, learner: Learner, replica: Replica) -> None:
        self.objective = learner.objective
        self.examples_per_epoch = learner.examples_per_epoch
        self.steps_per_epoch = learner.steps_per_epoch
        self.model = learner.model
        self.losses: Callable[[Any], Iterable[Tensor]] = learner.losses
        self._learner = learner
        self._replica = replica
        share_norms(learner.model, replica)

    def batches(self, epoch: int) -> Iterator[Any]:
        """This replica's share of the batches of an epoch.

        Dropout draws from a stream of its own.
        """
        if self._replica.rank:
            torch.manual_seed(derive_seed(torch.initial_seed(), "replica", self._replica.rank))
        return self._learner.batches(epoch)

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Scores on one part, from the first replica."""
        own = Evaluation()
        if self._replica.rank == 0:
            own = self._learner.evaluate(part)
        return from_first(own)
