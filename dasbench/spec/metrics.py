"""What is known of a metric: its unit, and whether more or less of it is better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

PARTS = ("val_", "train_", "test_")
"""What stands before a metric's name and says on which part of the data it was measured."""


@dataclass(frozen=True)
class Metric:
    """A metric, apart from its name.

    Args:
        unit: of its values, `""` for none; differences of `%` are percentage points.
        direction: whether more or less of it is better; None if neither is, or nobody said: it is
            never ranked by.
    """

    unit: str = ""
    direction: Literal["max", "min"] | None = None


Metrics = Mapping[str, Metric]
"""What is known of metrics, by name."""

UNKNOWN = Metric()
"""What is known of a metric that nobody registered."""


def metric_of(name: str, known: Metrics) -> Metric:
    """What is known of a metric, whichever part of the data it was measured on.

    Example:
        >>> known = {"top1": Metric("%", "max")}
        >>> metric_of("val_top1", known).unit, metric_of("my_score", known).direction
        ('%', None)
    """
    return known.get(name) or known.get(plain_name(name), UNKNOWN)


def plain_name(name: str) -> str:
    """A metric's name without the part of the data.

    Example:
        >>> plain_name("val_top1"), plain_name("value")
        ('top1', 'value')
    """
    for part in PARTS:
        if name.startswith(part):
            return name.removeprefix(part)
    return name


def agreed(several: Iterable[Metrics]) -> dict[str, Metric]:
    """What all that know a metric say of it; where they contradict each other, nothing is known.

    Example:
        >>> one = {"a": Metric("s", "min"), "b": Metric("%", "max")}
        >>> other = {"a": Metric("s", "max")}
        >>> agreed([one, other])
        {'a': Metric(unit='s', direction=None), 'b': Metric(unit='%', direction='max')}
    """
    common: dict[str, Metric] = {}
    for known in several:
        for name, metric in known.items():
            before = common.get(name, metric)
            unit, direction = metric.unit, metric.direction
            if unit != before.unit:
                unit = ""
            if direction != before.direction:
                direction = None
            common[name] = Metric(unit, direction)
    return common
