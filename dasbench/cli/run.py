"""`dasbench run`: train what is missing of a study."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from dasbench.cli.options import data_option, db_option, known_results, read_study, study_options
from dasbench.data_access import data_access
from dasbench.errors import OutdatedStoreError

if TYPE_CHECKING:
    from dasbench.agenda import Agenda
    from dasbench.run import Summary
    from dasbench.search.executors.executor import Executor, Interrupt
    from dasbench.spec.study import Resources, Study
    from dasbench.training.run_trial import Runtime

FAILURES = ("nan", "oom", "killed", "timeout", "error")


class Place(TypedDict):
    """Options that say where trials run and change no result."""

    executor: str
    workers: int | None
    loaders: int | None
    device: str
    address: str | None


@click.command("run")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
@db_option
@click.option("--executor", type=click.Choice(["ray", "inline"]), default="ray", show_default=True, help="Who runs.")
@click.option("--workers", type=click.IntRange(1), help="Trials at once. [default: as many as there is room for]")
@click.option(
    "--loaders", type=click.IntRange(0, 256), help="Threads of a trial that decode images. [default: its cores]"
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
@click.option("--address", metavar="auto|HOST:PORT", help="Run on this Ray cluster. [default: this machine alone]")
@click.option(
    "--retry",
    metavar="failed|stopped|REASON,...",
    help=f"Run trials again: failed, stopped, or {', '.join(FAILURES)}.",
)
@click.option(
    "--storage",
    "--workdir",
    metavar="DIR|URL",
    help="Checkpoints; a cluster's machines must all see it. [default: .dasbench beside the database]",
)
@click.option("--keep-weights", is_flag=True, help="Keep the weights of each finished trial, for `dasbench saliency`.")
@click.option("--plain", is_flag=True, help="One line for each finished trial, no live view.")
def command(
    study: str,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    retry: str | None,
    storage: str | None,
    keep_weights: bool,
    plain: bool,
    **place: Unpack[Place],
) -> int:
    """Train what is missing of a study, and nothing else: running again is how a study is resumed.

    \b
    Exit codes: 0 every trial has a result; 1 some failed (they are named); 2 the study is unsound;
    3 disk, database or data; 4 a newer or foreign database; 5 another driver runs the study; 130, 143 interrupted.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    again = _reasons(retry)
    from dasbench.agenda import Agenda  # imports torch: a study of unsound form never waits for it
    from dasbench.callbacks.multiplexer import Callbacks, make_callbacks
    from dasbench.cli.progress import make_progress
    from dasbench.cli.trained import weights_folder
    from dasbench.results.store import open_store
    from dasbench.run import run_study
    from dasbench.search.executors.executor import Interrupt
    from dasbench.training.checkpoints import storage_place
    from dasbench.training.run_trial import run_trial

    agenda = Agenda(loaded)
    runtime = _runtime(loaded, place)
    resources = _check_models(loaded, runtime, db, place)
    executor = _executor(agenda, resources, place)
    folder = storage_place(storage) if storage else _default_storage(db, place)
    callbacks = make_callbacks(loaded.callbacks)
    interrupt = Interrupt()
    with (
        open_store(db) as store,
        _signals(interrupt),
        make_progress(plain=plain) as progress,
        Callbacks(progress, callbacks) as watcher,
    ):
        summary = run_study(
            agenda,
            store,
            executor,
            partial(run_trial, workdir=folder, runtime=runtime),
            watcher=watcher,
            interrupt=interrupt,
            forget=_forget(agenda, folder, weights_folder(db) if keep_weights else None),
            retry=again,
        )
    return _conclude(summary, interrupt, study=study, db=db)


def _forget(agenda: "Agenda", folder: "Path | str", weights: Path | None) -> Callable[[str], None]:
    """What is done with the checkpoints of a trial whose result is safe: its weights are kept if asked for."""
    from dasbench.training.run_trial import forget_checkpoints
    from dasbench.training.weights import keep_weights

    def forget(key: str) -> None:
        if weights:
            keep_weights(agenda.items[key].trial, workdir=folder, folder=weights)
        forget_checkpoints(folder, key)

    return forget


def _runtime(study: "Study", place: Place) -> "Runtime":
    """Where each trial runs; a device that is not there is refused."""
    from dasbench.training.run_trial import Runtime, check_device

    cpus, gpus = study.resources.cpus, study.resources.gpus
    if place["address"] is None:  # a cluster's devices are not this machine's
        check_device(place["device"], gpus=0 if gpus == "auto" else gpus)
    return Runtime(
        device=place["device"],
        threads=cpus,
        timeout_s=study.resources.timeout_s,
        data_root=data_access().root,
        loaders=cpus if place["loaders"] is None else place["loaders"],
        replicas=1 if gpus == "auto" else max(1, int(gpus)),
        plugins=click.get_current_context().find_root().params["modules"],
        plugin_root=Path.cwd(),
    )


