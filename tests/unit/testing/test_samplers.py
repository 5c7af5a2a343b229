"""The contract of samplers holds for a sound one and says what a broken one breaks."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from broken_components import refusal

from dasbench.catalog import SAMPLERS
from dasbench.search.samplers.sampler import Proposal
from dasbench.testing import check_sampler


class Drawn:
    """A sound sampler: draws from a seed."""

    exhausted = False

    def __init__(self, study, *, seed=0):
        self.study = study
        self.inner = SAMPLERS["random"].make(study, seed=seed)

    def propose(self):
        return self.inner.propose()

    def tell(self, proposal, result):
        self.inner.tell(proposal, result)


class OfAnotherSpace(Drawn):
    def propose(self):
        return [Proposal({"gate.depth": 3})]


class Bare(Drawn):
    def propose(self):
        return [{"gate": "none"}]


class Unwritable(Drawn):
    def propose(self):
        (proposal,) = super().propose()
        variant = dict(proposal.variant)
        if "gate.kernel" in variant:
            variant["gate.kernel"] = np.int64(variant["gate.kernel"])
        return [Proposal(variant)]


class OfAnotherSeed(Drawn):
    def propose(self):
        return [replace(proposal, seed=77) for proposal in super().propose()]


class Twice(Drawn):
    def propose(self):
        proposal = replace(super().propose()[0], seed=0)
        return [proposal, proposal]


class Fickle(Drawn):
    starts = itertools.count()

    def __init__(self, study, *, seed=0):
        super().__init__(study, seed=next(self.starts))


class Deaf(Drawn):
    def __init__(self, study, *, seed=0):
        super().__init__(study, seed=5)


class Silent(Drawn):
    def propose(self):
        return ()


class Undead(Drawn):
    exhausted = True
    asked = 0

    def propose(self):
        self.asked += 1
        return () if self.asked == 1 else super().propose()


class Forgetful(Drawn):
    def tell(self, proposal, result):
        """Go on as if nothing had been said."""


class Stubborn(Drawn):
    def __init__(self, study, *, seed=0):
        super().__init__(study, seed=seed)
        self.proposals = super().propose()

    def propose(self):
        return self.proposals

    def tell(self, proposal, result):
        if result.fate != "known":
            self.inner.tell(proposal, result)
            self.proposals = super().propose()


class Choosy(Drawn):
    def tell(self, proposal, result):
        if result.fate == "infeasible":
            raise NotImplementedError


class NeedsABest(Drawn):
    def __init__(self, study, *, seed=0):
        super().__init__(study, seed=seed)
        self.scores = []
        self.best = None

    def tell(self, proposal, result):
        super().tell(proposal, result)
        self.scores += result.values
        self.best = max(self.scores)


BROKEN_SAMPLERS = {
    OfAnotherSpace: "{'gate.depth': 3} is no variant of the study",
    Bare: "propose() returns {'gate': 'none'}; write [Proposal(variant)]",
    Unwritable: "is not JSON serializable; propose the values of the axes",
    OfAnotherSeed: "seed 77 is none of the study's",
    Twice: "with seed 0 is proposed twice",
    Fickle: "told the same, it proposes something else the second time",
    Deaf: "another seed changes no proposal",
    Silent: "the study waits forever",
    Undead: "it is exhausted, and proposes nevertheless",
    Forgetful: "resumed after 3 results, it proposes something else",
    Stubborn: "again and again, though it is told that this is known",
}


def test_a_sound_sampler_keeps_its_contract():
    SAMPLERS.register("own", source="ours")(Drawn)

    check_sampler("own")


@pytest.mark.parametrize("sampler", BROKEN_SAMPLERS, ids=lambda sampler: sampler.__name__)
def test_the_contract_of_samplers_names_what_is_broken(sampler):
    SAMPLERS.register("own", source="ours")(sampler)

    assert BROKEN_SAMPLERS[sampler] in refusal(check_sampler, "own")


@pytest.mark.parametrize(
    ("sampler", "error"), [(Choosy, NotImplementedError), (NeedsABest, ValueError)]
)
def test_the_error_of_a_sampler_that_cannot_take_an_answer_comes_through(sampler, error):
    SAMPLERS.register("own", source="ours")(sampler)

    with pytest.raises(error):
        check_sampler("own")


def test_a_sampler_without_a_source_or_a_word_on_a_parameter_breaks_its_contract():
    SAMPLERS.register("own")(Drawn)
    SAMPLERS.register("other", source="ours")(type("Other", (Drawn,), {"__doc__": "Draws."}))

    assert refusal(check_sampler, "own") == "sampler 'own': register it with a source"
    assert "does not say what seed means" in refusal(check_sampler, "other")
