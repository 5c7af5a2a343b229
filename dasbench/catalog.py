"""Every kind of component and the folder it lives in."""

from typing import Any

from dasbench.registry import Registry
from dasbench.spec.constraints import COSTS

TASKS: Registry[Any] = Registry("task", "dasbench.tasks", gives=("build", "cost"))
BACKBONES: Registry[Any] = Registry("backbone", "dasbench.backbones")
GATES: Registry[Any] = Registry("gate", "dasbench.gates")
DATASETS: Registry[Any] = Registry(
    "dataset", "dasbench.datasets", gives=("fingerprint", "classes", "input_size")
)
METRICS: Registry[Any] = Registry("metric", "dasbench.metrics")
SAMPLERS: Registry[Any] = Registry("sampler", "dasbench.search.samplers", gives=("propose", "tell"))
SCHEDULERS: Registry[Any] = Registry("scheduler", "dasbench.search.schedulers", gives=("make",))
CALLBACKS: Registry[Any] = Registry(
    "callback", "dasbench.callbacks", gives=("planned", "added", "reported", "finished", "close")
)
PLOTS: Registry[Any] = Registry("plot", "dasbench.render.plots")

KINDS: dict[str, Registry[Any]] = {
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


def known_names() -> dict[str, tuple[str, ...]]:
    """The names of every kind, for `load_study`; imports no component.

    Example:
        >>> "das" in known_names()["gate"]
        True
    """
    names = {kind: registry.names() for kind, registry in KINDS.items()}
    return {**names, "metric": (*names["metric"], *COSTS)}
