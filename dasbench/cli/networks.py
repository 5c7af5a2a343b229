"""Which networks a command is about: those of a study, or one chosen on the command line."""

import json
from functools import partial
from typing import TYPE_CHECKING

from dasbench.cli.options import name_of_profile, read_study
from dasbench.errors import Complaint, StudyError, UsageError, unknown_name
from dasbench.spec.plain import Record

if TYPE_CHECKING:
    from torch import nn

    from dasbench.networks import Counted
    from dasbench.plan import Planned
    from dasbench.spec.cost_key import CostKey
    from dasbench.spec.network import InputSize, Network
    from dasbench.spec.study import Study
    from dasbench.spec.trial import Trial

FIELDS = ("backbone", "gate", "placement")
"""The fields of a trial that decide its network."""

NUM_CLASSES = 1000
INPUT_SIZE = (3, 224, 224)
"""Of ImageNet, where the command line says nothing else."""


def read_network(
    backbone: str,
    *,
    gate: str | None = None,
    overrides: tuple[str, ...] = (),
    num_classes: int = NUM_CLASSES,
    input_size: "InputSize" = INPUT_SIZE,
) -> "Network":
    """The network that is chosen on the command line.

    Args:
        backbone: the backbone's name.
        gate: the gate's name.
        overrides: `key=value` for dotted fields below `backbone`, `gate` and `placement`.
        num_classes: length of its logits.
        input_size: (channels, height, width) of its images.

    Raises:
        StudyError: with every complaint at once.

    Example:
        >>> str(read_network("resnet50", gate="das", overrides=("gate.alpha=0.1",)).gate)
        'das(alpha=0.1)'
    """
    from pydantic import ValidationError  # a third of a second, and torch-free

    from dasbench.catalog import known_names
    from dasbench.spec.network import Network
    from dasbench.spec.parameters import explain, plain_path

    data, complaints = _network_data(backbone, gate=gate, overrides=overrides)
    data |= {"num_classes": num_classes, "input_size": input_size}
    try:
        network = Network.model_validate_json(
            json.dumps(data), strict=True, context={"known": known_names()}
        )
    except ValidationError as error:
        for item in error.errors():
            path = ".".join(str(part) for part in plain_path(item["loc"]) if part != "params")
            complaints.append(Complaint("", 0, path, explain(item, Network)))
    if complaints:
        raise StudyError(complaints)
    return network


def _network_data(
    backbone: str, *, gate: str | None, overrides: tuple[str, ...]
) -> tuple[Record, list[Complaint]]:
    """Plain data of the network, and what is wrong with the overrides."""
    from dasbench.spec.overrides import set_fields

    data: Record = {"backbone": {"name": backbone}, "gate": {"name": gate or "none"}}
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

    name = name_of_profile(study, profile)
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
    from dasbench.datasets.choice import load_dataset  # imports torch
    from dasbench.networks import Counted
    from dasbench.prepare import prepare
    from dasbench.spec.cost_key import cost_key
    from dasbench.spec.network import network_of

    prepared = prepare(study)
    costs = prepared.costs()
    groups: dict[CostKey, list[Planned]] = {}
    for item in prepared.plan.items.values():
        groups.setdefault(cost_key(item.trial), []).append(item)
    found = []
    for items in groups.values():
        trial = items[0].trial
        counted = Counted(
            label="; ".join(dict.fromkeys(item.label for item in items)),
            network=network_of(trial, load_dataset(trial.dataset)),
            cost=costs[trial.key],
            build=partial(_build_for_task, trial),
            variants=list({item.label: item.variant for item in items}.values()),
        )
        found.append(counted)
    return found


def _build_for_task(trial: "Trial") -> "nn.Module":
    """The network that a task trains for a trial, with as many classes as its data have."""
    import torch

    from dasbench.catalog import TASKS

    task = TASKS[trial.task.name].create(**trial.task.params)
    network: nn.Module = task.build(trial, device=torch.device("cpu")).model
    return network
