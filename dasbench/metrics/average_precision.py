"""Average precisions of boxes in percent, as COCO defines and its own program computes them."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

from dasbench.catalog import METRICS
from dasbench.errors import DataError, UsageError

SOURCE = (
    "Lin et al. 2014, Microsoft COCO, arXiv 1405.0312; cocodataset.org, detection evaluation; "
    "pycocotools"
)

MAX_DETECTIONS = 100
"""Of an image and class: the best that count."""


class KnownObjects(Protocol):
    """The objects that there are in one image, n of them."""

    @property
    def boxes(self) -> Tensor:
        """Left, upper, right and lower edge in pixels: [n, 4]."""
        ...

    @property
    def labels(self) -> Tensor:
        """Class of each, from 0: int64, [n]."""
        ...

    @property
    def areas(self) -> Tensor:
        """Pixels of each, which tell whether it is small, medium or large: [n]."""
        ...

    @property
    def crowd(self) -> Tensor:
        """Whether it is a crowd: it need not be found, nor is anything in it wrong; bool, [n]."""
        ...


class Detections(NamedTuple):
    """What was found in one image, m of it, in any order.

    Args:
        boxes: left, upper, right and lower edge in pixels: float, [m, 4].
        labels: class of each, from 0: int64, [m].
        scores: how sure each is: float, [m].
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor


def average_precisions(
    truth: Sequence[KnownObjects], found: Sequence[Detections], *, num_classes: int
) -> dict[str, float]:
    """Every average precision that is defined, by the name of its metric, in percent.

    An average precision is the mean precision over 101 recalls from 0 to 1; it is averaged over the
    classes that occur and, for all but `ap50` and `ap75`, over the overlaps (intersection over
    union) 0.5, 0.55, ..., 0.95 from which a box counts as found. The best 100 detections of an
    image and class count.

    Args:
        truth: the objects of each image.
        found: the detections in the same images.
        num_classes: labels lie below it.

    Returns:
        `ap`, `ap50`, `ap75` and, of objects of up to 32^2 pixels, up to 96^2 and larger,
        `ap_small`, `ap_medium` and `ap_large`; a size that no object has is left out.

    Raises:
        DataError: if there is nothing to find.
        UsageError: if the two sequences differ in length, a label is out of range, or a detection
            is not finite.

    Example:
        >>> from types import SimpleNamespace
        >>> box, label = torch.tensor([[0.0, 0.0, 40.0, 40.0]]), torch.tensor([0])
        >>> cat = SimpleNamespace(boxes=box, labels=label, areas=torch.tensor([900.0]))
        >>> cat.crowd = torch.tensor([False])
        >>> detected = Detections(box, label, torch.tensor([0.9]))
        >>> found = average_precisions([cat], [detected], num_classes=1)
        >>> {name: round(value, 6) for name, value in found.items()}
        {'ap': 100.0, 'ap50': 100.0, 'ap75': 100.0, 'ap_small': 100.0}
    """
    if len(truth) != len(found):
        raise UsageError(
            f"average precision of {len(found)} images, but there are objects of {len(truth)}"
        )
    for labels in (_labels(truth), _labels(found)):
        if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
            low, high = int(labels.min()), int(labels.max())
            raise UsageError(
                f"average precision: labels from {low} to {high}, but there are {num_classes} "
                "classes from 0"
            )
    return _precisions(truth, found)


@METRICS.register("ap", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """Average precision over overlaps from 0.5 to 0.95, in percent.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found)["ap"]


@METRICS.register("ap50", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap50(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """Average precision at an overlap of 0.5, in percent.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found)["ap50"]


