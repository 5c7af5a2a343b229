"""Object detection: Faster R-CNN on the trial's backbone, average precision as COCO defines it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from dasbench.backbones.detection import Unrolled, faster_rcnn
from dasbench.catalog import TASKS
from dasbench.costs.measure import measure_cost
from dasbench.costs.structure import structure_of
from dasbench.datasets.annotations import HasObjects, Objects, Scene
from dasbench.datasets.choice import load_dataset
from dasbench.datasets.dataset import IMAGENET_MEAN, IMAGENET_STD
from dasbench.datasets.loading import in_order, load
from dasbench.datasets.memory import Resident
from dasbench.datasets.transfer import Arriving
from dasbench.errors import UsageError
from dasbench.metrics.average_precision import Detections, average_precisions
from dasbench.models import build_model, inference_form
from dasbench.records import Cost
from dasbench.seeds import derive_seed
from dasbench.spec.network import Network, network_of
from dasbench.spec.trial import Trial
from dasbench.tasks.learner import ImageLearner
from dasbench.tasks.task import Evaluation, Learner, Replica

EVALUATION_BATCH = 8


@TASKS.register("detection", needs="objects", fixed_sizes=False)
class Detection:
    """Find objects and tell their classes, with Faster R-CNN on a feature pyramid of the backbone.

    What a gate learns from its own classification of the image (ABN) is left out.

    Args:
        shorter_side: images are scaled to this length of their shorter side, in pixels; 800 in the
            paper's toolbox.
        longer_side: or less, so that the longer one has at most this; 1,333 there.
        norms: of the backbone: `frozen` at what its weights file says, as in the paper, or
            `trained`, where it starts afresh. The norms of gates are trained in any case.
        frozen_stages: the stem and this many stages keep their weights; 1 in the paper's toolbox.
        pyramid: channels of the feature pyramid; 256 in the paper.
        features: of a box; 1,024 in the paper.
        proposals: boxes that are looked at in an image, and what the cost is counted for; twice as
            many in training.
        sampled: boxes of an image that one step of training learns from; 512 in the paper.
    """

    def __init__(
        self,
        *,
        shorter_side: Annotated[int, Ge(32), Le(4096)] = 800,
        longer_side: Annotated[int, Ge(32), Le(4096)] = 1333,
        norms: Literal["frozen", "trained"] = "frozen",
        frozen_stages: Annotated[int, Ge(0), Le(7)] = 0,
        pyramid: Annotated[int, Ge(8), Le(1024)] = 256,
        features: Annotated[int, Ge(8), Le(8192)] = 1024,
        proposals: Annotated[int, Ge(1), Le(10_000)] = 1000,
        sampled: Annotated[int, Ge(4), Le(10_000)] = 512,
    ) -> None:
        self.proposals = proposals
        self.options: dict[str, Any] = {
            "sides": (shorter_side, max(shorter_side, longer_side)),
            "frozen_norms": norms == "frozen",
            "frozen_stages": frozen_stages,
            "pyramid": pyramid,
            "features": features,
            "proposals": proposals,
            "sampled": sampled,
        }

    def build(
        self, trial: Trial, *, device: torch.device, replica: Replica | None = None
    ) -> Learner:
        """A learner with fresh weights for a resolved trial, which trains on a replica's share."""
        if trial.training.compile:
            raise UsageError(
                "training.compile: a detector's steps depend on what it finds and cannot be "
                "compiled"
            )
        data = load_dataset(trial.dataset)
        network = self.network(
            network_of(trial, data), seed=trial.seed, mean=data.mean, std=data.std
        )
        return _Detector(network, trial, data, device, replica or Replica())

    def cost(self, trial: Trial) -> Cost:
        """What the detector costs for one image of its data set and the fixed number of boxes."""
        data = load_dataset(trial.dataset)
        network = network_of(trial, data)
        trained = self.network(network, seed=trial.seed)
        used = self.network(network, seed=trial.seed, folded=True)
        cost = measure_cost(Unrolled(used, boxes=self.proposals), data.input_size)
        return replace(cost, structure=structure_of(trained))

    def network(
        self,
        network: Network,
        *,
        seed: int = 0,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        folded: bool = False,
    ) -> FasterRCNN:
        """The detector on a network, gates included.

        Args:
            network: a resolved one, with as many classes as there are of objects.
            seed: of the trial.
            mean: of each channel, in [0, 1].
            std: of each channel.
            folded: whether it is as it is used, with gates dissolved that can be, or as it is
                trained.
        """
        gated = build_model(network, seed=seed)
        if folded:
            gated = inference_form(gated)
        gated.eval()  # gates see an image, to learn nothing
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "detection"))
            detector = faster_rcnn(
                gated.backbone,
                gated.stage_ends,
                num_classes=network.num_classes + 1,
                mean=mean,
                std=std,
                **self.options,
            )
        detector.add_module("gates", gated.gates)  # they act through hooks of the backbone
        return detector.train()


