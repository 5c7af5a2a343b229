"""What a trial leaves to defaults, written out: parameters, placement, fingerprints and code."""

from collections.abc import Sequence
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from dasbench.catalog import (
    BACKBONES,
    COMPONENTS,
    DATASETS,
    GATES,
    KINDS,
    TASKS,
    entries_of,
)
from dasbench.code.closure import code_of
from dasbench.components.entry import Entry
from dasbench.components.traits import Traits
from dasbench.datasets.choice import data_fingerprint
from dasbench.errors import Complaint, StudyError
from dasbench.spec.document import Path_, dotted
from dasbench.spec.network import Network
from dasbench.spec.parameters import Problem, check_parameters
from dasbench.spec.plain import Params, Record
from dasbench.spec.trial import Choice, Placement, Trial

TRAINING = "dasbench.training.run_trial"
"""The module that trains a trial, whose code counts as a component's does."""


def resolve(trial: Trial) -> Trial:
    """Write out everything that a trial leaves to defaults, so that equal trials become equal.

    Imports the components that the trial names. A gate's own default placement is filled in, and
    what the gate asks of its backbone (`backbone={"last_stride": 1}`) where the trial is silent and
    the backbone has such a parameter; the plain backbone has no placement; the fingerprints of the
    data set and of a weights file are added, and the code of what is not dasbench's own as
    released.

    Raises:
        StudyError: if a component does not accept its parameters, or they do not go together.
        DataError: if a weights file is missing.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> plain = Trial(backbone="resnet18", dataset="digits", gate="das")
        >>> a = plain.with_values({"gate.alpha": 0.2})
        >>> b = plain.with_values({"placement.after": "stage"})
        >>> resolve(a).key == resolve(b).key
        True
    """
    _refuse_other_data(trial)
    _refuse_other_balance(trial)
    resolved = _with_defaults(trial, COMPONENTS)
    found = {"data_fingerprint": data_fingerprint(resolved.dataset), "code": code_in(resolved)}
    return resolved.model_copy(update=found)


def code_in(trial: Trial) -> dict[str, str]:
    """The code of a trial's components and of its training, by field.

    What is dasbench's own as released is left out.

    Example:
        >>> code_in(Trial(backbone="resnet18", gate="das", dataset="digits"))
        {}
    """
    codes = {}
    for field, entry in entries_of(trial).items():
        if entry.code:
            codes[field] = entry.code
    if code := _training_code():
        codes["training"] = code
    return codes


@cache
def _training_code() -> str:
    return code_of(TRAINING)


def in_this_process_only(trial: Trial) -> list[str]:
    """The components of a trial that no other process can import (`gate freq`)."""
    entries = entries_of(trial).values()
    return [f"{entry.kind} {entry.name}" for entry in entries if entry.in_this_process_only]


def _refuse_other_data(trial: Trial) -> None:
    """Make sure that the data set knows of its images what the task has to be told.

    A task is registered with `needs="maps"` and a data set with `gives=("labels", "maps")`; without
    it, with labels.

    Raises:
        StudyError: naming the data sets that do.
    """
    needs = TASKS[trial.task.name].traits.needs
    if needs in DATASETS[trial.dataset.name].traits.gives:
        return
    others = ", ".join(name for name in DATASETS.names() if needs in DATASETS[name].traits.gives)
    lacks = f"has no {needs} of its images for the task {trial.task.name}"
    message = f"'{trial.dataset.name}' {lacks}; these have: {others}"
    raise StudyError([Complaint("", 0, "dataset", message)])


def _refuse_other_balance(trial: Trial) -> None:
    """Refuse what the task does not do about uneven classes.

    It is registered with what it does: `balance=("weights",)`.

    Raises:
        StudyError: naming the tasks that do.
    """
    asked = trial.training.balance
    if asked == "none" or asked in TASKS[trial.task.name].traits.balance:
        return
    others = ", ".join(name for name in TASKS.names() if asked in TASKS[name].traits.balance)
    what = f"'{asked}' is not done by the task {trial.task.name}; write none."
    message = f"{what} Tasks that do it: {others}"
    raise StudyError([Complaint("", 0, "training.balance", message)])


Asked = TypeVar("Asked", Trial, Network)


def resolve_network(asked: Asked) -> Asked:
    """Write out what a network, or that of a trial, leaves to defaults of its backbone and gate.

    The task and the data set of a trial are not looked at.

    Raises:
        StudyError: if the backbone or the gate does not accept its parameters.
        DataError: if a weights file is missing.

    Example:
        >>> asked = Network(backbone="resnet18", gate="das", num_classes=10, input_size=(3, 32, 32))
        >>> network = resolve_network(asked)
        >>> network.gate.params["alpha"], network.placement.after
        (0.2, 'stage')
    """
    return _with_defaults(asked, ("backbone", "gate"))


