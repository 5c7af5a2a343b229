"""Units and directions of metrics, from their registration; imports no torch."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from dasbench.catalog import METRICS
from dasbench.errors import UsageError
from dasbench.records import ALWAYS_MEASURED
from dasbench.spec.metrics import Metric, Metrics, check_metric_traits
from dasbench.spec.study import Objective


def registered_metrics() -> Metrics:
    """What dasbench registers, and who was imported so far.

    Raises:
        UsageError: if somebody registered a metric with a unit or a direction that is none.

    Example:
        >>> known = registered_metrics()
        >>> known["pixel_accuracy"], known["loss"]
        (Metric(unit='%', direction='max'), Metric(unit='', direction='min'))
    """
    traits = METRICS.written_traits()
    return {**ALWAYS_MEASURED, **{name: _metric(name, own) for name, own in traits.items()}}


def metrics_of_study(tasks: Collection[str], objectives: Iterable[Objective] = ()) -> Metrics:
    """What the tasks of a study may return and what it names as objectives, in the direction that these say.

    Plug-ins are imported, but for one that is broken and that the study does not name.

    Args:
        tasks: names of the tasks of the study's trials.
        objectives: the study's.

    Raises:
        UsageError: if a metric was registered with a unit or a direction that is none.

    Example:
        >>> "miou" in metrics_of_study(["segmentation"]), "miou" in metrics_of_study(["classification"])
        (True, False)
        >>> metrics_of_study(["probe"], [Objective(metric="macro_f1", direction="min")])["macro_f1"]
        Metric(unit='%', direction='min')
    """
    named = {objective.metric: objective.direction for objective in objectives}
    known: dict[str, Metric] = dict(ALWAYS_MEASURED)
    for name, traits in {**METRICS.written_traits(), **_offered(named)}.items():
        if name in named or any(task in traits.get("tasks", (task,)) for task in tasks):
            known[name] = _metric(name, traits)
    for name, direction in named.items():
        if name in known:
            known[name] = Metric(known[name].unit, direction)
    return known


def _offered(named: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The traits of the metrics that installed packages offer."""
    offered: dict[str, Mapping[str, Any]] = {}
    for name in set(METRICS.names()) - set(METRICS.written_traits()):
        try:
            offered[name] = METRICS[name].traits
        except UsageError:
            if name in named:
                raise
    return offered


def _metric(name: str, traits: Mapping[str, Any]) -> Metric:
    try:
        return check_metric_traits(traits.get("unit", ""), traits.get("direction"))
    except ValueError as error:
        raise UsageError(
            f"metric '{name}' ({METRICS[name].place}) is registered with {error}"
        ) from error
