"""From a study to the trials that it means: resolved, distinct, and with models that can be built."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from dasbench.catalog import TASKS, check_components, resolve
from dasbench.errors import Complaint, ModelError, StudyError
from dasbench.records import Cost
from dasbench.results.planning import Member
from dasbench.spec.document import Path_
from dasbench.spec.study import Study, label
from dasbench.spec.trial import Trial


@dataclass(frozen=True)
class Planned:
    """One trial of a study.

    Args:
        trial: the resolved trial.
        variant: the varied fields and their values.
    """

    trial: Trial
    variant: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The variant in a few words."""
        return label(self.variant)

    @property
    def member(self) -> Member:
        """The trial as the results database lists it."""
        return Member(
            key=self.trial.key,
            spec=self.trial.model_dump(mode="json"),
            variant=self.variant,
            label=self.label,
            seed=self.trial.seed,
            dataset=str(self.trial.dataset),
            task=self.trial.task.name,
        )


@dataclass(frozen=True)
class Plan:
    """The trials of a study, in the order in which they run.

    Args:
        study: what was asked.
        items: its trials by key.
    """

    study: Study
    items: Mapping[str, Planned] = field(default_factory=dict)

    def without(self, keys: Container[str]) -> "Plan":
        """The same plan with some trials left out."""
        return Plan(self.study, {key: item for key, item in self.items.items() if key not in keys})


def plan_study(study: Study) -> Plan:
    """List a study's trials, all defaults filled in.

    Raises:
        StudyError: if a component does not accept its parameters, or two variants are the same trial.

    Example:
        >>> study = Study(
        ...     name="width",
        ...     question="How wide?",
        ...     base=Trial(backbone="resnet18", dataset="digits"),
        ...     axes=[{"key": "backbone.width", "values": [8, 16]}],
        ...     seeds=2,
        ... )
        >>> [item.label for item in plan_study(study).items.values()]
        ['width=8', 'width=16', 'width=8', 'width=16']
    """
    check_components(study)
    items: dict[str, Planned] = {}
    complaints: list[Complaint] = []
    for seed in study.seeds:
        for variant in study.variants():
            trial = resolve(study.base.with_values({**variant, "seed": seed}))
            twin = items.get(trial.key)
            if twin:
                message = f"'{twin.label}' and '{label(variant)}' are the same trial; use 'when' to leave one out"
                complaints.append(study.document.complaint(("axes",), message))
            items[trial.key] = Planned(trial, variant)
    if complaints:
        raise StudyError(complaints)
    return Plan(study, items)


def count_costs(plan: Plan, *, told: Callable[[int, int], None] | None = None) -> dict[str, Cost]:
    """Build and count every distinct model of a plan once, before anything is trained.

    Args:
        plan: the trials.
        told: called with the number of models counted so far and in all.

    Returns:
        Cost by the trial's key.

    Raises:
        StudyError: with every model that cannot be built, naming the variant and the site.
    """
    groups: dict[str, list[str]] = {}
    for key, item in plan.items.items():
        groups.setdefault(model_identity(item.trial), []).append(key)
    costs: dict[str, Cost] = {}
    refused: dict[str, list[str]] = {}
    for number, keys in enumerate(groups.values(), start=1):
        item = plan.items[keys[0]]
        try:
            cost = TASKS[item.trial.task.name].make(**item.trial.task.params).cost(item.trial)
            costs.update(dict.fromkeys(keys, cost))
        except ModelError as error:
            refused.setdefault(str(error), []).append(item.label)
        if told:
            told(number, len(groups))
    if refused:
        raise StudyError(_complaint(plan.study, message, labels) for message, labels in refused.items())
    return costs


def _complaint(study: Study, message: str, labels: list[str]) -> Complaint:
    """What is wrong with some variants' models, at the axis or the field of the base that it comes from."""
    heads = ("placement",) if message.startswith("placement") else ("gate", "placement", "backbone", "dataset")
    axes = [number for number, axis in enumerate(study.axes) if axis.key.partition(".")[0] in heads]
    path: Path_ = ("axes", axes[0]) if axes else ("base", heads[0])
    more = f" (and {len(labels) - 1} more variants)" if len(labels) > 1 else ""
    return study.document.complaint(path, f"{labels[0]}{more}: {message}")


def model_identity(trial: Trial) -> str:
    """What the cost of a trial depends on: everything but its seed and its training."""
    return trial.model_copy(update={"seed": 0, "training": Trial.model_fields["training"].default}).model_dump_json()
