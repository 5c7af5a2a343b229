"""Every variant at every seed, or at the seeds that a scheduler or a comparison leaves it."""

from collections.abc import Sequence
from itertools import product

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.looks import Looks
from dasbench.search.samplers.sampler import Proposal, Result, Sampler, identity
from dasbench.spec.study import Study


@SAMPLERS.register("grid", source="exhaustive enumeration")
def grid(study: Study) -> Sampler:
    """All variants at the first seed, then all at the next: one cut short compares like with like.

    With a scheduler the first seed is a screening: variants that it stops get no further seeds.
    With looks, variants get seeds for as long as their comparison with the baseline is open.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> base = Trial(backbone="resnet18", dataset="digits")
        >>> study = Study(name="x", question="?", base=base, seeds=2)
        >>> [proposal.seed for proposal in grid(study).propose()]
        [0, 1]
    """
    if study.seeds.looks:
        return Looks(study)
    if study.scheduler.name != "none" and len(study.seeds) > 1:
        return Screening(study)
    return AllAtOnce(study)


class AllAtOnce:
    """Proposes all at once."""

    def __init__(self, study: Study) -> None:
        self.exhausted = False
        self._study = study

    def propose(self) -> Sequence[Proposal]:
        """Everything, the first time."""
        if self.exhausted:
            return ()
        self.exhausted = True
        everything = product(self._study.seeds, self._study.variants())
        return [Proposal(variant, seed) for seed, variant in everything]

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Nothing depends on results."""


class Screening:
    """Proposes all variants at the first seed, then those that were not stopped at the others."""

    def __init__(self, study: Study) -> None:
        self.exhausted = False
        self._variants = list(study.variants())
        self._first, *self._others = study.seeds
        self._waiting: set[str] | None = None
        self._stopped: set[str] = set()

    def propose(self) -> Sequence[Proposal]:
        """The screening; once it is over, the replicates of what it left."""
        if self._waiting is None:
            self._waiting = set(map(identity, self._variants))
            return [Proposal(variant, self._first) for variant in self._variants]
        if self._waiting or self.exhausted:
            return ()
        self.exhausted = True
        left = [variant for variant in self._variants if identity(variant) not in self._stopped]
        return [Proposal(variant, seed) for seed, variant in product(self._others, left)]

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Hear how the screening of a variant ended."""
        if self._waiting is None or proposal.seed != self._first:
            return
        self._waiting.discard(identity(proposal.variant))
        if result.fate in ("stopped", "infeasible"):
            self._stopped.add(identity(proposal.variant))