@METRICS.register("ap75", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap75(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """Average precision at an overlap of 0.75, in percent.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found)["ap75"]


@METRICS.register("ap_small", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap_small(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """`ap` of objects of up to 32^2 pixels; NaN if there is none.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found).get("ap_small", np.nan)


@METRICS.register("ap_medium", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap_medium(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """`ap` of objects of 32^2 to 96^2 pixels; NaN if there is none.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found).get("ap_medium", np.nan)


@METRICS.register("ap_large", unit="%", direction="max", tasks=("detection",), source=SOURCE)
def ap_large(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> float:
    """`ap` of objects of 96^2 pixels or more; NaN if there is none.

    Arguments as for `average_precisions`.
    """
    return _precisions(truth, found).get("ap_large", np.nan)


def _labels(images: Sequence[KnownObjects] | Sequence[Detections]) -> Tensor:
    """The labels of all images, one after the other."""
    return torch.cat([torch.zeros(0, dtype=torch.int64), *(image.labels for image in images)])


def _precisions(truth: Sequence[KnownObjects], found: Sequence[Detections]) -> dict[str, float]:
    """What COCO's program says, of images that are counted from 1."""
    if not any((~image.crowd).any() for image in truth):
        raise DataError(
            f"average precision: none of {len(truth)} images has an object; there is nothing to "
            "find"
        )
    evaluation = _evaluate(_coco_objects(truth), _coco_detections(found), len(truth))
    # overlaps, recalls, classes, sizes, and the only number of detections
    precision: NDArray[np.float64] = evaluation.eval["precision"][..., 0]
    overlaps = evaluation.params.iouThrs
    views = {
        "ap": precision[..., 0],
        "ap50": precision[np.isclose(overlaps, 0.5), ..., 0],
        "ap75": precision[np.isclose(overlaps, 0.75), ..., 0],
        "ap_small": precision[..., 1],
        "ap_medium": precision[..., 2],
        "ap_large": precision[..., 3],
    }
    defined = {name: view[view >= 0] for name, view in views.items()}
    return {name: 100.0 * float(view.mean()) for name, view in defined.items() if view.size}


def _evaluate(
    objects: list[dict[str, Any]], detections: list[dict[str, Any]], num_images: int
) -> COCOeval:
    """COCO's program after its work."""
    with redirect_stdout(io.StringIO()):  # it prints what it does
        known, found = (_coco_of(each, num_images) for each in (objects, detections))
        evaluation = COCOeval(known, found, iouType="bbox")
        evaluation.params.imgIds = list(range(1, num_images + 1))
        evaluation.params.catIds = sorted({one["category_id"] for one in objects})
        evaluation.params.maxDets = [MAX_DETECTIONS]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _coco_objects(images: Sequence[KnownObjects]) -> list[dict[str, Any]]:
    """The objects of all images as COCO writes them."""
    written = []
    for number, image in enumerate(images, start=1):
        boxes, labels = _left_upper_width_height(image.boxes), image.labels.tolist()
        areas, crowds = image.areas.tolist(), image.crowd.int().tolist()
        for box, label, area, crowd in zip(boxes, labels, areas, crowds, strict=True):
            one = {"image_id": number, "category_id": label, "bbox": box}
            written.append({**one, "area": area, "iscrowd": crowd})
    return written


def _coco_detections(images: Sequence[Detections]) -> list[dict[str, Any]]:
    """The detections in all images as COCO's program wants them."""
    written = []
    for number, image in enumerate(images, start=1):
        if not (image.boxes.isfinite().all() and image.scores.isfinite().all()):
            where = f"average precision: image {number - 1}"
            raise UsageError(f"{where} has a detection whose box or score is not finite")
        boxes, labels = _left_upper_width_height(image.boxes), image.labels.tolist()
        for box, label, score in zip(boxes, labels, image.scores.tolist(), strict=True):
            one = {"image_id": number, "category_id": label, "bbox": box}
            written.append({**one, "area": box[2] * box[3], "score": score})
    return written


def _left_upper_width_height(boxes: Tensor) -> list[list[float]]:
    corners = boxes.double()
    first, second = corners[:, :2], corners[:, 2:]
    written: list[list[float]] = torch.cat([first, second - first], dim=1).tolist()
    return written


def _coco_of(annotations: list[dict[str, Any]], num_images: int) -> Any:
    """Annotations in the program's own form, counted from 1: a match with 0 is none to it."""
    labels = sorted({one["category_id"] for one in annotations})
    content = COCO()
    content.dataset = {
        "images": [{"id": number} for number in range(1, num_images + 1)],
        "annotations": [{**one, "id": number} for number, one in enumerate(annotations, start=1)],
        "categories": [{"id": label} for label in labels],
    }
    content.createIndex()
    return content
