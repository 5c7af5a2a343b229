"""What Tune asks after each epoch: a scheduler around Ray's own that knows whom it may stop."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from dasbench.records import Epoch, Signal
from dasbench.search.executors.ray_events import read_epoch
from dasbench.spec.plain import Record
from dasbench.spec.trial import Trial

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController


@dataclass
class _Watched:
    """A trial that may be stopped.

    Args:
        epochs: of its recipe; after the last one there is nothing to stop.
        last: what the inner scheduler heard last.
        hopeless: whether it was told to stop.
    """

    epochs: int
    last: Record = field(default_factory=dict)
    hopeless: bool = False


class Pruning(FIFOScheduler):
    """Runs trials in order, and tells those to stop that an inner scheduler gives up.

    The inner scheduler hears of each epoch once, in order, also when a worker died and its trial
    reports again; of values that are not finite it hears nothing. Whom it gives up is not cut off
    by Tune, but told so by the answer to its report: the trial keeps its checkpoint, says itself
    what came out of it, and leaves its worker free.

    Args:
        inner: Ray's scheduler; None stops nobody. One that pauses trials lets them go on.
        metric: name of the value that it compares.
        prunable: whether a trial may be stopped at all; the others are not compared with either.
        answer: lets the next report of a trial, by its key, be answered with a signal.
    """

    def __init__(
        self,
        inner: TrialScheduler | None,
        *,
        metric: str,
        answer: Callable[[str, Signal], None],
        prunable: Callable[[Trial], bool] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inner = inner
        self._value = metric
        self._prunable = prunable
        self._answer = answer
        self._waiting: dict[str, TuneTrial] = {}
        self._watched: dict[str, _Watched] = {}

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles its scheduler to restore it later, which is never done."""
        return {}

    def on_trial_add(self, tune_controller: "TuneController", trial: TuneTrial) -> None:
        """Watch a new trial; one whose worker died comes again and is known."""
        self._waiting[trial.trial_id] = trial
        if self._inner is None or trial.trial_id in self._watched:
            return
        asked = Trial.model_validate_json(trial.config["trial"])
        if self._prunable is None or self._prunable(asked):
            self._watched[trial.trial_id] = _Watched(asked.training.epochs)
            self._inner.on_trial_add(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: "TuneController") -> TuneTrial | None:
        """The first trial that waits; Ray's own way looks through all that ever were."""
        for name, trial in list(self._waiting.items()):
            if trial.status == trial.PENDING:
                return trial
            del self._waiting[name]
        return None

    def on_trial_result(
        self, tune_controller: "TuneController", trial: TuneTrial, result: Record
    ) -> str:
        """Ask the inner scheduler; whatever it says, Tune lets the trial go on to its own end."""
        watched = self._watched.get(trial.trial_id)
        if watched and "epoch" in result:
            epoch = read_epoch(result["epoch"])
            if watched.hopeless or self._gives_up(tune_controller, trial, watched, epoch):
                watched.hopeless = True
                self._answer(trial.config["key"], "stop")
        answer: str = TrialScheduler.CONTINUE
        return answer

    def _gives_up(
        self,
        tune_controller: "TuneController",
        trial: TuneTrial,
        watched: _Watched,
        epoch: Epoch,
    ) -> bool:
        value = epoch.metrics.get(self._value, math.nan)
        if not math.isfinite(value) or epoch.number <= watched.last.get("training_iteration", 0):
            return False
        watched.last = {"training_iteration": epoch.number, self._value: value}
        assert self._inner is not None, "only trials that an inner scheduler hears of are watched"
        decision = self._inner.on_trial_result(tune_controller, trial, dict(watched.last))
        return bool(decision == TrialScheduler.STOP) and epoch.number < watched.epochs

    def on_trial_complete(
        self, tune_controller: "TuneController", trial: TuneTrial, result: Record
    ) -> None:
        """Tell the inner scheduler what it heard last."""
        watched = self._forget(trial)
        if self._inner and watched and watched.last:
            self._inner.on_trial_complete(tune_controller, trial, dict(watched.last))
        elif self._inner and watched:
            self._inner.on_trial_remove(tune_controller, trial)

    def on_trial_remove(self, tune_controller: "TuneController", trial: TuneTrial) -> None:
        """Tell the inner scheduler that the trial will not run."""
        if self._forget(trial) and self._inner:
            self._inner.on_trial_remove(tune_controller, trial)

    def _forget(self, trial: TuneTrial) -> _Watched | None:
        self._waiting.pop(trial.trial_id, None)
        return self._watched.pop(trial.trial_id, None)
