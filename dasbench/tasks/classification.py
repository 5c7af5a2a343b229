"""Image classification: cross-entropy on labelled images, top-1 and top-5."""

import math
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dasbench.catalog import TASKS, load_dataset
from dasbench.costs.measure import measure_cost
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Split
from dasbench.datasets.loading import in_order, load_batches
from dasbench.datasets.memory import Resident
from dasbench.gates.traits import HasAuxiliary
from dasbench.metrics.accuracy import in_top, top1, top5
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Learner

EVALUATION_BATCH = 256


@TASKS.register("classification")
class Classification:
    """Tell which class an image belongs to."""

    def build(self, trial: Trial, *, device: torch.device) -> Learner:
        """A learner with freshly drawn weights for a resolved trial."""
        return _Classifier(trial, _dataset(trial), device)

    def cost(self, trial: Trial) -> Cost:
        """What the trial's network costs for one image of its data set, once it is trained."""
        data = _dataset(trial)
        network = build_model(trial, num_classes=len(data.classes))
        return measure_cost(inference_form(network), data.input_size)


class _Batch(NamedTuple):
    images: Tensor
    labels: Tensor


class _Classifier:
    """A network and the labelled images that it learns from."""

    objective = "top1"

    def __init__(self, trial: Trial, data: Dataset, device: torch.device) -> None:
        self.trial = trial
        self.data = data
        self.device = device
        self.model = build_model(trial, num_classes=len(data.classes))
        self.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.auxiliary = [module for module in self.model.modules() if isinstance(module, HasAuxiliary)]
        self.parts = {part: _resident(getattr(data, part), device) for part in ("train", "val", "test")}
        self.labels = {part: split.labels.to(device) for part, split in self.parts.items()}
        self.mean = torch.tensor(data.mean, device=device)[:, None, None]
        self.std = torch.tensor(data.std, device=device)[:, None, None]
        self.examples_per_epoch = len(data.train.labels)
        self.loaders = data_access().loaders
        self.steps_per_epoch = math.ceil(self.examples_per_epoch / trial.training.batch_size)

    def batches(self, epoch: int) -> Iterator[_Batch]:
        """Every training image once, in the epoch's order, each varied by its own random stream."""
        split, training = self.parts["train"], self.trial.training
        order = permutation(derive_seed(self.trial.seed, "order", epoch), self.examples_per_epoch)
        variation = derive_seed(self.trial.seed, "augment", epoch)
        chunks = [order[places] for places in in_order(len(order), training.batch_size)]
        images = self._loaded(split, chunks, variation if training.augment else None)
        for chosen, batch in zip(chunks, images, strict=True):
            yield _Batch(batch, self.labels["train"][torch.from_numpy(chosen).to(self.device)])

    def loss(self, batch: _Batch) -> Tensor:
        """Cross-entropy, averaged over the batch; the sum of it where parts of the network classify on their own."""
        total = self._cross_entropy(self.model(batch.images), batch.labels)
        for module in self.auxiliary:
            for logits in module.take_auxiliary():
                total = total + self._cross_entropy(logits, batch.labels)
        return total

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.trial.training.label_smoothing)

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Loss, top-1 and top-5 on one part, and which of its images were right."""
        split, labels = self.parts[part], self.labels[part]
        self.model.eval()
        with torch.inference_mode():
            batches = self._loaded(split, in_order(len(split), EVALUATION_BATCH), None)
            logits = torch.cat([self.model(batch).float() for batch in batches])
            metrics = {
                "loss": float(functional.cross_entropy(logits, labels)),
                "top1": top1(logits, labels),
                "top5": top5(logits, labels),
            }
            right = in_top(logits, labels, k=1).cpu().numpy()
        return Evaluation(metrics, np.packbits(right).tobytes().hex())

    def _loaded(self, split: Split, batches: Iterable[NDArray[np.int64]], variation: int | None) -> Iterator[Tensor]:
        """The images of some batches on the device, normalised."""
        loaders = 0 if isinstance(split, Resident) else self.loaders
        for images in load_batches(split, batches, variation=variation, loaders=loaders):
            scaled = (images.to(self.device).float() / 255 - self.mean) / self.std
            yield scaled.contiguous(memory_format=torch.channels_last)


def _dataset(trial: Trial) -> Dataset:
    data: Dataset = load_dataset(trial.dataset)
    return data


def _resident(split: Split, device: torch.device) -> Split:
    """The part with its images on the device, if they are in memory and fit there."""
    return split.resident(device) if isinstance(split, Resident) else split
