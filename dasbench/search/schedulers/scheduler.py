"""What every scheduler does: make Ray's object that decides after each epoch."""

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class Scheduler(Protocol):
    """Decides which trials stop early; its keyword-only arguments are what a study may set."""

    def make(
        self, *, metric: str, mode: Literal["min", "max"], max_epochs: int
    ) -> "TrialScheduler | None":
        """Ray's scheduler, which counts epochs as `training_iteration`.

        None where no trial is ever stopped.

        Args:
            metric: the name under which results carry the value to compare.
            mode: the direction in which it is better.
            max_epochs: epochs of the longest trial.
        """
        ...
