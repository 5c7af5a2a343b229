"""What a study trains next, every trial once: what it lists, or what a sampler proposes."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count, islice

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
    shuffled_proposals,
    violations,
)
from dasbench.records import Cost, Row, State
from dasbench.results.answers import TrialState
from dasbench.search.samplers.looks import Looks
from dasbench.search.samplers.sampler import Fate, Proposal, Result, Sampler, identity
from dasbench.search.winners import best_variants, objective_values
from dasbench.spec.constraints import COSTS
from dasbench.spec.plain import Variant
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

PATIENCE = 200
"""Proposals in a row that may be known or infeasible before the rest is listed instead."""

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
        >>> data = {"name": "digits", "image_size": 8}
        >>> base = Trial(backbone={"name": "resnet18", "width": 2}, dataset=data)
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
        return self._has_searched and (self._confirming or self.study.confirm is None)

    @property
    def total(self) -> int:
        """How many trials there are to be, as far as that is known."""
        if not self.study.is_searched or self.exhausted:
            return len(self.items)
        assert self.study.trials is not None
        wanted = self.study.trials
        if self.study.confirm:
            wanted += (self.study.confirm.top + 1) * self.study.confirm.seeds
        return max(len(self.items), wanted)

    @property
    def refusals(self) -> list[str]:
        """Why proposals of a search were not trained, the most frequent reasons first."""
        return [f"{reason} ({count} times)" for reason, count in self._refused.most_common(5)]

    @property
    def looks(self) -> Sequence[Look[str]]:
        """The looks taken so far, of a study that replicates until resolved."""
        if isinstance(self._sampler, Looks):
            return self._sampler.taken
        return ()

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
        self._confirming = self._has_searched and self._num_searched < len(self.items)
        return list(self.items.values())

    def propose(self) -> list[Planned]:
        """What to train next; empty if that is nothing just now."""
        if not self.study.is_searched:
            return self._add_feasible(self._sampler.propose())
        if not self._has_searched:
            return self._search()
        if self.exhausted or self.items.keys() - self._results.keys():
            return []
        self._confirming = True
        return self._add_confirmations()

    def tell(self, key: str, fate: Fate, metrics: Mapping[str, float], cost: Cost | None) -> None:
        """Hear what became of a trial; the sampler is told."""
        planned = self.items[key]
        values: tuple[float, ...] = ()
        if fate == State.DONE:
            values = objective_values(self.study, metrics, cost)
        broken: tuple[float, ...] = ()
        if cost:
            broken = violations(self.study, planned.trial, cost)
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
        """Whether a scheduler may stop a trial, which neither a comparison nor anybody needs."""
        item = self.items.get(trial.key)
        if item is not None and item.role == "confirm":
            return False
        return trial.seed == self.study.seeds.values[0] and trial.key not in self._spared

    def spare(self, keys: Iterable[str]) -> None:
        """Let trials run to their end: somebody asked for them again, and they may win."""
        again = set(keys)
        self._spared |= again
        self._confirming = self._confirming and not again

    @property
    def _has_searched(self) -> bool:
        """Whether the search has proposed all its trials."""
        return self._dry or self._num_searched >= (self.study.trials or 0)

    @property
    def _num_searched(self) -> int:
        return sum(item.role != "confirm" for item in self.items.values())

    def _add(self, planned: Planned) -> Planned:
        self.items[planned.trial.key] = planned
        self._seeds.setdefault(identity(planned.variant), set()).add(planned.trial.seed)
        return planned

    def _add_feasible(self, proposals: Sequence[Proposal]) -> list[Planned]:
        """The trials that a study lists, without those that violate a constraint."""
        plan = Plan(self.study, plan_proposals(self.study, proposals))
        constrained = chain.from_iterable(each.names for each in self.study.constraints)
        if not set(COSTS).isdisjoint(constrained):
            plan = keep_feasible(plan, count_costs(plan))
        fresh = list(map(self._add, plan.items.values()))
        if proposals and not self.items:
            self._refuse_all("none keeps " + ", ".join(map(str, self.study.constraints)))
        for proposal in proposals:
            if proposal.seed not in self._seeds.get(identity(proposal.variant), ()):
                self._sampler.tell(proposal, Result(fate="infeasible"))
        return fresh

    def _search(self) -> list[Planned]:
        """The next trial of a search; empty if the sampler waits, or nothing is left."""
        for _ in range(PATIENCE):
            proposals = self._next_proposals()
            if not proposals:
                if self._leftovers is not None or self._sampler.exhausted:
                    self._run_dry()
                return []
            fresh = list(filter(None, map(self._add_distinct, proposals)))
            if fresh:
                return fresh
        if self._leftovers is None:
            self._turn_to_leftovers()
        return []

    def _next_proposals(self) -> Sequence[Proposal]:
        """What the sampler proposes, or the next one that it left over."""
        if self._leftovers is None:
            return self._sampler.propose()
        return list(islice(self._leftovers, 1))

    def _turn_to_leftovers(self) -> None:
        """List the rest of a finite space; the search of any other ends here."""
        if all(axis.points() is not None for axis in self.study.axes):
            self._leftovers = shuffled_proposals(self.study)
        else:
            self._run_dry()

    def _run_dry(self) -> None:
        """The search ends for want of new proposals; one that found nothing at all is unsound."""
        self._dry = True
        if not self.items:
            self._refuse_all("; ".join(self.refusals))
        found, wanted = self._num_searched, self.study.trials
        logger.warning(
            "%s: no more than %d of %d distinct trials were found", self.study.name, found, wanted
        )

    def _refuse_all(self, why: str) -> None:
        place = "constraints" if self.study.constraints else "axes"
        message = f"no trial of the study can be trained: {why}"
        raise StudyError([self.study.document.complaint((place,), message)])

    def _add_distinct(self, proposal: Proposal) -> Planned | None:
        """A proposal as a trial that is new and feasible; else None, and the sampler is told."""
        used = self._seeds.get(identity(proposal.variant), set())
        for seed in self.study.seeds:
            if seed in used:
                continue
            planned = plan_trial(self.study, proposal.variant, seed, "search")
            if planned.trial.key in self.items:  # another variant of the same meaning
                continue
            refusal = self._refusal(planned.trial)
            if refusal is None:
                return self._add(planned)
            self._sampler.tell(Proposal(proposal.variant, seed), refusal)
            return None
        known = Proposal(proposal.variant, self.study.seeds.values[0])
        self._sampler.tell(known, Result(fate="known"))
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
        if not any(broken):
            return None
        for constraint, distance in zip(self.study.constraints, broken, strict=True):
            if distance:
                self._refused[str(constraint)] += 1
        return Result(fate="infeasible", cost=cost, violations=broken)

    def _add_confirmations(self) -> list[Planned]:
        """The winners of the search, and the base as it stands, on seeds of no choice."""
        confirm = self.study.confirm
        assert confirm is not None
        winners = best_variants(self.study, self._searched_scores(), top=confirm.top)
        if not winners:
            return []
        unused_seeds = (seed for seed in count() if seed not in self.study.seeds.values)
        fresh = []
        for seed in islice(unused_seeds, confirm.seeds):
            for variant in ({}, *winners):
                planned = plan_trial(self.study, variant, seed, "confirm")
                if planned.trial.key not in self.items:
                    fresh.append(self._add(planned))
        return fresh

    def _searched_scores(self) -> list[tuple[Variant, tuple[float, ...]]]:
        """The variants that the search trained to their end, with the values of the objectives."""
        scores = []
        for key, result in self._results.items():
            item = self.items[key]
            if item.role != "confirm" and result.values:
                scores.append((item.variant, result.values))
        return scores
