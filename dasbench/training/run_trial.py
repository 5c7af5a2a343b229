"""From a trial to its outcome: a function that knows no database, no Ray and no YAML."""

import math
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from dasbench.blame import own_fault
from dasbench.catalog import TASKS
from dasbench.costs.peak_memory import peak_so_far, restart_peak
from dasbench.costs.structure import refuse_other_network
from dasbench.data_access import Look, reading_data
from dasbench.datasets.looking.contents import last_change, refuse_changed_files
from dasbench.devices import (
    check_device,
    device_kind,
    device_of,
    give_back_memory,
    limit_memory,
    start_on,
)
from dasbench.errors import DataError, OtherCodeError, StudyError, UsageError
from dasbench.plugins import import_components
from dasbench.records import Cost, Epoch, Outcome, Signal, State
from dasbench.resolution import resolve
from dasbench.spec.fingerprints import BY_NAMES
from dasbench.spec.identity import refuse_other_code
from dasbench.spec.plain import Spec
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Replica
from dasbench.training.arithmetic import noting_indeterminate, set_arithmetic
from dasbench.training.checkpoints import Checkpoints, Place
from dasbench.training.environment import describe, own_components
from dasbench.training.failure import Failure, failure_of
from dasbench.training.fit import AddUp, Progress, Report, alone, fit
from dasbench.training.replicas import train_together
from dasbench.training.runtime import Runtime
from dasbench.training.shared_learner import SharedLearner, add_up


def forget_checkpoints(workdir: Place, key: str) -> None:
    """Remove what a trial left in its folder; call it when its outcome is safe."""
    Checkpoints.of(workdir, key).clear()


def go_on(epoch: Epoch) -> Signal:
    """The report of a trial that nobody watches."""
    del epoch
    return "continue"


def run_trial(
    trial: Trial,
    report: Report = go_on,
    workdir: Place | None = None,
    *,
    runtime: Runtime = Runtime(),  # noqa: B008 - it is frozen
    cost: Cost | None = None,
) -> Outcome:
    """Train a trial and say what came out.

    The same trial gives the same curve, bit for bit, on the same CPU and thread count. With a
    `workdir` it goes on from its last checkpoint when it is called again, and ends bit-identical to
    a run that was not interrupted.

    Args:
        trial: what to train; it need not be resolved.
        report: told of each epoch; answers `continue`, `stop` or `interrupt`.
        workdir: where the trial's checkpoints go, in a folder named by its key; None keeps none.
        runtime: device, threads and time limit.
        cost: what its network costs, if that is known; it is counted if it is left out.

    Returns:
        The outcome. A trial that fails is an outcome with `status="failed"`, its reason, the
        traceback and the curve as far as it came; only KeyboardInterrupt and the like pass through.

    Example:
        >>> trial = Trial(
        ...     backbone={"name": "resnet18", "width": 2, "stem": "small"},
        ...     dataset={"name": "digits", "image_size": 8},
        ...     training={"epochs": 1},
        ... )
        >>> run_trial(trial).status
        'done'
    """
    if runtime.replicas == 1:
        return _attempt(
            trial, workdir=workdir, runtime=runtime, cost=cost, report=report, replica=Replica()
        )
    return train_together(
        partial(_attempt, trial, workdir=workdir, runtime=runtime, cost=cost),
        report,
        key=trial.key,
        number=runtime.replicas,
        device=device_kind(runtime.device),
        timeout_s=runtime.timeout_s,
    )


@dataclass
class _Attempt:
    """What is known of an attempt at a trial, updated in place, so that a failure leaves it behind.

    Args:
        key: of the trial.
        device: where it is trained.
        replicas: processes that train it together.
        progress: how far it came.
        cost: what its network costs, once that is known.
        test: its scores at the end.
        indeterminate: operators that had no deterministic form.
        components: those that are not dasbench's own, with the commits of their code, once they are
            found.
    """

    key: str
    device: torch.device
    replicas: int
    progress: Progress = field(default_factory=Progress)
    cost: Cost | None = None
    test: Evaluation = field(default_factory=Evaluation)
    indeterminate: set[str] = field(default_factory=set)
    components: Mapping[str, Spec] = field(default_factory=dict)


def _attempt(
    trial: Trial,
    *,
    workdir: Place | None,
    runtime: Runtime,
    cost: Cost | None,
    report: Report,
    replica: Replica,
) -> Outcome:
    """Train a trial, or one replica's share of it."""
    device = device_of(runtime.device, rank=replica.rank, number=replica.number)
    attempt = _Attempt(trial.key, device, replica.number, cost=cost)
    failure: Failure | None = None
    try:
        with noting_indeterminate() as attempt.indeterminate:
            _train(trial, attempt, workdir=workdir, runtime=runtime, report=report, replica=replica)
    except SystemExit as error:
        if not own_fault(error):
            raise  # Ray ends a trial so
        failure = failure_of(error)
    except Exception as error:  # noqa: BLE001 - the one place where a crash becomes an outcome
        failure = failure_of(error, planned=bool(trial.data_fingerprint))
    outcome = _outcome(attempt, failure)
    if failure or device.type == "cuda":
        give_back_memory(device)
    return outcome