def _check_models(study: "Study", runtime: "Runtime", db: str, place: Place) -> "Resources":
    """Build every model that the study lists, so that one that cannot be built is known before anything is trained.

    Returns:
        The study's resources, with the share of a GPU that a trial was measured to need, where that was asked for.
    """
    from dasbench.plan import count_costs, plan_study

    plan = plan_study(study)
    count_costs(plan.without(_done(db, list(plan.items))))
    if study.resources.gpus != "auto":
        return study.resources
    if place["address"] is not None:
        raise click.UsageError("gpus: auto measures a GPU of this machine; with --address write a number")
    from dasbench.training.packing import measure_packing

    packing = measure_packing((item.trial for item in plan.items.values()), runtime)
    click.echo(f"gpus: auto: {packing.trials} trials share a GPU", err=True)
    return study.resources.model_copy(update={"gpus": packing.fraction})


def _executor(agenda: "Agenda", resources: "Resources", place: Place) -> "Executor":
    """Who runs the trials."""
    study = agenda.study
    if place["executor"] == "inline":
        if place["address"] is not None:
            raise click.UsageError("--address needs --executor ray")
        from dasbench.search.executors.inline import Inline

        return Inline(scheduler=study.scheduler.name)
    from dasbench.catalog import SCHEDULERS
    from dasbench.cli.workers import warn_of_too_many
    from dasbench.search.executors.ray_tune import RayTune

    assert resources.gpus != "auto"
    if place["workers"] and place["address"] is None:
        warn_of_too_many(place["workers"], resources.cpus)
    return RayTune(
        workers=place["workers"],
        cpus=resources.cpus,
        gpus=resources.gpus,
        scheduler=SCHEDULERS[study.scheduler.name].make(**study.scheduler.params),
        metric=f"val_{study.score.metric}",
        mode=study.score.direction,
        max_epochs=max(int(epochs) for epochs in study.range_of("training.epochs")),
        prunable=agenda.prunable,
        address=place["address"],
    )


def _done(db: str, keys: list[str]) -> set[str]:
    """Trials that have a result, as far as that can be read before the database is opened and brought up to date."""
    try:
        with known_results(db) as reader:
            known = reader.states(keys) if reader else {}
    except OutdatedStoreError:
        return set()
    return {key for key, trial in known.items() if trial.state == "done"}


def _default_storage(db: str, place: Place) -> Path:
    """Checkpoints lie beside the database's file; for a server, where one stands."""
    if place["address"] is not None:
        raise click.UsageError("--address needs --storage, a folder or URL that every machine of the cluster sees")
    from dasbench.results.engine import locate

    path = locate(db).path
    return ((path.parent if path else Path()) / ".dasbench" / "checkpoints").resolve()


def _reasons(retry: str | None) -> tuple[str, ...]:
    if retry is None:
        return ()
    asked = retry.split(",")
    known = {"failed": FAILURES, "stopped": ("stopped",), **{reason: (reason,) for reason in FAILURES}}
    unknown = [reason for reason in asked if reason not in known]
    if unknown:
        raise click.BadParameter(f"'{unknown[0]}' is no class of failure; write some of {', '.join(known)}")
    return tuple(reason for name in asked for reason in known[name])


@contextmanager
def _signals(interrupt: "Interrupt") -> Iterator[None]:
    """The first SIGINT or SIGTERM asks the run to end; the second ends it at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.signal = number
        click.echo("stopping after the epochs that run; once more to stop at once", err=True)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(summary: "Summary", interrupt: "Interrupt", *, study: str, db: str) -> int:
    """Say how the study stands; returns the exit code."""
    finished = sum(state in ("done", "stopped") for state in summary.states.values())
    click.echo(f"{finished} of {summary.planned} trials have a result; {len(summary.ran)} ran now.", err=True)
    if interrupt.requested:
        click.echo(f"To go on: dasbench run {study}" + ("" if db == "results.db" else f" --db {db}"), err=True)
        return 128 + interrupt.signal
    for key, state in summary.states.items():
        if state not in ("done", "stopped"):
            click.echo(f"missing: {key} {state} ({summary.reasons.get(key, 'not run')})", err=True)
    if not summary.complete:
        click.echo(f"To run failed trials again: dasbench run {study} --retry failed", err=True)
    return 0 if summary.complete else 1
