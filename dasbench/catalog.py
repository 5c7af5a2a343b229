"""Every kind of component and the folder it lives in; what a trial names is looked up and checked here."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from dasbench.errors import Complaint, StudyError
from dasbench.registry import Registry
from dasbench.spec.document import Path_, dotted
from dasbench.spec.parameters import Problem, check_parameters
from dasbench.spec.study import Study
from dasbench.spec.trial import Choice, Placement, Trial, set_field

TASKS: Registry[Any] = Registry("task", "dasbench.tasks")
BACKBONES: Registry[Any] = Registry("backbone", "dasbench.backbones")
GATES: Registry[Any] = Registry("gate", "dasbench.gates")
DATASETS: Registry[Any] = Registry("dataset", "dasbench.datasets")
METRICS: Registry[Any] = Registry("metric", "dasbench.metrics")
SAMPLERS: Registry[Any] = Registry("sampler", "dasbench.search.samplers")
PLOTS: Registry[Any] = Registry("plot", "dasbench.reports.plots")

KINDS: dict[str, Registry[Any]] = {
    registry.kind: registry for registry in (TASKS, BACKBONES, GATES, DATASETS, METRICS, SAMPLERS, PLOTS)
}

COMPONENTS = ("task", "backbone", "gate", "dataset")
"""The fields of a trial that name a component."""

COST_METRICS = ("params", "macs", "params_paper", "macs_paper")
"""Objectives that are counted, not measured; `params` and `macs` are those of the full convention."""


def known_names() -> dict[str, tuple[str, ...]]:
    """The names of every kind, for `load_study`; imports no component.

    Example:
        >>> "das" in known_names()["gate"]
        True
    """
    names = {kind: registry.names() for kind, registry in KINDS.items()}
    return {**names, "metric": (*names["metric"], *COST_METRICS)}


def resolve(trial: Trial) -> Trial:
    """Write out everything that a trial leaves to defaults, so that equal trials become equal.

    Imports the components that the trial names. A gate's own default placement is filled in; the plain backbone has
    no placement; the data set's fingerprint is added.

    Raises:
        StudyError: if a component does not accept its parameters.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> a = Trial(backbone="resnet18", dataset="digits", gate={"name": "das", "alpha": 0.2})
        >>> b = Trial(backbone="resnet18", dataset="digits", gate="das", placement={"after": "stage"})
        >>> resolve(a).key == resolve(b).key
        True
    """
    chosen: dict[str, Choice] = {}
    complaints: list[Complaint] = []
    for field in COMPONENTS:
        choice: Choice = getattr(trial, field)
        params, problems = _parameters(field, choice)
        chosen[field] = Choice(name=choice.name, params=params)
        complaints += [Complaint("", 0, dotted((field, *path)), message) for path, message in problems]
    if complaints:
        raise StudyError(complaints)
    return trial.model_copy(
        update={
            **chosen,
            "placement": _placement(trial),
            "data_fingerprint": _fingerprint(chosen["dataset"].model_dump_json()),
        }
    )


def check_components(study: Study) -> None:
    """Check the parameters of every component that some variant of a study names, each distinct choice once.

    Raises:
        StudyError: with every complaint at once, each on the line of the axis or of the base that it comes from.
    """
    base = study.base.model_dump(mode="json")
    seen: set[tuple[str, str]] = set()
    complaints: list[Complaint] = []
    for values in study.variants():
        trial = copy.deepcopy(base)
        for key, value in values.items():
            set_field(trial, key, value)
        for field in COMPONENTS:
            choice = Choice.model_validate(trial[field])
            if (identity := (field, choice.model_dump_json())) in seen:
                continue
            seen.add(identity)
            complaints += [
                study.document.complaint(_origin(study, field, path, values), message)
                for path, message in _parameters(field, choice)[1]
            ]
    if complaints:
        raise StudyError(complaints)


def _parameters(field: str, choice: Choice) -> tuple[dict[str, Any], list[Problem]]:
    """All parameters of a component, defaults filled in, and what is wrong with those given."""
    entry = KINDS[field][choice.name]
    params, problems = check_parameters(entry.parameters, choice.params)
    known = set(entry.defaults)
    foreign = [path for path, _ in problems if path and path[0] not in known]
    return params, [
        (path, f"{message} ({field} '{choice.name}')" if path in foreign else message) for path, message in problems
    ]


def _origin(study: Study, field: str, path: Path_, values: Mapping[str, Any]) -> Path_:
    """Where in the study's file a component's parameter was written."""
    keys = (dotted((field, *path[:1])), f"{field}.name", field)
    for index, axis in enumerate(study.axes):
        if axis.key in keys and axis.key in values:
            if axis.values is None:
                return ("axes", index)
            return ("axes", index, "values", axis.values.index(values[axis.key]))
    return ("base", field, *path)


def _placement(trial: Trial) -> Placement:
    """The trial's placement with the gate's own default filled in."""
    given = trial.placement
    if trial.gate.name == "none" or given.sites is not None:
        return Placement(sites=given.sites) if trial.gate.name != "none" else Placement()
    default = GATES[trial.gate.name].traits.get("placement", {"after": "stage"})
    merged = {**default, **given.model_dump(exclude_none=True)}
    if "stages" in merged:
        merged["stages"] = tuple(sorted(set(merged["stages"])))
    return Placement(**merged)


@cache
def _fingerprint(dataset: str) -> str:
    """The fingerprint of a resolved data set, computed once for each choice."""
    choice = Choice.model_validate_json(dataset)
    fingerprint: str = DATASETS[choice.name].make(**choice.params).fingerprint
    return fingerprint