def _with_defaults(asked: Asked, fields: tuple[str, ...]) -> Asked:
    """Fill in the defaults of some components, and the gate's own placement."""
    chosen: dict[str, Choice] = {}
    complaints: list[Complaint] = []
    for field in fields:
        choice: Choice = getattr(asked, field)
        if field == "backbone":
            choice = _as_the_gate_asks(choice, asked.gate)
        params, problems = fill_parameters(field, choice)
        chosen[field] = Choice(name=choice.name, params=params)
        complaints += _complaints(field, problems)
    if complaints:
        raise StudyError(complaints)
    chosen["backbone"], weights = _with_weights(chosen["backbone"])
    found = {**chosen, "placement": _placement(asked), "weights_fingerprint": weights}
    return asked.model_copy(update=found)


def _complaints(field: str, problems: Sequence[Problem]) -> list[Complaint]:
    """What is wrong with a component's parameters, as complaints about a trial."""
    return [Complaint("", 0, dotted((field, *path)), message) for path, message in problems]


def fill_parameters(field: str, choice: Choice) -> tuple[Record, list[Problem]]:
    """All parameters of a component, defaults filled in, and what is wrong with those given.

    Args:
        field: the kind of component.
        choice: its name, and the parameters that are not to be the defaults.
    """
    entry = KINDS[field][choice.name]
    params, problems = check_parameters(entry.schema, choice.params)
    if not problems:
        params |= {name: entry.defaults[name] for name in unused(field, choice.name, params)}
    return params, [_with_place(entry, path, message) for path, message in problems]


def _with_place(entry: Entry[object, Traits], path: Path_, message: str) -> Problem:
    """A complaint about a parameter; of one that is not the component's, with its place."""
    if not path or path[0] in entry.defaults:
        return path, message
    return path, f"{message} ({entry}){entry.hint(str(path[0]))}"


def unused(field: str, name: str, params: Params) -> frozenset[str]:
    """Parameters that change nothing beside the others (a norm that a gate's design lacks)."""
    find = KINDS[field][name].traits.unused
    if find is None:
        return frozenset()
    return frozenset(find(params))


def _placement(asked: Trial | Network) -> Placement:
    """A placement with the gate's own default filled in; a plain backbone has none."""
    given = asked.placement
    if asked.gate.name == "none":
        return Placement()
    if given.sites is not None:
        return Placement(sites=given.sites)
    merged = {**_usual_placement(asked), **given.model_dump(exclude_none=True)}
    if merged["after"] != "stage":
        merged.setdefault("blocks", "all")
    elif given.blocks is None:
        merged.pop("blocks", None)
    else:
        where = f"gate '{asked.gate.name}' stands at the ends of stages"
        message = f"{where}, which have no blocks; add after: block"
        raise StudyError([Complaint("", 0, "placement.blocks", message)])
    stages = tuple(sorted(set(merged.pop("stages", ()))))
    if stages:
        num_stages = BACKBONES[asked.backbone.name].traits.num_stages(asked.backbone.params)
        if stages != tuple(range(1, num_stages + 1)):  # all of them are meant by none
            merged["stages"] = stages
    return Placement(**merged)


def _usual_placement(asked: Trial | Network) -> Record:
    """A gate's default placement, in the terms of a backbone that may not be a ResNet.

    A backbone may be registered with
    `conventions={"after": {"before_add": "block"}, "stages": {1: 2, ...}}`: what a default says on
    the left is meant as what stands on the right.
    """
    usual = {"after": "stage", **GATES[asked.gate.name].traits.placement}
    conventions = BACKBONES[asked.backbone.name].traits.conventions
    usual["after"] = conventions.get("after", {}).get(usual["after"], usual["after"])
    if "stages" in usual:
        renumbered = conventions.get("stages", {})
        usual["stages"] = tuple(renumbered.get(stage, stage) for stage in usual["stages"])
    return usual


def _as_the_gate_asks(backbone: Choice, gate: Choice) -> Choice:
    """The backbone with what its gate's authors changed in theirs, where the trial is silent."""
    known = {argument.name for argument in BACKBONES[backbone.name].parameters}
    asked = GATES[gate.name].traits.backbone
    changed = {key: value for key, value in asked.items() if key in known}
    return Choice(name=backbone.name, params={**changed, **backbone.params})


def _with_weights(backbone: Choice) -> tuple[Choice, str]:
    """The backbone with the full path of its weights file, and the fingerprint of its content.

    A backbone that reads weights is registered with `weights_file`, a function of its parameters.
    """
    file = BACKBONES[backbone.name].traits.find_weights(backbone.params)
    if file is None:
        return backbone, ""
    status = file.stat()
    fingerprint = _hash_of(file, status.st_size, status.st_mtime_ns)
    params = {**backbone.params, "weights": str(file)}
    return Choice(name=backbone.name, params=params), fingerprint


@cache
def _hash_of(file: Path, _size: int, _changed: int) -> str:
    """16 hexadecimal digits that change with the file's content.

    They are computed again when its size or time changes.
    """
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()[:16]