def _train(
    trial: Trial,
    attempt: _Attempt,
    *,
    workdir: Place | None,
    runtime: Runtime,
    report: Report,
    replica: Replica,
) -> None:
    """Train a trial, or one replica's share of it, and test it; whatever goes wrong is raised."""
    loaders = math.ceil(runtime.loaders / replica.number)
    device, progress = attempt.device, attempt.progress
    check_device(runtime.device)
    torch.set_num_threads(max(1, runtime.threads // replica.number))
    start_on(device)
    limit_memory(device, runtime.gpu_share)
    restart_peak(device)
    look: Look | None = None
    if trial.data_fingerprint.startswith(BY_NAMES):
        look = "names"
    with reading_data(
        runtime.data_root,
        loaders=loaders,
        gpu_share=runtime.gpu_share,
        look=look,
        contents=runtime.contents,
    ):
        trial = _resolve_as_planned(trial, runtime)
        attempt.key, attempt.components = trial.key, own_components(trial)
        set_arithmetic(trial, device, deterministic=runtime.deterministic)
        task = TASKS[trial.task.name].create(**trial.task.params)
        attempt.cost = attempt.cost or task.cost(trial)
        learner = task.build(trial, device=device, replica=replica)
        refuse_other_network(learner.model, attempt.cost)
        total: AddUp = alone
        if replica.number > 1:
            learner, total = SharedLearner(learner, replica), add_up
        fit(
            learner,
            trial.training,
            seed=trial.seed,
            device=device,
            report=report,
            checkpoints=_checkpoints(workdir, trial.key, runtime, replica),
            progress=progress,
            timeout_s=runtime.timeout_s,
            add_up=total,
        )
        if progress.signal == "continue":
            attempt.test = learner.evaluate("test")


def _checkpoints(
    workdir: Place | None, key: str, runtime: Runtime, replica: Replica
) -> Checkpoints:
    """Where the trial's state is kept, ten times or more within its time limit."""
    every_s = runtime.checkpoint_s
    if runtime.timeout_s is not None:
        every_s = min(every_s, runtime.timeout_s / 10)
    return Checkpoints.of(workdir, key, writes=replica.rank == 0, every_s=every_s)


def _resolve_as_planned(trial: Trial, runtime: Runtime) -> Trial:
    """The trial with its defaults, and with the code and the data that it was planned with.

    The user's own components are registered first, for this may be a worker that has never seen
    them.

    Raises:
        OtherCodeError: if the trial was planned, and this process has other code, or code that
            cannot be imported.
        DataError: if the data are others.
    """
    try:
        import_components(runtime.plugins, beside=runtime.plugin_root or Path())
        resolved = resolve(trial)
    except (UsageError, StudyError) as error:
        if not trial.data_fingerprint:
            raise
        where = f"trial {trial.key} cannot be trained on {socket.gethostname()} as it was planned"
        raise OtherCodeError(f"{where}: {error}") from error
    if trial.data_fingerprint and resolved.data_fingerprint != trial.data_fingerprint:
        raise DataError(
            f"the data set {trial.dataset} changed after the trial was planned: "
            f"its fingerprint was {trial.data_fingerprint} and is {resolved.data_fingerprint}"
            f"{last_change(resolved.data_fingerprint)}"
        )
    if trial.data_fingerprint:
        refuse_changed_files(trial.data_fingerprint)
        refuse_other_code(trial.key, trial.model_dump(), resolved.code)
    return resolved


_STATES: Mapping[Signal, State] = {
    "continue": State.DONE,
    "stop": State.STOPPED,
    "interrupt": State.INTERRUPTED,
}
"""How a trial ended, by the last answer to its report."""


def _outcome(attempt: _Attempt, failure: Failure | None) -> Outcome:
    if failure and failure.refusal:
        return Outcome(key=attempt.key, status=State.INTERRUPTED, error=failure.refusal)
    progress = attempt.progress
    metrics: dict[str, float] = {"epochs": len(progress.epochs)}
    if progress.epochs:
        last = progress.epochs[-1].metrics
        metrics |= {name: last[name] for name in last if name.startswith(("val_", "train_"))}
    environment = describe(attempt.device, indeterminate=attempt.indeterminate)
    outcome = Outcome(
        key=attempt.key,
        status=_STATES[progress.signal],
        epochs=tuple(progress.epochs),
        metrics={**metrics, **attempt.test.metrics},
        cost=attempt.cost,
        seconds=progress.seconds,
        peak_memory=peak_so_far(attempt.device),
        device=attempt.device.type,
        environment={**environment, "replicas": attempt.replicas, "components": attempt.components},
        correct=attempt.test.correct,
        confusion=attempt.test.confusion,
    )
    if failure is None:
        return outcome
    return replace(outcome, status=State.FAILED, reason=failure.reason, error=failure.words)
