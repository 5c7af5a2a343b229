"""Scores in percent in which every class counts the same, however many examples it has."""

import torch
from torch import Tensor

from dasbench.catalog import METRICS


@METRICS.register(
    "balanced_accuracy",
    unit="%",
    direction="max",
    tasks=("classification",),
    source="Brodersen, Ong, Stephan, Buhmann 2010, The balanced accuracy and its posterior "
    "distribution",
)
def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of a class' examples that are right, averaged over classes, in percent.

    Args:
        logits: [N, classes].
        labels: int64, [N].

    Example:
        >>> logits = torch.tensor([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
        >>> balanced_accuracy(logits, torch.tensor([0, 0, 0, 1]))  # where top-1 is 75
        50.0
    """
    right, there, _ = _counts(logits, labels)
    present = there > 0
    return 100.0 * float((right[present] / there[present]).mean())


@METRICS.register(
    "macro_f1",
    unit="%",
    direction="max",
    tasks=("classification",),
    source="scikit-learn, f1_score(average='macro')",
)
def macro_f1(logits: Tensor, labels: Tensor) -> float:
    """F1 of each class, averaged over the classes that are there or are claimed, in percent.

    Arguments as for `top1`. F1 = 2 right / (there + claimed): the harmonic mean of a class' recall
    and of its precision.

    Example:
        >>> logits = torch.tensor([[2.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
        >>> round(macro_f1(logits, torch.tensor([0, 1, 1])), 2)
        66.67
    """
    right, there, claimed = _counts(logits, labels)
    either = there + claimed
    named = either > 0
    return 100.0 * float((2 * right[named] / either[named]).mean())


def claims(logits: Tensor) -> Tensor:
    """The class that each example is taken for, the one that counts for `top1`: int64, [N].

    Example:
        >>> claims(torch.tensor([[1.0, 2.0], [3.0, 0.0]])).tolist()
        [1, 0]
    """
    return logits.topk(1, dim=1).indices[:, 0]


def _counts(logits: Tensor, labels: Tensor) -> Tensor:
    """How many examples of each class are right, are there, are claimed: float64, [3, classes]."""
    found, number = claims(logits), logits.shape[1]
    groups = (labels[found == labels], labels, found)
    return torch.stack([torch.bincount(group, minlength=number) for group in groups]).double()
