"""Replicate until resolved: more seeds for variants whose comparison with the baseline is open."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

from dasbench.analysis.families import seed_table
from dasbench.analysis.looks import Look, State, planned_levels, take_look
from dasbench.analysis.moderated import noise_of
from dasbench.errors import StudyError
from dasbench.search.samplers.sampler import Proposal, Result, identity
from dasbench.spec.baseline import baseline_candidates
from dasbench.spec.plain import Variant
from dasbench.spec.study import Study


class Looks:
    """Proposes all variants at the first look's seeds, then the open ones and the baseline at more.

    Args:
        study: that takes looks.

    Raises:
        StudyError: if no variant is the study's baseline.
    """

    def __init__(self, study: Study) -> None:
        assert study.seeds.looks is not None
        self.exhausted = False
        self.taken: list[Look[str]] = []
        self._study = study
        self._plan = study.seeds.looks
        self._levels = planned_levels(study.seeds)
        self._metric = study.score.metric
        self._variants = {study.label_of(variant): variant for variant in study.variants()}
        self._labels = {identity(variant): name for name, variant in self._variants.items()}
        self._baseline = _baseline(study, self._variants)
        self._scores: dict[str, dict[int, float]] = {name: {} for name in self._variants}
        self._waiting: set[tuple[str, int]] = set()
        self._seeds = 0

    def propose(self) -> Sequence[Proposal]:
        """The seeds of the next look, once all of the last have come in."""
        if self._waiting or self.exhausted:
            return ()
        names, until = self._next_replicates()
        if until is None:
            self.exhausted = True
            return ()
        seeds = self._study.seeds.values[self._seeds : until]
        self._seeds = until
        self._waiting = set(product(names, seeds))
        return [Proposal(self._variants[name], seed) for seed, name in product(seeds, names)]

    def _next_replicates(self) -> tuple[Sequence[str], int | None]:
        """The variants that get more seeds, and until which number of seeds; None for no more."""
        names = list(self._variants)
        if not self._seeds:
            return names, self._plan[0]
        look = self._look()
        going_on = {self._baseline, *look.open}
        return [name for name in names if name in going_on], look.next_seeds

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Hear the score of a variant at one seed.

        A trial without one takes part in no comparison.
        """
        name = self._labels[identity(proposal.variant)]
        assert proposal.seed is not None
        self._waiting.discard((name, proposal.seed))
        score = result.metrics.get(self._metric, math.nan)
        if result.fate == "done" and math.isfinite(score):
            self._scores[name][proposal.seed] = score

    def _look(self) -> Look[str]:
        settled: dict[str, State] = {}
        if self.taken:
            settled.update(self.taken[-1].states)
        for name in self._variants:  # seeds without a score will not be followed by seeds with one
            if name != self._baseline and not (self._scores[name] and self._scores[self._baseline]):
                settled[name] = "out of reach"
        look = take_look(
            self._scores,
            self._baseline,
            looks=self._plan,
            levels=self._levels,
            number=len(self.taken) + 1,
            min_effect=self._study.seeds.min_effect,
            settled=settled,
            noise=noise_of(seed_table(self._scores)),  # of those that have stopped too
        )
        self.taken.append(look)
        return look


def _baseline(study: Study, variants: Mapping[str, Variant]) -> str:
    """The label of the variant that the others are compared with."""
    wanted, names = study.seeds.baseline, list(variants)
    found = baseline_candidates(list(variants.values()), base=study.base_fields, named=wanted)
    if wanted is not None and len(found) != 1:
        message = (
            f"{len(found)} variants are {dict(wanted)}, not one; there are: {'; '.join(variants)}"
        )
        raise StudyError([study.document.complaint(("seeds", "baseline"), message)])
    return names[next(iter(found), 0)]
