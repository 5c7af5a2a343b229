"""Trials one after another in this process: a plain loop, for debugging and for small studies."""

import time
from dataclasses import dataclass
from typing import ClassVar

from dasbench import devices
from dasbench.errors import MachineError, UsageError
from dasbench.records import Epoch, Signal
from dasbench.search.executors.executor import Interrupt, Job, Listener, Source

PAUSE_S = 0.2
"""How long to wait when the source has nothing just now."""


@dataclass(frozen=True, kw_only=True)
class Inline:
    """Runs trials in this process.

    Args:
        scheduler: name of the study's scheduler; only `none` has a meaning here.

    Raises:
        UsageError: if another one is asked for.
    """

    scheduler: str = "none"
    in_process: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.scheduler != "none":
            raise UsageError(
                f"scheduler '{self.scheduler}' needs `executor` ray: "
                "it compares trials that run side by side; "
                "write scheduler: none to run this study in a plain loop"
            )

    def run(self, source: Source, job: Job, listener: Listener, interrupt: Interrupt) -> None:
        """Run every trial of the source, one after another.

        Raises:
            MachineError: if this process can no longer compute on its GPU; trials that are left
                wait for another run.
        """
        for assignment in source:
            if interrupt.requested:
                return
            if assignment is None:
                time.sleep(PAUSE_S)
                continue
            trial = assignment.trial
            reporter = _Reporter(trial.key, listener, interrupt)
            listener.finished(job(trial, reporter, cost=assignment.cost))
            if devices.is_broken():
                raise MachineError(
                    f"after trial {trial.key} this process can no longer use its GPU "
                    f"('dasbench show {trial.key}' says what happened); run the same command "
                    "again for the other trials, or use `executor` ray"
                )


class _Reporter:
    """Passes a trial's epochs on and ends it when an interrupt is requested."""

    def __init__(self, key: str, listener: Listener, interrupt: Interrupt) -> None:
        self._key = key
        self._listener = listener
        self._interrupt = interrupt

    def __call__(self, epoch: Epoch) -> Signal:
        self._listener.reported(self._key, epoch)
        if self._interrupt.requested:
            return "interrupt"
        return "continue"
