"""What all tasks on images share: batches cut into parts and shared out, normalised images."""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Images
from dasbench.datasets.loading import load_batches, parts_of, without_lone_image
from dasbench.datasets.memory import MemorySplit, Resident
from dasbench.datasets.normalisation import Normalisation
from dasbench.datasets.transfer import Transfer
from dasbench.errors import UsageError
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Replica

T = TypeVar("T")
S = TypeVar("S", bound=Images)

MANY_IMAGES = 1024
"""Images of a batch that is evaluated on a GPU, at most: small ones do not fill it otherwise."""

MANY_PIXELS = 1 << 16
"""Of an image of which a GPU evaluates as many at a time as a CPU; of smaller ones more."""

FEW_CHANNELS = 16
"""Fewer than what a vector register of AVX-512 holds."""


class BatchShare(NamedTuple):
    """What a replica computes of a part of a batch.

    Args:
        indices: which images.
        shared: whether the other replicas compute the rest; if not, they compute the same.
        weight: of its loss in that of the batch.
    """

    indices: NDArray[np.int64]
    shared: bool
    weight: float


class LoadedShare(NamedTuple, Generic[T]):
    """A share of a part of a batch with what it holds.

    Args:
        content: as the learner's `load` gives it.
        share: which images it is.
    """

    content: T
    share: BatchShare


class ImageLearner(ABC, Generic[T]):
    """A network and the images that it learns from; a task says what to load, loss and scores.

    Args:
        model: with freshly drawn weights; it is moved to the device.
        trial: a resolved trial.
        data: its data set.
        device: where it trains.
        replica: which share of every batch is computed here.
    """

    objective: str

    def __init__(
        self, model: nn.Module, trial: Trial, data: Dataset, device: torch.device, replica: Replica
    ) -> None:
        self.model = model
        self.trial = trial
        self.data = data
        self.device = device
        self.replica = replica
        self.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if device.type == "cpu":
            _spare_faulty_kernel(self.model)
        if trial.training.compile:
            _refuse_without_compiler()
            # else torch takes the network for an earlier one with other hooks, the gates
            torch.compiler.reset()
            self.model.compile()
        self.loaders = data_access().loaders
        self.examples_per_epoch = len(data.train)
        self.steps_per_epoch = len(
            without_lone_image(self.examples_per_epoch, trial.training.batch_size)
        )
        self.transfer = Transfer(device)
        dtype = torch.float32
        if trial.training.precision == "bf16":
            dtype = torch.bfloat16
        self._normalise = Normalisation(data.mean, data.std, device=device, dtype=dtype)

    @abstractmethod
    def load(
        self,
        part: Literal["train", "val", "test"],
        batches: Sequence[NDArray[np.int64]],
        *,
        variation: int | None,
    ) -> Iterator[T]:
        """What some batches hold, on the device, one after the other.

        Args:
            part: of the data set.
            batches: indices of each.
            variation: seed of the random variation in training; None gives the images as they are
                evaluated.
        """

    @abstractmethod
    def loss(self, content: T) -> Tensor:
        """The mean loss over what was loaded, a scalar, in training mode."""

    @abstractmethod
    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Scores on one part, in evaluation mode."""

    def batches(self, epoch: int) -> Iterator[Iterable[LoadedShare[T]]]:
        """The training images in the epoch's order, each varied by its own random stream."""
        training = self.trial.training
        order = self.order(epoch)
        variation = None
        if training.augment:
            variation = derive_seed(self.trial.seed, "augment", epoch)
        places = without_lone_image(len(order), training.batch_size)
        batches = [self._shares(order[some]) for some in places]
        wanted = [share.indices for share in chain.from_iterable(batches)]
        contents = self.load("train", wanted, variation=variation)
        for shares in batches:
            some = zip(shares, contents, strict=False)  # contents go on
            yield (LoadedShare(content, share) for share, content in some)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The training images of an epoch, as `load` takes them: each once, in its own order."""
        return permutation(derive_seed(self.trial.seed, "order", epoch), self.examples_per_epoch)

    def weight(self, indices: NDArray[np.int64]) -> float:
        """What some training images weigh in the loss of their batch: as much as there are."""
        return len(indices)

    def losses(self, batch: Iterable[LoadedShare[T]]) -> Iterator[Tensor]:
        """The loss of each part, weighted by its share of the batch."""
        for part in batch:
            self.replica.sharing = part.share.shared
            yield self.loss(part.content) * part.share.weight

    def autocast(self) -> torch.autocast:
        """The precision of the recipe, for the network's forward pass."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.trial.training.precision == "bf16"
        )

    def images(
        self, split: Images, batches: Iterable[NDArray[np.int64]], *, variation: int | None
    ) -> Iterator[Tensor]:
        """The images of some batches on the device, normalised.

        Shape:
            float32, on a GPU the type that the network trains in: [B, 3, H, W] each, channels last
        """
        return map(self._normalise, self.read(split, batches, variation=variation))

    def read(
        self, split: Images, batches: Iterable[NDArray[np.int64]], *, variation: int | None
    ) -> Iterator[Tensor]:
        """The images of some batches on the device, as they are; a GPU computes while they come.

        Shape:
            uint8, [B, channels, H, W] each
        """
        return load_batches(
            split, batches, variation=variation, loaders=self.loaders, transfer=self.transfer
        )

    def at_a_time(self, usual: int) -> int:
        """Images of a batch in evaluation.

        Args:
            usual: on a CPU, and where images are large.
        """
        if self.device.type == "cpu":
            return usual
        _, height, width = self.data.input_size
        return max(usual, min(MANY_IMAGES, usual * MANY_PIXELS // (height * width)))

    def _shares(self, batch: NDArray[np.int64]) -> list[BatchShare]:
        """What this replica computes of a batch, part by part."""
        training, shares = self.trial.training, []
        for part in parts_of(batch, number=training.accumulate, batch_size=training.batch_size):
            shared, own = self.replica.can_share(part), self.replica.share(part)
            copies = self.replica.number
            if shared:
                copies = 1
            shares.append(BatchShare(own, shared, self.weight(own) / self.weight(batch) / copies))
        return shares


def resident(split: S, device: torch.device) -> S | MemorySplit:
    """A part with its images on the device, if they are in memory and fit there."""
    if isinstance(split, Resident):
        return split.resident(device)
    return split


def _spare_faulty_kernel(model: nn.Module) -> None:
    """Keep strided 1x1 convolutions of few channels out of the channels-last format.

    They damage memory in it. On CPUs with AVX-512, oneDNN's gradient of their weights writes beyond
    its workspace (torch 2.15: a process that trains a ResNet-18 of width 8 on images of 64 px
    dies). Their numbers are the same in either format.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and _is_faulty(module):
            module.to(memory_format=torch.contiguous_format)
            module.register_forward_pre_hook(_contiguous)


def _is_faulty(layer: nn.Conv2d) -> bool:
    is_strided_1x1 = layer.kernel_size == (1, 1) and layer.stride != (1, 1)
    return is_strided_1x1 and layer.in_channels < FEW_CHANNELS


def _contiguous(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    del module
    return tuple(each.contiguous() for each in inputs)


def _refuse_without_compiler() -> None:
    """Say what torch.compile lacks before it fails in the middle of a step."""
    names, looked = ["g++", "clang++", "cl"], "found none of g++, clang++, cl"
    if asked := os.environ.get("CXX"):
        names, looked = [asked], f"$CXX is '{asked}', which is not there"
    if not any(map(shutil.which, names)):
        raise UsageError(
            f"training.compile: true needs a C++ compiler ({looked}); install one, or set "
            "training.compile: false"
        )
