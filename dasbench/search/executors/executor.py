"""What every executor does: take trials from a source, run them, say what happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from dasbench.records import Cost, Epoch, Outcome, Signal
from dasbench.spec.trial import Trial


class Job(Protocol):
    """Runs one trial: `run_trial` with its folder and runtime filled in. It travels to workers."""

    def __call__(
        self, trial: Trial, report: Callable[[Epoch], Signal], *, cost: Cost | None = None
    ) -> Outcome:
        """Run a trial.

        Args:
            trial: a resolved one.
            report: told of each epoch.
            cost: what its network costs, if the driver has counted it.
        """
        ...


@dataclass(frozen=True)
class Assignment:
    """A trial that is to be run now.

    Args:
        trial: a resolved one.
        cost: what its network costs; None if whoever runs it is to count.
    """

    trial: Trial
    cost: Cost | None = None


Source = Iterator[Assignment | None]
"""Hands out trials; None when there is none just now but there may be later."""


class Listener(Protocol):
    """Who is told what happens, always in the driver's main thread."""

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A trial ended, well or badly; it may come again if another source hands it out again."""
        ...


@dataclass
class Interrupt:
    """A request to stop, of a signal handler or of a trial that may not be trained.

    Args:
        signal: number of the signal, 0 while there is none.
        refusal: why the trials cannot be trained here, `""` while they can.
    """

    signal: int = 0
    refusal: str = ""

    @property
    def requested(self) -> bool:
        """Whether to stop claiming trials and come to an end."""
        return self.signal != 0 or self.refusal != ""


class Executor(Protocol):
    """Runs trials until the source has no more or an interrupt is requested.

    Args:
        in_process: whether trials run in this process, with the components that were defined in it.
    """

    in_process: ClassVar[bool]

    def run(self, source: Source, job: Job, listener: Listener, interrupt: Interrupt) -> None:
        """Run every trial of the source; returns when all have ended.

        Args:
            source: resolved trials; one is taken when there is room to run it, None means to ask
                again soon.
            job: runs one trial; every exception of a trial is already an outcome.
            listener: told of every epoch and every end.
            interrupt: when requested, nothing more is taken, and trials end after their epoch or a
                few seconds.
        """
        ...
