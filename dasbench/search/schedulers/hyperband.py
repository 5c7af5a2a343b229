"""Hyperband: successive halving with several lengths of grace at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from dasbench.catalog import SCHEDULERS

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


@SCHEDULERS.register(
    "hyperband",
    source="Li et al., 2018, JMLR 18(185); asynchronous as in arXiv 1810.05934; "
    "ray.tune.schedulers.AsyncHyperBandScheduler",
)
@dataclass(frozen=True, kw_only=True)
class Hyperband:
    """Hyperband: brackets of successive halving whose first rungs stand later and later.

    Differs from the paper: the brackets are asynchronous, as the authors propose themselves for
    parallel workers (2020). A trial falls into a bracket by chance, more often into one with more
    rungs, and is compared with those of its bracket that were at the rung before it. Synchronous
    brackets pause trials until the last of a rung has come; here a worker never waits.

    Args:
        grace_epochs: epochs that every trial of the first bracket gets; a bracket's first rung is
            the next one's grace.
        reduction_factor: distance of the rungs, and how many of those who reach one make way for
            one that goes on.

    Example:
        >>> Hyperband().brackets(max_epochs=27)
        4
    """

    grace_epochs: Annotated[int, Ge(1), Le(100_000)] = 1
    reduction_factor: Annotated[float, Gt(1), Le(1000)] = 3.0

    def brackets(self, *, max_epochs: int) -> int:
        """How many brackets there are: as many as there are rungs up to the last epoch."""
        rungs, epochs = 1, self.grace_epochs * self.reduction_factor
        while epochs <= max_epochs:
            rungs, epochs = rungs + 1, epochs * self.reduction_factor
        return rungs

    def make(
        self, *, metric: str, mode: Literal["min", "max"], max_epochs: int
    ) -> "TrialScheduler":
        """Ray's object; see `Scheduler`."""
        from ray.tune.schedulers import AsyncHyperBandScheduler  # only once Ray's switches are set

        return AsyncHyperBandScheduler(
            metric=metric,
            mode=mode,
            grace_period=self.grace_epochs,
            max_t=max(max_epochs, self.grace_epochs),
            reduction_factor=self.reduction_factor,
            brackets=self.brackets(max_epochs=max_epochs),
            stop_last_trials=False,
        )
