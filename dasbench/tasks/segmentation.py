"""Semantic segmentation: cross-entropy on the class of each pixel, mean intersection over union."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dasbench.backbones.segmentation import FullyConvolutional
from dasbench.catalog import TASKS
from dasbench.confusion import Confusion
from dasbench.costs.measure import measure_cost
from dasbench.costs.structure import structure_of
from dasbench.datasets.annotations import IGNORED, ClassMaps, HasClassMaps
from dasbench.datasets.choice import load_dataset
from dasbench.datasets.dataset import Dataset
from dasbench.datasets.loading import in_order
from dasbench.datasets.memory import MemorySplit, ResidentMaps
from dasbench.metrics.segmentation import count_pixels, miou, pixel_accuracy
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.seeds import derive_seed
from dasbench.spec.network import network_of
from dasbench.spec.trial import Trial
from dasbench.tasks.learner import ImageLearner, resident
from dasbench.tasks.task import Evaluation, Learner, Replica

EVALUATION_BATCH = 64

BACKGROUND = "background"
"""The name of class 0, of pixels that belong to no object."""


@TASKS.register("segmentation", needs="maps")
class Segmentation:
    """Tell the class of each pixel, with a fully convolutional network on the backbone.

    What a gate learns from its own classification of the image (ABN) is left out.

    Args:
        levels: resolutions of the backbone that vote on a pixel: 1 is FCN-32s, 2 FCN-16s and 3
            FCN-8s in the paper.
    """

    def __init__(self, *, levels: Annotated[int, Ge(1), Le(5)] = 3) -> None:
        self.levels = levels

    def build(
        self, trial: Trial, *, device: torch.device, replica: Replica | None = None
    ) -> Learner:
        """A learner with fresh weights for a resolved trial, which trains on a replica's share."""
        data = load_dataset(trial.dataset)
        return _Segmenter(self._network(trial, data), trial, data, device, replica or Replica())

    def cost(self, trial: Trial) -> Cost:
        """What the trial's network costs for one image of its data set, once it is trained."""
        data = load_dataset(trial.dataset)
        cost = measure_cost(self._network(trial, data, folded=True), data.input_size)
        return replace(cost, structure=structure_of(self._network(trial, data)))

    def _network(self, trial: Trial, data: Dataset, *, folded: bool = False) -> FullyConvolutional:
        """The network, gates included, as it is trained, or as it is used."""
        gated = build_model(network_of(trial, data), seed=trial.seed)
        if folded:
            gated = inference_form(gated)
        gated.eval()  # gates see an image, to learn nothing
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(trial.seed, "segmentation"))
            network = FullyConvolutional(
                gated.backbone,
                gated.stage_ends,
                num_classes=len(data.classes) + 1,
                levels=self.levels,
            )
        network.add_module("gates", gated.gates)  # they act through hooks of the backbone
        return network.train()


class _Batch(NamedTuple):
    images: Tensor
    maps: Tensor


class _Segmenter(ImageLearner[_Batch]):
    """A network and the images whose pixels it learns to tell apart."""

    objective = "miou"

    def __init__(
        self,
        model: FullyConvolutional,
        trial: Trial,
        data: Dataset,
        device: torch.device,
        replica: Replica,
    ) -> None:
        super().__init__(model, trial, data, device, replica)
        self.annotated: dict[str, HasClassMaps] = {
            part: getattr(data, part) for part in ("train", "val", "test")
        }
        self.parts = {part: resident(split, device) for part, split in self.annotated.items()}
        self.maps = {part: _class_maps(split, device) for part, split in self.annotated.items()}

    def load(
        self,
        part: Literal["train", "val", "test"],
        batches: Sequence[NDArray[np.int64]],
        *,
        variation: int | None,
    ) -> Iterator[_Batch]:
        """Images with the class of each pixel."""
        images = self.images(self.parts[part], batches, variation=variation)
        maps = self.read(self.maps[part], batches, variation=variation)
        for some, classes in zip(images, maps, strict=True):
            yield _Batch(some, classes[:, 0].long())

    def loss(self, content: _Batch) -> Tensor:
        """Cross-entropy, averaged over the pixels of which the class is known."""
        smoothing = self.trial.training.label_smoothing
        return pixel_loss(self._scores(content.images), content.maps, label_smoothing=smoothing)

    def _scores(self, images: Tensor) -> Tensor:
        """Class scores of each pixel, computed in the recipe's precision and returned in fp32."""
        with self.autocast():
            scores: Tensor = self.model(images)
        return scores.float()

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Loss, mean intersection over union and pixel accuracy on one part."""
        num_classes, length = len(self.data.classes) + 1, len(self.parts[part])
        self.model.eval()
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=self.device)
        batches = list(in_order(length, self.at_a_time(EVALUATION_BATCH)))
        with torch.inference_mode():
            for batch in self.load(part, batches, variation=None):
                scores = self._scores(batch.images)
                loss += pixel_loss(scores, batch.maps).double() * len(scores) / length
                claims = scores.argmax(1)
                confusion += count_pixels(
                    batch.maps, claims, num_classes=num_classes, ignored=IGNORED
                )
        metrics = {
            "loss": float(loss),
            "miou": miou(confusion),
            "pixel_accuracy": pixel_accuracy(confusion),
        }
        text = ""
        if part == "test":
            text = self._confusion(confusion)
        return Evaluation(metrics, confusion=text)

    def _confusion(self, confusion: Tensor) -> str:
        """Pixels of which classes were taken for which."""
        flat = confusion.flatten()
        places = flat.nonzero().flatten()
        classes = (BACKGROUND, *self.data.classes)
        return Confusion.from_places(classes, places.tolist(), flat[places].tolist()).to_text()


def pixel_loss(scores: Tensor, maps: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy, averaged over each image's pixels of known class, then over the images.

    So the loss of a batch is that of its parts, weighted by their images, whatever is ignored in
    each. An image of which nothing is known has a loss of 0.

    Args:
        scores: of the classes, [B, K, H, W].
        maps: class of each pixel, or `IGNORED`: int64, [B, H, W].
        label_smoothing: share of the target that is spread over all classes.

    Example:
        >>> pixel_loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, IGNORED]]]))
        tensor(0.6931)
    """
    # to ask this on a GPU would hold it up
    if not scores.is_cuda and bool((maps != IGNORED).all()):
        return functional.cross_entropy(scores, maps, label_smoothing=label_smoothing)
    losses = functional.cross_entropy(
        scores, maps, label_smoothing=label_smoothing, ignore_index=IGNORED, reduction="none"
    )
    known = (maps != IGNORED).sum((1, 2)).clamp(min=1)
    return (losses.sum((1, 2)) / known).mean()


def _class_maps(split: HasClassMaps, device: torch.device) -> MemorySplit | ClassMaps:
    """The class maps of a part as images of one channel, on the device if they can be there."""
    if isinstance(split, ResidentMaps):
        return split.resident_maps(device)
    return ClassMaps(split)
