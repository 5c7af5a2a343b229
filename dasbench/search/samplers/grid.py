"""Every variant of a study at every seed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from dasbench.catalog import SAMPLERS
from dasbench.spec.study import Study


class Proposal(NamedTuple):
    """A variant to train, at one seed.

    Args:
        variant: dotted fields of the trial and their values.
        seed: of every random decision.
    """

    variant: dict[str, Any]
    seed: int


@SAMPLERS.register("grid", source="exhaustive enumeration")
def grid(study: Study) -> Iterator[Proposal]:
    """All variants at the first seed, then all at the next, so that a study cut short compares like with like.

    Example:
        >>> from dasbench.spec.trial import Trial
        >>> study = Study(name="x", question="?", base=Trial(backbone="resnet18", dataset="digits"), seeds=2)
        >>> [proposal.seed for proposal in grid(study)]
        [0, 1]
    """
    for seed in study.seeds:
        for variant in study.variants():
            yield Proposal(variant, seed)