class _Detector(ImageLearner[list[Scene]]):
    """A detector and the images that it learns from."""

    objective = "ap"

    def load(
        self,
        part: Literal["train", "val", "test"],
        batches: Sequence[NDArray[np.int64]],
        *,
        variation: int | None,
    ) -> Iterator[list[Scene]]:
        """Images, from 0 to 1, with their objects."""
        split: HasObjects = getattr(self.data, part)
        loaders = self.loaders
        if isinstance(split, Resident):
            loaders = 0
        found = load(
            split.scenes,
            batches,
            join=self._send,
            num_draws=split.num_draws,
            variation=variation,
            loaders=loaders,
        )
        for arriving in found:
            yield list(_scenes(arriving.take()))

    def _send(self, chunks: Sequence[list[Scene]]) -> Arriving:
        """The tensors of all scenes of a batch, one after the other, on their way to the device."""
        tensors: list[Tensor] = []
        for scene in chain.from_iterable(chunks):
            tensors += [scene.image, *scene.objects]
        return self.transfer.send(tensors)

    def loss(self, content: list[Scene]) -> Tensor:
        """Of proposals and boxes: what they are taken for, where they lie. Crowds teach nothing."""
        targets = []
        for scene in content:
            single = ~scene.objects.crowd
            boxes, labels = scene.objects.boxes[single], scene.objects.labels[single]
            targets.append({"boxes": boxes, "labels": labels + 1})
        with self.autocast():
            losses: dict[str, Tensor] = self.model([scene.image for scene in content], targets)
        return torch.stack([loss.float() for loss in losses.values()]).sum()

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Average precisions on one part."""
        truth: list[Objects] = []
        found: list[Detections] = []
        batches = list(in_order(len(getattr(self.data, part)), EVALUATION_BATCH))
        self.model.eval()
        with torch.inference_mode():
            for scenes in self.load(part, batches, variation=None):
                with self.autocast():
                    answers = self.model([scene.image for scene in scenes])
                for scene, answer in zip(scenes, answers, strict=True):
                    truth.append(_on_cpu(scene.objects))
                    found.append(_detections(answer))
        return Evaluation(average_precisions(truth, found, num_classes=len(self.data.classes)))


def _on_cpu(objects: Objects) -> Objects:
    return Objects(*map(Tensor.cpu, objects))


def _detections(answer: dict[str, Tensor]) -> Detections:
    """What torchvision's detector says of an image; its class 0 is the background."""
    boxes, scores, labels = answer["boxes"], answer["scores"], answer["labels"]
    return Detections(boxes.cpu().float(), labels.cpu() - 1, scores.cpu().float())


def _scenes(tensors: Sequence[Tensor]) -> Iterator[Scene]:
    """Scenes of their tensors, images from 0 to 1."""
    each = 1 + len(Objects._fields)
    for start in range(0, len(tensors), each):
        image, *objects = tensors[start : start + each]
        yield Scene(image.float() / 255, Objects(*objects))
