"""From a study to the trials that it means: resolved, and distinct."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from dasbench.errors import Complaint, StudyError
from dasbench.records import Cost, Row
from dasbench.resolution import resolve
from dasbench.results.planning import Member
from dasbench.search.samplers.sampler import Proposal
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.cost_key import cost_key
from dasbench.spec.identity import data_name
from dasbench.spec.plain import Variant
from dasbench.spec.recipes import with_recipes
from dasbench.spec.study import MAX_TRIALS, Study, trial_fields
from dasbench.spec.trial import Trial


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
    variant: Variant
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
            **cost_key(self.trial)._asdict(),
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


def plan_trial(study: Study, variant: Variant, seed: int, role: str = "") -> Planned:
    """A variant of a study at one seed, all defaults filled in.

    Raises:
        StudyError: if its components do not go together, on the line of the field of the base that
            it is about.
    """
    try:
        trial = resolve(study.base.with_values({**with_recipes(variant), "seed": seed}))
    except StudyError as error:
        raise StudyError(_with_line(study, each) for each in error.complaints) from error
    return Planned(trial, variant, study.label_of(variant), role)


def _with_line(study: Study, complaint: Complaint) -> Complaint:
    """A complaint about a trial, on the line of the field of the base."""
    if complaint.file:
        return complaint
    return study.document.complaint(("base", *complaint.key.split(".")), complaint.message)


def replan(study: Study, rows: Iterable[Row]) -> Iterator[Planned]:
    """The trials that the database lists for a search, as they would be trained today.

    Those outside of its space are left out. A trial whose code has changed since gets another key.

    Args:
        study: the search.
        rows: what the database lists for it.
    """
    for row in rows:
        if row.role == "confirm" or study.holds(row.variant):
            yield plan_trial(study, row.variant, row.seed, row.role)


def plan_proposals(study: Study, proposals: Iterable[Proposal]) -> dict[str, Planned]:
    """The trials of proposals that name their seeds, by key.

    Those that break a constraint on fields are left out.

    Raises:
        StudyError: with all that is wrong with any of them, once each: components that do not go
            together, two variants that are the same trial.
    """
    items: dict[str, Planned] = {}
    complaints: dict[Complaint, None] = {}
    for proposal in proposals:
        assert proposal.seed is not None
        try:
            planned = plan_trial(study, proposal.variant, proposal.seed)
        except StudyError as error:
            complaints |= dict.fromkeys(error.complaints)
            continue
        if any(violations(study, planned.trial)):
            continue
        twin = items.get(planned.trial.key)
        if twin:
            both = f"'{twin.label}' and '{planned.label}'"
            message = f"{both} are the same trial; use 'when' to leave one out"
            complaints[study.document.complaint(("axes",), message)] = None
        items[planned.trial.key] = planned
    if complaints:
        raise StudyError(complaints)
    return items


def shuffled_proposals(study: Study) -> Iterator[Proposal]:
    """Every variant of a finite space in a random order, once for each seed."""
    variants = list(islice(study.variants(), MAX_TRIALS))
    order = permutation(derive_seed(study.name, "leftovers"), len(variants))
    for _ in study.seeds:
        for place in order:
            yield Proposal(variants[place])


def violations(study: Study, trial: Trial, cost: Cost | None = None) -> tuple[float, ...]:
    """How far a trial violates each constraint of its study, 0 where it holds.

    An unknown cost violates none.
    """
    values = trial_fields(trial)
    if cost:
        values |= cost.by_name
    return tuple(constraint.violation(values) for constraint in study.constraints)


def keep_feasible(plan: Plan, costs: Mapping[str, Cost]) -> Plan:
    """The plan without the trials that violate a constraint.

    Those whose cost is not given are kept.

    Args:
        plan: the trials.
        costs: cost by key.
    """
    infeasible = set()
    for key, item in plan.items.items():
        if any(violations(plan.study, item.trial, costs.get(key))):
            infeasible.add(key)
    return plan.without(infeasible)
