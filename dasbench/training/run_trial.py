"""From a trial to its outcome: a function that knows no database, no Ray and no YAML."""

import math
import socket
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from dasbench.blame import own_fault
from dasbench.catalog import TASKS, resolve
from dasbench.costs.peak_memory import peak_so_far, restart_peak
from dasbench.data_access import reading_data
from dasbench.errors import DasbenchError, DataError, DivergedError, OtherCodeError, StudyError, UsageError
from dasbench.faults import is_out_of_memory
from dasbench.plugins import Plugin, import_components
from dasbench.records import Cost, Epoch, Outcome, Reason, Signal
from dasbench.spec.identity import refuse_other_code
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Evaluation, Replica
from dasbench.training.checkpoints import Checkpoints, Place
from dasbench.training.environment import describe
from dasbench.training.fit import Progress, Report, alone, fit
from dasbench.training.replicas import SharedLearner, add_up, train_together
from dasbench.training.seeds import make_deterministic


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where a trial runs; nothing of it decides the result.

    Args:
        device: `cpu`, `cuda`, `cuda:1`; `auto` takes CUDA where there is one.
        threads: of torch's operators on the CPU.
        timeout_s: seconds after which an attempt fails, or None.
        data_root: the folder that holds the data sets; None for $DASBENCH_DATA, else `./data`.
        loaders: threads that decode images ahead of the training; 0 decodes in the thread that trains.
        replicas: processes that share out every batch, each with a GPU of its own where the device is CUDA, with their
            part of the threads and the loaders. The result is that of one process up to rounding.
        plugins: modules of the user's own components, which register them when they are imported: what
            `dasbench.plugins.imported` lists, or names and paths.
        plugin_root: the folder in which names and paths are looked for.
    """

    device: str = "auto"
    threads: int = 1
    timeout_s: float | None = None
    data_root: Path | None = None
    loaders: int = 0
    replicas: int = 1
    plugins: tuple[str | Plugin, ...] = ()
    plugin_root: Path | None = None


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
    runtime: Runtime = Runtime(),
) -> Outcome:
    """Train a trial and say what came out.

    The same trial gives the same curve, bit for bit, on the same machine and thread count. With a `workdir` it goes on
    from its last epoch when it is called again, and ends bit-identical to a run that was not interrupted.

    Args:
        trial: what to train; it need not be resolved.
        report: told of each epoch; answers `continue`, `stop` or `interrupt`.
        workdir: where the trial's checkpoints go, in a folder named by its key; None keeps none.
        runtime: device, threads and time limit.

    Returns:
        The outcome. A trial that fails is an outcome with `status="failed"`, its reason, the traceback and the curve
        as far as it came; only KeyboardInterrupt and the like pass through.

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
        return _attempt(trial, workdir=workdir, runtime=runtime, report=report, replica=Replica())
    return train_together(
        partial(_attempt, trial, workdir=workdir, runtime=runtime),
        report,
        key=trial.key,
        number=runtime.replicas,
        device=_device_type(runtime.device),
        timeout_s=runtime.timeout_s,
    )


