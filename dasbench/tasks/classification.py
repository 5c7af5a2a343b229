"""Image classification: cross-entropy on labelled images, top-1 and top-5."""

import os
import shutil
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dasbench.catalog import TASKS, load_dataset
from dasbench.costs.latency import time_forward
from dasbench.costs.measure import measure_cost
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Split
from dasbench.datasets.loading import in_order, load_batches, parts_of, without_lone_image
from dasbench.datasets.memory import Resident
from dasbench.errors import UsageError
from dasbench.gates.traits import HasAuxiliary
from dasbench.metrics.accuracy import in_top, top1, top5
from dasbench.metrics.latency import latency_ms
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.saliency.sfd import ScoreSaliency, part_scorer
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Learner, Replica

EVALUATION_BATCH = 256


@TASKS.register("classification")
class Classification:
    """Tell which class an image belongs to.

    Args:
        saliency: a stage (`stage4`) or a module's path, at which Grad-CAM maps are scored against the masks of the data
            set's objects: adds `sfd` to the scores of both parts. None for no such score.
        saliency_images: how many images of a part are scored; 100 in the paper.
        latency: time the forward pass of one image once the network is trained: adds `latency_ms`, which depends on
            the machine and on what else it does.
    """

    def __init__(
        self,
        *,
        saliency: str | None = None,
        saliency_images: Annotated[int, Ge(1), Le(100_000)] = 100,
        latency: bool = False,
    ) -> None:
        self.saliency = saliency
        self.saliency_images = saliency_images
        self.latency = latency

    def build(self, trial: Trial, *, device: torch.device, replica: Replica | None = None) -> Learner:
        """A learner with freshly drawn weights for a resolved trial, which trains on a replica's share, or on all."""
        learner = _Classifier(trial, _dataset(trial), device, replica or Replica())
        learner.score_saliency = self._saliency_scorer(trial, learner.model)
        learner.latency = self.latency
        return learner

    def cost(self, trial: Trial) -> Cost:
        """What the trial's network costs for one image of its data set, once it is trained."""
        data = _dataset(trial)
        network = build_model(trial, num_classes=len(data.classes))
        self._saliency_scorer(trial, network)  # refuses what cannot be scored before anything is trained
        return measure_cost(inference_form(network), data.input_size)

    def _saliency_scorer(self, trial: Trial, network: nn.Module) -> ScoreSaliency | None:
        if self.saliency is None:
            return None
        data = _dataset(trial)
        return part_scorer(network, data, trial, layer=self.saliency, num_images=self.saliency_images)


class _Share(NamedTuple):
    """What a replica computes of a part of a batch.

    Args:
        indices: which images.
        shared: whether the other replicas compute the rest; if not, they compute the same.
        weight: of its loss in that of the batch.
    """

    indices: NDArray[np.int64]
    shared: bool
    weight: float


class _Part(NamedTuple):
    images: Tensor
    labels: Tensor
    share: _Share


