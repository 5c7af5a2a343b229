"""What a study trains next: what it lists, or what a sampler proposes from what came out, every trial once."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice

from dasbench.analysis.looks import Look
from dasbench.catalog import SAMPLERS
from dasbench.checks import check_study
from dasbench.counting import count_cost, count_costs
from dasbench.errors import ModelError, StudyError
from dasbench.plan import (
    Plan,
    Planned,
    keep_feasible,
    plan_proposals,
    plan_trial,
    replan,
    violations,
)
from dasbench.records import Cost, Row, State
from dasbench.results.answers import LookRecord, TrialState
from dasbench.search.samplers.looks import Looks
from dasbench.search.samplers.sampler import Fate, Proposal, Result, Sampler, identity
from dasbench.search.winners import best_variants, objective_values
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.constraints import COSTS
from dasbench.spec.study import MAX_TRIALS, Study
from dasbench.spec.trial import Trial

PATIENCE = 200
"""Proposals in a row that a sampler may waste (known trials, infeasible ones) before the rest is listed instead."""

logger = logging.getLogger(__name__)


class Agenda:
    """The trials of a study as they become known.

    A search is distinct by construction: a proposal that is known already becomes the next seed of
    its variant, or is answered as known and asked again. What violates a constraint, or cannot be
    built, is answered as infeasible and never trained. What an earlier run of the study left in the
    database counts as this run's own.

    Args:
        study: what is asked.

    Raises:
        StudyError: if a component does not accept its parameters; later, if there turns out to be
            nothing to train.

    Example:
        >>> base = Trial(backbone={"name": "resnet18", "width": 2}, dataset={"name": "digits", "image_size": 8})
        >>> axes = [{"key": "backbone.width", "values": [2, 4]}]
        >>> agenda = Agenda(Study(name="width", question="How wide?", base=base, axes=axes))
        >>> [planned.label for planned in agenda.start([])], agenda.exhausted
        (['width=2', 'width=4'], True)
    """

    def __init__(self, study: Study) -> None:
        check_study(study)
        self.study = study
        self.items: dict[str, Planned] = {}
        self._sampler: Sampler = SAMPLERS[study.sampler.name].create(study, **study.sampler.params)
        self._results: dict[str, Result] = {}
        self._seeds: dict[str, set[int]] = {}
        self._spared: set[str] = set()
        self._leftovers: Iterator[Proposal] | None = None
        self._dry = False
        self._confirming = False
        self._refused: Counter[str] = Counter()

    @property
    def exhausted(self) -> bool:
        """Whether nothing will be proposed any more, whatever is told."""
        if not self.study.is_searched:
            return self._sampler.exhausted
        return self._spent and (self._confirming or self.study.confirm is None)

    @property
    def total(self) -> int:
        """How many trials there are to be, as far as that is known."""
        if not self.study.is_searched or self.exhausted:
            return len(self.items)
        assert self.study.trials is not None
        confirm = self.study.confirm
        return max(
            len(self.items),
            self.study.trials + ((confirm.top + 1) * confirm.seeds if confirm else 0),
        )

    @property
    def refusals(self) -> list[str]:
        """Why proposals of a search were not trained, the most frequent reasons first."""
        return [f"{reason} ({count} times)" for reason, count in self._refused.most_common(5)]

    @property
    def looks(self) -> Sequence[Look[str]]:
        """The looks taken so far, of a study that replicates until resolved."""
        return self._sampler.taken if isinstance(self._sampler, Looks) else ()

    def start(self, rows: Sequence[Row]) -> list[Planned]:
        """The trials that the study begins with; asked again, the same ones.

        Args:
            rows: what the database lists for the study; a search goes on from those that are still
                in its space.
        """
        if not self.study.is_searched:
            return list(self.items.values()) or self.propose()
        listed = {row.key for row in rows}
        for planned in replan(self.study, rows):
            if planned.trial.key in listed and planned.trial.key not in self.items:
                self._add(planned)
        self._confirming = self._spent and any(
            item.role == "confirm" for item in self.items.values()
        )
        return list(self.items.values())

    def propose(self) -> list[Planned]:
        """What to train next; empty if that is nothing just now."""
        if not self.study.is_searched:
            return self._listed(self._sampler.propose())
        if not self._spent:
            return self._searched()
        if (
            self.study.confirm
            and not self._confirming
            and all(key in self._results for key in self.items)
        ):
            self._confirming = True
            return self._confirmations()
        return []

    def tell(self, key: str, fate: Fate, metrics: Mapping[str, float], cost: Cost | None) -> None:
        """Hear what became of a trial; the sampler is told."""
        planned = self.items[key]
        values = objective_values(self.study, metrics, cost) if fate == State.DONE else ()
        broken = violations(self.study, planned.trial, cost) if cost else ()
        result = Result(
            fate=fate, values=values, metrics=dict(metrics), cost=cost, violations=broken
        )
        self._results[key] = result
        if planned.role != "confirm":
            self._sampler.tell(Proposal(planned.variant, planned.trial.seed), result)

    def tell_state(self, key: str, state: TrialState) -> bool:
        """Hear of a trial that the database knows; returns whether it has ended."""
        if state.state.ended:
            self.tell(key, state.state, state.metrics, state.cost)
        return state.state.ended

    def prunable(self, trial: Trial) -> bool:
        """Whether a scheduler may stop a trial: not one that a comparison over seeds needs, nor one that is spared."""
        item = self.items.get(trial.key)
        is_replicate = trial.seed != self.study.seeds.values[0] or (
            item is not None and item.role == "confirm"
        )
        return not is_replicate and trial.key not in self._spared

    def spare(self, keys: Iterable[str]) -> None:
        """Let trials run to their end whatever a scheduler says: somebody asked for them again, and they may win."""
        again = set(keys)
        self._spared |= again
        self._confirming = self._confirming and not again

    @property
    def _spent(self) -> bool:
        """Whether the search has proposed all its trials."""
        return self._dry or self._num_searched >= (self.study.trials or 0)

    @property
    def _num_searched(self) -> int:
        return sum(item.role != "confirm" for item in self.items.values())

    def _add(self, planned: Planned) -> Planned:
        self.items[planned.trial.key] = planned
        self._seeds.setdefault(identity(planned.variant), set()).add(planned.trial.seed)
        return planned

    def _listed(self, proposals: Sequence[Proposal]) -> list[Planned]:
        """The trials of a study that lists its variants; those that violate a constraint are left out."""
        plan = Plan(self.study, plan_proposals(self.study, proposals))
        if any(name in COSTS for constraint in self.study.constraints for name in constraint.names):
            plan = keep_feasible(plan, count_costs(plan))
        fresh = [self._add(planned) for planned in plan.items.values()]
        if proposals and not self.items:
            self._refuse_all("none keeps " + ", ".join(map(str, self.study.constraints)))
        kept = {(identity(planned.variant), planned.trial.seed) for planned in fresh}
        for proposal in proposals:
            if (identity(proposal.variant), proposal.seed) not in kept:
                self._sampler.tell(proposal, Result(fate="infeasible"))
        return fresh

    def _searched(self) -> list[Planned]:
        """The next trial of a search; empty if the sampler waits, or nothing is left."""
        for _ in range(PATIENCE):
            proposals = (
                self._sampler.propose()
                if self._leftovers is None
                else list(islice(self._leftovers, 1))
            )
            if not proposals:
                if self._leftovers is not None or self._sampler.exhausted:
                    self._run_dry()
                return []
            fresh = [planned for proposal in proposals if (planned := self._distinct(proposal))]
            if fresh:
                return fresh
        if self._leftovers is None and all(axis.points() is not None for axis in self.study.axes):
            self._leftovers = self._all_in_random_order()
        elif self._leftovers is None:
            self._run_dry()
        return []

    def _run_dry(self) -> None:
        """The search ends for want of new proposals; one that found nothing to train at all is unsound."""
        self._dry = True
        if not self.items:
            self._refuse_all("; ".join(self.refusals))
        found, wanted = self._num_searched, self.study.trials
        logger.warning(
            "%s: no more than %d of %d distinct trials were found", self.study.name, found, wanted
        )

    def _refuse_all(self, why: str) -> None:
        place = "constraints" if self.study.constraints else "axes"
        raise StudyError(
            [
                self.study.document.complaint(
                    (place,), f"no trial of the study can be trained: {why}"
                )
            ]
        )

    def _distinct(self, proposal: Proposal) -> Planned | None:
        """A proposal as a trial that is new and feasible; else None, and the sampler is told."""
        used = self._seeds.get(identity(proposal.variant), set())
        for seed in (seed for seed in self.study.seeds if seed not in used):
            planned = plan_trial(self.study, proposal.variant, seed, "search")
            if planned.trial.key in self.items:  # another variant of the same meaning
                continue
            refusal = self._refusal(planned.trial)
            if refusal is None:
                return self._add(planned)
            self._sampler.tell(Proposal(proposal.variant, seed), refusal)
            return None
        self._sampler.tell(
            Proposal(proposal.variant, self.study.seeds.values[0]), Result(fate="known")
        )
        return None

    def _refusal(self, trial: Trial) -> Result | None:
        """Why a trial is not worth training, or None."""
        broken = violations(self.study, trial)
        cost = None
        try:
            if not any(broken):
                cost = count_cost(trial)
                broken = violations(self.study, trial, cost)
        except ModelError as error:
            self._refused[f"cannot be built: {error}"] += 1
            return Result(fate="infeasible")
        self._refused.update(
            str(c) for c, far in zip(self.study.constraints, broken, strict=True) if far
        )
        return Result(fate="infeasible", cost=cost, violations=broken) if any(broken) else None

    def _all_in_random_order(self) -> Iterator[Proposal]:
        """Every variant of a finite space."""
        variants = list(islice(self.study.variants(), MAX_TRIALS))
        order = permutation(derive_seed(self.study.name, "leftovers"), len(variants))
        return (Proposal(variants[place]) for _ in self.study.seeds for place in order)

    def _confirmations(self) -> list[Planned]:
        """The winners of the search, and the base as it stands, on seeds that took part in no choice."""
        assert self.study.confirm is not None
        seeds = list(
            islice(
                (n for n in count() if n not in self.study.seeds.values), self.study.confirm.seeds
            )
        )
        searched = [
            (self.items[k], result)
            for k, result in self._results.items()
            if self.items[k].role != "confirm"
        ]
        scored = [(item.variant, result.values) for item, result in searched if result.values]
        winners = best_variants(self.study, scored, top=self.study.confirm.top)
        variants = [{}, *winners] if winners else []
        fresh: dict[str, Planned] = {}
        for seed in seeds:
            for variant in variants:
                planned = plan_trial(self.study, variant, seed, "confirm")
                fresh.setdefault(planned.trial.key, planned)
        return [self._add(planned) for key, planned in fresh.items() if key not in self.items]


def look_record(study: Study, look: Look[str]) -> LookRecord:
    """A look as the database keeps it."""
    assert study.seeds.looks is not None
    return LookRecord(
        plan=study.seeds.looks,
        number=look.number,
        level=look.level,
        states=look.states,
        exploratory=look.exploratory,
    )
