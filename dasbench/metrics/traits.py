"""Units and directions of metrics, from their registration; imports no torch."""

from collections.abc import Collection, Iterable

from dasbench.catalog import METRICS
from dasbench.components.traits import MetricTraits
from dasbench.errors import UsageError
from dasbench.records import ALWAYS_MEASURED
from dasbench.spec.metrics import Metric, Metrics
from dasbench.spec.study import Objective


def registered_metrics() -> Metrics:
    """What dasbench registers, and who was imported so far.

    Example:
        >>> known = registered_metrics()
        >>> known["pixel_accuracy"], known["loss"]
        (Metric(unit='%', direction='max'), Metric(unit='', direction='min'))
    """
    registered = {name: _metric(traits) for name, traits in METRICS.written_traits().items()}
    return {**ALWAYS_MEASURED, **registered}


def metrics_of_study(tasks: Collection[str], objectives: Iterable[Objective] = ()) -> Metrics:
    """What the tasks of a study may return and its objectives name, in the direction of these.

    Plug-ins are imported, but for one that is broken and that the study does not name.

    Args:
        tasks: names of the tasks of the study's trials.
        objectives: the study's.

    Raises:
        UsageError: if a package that offers a metric which the study names is broken.

    Example:
        >>> ["miou" in metrics_of_study([task]) for task in ("segmentation", "classification")]
        [True, False]
        >>> metrics_of_study(["probe"], [Objective(metric="macro_f1", direction="min")])["macro_f1"]
        Metric(unit='%', direction='min')
    """
    named = {objective.metric: objective.direction for objective in objectives}
    known: dict[str, Metric] = dict(ALWAYS_MEASURED)
    for name, traits in {**METRICS.written_traits(), **_plugin_traits(named)}.items():
        if name in named or any(map(traits.is_of, tasks)):
            known[name] = _metric(traits)
    for name, direction in named.items():
        if name in known:
            known[name] = Metric(known[name].unit, direction)
    return known


def _plugin_traits(named: Collection[str]) -> dict[str, MetricTraits]:
    """The traits of the metrics that installed packages offer."""
    offered: dict[str, MetricTraits] = {}
    for name in set(METRICS.names()) - set(METRICS.written_traits()):
        try:
            offered[name] = METRICS[name].traits
        except UsageError:
            if name in named:
                raise
    return offered


def _metric(traits: MetricTraits) -> Metric:
    return Metric(traits.unit, traits.direction)
