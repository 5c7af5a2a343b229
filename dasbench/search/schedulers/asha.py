"""Asynchronous successive halving: at each rung only the best fraction of what came goes on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from dasbench.catalog import SCHEDULERS

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


@SCHEDULERS.register(
    "asha", source="Li et al., 2020, arXiv 1810.05934; ray.tune.schedulers.ASHAScheduler"
)
@dataclass(frozen=True, kw_only=True)
class Asha:
    """Asynchronous successive halving: one trial of `reduction_factor` goes on at each rung.

    Rungs stand at `grace_epochs`, and from there at each multiple by `reduction_factor`. A trial is
    compared with those that were there before it, so that no trial ever waits for another.

    Args:
        grace_epochs: epochs that every trial gets.
        reduction_factor: distance of the rungs, and how many of those who reach one make way for
            one that goes on.

    Example:
        >>> Asha(grace_epochs=3).make(metric="val_top1", mode="max", max_epochs=27).metric
        'val_top1'
    """

    grace_epochs: Annotated[int, Ge(1), Le(100_000)] = 1
    reduction_factor: Annotated[float, Gt(1), Le(1000)] = 4.0

    def make(
        self, *, metric: str, mode: Literal["min", "max"], max_epochs: int
    ) -> "TrialScheduler":
        """Ray's object; see `Scheduler`."""
        from ray.tune.schedulers import ASHAScheduler  # only once Ray's switches are set

        return ASHAScheduler(
            metric=metric,
            mode=mode,
            grace_period=self.grace_epochs,
            max_t=max(max_epochs, self.grace_epochs),
            reduction_factor=self.reduction_factor,
            stop_last_trials=False,
        )
