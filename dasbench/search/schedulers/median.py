"""The median rule: a trial ends when its best is below the median of others' averages."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from dasbench.catalog import SCHEDULERS

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


@SCHEDULERS.register(
    "median",
    source="Golovin et al., 2017, Google Vizier, section 3.2; "
    "ray.tune.schedulers.MedianStoppingRule",
)
@dataclass(frozen=True, kw_only=True)
class Median:
    """Stops a trial whose best value is worse than the median of the others' running averages.

    Args:
        grace_epochs: epochs that every trial gets.
        min_trials: how many other trials must have come as far before one is stopped.

    Example:
        >>> Median(min_trials=5).make(metric="val_top1", mode="max", max_epochs=9).metric
        'val_top1'
    """

    grace_epochs: Annotated[int, Ge(1), Le(100_000)] = 1
    min_trials: Annotated[int, Ge(1), Le(100_000)] = 3

    def make(
        self, *, metric: str, mode: Literal["min", "max"], max_epochs: int
    ) -> "TrialScheduler":
        """Ray's object; see `Scheduler`."""
        from ray.tune.schedulers import MedianStoppingRule  # only once Ray's switches are set

        return MedianStoppingRule(
            time_attr="training_iteration",
            metric=metric,
            mode=mode,
            grace_period=self.grace_epochs,
            min_samples_required=self.min_trials,
            min_time_slice=math.inf,  # type: ignore[arg-type]  # never pauses
        )
