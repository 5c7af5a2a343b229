"""How long a network takes for one image."""

from collections.abc import Sequence
from statistics import median

from dasbench.catalog import METRICS


@METRICS.register(
    "latency_ms", unit="ms", direction="min", needs="latency", tasks=("classification",)
)
def latency_ms(times_ms: Sequence[float]) -> float:
    """The median of the times of single forward passes, in milliseconds.

    Comparable only between trials of one machine that ran beside equally many others.

    Example:
        >>> latency_ms([4.0, 3.0, 9.0])
        4.0
    """
    return float(median(times_ms))
