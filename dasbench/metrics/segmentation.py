"""How well pixels are classified: mean intersection over union, and the share that is right."""

import torch
from torch import Tensor

from dasbench.catalog import METRICS


@METRICS.register("miou", unit="%", direction="max", tasks=("segmentation",))
def miou(confusion: Tensor) -> float:
    """Intersection over union, averaged over classes that are there or claimed, in percent.

    Args:
        confusion: pixels by their class and the one that they are taken for: int64, [K, K].

    Example:
        >>> miou(torch.tensor([[3, 0, 0], [1, 1, 0], [0, 0, 0]]))  # 3 of 4, 1 of 2, none
        62.5
    """
    shared = confusion.diag().double()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diag()
    present = union > 0
    return 100.0 * float((shared[present] / union[present]).mean())


@METRICS.register("pixel_accuracy", unit="%", direction="max", tasks=("segmentation",))
def pixel_accuracy(confusion: Tensor) -> float:
    """Share of pixels whose class is right, in percent. Argument as for `miou`."""
    return 100.0 * float(confusion.diag().sum() / confusion.sum())


def count_pixels(
    truth: Tensor, found: Tensor, *, num_classes: int, ignored: int | None = None
) -> Tensor:
    """How many pixels of each class are taken for which.

    Args:
        truth: classes from 0, integers of any shape.
        found: classes of the same pixels.
        num_classes: K.
        ignored: what stands in `truth` for pixels that do not count; None if all count.

    Shape:
        int64, [K, K]: row by the class, column by the claim

    Example:
        >>> count_pixels(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), num_classes=2).tolist()
        [[1, 0], [1, 1]]
        >>> truth, found = torch.tensor([0, 255]), torch.tensor([0, 1])
        >>> count_pixels(truth, found, num_classes=2, ignored=255).tolist()
        [[1, 0], [0, 0]]
    """
    pairs = truth.long().flatten() * num_classes + found.long().flatten()
    if ignored is not None:
        pairs = pairs.masked_fill(truth.flatten() == ignored, num_classes**2)
    counts = torch.bincount(pairs, minlength=num_classes**2 + 1)[: num_classes**2]
    return counts.reshape(num_classes, num_classes)
