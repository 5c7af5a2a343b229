"""Image classification: cross-entropy on labelled images, top-1, top-5, scores by class."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dasbench.catalog import TASKS
from dasbench.confusion import Confusion
from dasbench.costs.latency import time_forward
from dasbench.costs.measure import measure_cost
from dasbench.costs.structure import structure_of
from dasbench.datasets.choice import load_dataset
from dasbench.datasets.dataset import PARTS, Dataset, Images
from dasbench.datasets.loading import in_order
from dasbench.datasets.memory import cut_on_device
from dasbench.gates.traits import HasAuxiliary
from dasbench.metrics.accuracy import in_top, top1, top5
from dasbench.metrics.balanced import balanced_accuracy, claims, macro_f1
from dasbench.metrics.latency import latency_ms
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.saliency.sfd import ScoreSaliency, part_scorer
from dasbench.spec.network import network_of
from dasbench.spec.trial import Trial
from dasbench.tasks.balance import Repeatable, balanced_draw, class_weights
from dasbench.tasks.learner import ImageLearner, resident
from dasbench.tasks.task import Evaluation, Learner, Replica

EVALUATION_BATCH = 256


@TASKS.register("classification", balance=("weights", "sampling"))
class Classification:
    """Tell which class an image belongs to.

    Args:
        saliency: a stage (`stage4`) or a module's path, at which Grad-CAM maps are scored against
            the masks of the data set's objects: adds `sfd` to the scores of both parts. None for no
            such score.
        saliency_images: how many images of a part are scored; 100 in the paper.
        latency: time the forward pass of one image once the network is trained: adds `latency_ms`,
            which depends on the machine and on what else it does.
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

    def build(
        self, trial: Trial, *, device: torch.device, replica: Replica | None = None
    ) -> Learner:
        """A learner with fresh weights for a resolved trial, which trains on a replica's share."""
        learner = _Classifier(trial, _dataset(trial), device, replica or Replica())
        learner.score_saliency = self._saliency_scorer(trial, learner.network)
        learner.latency = self.latency
        return learner

    def cost(self, trial: Trial) -> Cost:
        """What the trial's network costs for one image of its data set, once it is trained."""
        data = _dataset(trial)
        network = build_model(network_of(trial, data), seed=trial.seed)
        self._saliency_scorer(trial, network)  # refuses what cannot be scored before any training
        structure = structure_of(network)
        network.fold_gates()  # as the network is used
        return replace(measure_cost(network, data.input_size), structure=structure)

    def _saliency_scorer(self, trial: Trial, network: nn.Module) -> ScoreSaliency | None:
        if self.saliency is None:
            return None
        data = _dataset(trial)
        return part_scorer(network, data, layer=self.saliency, num_images=self.saliency_images)


class _Batch(NamedTuple):
    images: Tensor
    labels: Tensor


class _Classifier(ImageLearner[_Batch]):
    """A network and the labelled images that it learns from."""

    objective = "top1"

    def __init__(self, trial: Trial, data: Dataset, device: torch.device, replica: Replica) -> None:
        self.network = build_model(network_of(trial, data), seed=trial.seed)
        super().__init__(self.network, trial, data, device, replica)
        self.score_saliency: ScoreSaliency | None = None
        self.latency = False
        self.auxiliary = [each for each in self.model.modules() if isinstance(each, HasAuxiliary)]
        self.parts = {part: resident(getattr(data, part), device) for part in PARTS}
        self.labels = {part: split.labels.to(device) for part, split in self.parts.items()}
        self.truth = data.train.labels.cpu().numpy()
        self.repeatable: Repeatable | None = None
        if trial.training.balance == "sampling":
            self.repeatable = Repeatable(data.train)
        self.class_weights: NDArray[np.float64] | None = None
        self.loss_weights: Tensor | None = None
        if trial.training.balance == "weights":
            self.class_weights = class_weights(self.truth, num_classes=len(data.classes))
            self.loss_weights = torch.from_numpy(self.class_weights).float().to(device)

    def load(
        self,
        part: Literal["train", "val", "test"],
        batches: Sequence[NDArray[np.int64]],
        *,
        variation: int | None,
    ) -> Iterator[_Batch]:
        """Images with their labels."""
        split: Images = self.parts[part]
        if part == "train" and self.repeatable:
            split = self.repeatable
        images = self.images(split, batches, variation=variation)
        indices = [batch % len(split) for batch in batches]
        for some, places in zip(images, cut_on_device(indices, self.device), strict=True):
            yield _Batch(some, self.labels[part][places])

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Each training image once, or a draw in which no class comes more often than another."""
        if self.repeatable:
            return balanced_draw(self.truth, seed=self.trial.seed, epoch=epoch)
        return super().order(epoch)

    def weight(self, indices: NDArray[np.int64]) -> float:
        """The number of some training images, or the sum of their classes' weights."""
        if self.class_weights is None:
            return super().weight(indices)
        return float(self.class_weights[self.truth[indices]].sum())

    def loss(self, content: _Batch) -> Tensor:
        """Cross-entropy; the sum of it where parts of the network classify on their own."""
        total = self._cross_entropy(self._logits(content.images), content.labels)
        for module in self.auxiliary:
            for logits in module.take_auxiliary():
                total = total + self._cross_entropy(logits.float(), content.labels)
        return total

    def _logits(self, images: Tensor) -> Tensor:
        """What the network says, computed in the precision of the recipe and returned in fp32."""
        with self.autocast():
            logits: Tensor = self.model(images)
        return logits.float()

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.trial.training.label_smoothing
        return functional.cross_entropy(
            logits, labels, weight=self.loss_weights, label_smoothing=smoothing
        )

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Loss and accuracies on one part, and which of its images were right; without weights."""
        split, labels = self.parts[part], self.labels[part]
        batches = in_order(len(split), self.at_a_time(EVALUATION_BATCH))
        self.model.eval()
        with torch.inference_mode():
            images = self.images(split, batches, variation=None)
            logits = torch.cat([self._logits(batch) for batch in images])
            metrics = {
                "loss": float(functional.cross_entropy(logits, labels)),
                "top1": top1(logits, labels),
                "top5": top5(logits, labels),
                "balanced_accuracy": balanced_accuracy(logits, labels),
                "macro_f1": macro_f1(logits, labels),
            }
            right = in_top(logits, labels, k=1).cpu().numpy()
        if self.score_saliency:
            metrics |= self.score_saliency(part)
        if self.latency and part == "test":
            times_ms = time_forward(inference_form(self.network), self.data.input_size)
            metrics["latency_ms"] = latency_ms(times_ms)
        confusion = ""
        if part == "test":
            confusion = self._confusion(logits, labels)
        return Evaluation(metrics, np.packbits(right).tobytes().hex(), confusion)

    def _confusion(self, logits: Tensor, labels: Tensor) -> str:
        """Which classes were taken for which."""
        classes = self.data.classes
        places, numbers = torch.unique(labels * len(classes) + claims(logits), return_counts=True)
        return Confusion.from_places(classes, places.tolist(), numbers.tolist()).to_text()


def _dataset(trial: Trial) -> Dataset:
    data: Dataset = load_dataset(trial.dataset)
    return data
