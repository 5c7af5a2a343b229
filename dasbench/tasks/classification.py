"""Image classification: cross-entropy on labelled images, top-1 and top-5."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dasbench.catalog import DATASETS, TASKS
from dasbench.costs.measure import measure_cost
from dasbench.datasets.dataset import Dataset, Split, shift_and_flip
from dasbench.gates.traits import HasAuxiliary
from dasbench.metrics.accuracy import in_top, top1, top5
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.seeds import derive_seed, permutation, uniform
from dasbench.spec.trial import Choice, Trial
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
    """A network and the labelled images that it learns from, all on one device."""

    objective = "top1"

    def __init__(self, trial: Trial, data: Dataset, device: torch.device) -> None:
        self.trial = trial
        self.data = data
        self.device = device
        self.model = build_model(trial, num_classes=len(data.classes))
        self.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.auxiliary = [module for module in self.model.modules() if isinstance(module, HasAuxiliary)]
        self.parts = {part: _on(device, getattr(data, part)) for part in ("train", "val", "test")}
        self.mean = torch.tensor(data.mean, device=device)[:, None, None]
        self.std = torch.tensor(data.std, device=device)[:, None, None]
        self.examples_per_epoch = len(data.train.labels)
        self.steps_per_epoch = math.ceil(self.examples_per_epoch / trial.training.batch_size)

    def batches(self, epoch: int) -> Iterator[_Batch]:
        """Every training image once, in the epoch's order, each varied by its own random stream."""
        split, training = self.parts["train"], self.trial.training
        order = permutation(derive_seed(self.trial.seed, "order", epoch), self.examples_per_epoch)
        variation = derive_seed(self.trial.seed, "augment", epoch)
        for start in range(0, len(order), training.batch_size):
            chosen = order[start : start + training.batch_size]
            index = torch.from_numpy(chosen).to(self.device)
            images = split.images[index]
            if training.augment:
                draws = uniform(variation, chosen, draws=3)
                images = shift_and_flip(images, draws, max_shift=self.data.max_shift, flip=self.data.flip)
            yield _Batch(self._normalised(images), split.labels[index])

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
        split = self.parts[part]
        self.model.eval()
        with torch.inference_mode():
            chunks = torch.split(split.images, EVALUATION_BATCH)
            logits = torch.cat([self.model(self._normalised(chunk)).float() for chunk in chunks])
            metrics = {
                "loss": float(functional.cross_entropy(logits, split.labels)),
                "top1": top1(logits, split.labels),
                "top5": top5(logits, split.labels),
            }
            right = in_top(logits, split.labels, k=1).cpu().numpy()
        return Evaluation(metrics, np.packbits(right).tobytes().hex())

    def _normalised(self, images: Tensor) -> Tensor:
        scaled = (images.float() / 255 - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)


def _dataset(trial: Trial) -> Dataset:
    return _load(trial.dataset.model_dump_json())


@lru_cache(maxsize=2)
def _load(dataset: str) -> Dataset:
    """A worker trains many trials on the same images: keep them."""
    choice = Choice.model_validate_json(dataset)
    data: Dataset = DATASETS[choice.name].make(**choice.params)
    return data


def _on(device: torch.device, split: Split) -> Split:
    return Split(split.images.to(device), split.labels.to(device))
