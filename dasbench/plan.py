"""From a study to the trials that it means: resolved, distinct, and with models that can be built."""

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dasbench.blame import own_fault
from dasbench.catalog import COMPONENTS, KINDS, SAMPLERS, TASKS
from dasbench.checks import check_components, check_labels
from dasbench.errors import Complaint, ModelError, StudyError, unknown_name
from dasbench.faults import foreign
from dasbench.records import Cost, Row
from dasbench.resolution import resolve
from dasbench.results.costing import Network
from dasbench.results.planning import Member
from dasbench.search.samplers.sampler import Proposal
from dasbench.spec.document import Path_
from dasbench.spec.identity import data_name, deciding_fields, hash_of
from dasbench.spec.recipes import with_recipes
from dasbench.spec.study import Study, trial_fields
from dasbench.spec.trial import Choice, Trial


@dataclass(frozen=True)
class Planned:
    """One trial of a study.

    Args:
        trial: the resolved trial.
        variant: the varied fields and their values.
        label: the variant in a few words.
        role: `search` for one that a sampler proposed, `confirm` for a winner on a fresh seed, else
            `""`.
    """

    trial: Trial
    variant: Mapping[str, Any]
    label: str
    role: str = ""

    @property
    def member(self) -> Member:
        """The trial as the results database lists it."""
        return Member(
            key=self.trial.key,
            spec=self.trial.model_dump(mode="json"),
            variant=self.variant,
            label=self.label,
            seed=self.trial.seed,
            dataset=data_name(self.trial.dataset.model_dump(), self.trial.data_fingerprint),
            task=self.trial.task.name,
            role=self.role,
            **network_of(self.trial)._asdict(),
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


def check_study(study: Study) -> None:
    """Check what a study names: the parameters of its components, its labels, and the fields in its constraints.

    Raises:
        StudyError: with every complaint at once.
    """
    check_components(study)
    if complaints := [*check_labels(study), *_check_constraints(study)]:
        raise StudyError(complaints)


def _check_constraints(study: Study) -> Iterator[Complaint]:
    """Complaints about fields that no trial of the study can have: a constraint on one would refuse nothing."""
    for number, constraint in enumerate(study.constraints):
        for name in constraint.names:
            head, _, last = name.partition(".")
            known = _fields_below(study, head) if last else {last}
            if last not in known:
                message = unknown_name(f"field of {head}", last, known)
                yield study.document.complaint(("constraints", number), message)


def _fields_below(study: Study, head: str) -> set[str]:
    """The fields that a part of the study's trials may have."""
    if head not in COMPONENTS:
        return set(type(getattr(study.base, head)).model_fields)
    chosen = [Choice.model_validate(value).name for value in study.range_of(head)]
    named = [
        str(axis_value)
        for axis in study.axes
        if axis.key == f"{head}.name"
        for axis_value in axis.points() or ()
    ]
    return {"name"}.union(*(KINDS[head][name].defaults for name in (*chosen, *named)))


def plan_study(study: Study) -> Plan:
    """List the trials that a study names before anything is known, all defaults filled in.

    Those are all of a grid, the first seeds of one with looks or a scheduler, and none of a search.

    Raises:
        StudyError: if a component does not accept its parameters, or two variants are the same
            trial.

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
    check_study(study)
    if study.is_searched:
        return Plan(study)
    sampler = SAMPLERS[study.sampler.name].create(study, **study.sampler.params)
    return Plan(study, plan_proposals(study, sampler.propose()))


def plan_trial(study: Study, variant: Mapping[str, Any], seed: int, role: str = "") -> Planned:
    """A variant of a study at one seed, all defaults filled in.

    Raises:
        StudyError: if its components do not go together, on the line of the field of the base that
            it is about.
    """
    try:
        trial = resolve(study.base.with_values({**with_recipes(variant), "seed": seed}))
    except StudyError as error:
        raise StudyError(
            each
            if each.file
            else study.document.complaint(("base", *each.key.split(".")), each.message)
            for each in error.complaints
        ) from error
    return Planned(trial, variant, study.label_of(variant), role)


def replan(study: Study, rows: Iterable[Row]) -> Iterator[Planned]:
    """The trials that the database lists for a search, as they would be trained today; not those outside of its space.

    A trial whose code has changed since gets another key.

    Args:
        study: the search.
        rows: what the database lists for it.
    """
    for row in rows:
        if row.role == "confirm" or study.holds(row.variant):
            yield plan_trial(study, row.variant, row.seed, row.role)


def plan_proposals(study: Study, proposals: Iterable[Proposal]) -> dict[str, Planned]:
    """The trials of proposals that name their seeds, by key; those that break a constraint on fields are left out.

    Raises:
        StudyError: if two variants are the same trial.
    """
    items: dict[str, Planned] = {}
    complaints: list[Complaint] = []
    for proposal in proposals:
        assert proposal.seed is not None
        planned = plan_trial(study, proposal.variant, proposal.seed)
        if any(violations(study, planned.trial)):
            continue
        twin = items.get(planned.trial.key)
        if twin:
            message = f"'{twin.label}' and '{planned.label}' are the same trial; use 'when' to leave one out"
            complaints.append(study.document.complaint(("axes",), message))
        items[planned.trial.key] = planned
    if complaints:
        raise StudyError(complaints)
    return items


def violations(study: Study, trial: Trial, cost: Cost | None = None) -> tuple[float, ...]:
    """How far a trial violates each constraint of its study, 0 where it holds; an unknown cost violates none."""
    values = trial_fields(trial)
    if cost:
        full = {"params": cost.params_full, "macs": cost.macs_full}
        values |= full | {"params_paper": cost.params_paper, "macs_paper": cost.macs_paper}
    return tuple(constraint.violation(values) for constraint in study.constraints)


def keep_feasible(plan: Plan, costs: Mapping[str, Cost]) -> Plan:
    """The plan without the trials that violate a constraint; those whose cost is not given are kept.

    Args:
        plan: the trials.
        costs: cost by key.
    """
    broken = {
        k for k, item in plan.items.items() if any(violations(plan.study, item.trial, costs.get(k)))
    }
    return plan.without(broken)


def count_cost(trial: Trial) -> Cost:
    """What a resolved trial's model costs; each distinct model is built and counted once in a process.

    Raises:
        ModelError: if it cannot be built.
    """
    cost = _count(model_identity(trial))
    if isinstance(cost, str):
        raise ModelError(cost)
    return cost


@cache
def _count(identity: str) -> Cost | str:
    """The cost, or why there is none: a search asks for the same impossible model again and again."""
    trial = Trial.model_validate_json(identity)
    try:
        with foreign(_of_own_task):
            cost: Cost = TASKS[trial.task.name].create(**trial.task.params).cost(trial)
    except ModelError as error:
        return str(error)
    return cost


def _of_own_task(error: BaseException) -> ModelError | None:
    """A task of the user's own that cannot count a trial is like a network that cannot be built."""
    words = own_fault(error)
    return ModelError(words) if words and not isinstance(error, OSError) else None


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
            costs.update(dict.fromkeys(keys, count_cost(item.trial)))
        except ModelError as error:
            refused.setdefault(str(error), []).append(item.label)
        if told:
            told(number, len(groups))
    if refused:
        raise StudyError(
            _complaint(plan.study, message, labels) for message, labels in refused.items()
        )
    return costs


def _complaint(study: Study, message: str, labels: list[str]) -> Complaint:
    """What is wrong with some variants' models, at the axis or the field of the base that it comes from."""
    about = {"placement": ("placement",), "backbone": ("backbone", "dataset")}
    heads = about.get(re.split(r"\W", message)[0], ("gate", "placement", "backbone", "dataset"))
    axes = [number for number, axis in enumerate(study.axes) if axis.key.partition(".")[0] in heads]
    path: Path_ = ("axes", axes[0]) if axes else ("base", heads[0])
    more = f" (and {len(labels) - 1} more variants)" if len(labels) > 1 else ""
    return study.document.complaint(path, f"{labels[0]}{more}: {message}")


def network_of(trial: Trial) -> Network:
    """What the cost of a trial is kept under: everything that it depends on, and the code that builds the network."""
    code = {field: value for field, value in trial.code.items() if field != "training"}
    asked = trial.model_copy(update={"code": {}}) if trial.code else trial
    return Network(_hash_of_text(model_identity(asked)), hash_of(code) if code else "")


@cache
def _hash_of_text(identity: str) -> str:
    return hash_of(deciding_fields(json.loads(identity)))


def model_identity(trial: Trial) -> str:
    """What the cost of a trial depends on: everything but its seed and its training."""
    return trial.model_copy(
        update={"seed": 0, "training": Trial.model_fields["training"].default}
    ).model_dump_json()
