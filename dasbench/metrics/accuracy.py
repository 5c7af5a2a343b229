"""Accuracies in percent: top-1 and top-5."""

from torch import Tensor

from dasbench.catalog import METRICS


@METRICS.register("top1", unit="%", direction="max", tasks=("classification", "probe"))
def top1(logits: Tensor, labels: Tensor) -> float:
    """Share of examples whose label has the largest logit, in percent.

    Args:
        logits: [N, classes].
        labels: int64, [N].

    Example:
        >>> import torch
        >>> top1(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([1, 1]))
        50.0
    """
    return 100.0 * float(in_top(logits, labels, k=1).double().mean())


@METRICS.register("top5", unit="%", direction="max", tasks=("classification",))
def top5(logits: Tensor, labels: Tensor) -> float:
    """Share of examples whose label is among the five largest logits, in percent.

    Arguments as for `top1`.
    """
    return 100.0 * float(in_top(logits, labels, k=5).double().mean())


def in_top(logits: Tensor, labels: Tensor, *, k: int) -> Tensor:
    """Which examples have their label among the k largest logits: bool, [N]."""
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1)
