"""No scheduler: every trial runs to its end."""

from dataclasses import dataclass

from dasbench.catalog import SCHEDULERS


@SCHEDULERS.register("none")
@dataclass(frozen=True, kw_only=True)
class NoScheduler:
    """Stops nothing: every trial runs to its end.

    Example:
        >>> NoScheduler().make(metric="val_top1", mode="max", max_epochs=9) is None
        True
    """

    def make(self, *, metric: str, mode: str, max_epochs: int) -> None:
        """Nothing: Ray runs trials in the order in which they come."""