def _attempt(trial: Trial, *, workdir: Place | None, runtime: Runtime, report: Report, replica: Replica) -> Outcome:
    """Train a trial, or one replica's share of it."""
    make_deterministic(threads=max(1, runtime.threads // replica.number))
    device = _device(runtime.device, replica)
    loaders = math.ceil(runtime.loaders / replica.number)
    progress, key, cost, test = Progress(), trial.key, None, Evaluation()
    failure: BaseException | None = None
    try:
        restart_peak(device)
        with reading_data(runtime.data_root, loaders=loaders):
            trial = _resolved(trial, runtime)
            key = trial.key
            task = TASKS[trial.task.name].create(**trial.task.params)
            cost = task.cost(trial)
            learner = task.build(trial, device=device, replica=replica)
            if replica.number > 1:
                learner = SharedLearner(learner, replica)
            fit(
                learner,
                trial.training,
                seed=trial.seed,
                device=device,
                report=report,
                checkpoints=Checkpoints.of(workdir, key, writes=replica.rank == 0),
                progress=progress,
                timeout_s=runtime.timeout_s,
                add_up=add_up if replica.number > 1 else alone,
            )
            if progress.signal == "continue":
                test = learner.evaluate("test")
    except SystemExit as error:
        if not own_fault(error):
            raise  # Ray ends a trial so
        failure = error
    except Exception as error:  # noqa: BLE001 - the one place where a crash becomes an outcome
        failure = error
    if isinstance(failure, OtherCodeError):
        return Outcome(key=trial.key, status="interrupted", error=str(failure))
    return _outcome(key, progress, cost, test, failure, device, replicas=replica.number)


def _resolved(trial: Trial, runtime: Runtime) -> Trial:
    """The trial with its defaults; one that was planned finds the code and the data that it was planned with.

    The user's own components are registered first, for this may be a worker that has never seen them.

    Raises:
        OtherCodeError: if the trial was planned, and this process has other code, or code that cannot be imported.
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
            f"the data set {trial.dataset} changed after the trial was planned: its fingerprint was "
            f"{trial.data_fingerprint} and is {resolved.data_fingerprint}"
        )
    if trial.data_fingerprint:
        refuse_other_code(trial.key, trial.model_dump(), resolved.code)
    return resolved


def _outcome(
    key: str,
    progress: Progress,
    cost: Cost | None,
    test: Evaluation,
    failure: BaseException | None,
    device: torch.device,
    *,
    replicas: int,
) -> Outcome:
    last = progress.epochs[-1].metrics if progress.epochs else {}
    final: dict[str, Any] = {name: value for name, value in last.items() if name.startswith(("val_", "train_"))}
    status = {"continue": "done", "stop": "stopped", "interrupt": "interrupted"}[progress.signal]
    return Outcome(
        key=key,
        status="failed" if failure else status,  # type: ignore[arg-type]
        epochs=tuple(progress.epochs),
        metrics={"epochs": len(progress.epochs), **final, **test.metrics},
        cost=cost,
        seconds=progress.seconds,
        peak_memory=peak_so_far(device),
        device=device.type,
        environment={**describe(device), "replicas": replicas},
        reason=_reason(failure) if failure else None,
        error=_words_of(failure) if failure else "",
        correct=test.correct,
    )


def _words_of(failure: BaseException) -> str:
    """The traceback; before it, in a line, what the user's own code raised, in which component and where."""
    whole = "".join(traceback.format_exception(failure))
    own = own_fault(failure)
    if not own:
        return whole
    lead = str(failure) if isinstance(failure, DasbenchError) else own
    return f"{lead}\n\n{whole}"


def _reason(failure: BaseException) -> Reason:
    match failure:
        case DivergedError():
            return "nan"
        case _ if is_out_of_memory(failure):
            return "oom"
        case TimeoutError():
            return "timeout"
        case _:
            return "error"


def check_device(name: str, *, gpus: float) -> None:
    """Refuse a device that is not there, before anything is trained.

    Args:
        name: as in `Runtime`.
        gpus: how many a trial asks for.

    Raises:
        UsageError: naming what there is instead.
    """
    count = torch.cuda.device_count()
    there = f"this machine has {count} CUDA device{'s' * (count != 1)}"
    if name not in ("auto", "cpu") and not name.startswith("cuda"):
        raise UsageError(f"--device {name}: write cpu, cuda, cuda:0 or auto")
    if (name.startswith("cuda") or gpus > 0) and count == 0:
        raise UsageError(f"a CUDA device is asked for, but {there}; use --device cpu and resources.gpus: 0")
    if name.startswith("cuda:") and gpus > 1:
        raise UsageError(f"--device {name}: a trial with resources.gpus: {gpus:g} takes the first ones; write cuda")
    if name.startswith("cuda:") and not (name[5:].isdigit() and int(name[5:]) < count):
        raise UsageError(f"--device {name}: {there}")
    if gpus > count:
        raise UsageError(f"resources.gpus: {gpus:g} are asked for, but {there}")


def _device_type(name: str) -> Literal["cpu", "cuda"]:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cuda" if name.startswith("cuda") else "cpu"


def _device(name: str, replica: Replica) -> torch.device:
    """The device of a process; replicas take the GPUs in their order."""
    kind = _device_type(name)
    if kind == "cuda" and replica.number > 1:
        return torch.device(kind, replica.rank)
    return torch.device(name if name.startswith("cuda:") else kind)
