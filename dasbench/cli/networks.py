"""Which networks a command is about: those of a study, or one that is chosen on the command line."""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from dasbench.cli.options import read_study
from dasbench.errors import Complaint, StudyError, UsageError, unknown_name

if TYPE_CHECKING:
    from torch import nn

    from dasbench.networks import Counted
    from dasbench.plan import Planned
    from dasbench.spec.study import Study
    from dasbench.spec.trial import Trial

FIELDS = ("backbone", "gate", "placement")
"""The fields of a trial that decide its network."""


def read_choice(backbone: str, *, gate: str | None, overrides: tuple[str, ...]) -> "Trial":
    """The trial of a network; its data set is a stand-in that is never loaded.

    Args:
        backbone: the backbone's name.
        gate: the gate's name.
        overrides: `key=value` for dotted fields below `backbone`, `gate` and `placement`.

    Raises:
        StudyError: with every complaint at once.

    Example:
        >>> str(read_choice("resnet50", gate="das", overrides=("gate.alpha=0.1",)).gate)
        'das(alpha=0.1)'
    """
    from pydantic import ValidationError  # a third of a second, and torch-free

    from dasbench.catalog import known_names
    from dasbench.spec.parameters import explain, plain_path
    from dasbench.spec.trial import FILLED_IN, Trial

    data, complaints = _fields(backbone, gate=gate, overrides=overrides)
    try:
        trial = Trial.model_validate_json(
            json.dumps(data), strict=True, context={"known": known_names()}
        )
    except ValidationError as error:
        for item in error.errors():
            path = ".".join(str(part) for part in plain_path(item["loc"]) if part != "params")
            complaints.append(Complaint("", 0, path, explain(item, Trial, hidden=FILLED_IN)))
    if complaints:
        raise StudyError(complaints)
    return trial


def _fields(
    backbone: str, *, gate: str | None, overrides: tuple[str, ...]
) -> tuple[dict[str, Any], list[Complaint]]:
    """Plain data of the trial, and what is wrong with the overrides."""
    from dasbench.spec.overrides import set_fields

    data: dict[str, Any] = {
        "backbone": {"name": backbone},
        "gate": {"name": gate or "none"},
        "dataset": "digits",
    }
    wanted = f"a field that decides the network (below {', '.join(FIELDS)})"
    return data, set_fields(data, overrides, fields=FIELDS, wanted=wanted)


def find_study(
    study: str, *, profile: str | None, overrides: tuple[str, ...], gate: str | None, db: str
) -> "Study":
    """A study from its file, or from the database by its name.

    Raises:
        UsageError: if the database has no such study, or a field of a study without its file is to
            be set.
        StoreError: if there is no database.
    """
    if study.endswith((".yaml", ".yml")):
        return read_study(study, profile=profile, overrides=overrides, gate=gate)
    if overrides or gate:
        raise UsageError(
            f"--set and --gate change a study's file; '{study}' is a name: give the file instead"
        )
    from dasbench.cli.own_modules import import_of_study
    from dasbench.results.reading import read_store
    from dasbench.spec.study import Study

    name = f"{study}@{profile}" if profile else study
    with read_store(db) as reader:
        records = {record.name: record for record in reader.studies()}
    if name not in records:
        raise UsageError(
            f"{db}: {unknown_name('study', name, records)} A study's file ends in .yaml."
        )
    found = Study.model_validate_json(json.dumps(records[name].document), strict=True)
    import_of_study(records[name])
    return found


def networks_of_study(study: "Study") -> list["Counted"]:
    """Every distinct network of a study once, with the variants that have it."""
    from dasbench.networks import Counted
    from dasbench.plan import count_costs, model_identity, plan_study  # imports torch

    plan = plan_study(study)
    costs = count_costs(plan)
    groups: dict[str, list[Planned]] = {}
    for item in plan.items.values():
        groups.setdefault(model_identity(item.trial), []).append(item)
    return [
        Counted(
            label="; ".join(dict.fromkeys(item.label for item in items)),
            trial=items[0].trial,
            cost=costs[items[0].trial.key],
            build=partial(_build, items[0].trial),
            variants=list({item.label: item.variant for item in items}.values()),
        )
        for items in groups.values()
    ]


def _build(trial: "Trial") -> "nn.Module":
    """The network that a task trains for a trial, with as many classes as its data have."""
    import torch

    from dasbench.catalog import TASKS

    network: nn.Module = (
        TASKS[trial.task.name]
        .create(**trial.task.params)
        .build(trial, device=torch.device("cpu"))
        .model
    )
    return network
