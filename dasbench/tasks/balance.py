"""Classes of uneven size: weights in the loss, or draws in which all classes come equally often."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Images
from dasbench.seeds import derive_seed, uniform


def class_weights(labels: NDArray[np.int64], *, num_classes: int) -> NDArray[np.float64]:
    """What an example of each class weighs, so that all classes weigh the same: N / (K n_c).

    As in scikit-learn. N examples are of K classes, n_c of them of class c. Their mean weight is 1.
    A class without examples weighs nothing and is not counted in K.

    Args:
        labels: class of each training example, [N].
        num_classes: of the data set.

    Shape:
        [num_classes]

    Example:
        >>> class_weights(np.array([0, 0, 0, 1]), num_classes=3).round(3).tolist()
        [0.667, 2.0, 0.0]
    """
    numbers = np.bincount(labels, minlength=num_classes)
    present = numbers > 0
    weights = np.zeros(num_classes)
    weights[present] = len(labels) / (present.sum() * numbers[present])
    return weights


def balanced_draw(labels: NDArray[np.int64], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """As many examples as there are, drawn with replacement.

    Each is of any class that occurs with equal chance. The draw is a function of its arguments,
    like the order of an epoch; nothing has to be remembered to go on.

    Args:
        labels: class of each training example, [N].
        seed: of the trial.
        epoch: from 1.

    Returns:
        Numbers of a `Repeatable` part, [N]: an example that is drawn for the k-th time is called by
        its index plus (k - 1) N.

    Example:
        >>> numbers = balanced_draw(np.array([0] * 90 + [1] * 10), seed=0, epoch=1)
        >>> int((numbers % 100 >= 90).sum())  # of class 1
        48
    """
    by_class = np.argsort(labels, kind="stable")
    classes, starts, numbers = np.unique(labels[by_class], return_index=True, return_counts=True)
    draws = uniform(derive_seed(seed, "balance", epoch), np.arange(len(labels)), draws=2)
    drawn = (draws[:, 0] * len(classes)).astype(np.int64)
    members = (draws[:, 1] * numbers[drawn]).astype(np.int64)
    indices: NDArray[np.int64] = by_class[starts[drawn] + members]
    return indices + len(labels) * _times_before(indices)


def _times_before(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each index stands further in front.

    Example:
        >>> _times_before(np.array([7, 3, 7, 7])).tolist()
        [0, 0, 1, 2]
    """
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    times = np.empty_like(indices)
    times[order] = np.arange(len(indices)) - np.searchsorted(ordered, ordered)
    return times


class Repeatable:
    """A part in which image i of N is also called i + N, i + 2 N, and so on.

    What varies an image in training follows from the number by which it is called. So one that is
    drawn several times in an epoch is varied differently each time.

    Args:
        part: the part.
    """

    def __init__(self, part: Images) -> None:
        self._part = part

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one image in training."""
        return self._part.num_draws

    def __len__(self) -> int:
        return len(self._part)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images by any of their numbers; arguments as for `Images.batch`."""
        return self._part.batch(indices % len(self._part), draws)
