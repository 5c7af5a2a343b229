"""Every kind of component and the folder it lives in."""

from typing import TYPE_CHECKING, Any

from dasbench.components.registry import Registry
from dasbench.components.traits import (
    BackboneTraits,
    DatasetTraits,
    GateTraits,
    MetricTraits,
    PlotTraits,
    TaskTraits,
    Traits,
)
from dasbench.spec.constraints import COSTS

if TYPE_CHECKING:  # what the components make; at run time, no kind is imported for being listed
    from torch import nn

    from dasbench.backbones.site import Backbone
    from dasbench.callbacks.callback import Callback
    from dasbench.components.entry import Entry
    from dasbench.datasets.dataset import Dataset, Examples
    from dasbench.search.samplers.sampler import Sampler
    from dasbench.search.schedulers.scheduler import Scheduler
    from dasbench.spec.trial import Trial
    from dasbench.tasks.task import Task

TASKS: "Registry[Task, TaskTraits]" = Registry(
    "task", "dasbench.tasks", TaskTraits, gives=("build", "cost")
)
BACKBONES: "Registry[Backbone, BackboneTraits]" = Registry(
    "backbone", "dasbench.backbones", BackboneTraits
)
GATES: "Registry[nn.Module, GateTraits]" = Registry("gate", "dasbench.gates", GateTraits)
DATASETS: "Registry[Dataset[Examples], DatasetTraits]" = Registry(
    "dataset", "dasbench.datasets", DatasetTraits, gives=("fingerprint", "classes", "input_size")
)
METRICS: Registry[Any, MetricTraits] = Registry("metric", "dasbench.metrics", MetricTraits)
"""What one returns is between it and the tasks that measure it."""

SAMPLERS: "Registry[Sampler, Traits]" = Registry(
    "sampler", "dasbench.search.samplers", Traits, gives=("propose", "tell")
)
SCHEDULERS: "Registry[Scheduler, Traits]" = Registry(
    "scheduler", "dasbench.search.schedulers", Traits, gives=("make",)
)
CALLBACKS: "Registry[Callback, Traits]" = Registry(
    "callback",
    "dasbench.callbacks",
    Traits,
    gives=("planned", "added", "reported", "finished", "close"),
)
PLOTS: Registry[None, PlotTraits] = Registry("plot", "dasbench.render.plots", PlotTraits)

KINDS: dict[str, Registry[object, Traits]] = {
    registry.kind: registry
    for registry in (
        TASKS,
        BACKBONES,
        GATES,
        DATASETS,
        METRICS,
        SAMPLERS,
        SCHEDULERS,
        CALLBACKS,
        PLOTS,
    )
}

COMPONENTS = ("task", "backbone", "gate", "dataset")
"""The fields of a trial that name a component."""


def entries_of(trial: "Trial") -> "dict[str, Entry[object, Traits]]":
    """The registered components that a trial names, by its field; imports them."""
    return {field: KINDS[field][getattr(trial, field).name] for field in COMPONENTS}


def known_names() -> dict[str, tuple[str, ...]]:
    """The names of every kind, for `load_study`; imports no component.

    Example:
        >>> "das" in known_names()["gate"]
        True
    """
    names = {kind: registry.names() for kind, registry in KINDS.items()}
    return {**names, "metric": (*names["metric"], *COSTS)}