class _Classifier:
    """A network and the labelled images that it learns from."""

    objective = "top1"

    def __init__(self, trial: Trial, data: Dataset, device: torch.device, replica: Replica) -> None:
        self.trial = trial
        self.score_saliency: ScoreSaliency | None = None
        self.latency = False
        self.data = data
        self.device = device
        self.replica = replica
        self.model = build_model(trial, num_classes=len(data.classes))
        self.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if trial.training.compile:
            _refuse_without_compiler()
            self.model.compile()
        self.auxiliary = [module for module in self.model.modules() if isinstance(module, HasAuxiliary)]
        self.parts = {part: _resident(getattr(data, part), device) for part in ("train", "val", "test")}
        self.labels = {part: split.labels.to(device) for part, split in self.parts.items()}
        self.mean = torch.tensor(data.mean, device=device)[:, None, None]
        self.std = torch.tensor(data.std, device=device)[:, None, None]
        self.examples_per_epoch = len(data.train.labels)
        self.loaders = data_access().loaders
        self.steps_per_epoch = len(without_lone_image(self.examples_per_epoch, trial.training.batch_size))

    def batches(self, epoch: int) -> Iterator[Iterable[_Part]]:
        """Every training image once, in the epoch's order, each varied by its own random stream."""
        split, training = self.parts["train"], self.trial.training
        order = permutation(derive_seed(self.trial.seed, "order", epoch), self.examples_per_epoch)
        variation = derive_seed(self.trial.seed, "augment", epoch)
        batches = [self._shares(order[places]) for places in without_lone_image(len(order), training.batch_size)]
        wanted = (share.indices for shares in batches for share in shares)
        images = self._loaded(split, wanted, variation if training.augment else None)
        for shares in batches:
            yield self._labelled(shares, images)

    def _shares(self, batch: NDArray[np.int64]) -> list[_Share]:
        """What this replica computes of a batch, part by part."""
        training, shares = self.trial.training, []
        for part in parts_of(batch, number=training.accumulate, batch_size=training.batch_size):
            shared, own = self.replica.can_share(part), self.replica.share(part)
            copies = 1 if shared else self.replica.number
            shares.append(_Share(own, shared, len(own) / len(batch) / copies))
        return shares

    def _labelled(self, shares: list[_Share], images: Iterator[Tensor]) -> Iterator[_Part]:
        """The next images with their labels, one part after the other."""
        for share, some in zip(shares, images, strict=False):  # the rest of the images belongs to the next batches
            yield _Part(some, self.labels["train"][torch.from_numpy(share.indices).to(self.device)], share)

    def losses(self, batch: Iterable[_Part]) -> Iterator[Tensor]:
        """Cross-entropy, averaged over the batch; the sum of it where parts of the network classify on their own."""
        for part in batch:
            self.replica.sharing = part.share.shared
            total = self._cross_entropy(self._logits(part.images), part.labels)
            for module in self.auxiliary:
                for logits in module.take_auxiliary():
                    total = total + self._cross_entropy(logits.float(), part.labels)
            yield total * part.share.weight

    def _logits(self, images: Tensor) -> Tensor:
        """What the network says, computed in the precision of the recipe and returned in fp32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.trial.training.precision == "bf16"):
            logits: Tensor = self.model(images)
        return logits.float()

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.trial.training.label_smoothing)

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Loss, top-1 and top-5 on one part, and which of its images were right."""
        split, labels = self.parts[part], self.labels[part]
        self.model.eval()
        with torch.inference_mode():
            batches = self._loaded(split, in_order(len(split), EVALUATION_BATCH), None)
            logits = torch.cat([self._logits(batch) for batch in batches])
            metrics = {
                "loss": float(functional.cross_entropy(logits, labels)),
                "top1": top1(logits, labels),
                "top5": top5(logits, labels),
            }
            right = in_top(logits, labels, k=1).cpu().numpy()
        if self.score_saliency:
            metrics |= self.score_saliency(part)
        if self.latency and part == "test":
            metrics["latency_ms"] = latency_ms(time_forward(inference_form(self.model), self.data.input_size))
        return Evaluation(metrics, np.packbits(right).tobytes().hex())

    def _loaded(self, split: Split, batches: Iterable[NDArray[np.int64]], variation: int | None) -> Iterator[Tensor]:
        """The images of some batches on the device, normalised; a GPU computes while those of files come."""
        in_memory = isinstance(split, Resident)
        ahead = self.device.type == "cuda" and not in_memory
        loaders = 0 if in_memory else self.loaders
        for images in load_batches(split, batches, variation=variation, loaders=loaders, pin_memory=ahead):
            scaled = (images.to(self.device, non_blocking=ahead).float() / 255 - self.mean) / self.std
            yield scaled.contiguous(memory_format=torch.channels_last)


def _refuse_without_compiler() -> None:
    """Say what torch.compile lacks before it fails in the middle of a step."""
    asked = os.environ.get("CXX")
    names = [asked] if asked else ["g++", "clang++", "cl"]
    if not any(shutil.which(name) for name in names):
        looked = f"$CXX is '{asked}', which is not there" if asked else f"found none of {', '.join(names)}"
        raise UsageError(
            f"training.compile: true needs a C++ compiler ({looked}); install one, or set training.compile: false"
        )


def _dataset(trial: Trial) -> Dataset:
    data: Dataset = load_dataset(trial.dataset)
    return data


def _resident(split: Split, device: torch.device) -> Split:
    """The part with its images on the device, if they are in memory and fit there."""
    return split.resident(device) if isinstance(split, Resident) else split
