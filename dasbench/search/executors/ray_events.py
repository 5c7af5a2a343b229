"""What Tune says happens, in the words of a listener, always in the driver's main thread."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from dasbench.records import Epoch, Outcome, Reason, Signal, State
from dasbench.search.executors.executor import Interrupt, Listener
from dasbench.spec.plain import Record

GRACE_S = 5.0
"""How long trials may take after an interrupt to end their epoch and to keep a checkpoint."""

MAX_RESTARTS = 2
"""How often a trial whose worker died is started again, from its last checkpoint."""

NEEDED = frozenset({"done", "trial_id", "training_iteration"})
"""What Tune itself needs of a result.

Of all the rest it would keep statistics, for each trial, to the end.
"""


class Interrupted(BaseException):
    """Leaves Tune's loop from inside of a callback; not an Exception, which Tune would wrap."""


def read_epoch(text: str) -> Epoch:
    """The point of a learning curve that a worker reported.

    Example:
        >>> read_epoch('{"number": 1, "metrics": {"val_top1": 50.0}}').metrics["val_top1"]
        50.0
    """
    return Epoch(**json.loads(text))


class Events(tune.Callback):
    """Turns Tune's callbacks into those of a listener, an interrupt into the end of Tune's loop.

    Args:
        listener: who hears what happens.
        interrupt: when requested, running trials end after their epoch, and nothing else begins.
        answer: lets the next report of a trial, by its key, be answered with a signal.
    """

    def __init__(
        self, listener: Listener, interrupt: Interrupt, answer: Callable[[str, Signal], None]
    ) -> None:
        self._answer = answer
        self._listener = listener
        self._interrupt = interrupt
        self._curves: dict[str, dict[int, Epoch]] = defaultdict(dict)
        self._restarts: Counter[str] = Counter()
        self._running: set[str] = set()
        self._awaited: set[str] | None = None
        self._deadline = 0.0

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles its callbacks to restore them later, which is never done."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[TuneTrial], **info: object) -> None:
        """After an interrupt, let the running trials end after their epoch, then leave."""
        if not self._interrupt.requested:
            return
        if self._awaited is None:
            self._awaited, self._deadline = set(self._running), time.monotonic() + GRACE_S
            for key in self._running:  # each keeps a checkpoint and says what came out
                self._answer(key, "interrupt")
        if not self._awaited or time.monotonic() > self._deadline:
            raise Interrupted

    def on_trial_start(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object
    ) -> None:
        """A worker has a trial."""
        self._running.add(trial.config["key"])

    def on_trial_result(
        self,
        iteration: int,
        trials: list[TuneTrial],
        trial: TuneTrial,
        result: Record,
        **info: object,
    ) -> None:
        """A worker reported an epoch, or what came out."""
        key = trial.config["key"]
        outcome, point = result.get("outcome"), result.get("epoch")
        for name in result.keys() - NEEDED:
            del result[name]
        if outcome:
            self._finish(key, Outcome.from_json(json.loads(outcome)))
        elif point:
            epoch = read_epoch(point)
            self._curves[key][epoch.number] = (
                epoch  # a worker that was started again may report an epoch again
            )
            self._listener.reported(key, epoch)

    def on_trial_recover(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object
    ) -> None:
        """A worker died; its trial starts again elsewhere."""
        self._restarts[trial.config["key"]] += 1

    def on_trial_error(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object
    ) -> None:
        """A trial came to no outcome of its own."""
        key = trial.config["key"]
        curve = tuple(epoch for _, epoch in sorted(self._curves[key].items()))
        failures = ""
        if trial.error_file:
            failures = Path(trial.error_file).read_text()
        reason, message = _reason_in(failures)
        self._finish(
            key, Outcome(key=key, status=State.FAILED, epochs=curve, reason=reason, error=message)
        )

    def _finish(self, key: str, outcome: Outcome) -> None:
        self._running.discard(key)
        self._curves.pop(key, None)
        if self._awaited is not None:
            self._awaited.discard(key)
        if restarts := self._restarts.pop(key, 0):
            outcome = replace(outcome, environment={**outcome.environment, "restarts": restarts})
        self._listener.finished(outcome)


def _reason_in(failures: str) -> tuple[Reason, str]:
    """Class of failure and message of a trial that did not come to an outcome of its own.

    Args:
        failures: what Ray wrote of each; the message of a process that was killed has no traceback.

    Example:
        >>> _reason_in("Failure # 3: The actor died unexpectedly before finishing this task.")
        ('killed', 'the worker process died 3 times')
    """
    last = failures.rpartition("Failure # ")[2].strip()
    if "Traceback (most recent call last)" in last:
        return "error", f"the worker could not run the trial: failure {last}"
    return "killed", f"the worker process died {MAX_RESTARTS + 1} times"
