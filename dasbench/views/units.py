"""Units of scores (percentage points or none), and in which direction a score is better."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from dasbench.analysis.stats import Direction
from dasbench.errors import UsageError, unknown_name
from dasbench.metrics.traits import registered_metrics
from dasbench.spec.metrics import Metrics, agreed, metric_of, plain_name

DIRECTIONS: Mapping[str, Direction] = {"max": "max", "min": "min"}
"""The directions by the words that are written for them."""


SHARES = ("top1", "top5")
"""Metrics that are shares of the examples of the test part, in percent."""


def example_worth(metric: str, num_test_examples: int | None) -> float:
    """What one example of the test part is worth; 0 where that is not known.

    Example:
        >>> round(example_worth("top1", 269), 2), example_worth("miou", 269)
        (0.37, 0.0)
    """
    if metric not in SHARES or not num_test_examples:
        return 0.0
    return 100 / num_test_examples


def known_metrics(stored: Iterable[Metrics] = ()) -> Metrics:
    """What is known of metrics: what studies keep of theirs, and what is registered here.

    Args:
        stored: what each study keeps; where they contradict each other, nothing is known.

    Example:
        >>> from dasbench.spec.metrics import Metric
        >>> known = known_metrics([{"my_score": Metric("dB", "max")}])
        >>> known["my_score"].unit, known["top1"].unit
        ('dB', '%')
    """
    return {**registered_metrics(), **agreed(stored)}


def score_unit(metric: str, known: Metrics | None = None) -> str:
    """Unit of the differences of a metric: `pp` for shares in percent, else that of the metric.

    Args:
        metric: its name.
        known: what is known of metrics; what is registered here by default.

    Example:
        >>> score_unit("val_top1"), score_unit("latency_ms"), score_unit("loss")
        ('pp', 'ms', '')
    """
    if known is None:
        known = known_metrics()
    return difference_unit(metric_of(metric, known).unit)


def difference_unit(unit: str) -> str:
    """The unit of the differences of what is in a unit.

    Example:
        >>> difference_unit("%"), difference_unit("ms")
        ('pp', 'ms')
    """
    return "pp" if unit == "%" else unit


class ScoreUnit(NamedTuple):
    """The unit of scores.

    Args:
        name: of their differences, as it is shown: `pp`, `ms`, or none.
        factor: what scores are multiplied with to be in that unit: 100 for fractions.
    """

    name: str
    factor: float = 1.0


SCORE_UNITS = {
    "percent": ScoreUnit("pp"),
    "fraction": ScoreUnit("pp", 100.0),
    "none": ScoreUnit(""),
}
"""What may be said of scores; any other word is a unit that is shown as it is."""


def asked_unit(text: str) -> ScoreUnit:
    """The unit that somebody asks for: `percent`, `fraction`, `none`, or a word of theirs.

    Raises:
        UsageError: for a word that is nearly one of ours.

    Example:
        >>> asked_unit("pp"), asked_unit("fraction").factor, asked_unit("ms").name
        (ScoreUnit(name='pp', factor=1.0), 100.0, 'ms')
    """
    word = text.strip().lower()
    if word in ("pp", "%"):
        return SCORE_UNITS["percent"]
    if word not in SCORE_UNITS and get_close_matches(word, SCORE_UNITS, n=1, cutoff=0.75):
        raise UsageError(
            f"`unit`: {unknown_name('unit', text, SCORE_UNITS)} Any other word is shown as it is."
        )
    return SCORE_UNITS.get(word) or ScoreUnit(text.strip())


def better_direction(
    metric: str, objectives: Iterable[tuple[str, str]] = (), known: Metrics | None = None
) -> Direction | None:
    """Whether more or less of a metric is better, as objectives say or as it is registered.

    Args:
        metric: its name.
        objectives: `max` or `min` by metric.
        known: what is known of metrics; what is registered here by default.

    Returns:
        None where nobody says, or neither is: such a metric is shown, and nothing is ranked by it.

    Example:
        >>> better_direction("val_loss"), better_direction("top1")
        ('min', 'max')
        >>> better_direction("val_f", [("f", "min")])
        'min'
        >>> better_direction("my_loss") is None
        True
    """
    asked = dict(objectives)
    direction = asked.get(metric, asked.get(plain_name(metric)))
    if direction is not None:
        return DIRECTIONS.get(direction, "max")
    if known is None:
        known = known_metrics()
    return metric_of(metric, known).direction


def no_direction(metric: str, remedy: str, known: Metrics) -> UsageError:
    """What is said where something is to be ranked by a metric of which nobody said what is better.

    Args:
        metric: its name.
        remedy: what to write instead.
        known: what is known of metrics.
    """
    name = plain_name(metric)
    if metric in known or name in known:
        return UsageError(
            f"metric '{metric}' has no direction: neither more nor less of it is better. {remedy}."
        )
    return UsageError(
        f"metric '{metric}' is not registered, so nothing says whether more or less of it "
        f"is better. {remedy}; or let its author register it: "
        f'@METRICS.register("{name}", unit="", direction="max")'
    )
