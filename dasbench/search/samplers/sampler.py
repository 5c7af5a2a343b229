"""What every sampler does: propose variants, and hear what came out of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dasbench.records import Cost, State
from dasbench.spec.plain import Variant

Fate = State | Literal["infeasible", "known"]
"""What became of a proposal: trained to the end, failed, stopped early, rejected by a constraint or
because its model cannot be built, or known already and not trained again."""


@dataclass(frozen=True)
class Proposal:
    """A variant to train.

    Args:
        variant: dotted fields of the trial and their values.
        seed: of every random decision; None for the first of the study's seeds that the variant was
            not trained with.

    Example:
        >>> Proposal({"gate.alpha": 0.1}).seed is None
        True
    """

    variant: Variant
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a sampler hears of a proposal.

    Args:
        fate: what became of it.
        values: value of each objective of the study, in its order; empty unless it was trained to
            the end and has them all. Scores are those of the validation part.
        metrics: final metrics by name, for who needs more than the objectives.
        cost: exact cost, where it was counted.
        violations: for every constraint of the study how far it is violated, 0 or less where it
            holds; empty unless the cost was counted.
    """

    fate: Fate
    values: tuple[float, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    violations: tuple[float, ...] = ()


class Sampler(Protocol):
    """Proposes variants of a study.

    Rebuilt from what the database holds at every start, and never stored.
    """

    @property
    def exhausted(self) -> bool:
        """Whether it will never propose anything more, whatever it is told."""
        ...

    def propose(self) -> Sequence[Proposal]:
        """What to train next, as much as can be said without further results.

        Empty if that is nothing just now.
        """
        ...

    def tell(self, proposal: Proposal, result: Result) -> None:
        """Hear what became of a proposal, its own or one of an earlier run.

        The seed is always filled in.
        """
        ...


def identity(variant: Variant) -> str:
    """A variant as text, the same for equal variants whatever the order of their fields.

    Example:
        >>> identity({"b": 1, "a": [2]}) == identity({"a": [2], "b": 1})
        True
    """
    return json.dumps(variant, sort_keys=True)
