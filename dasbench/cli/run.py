"""`dasbench run`: train what is missing of a study."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Unpack

import click

from dasbench.cli.options import data_option, db_option, read_study, study_options
from dasbench.cli.output import tell, tell_result
from dasbench.cli.running.earlier import find_trials, listed_rows
from dasbench.cli.running.gpus import share_of_gpu, wanted_gpus
from dasbench.cli.running.place import check_needs, make_executor, make_runtime, storage_of
from dasbench.cli.running.run_options import RunOptions
from dasbench.data_access import data_access, reading_data

if TYPE_CHECKING:
    from dasbench.agenda import Agenda
    from dasbench.cli.running.conclusion import Commands
    from dasbench.prepare import Prepared
    from dasbench.run import Summary
    from dasbench.search.executors.executor import Interrupt
    from dasbench.spec.study import Study

FAILURES = ("nan", "oom", "killed", "timeout", "error")


@click.command("run")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
@db_option
@click.option(
    "--executor",
    type=click.Choice(["ray", "inline"]),
    default="ray",
    show_default=True,
    help="Who runs.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Trials at once. [default: as many as there is room for]",
)
@click.option(
    "--loaders",
    type=click.IntRange(0, 256),
    help="Threads of a trial that decode images. "
    "[default: its cores; for a GPU, its share of all cores]",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
@click.option(
    "--deterministic",
    is_flag=True,
    help="On a GPU, take the deterministic form of every operator that has one; slower. "
    "[a CPU always does]",
)
@click.option(
    "--address",
    metavar="auto|HOST:PORT",
    help="Run on this Ray cluster. [default: this machine alone]",
)
@click.option(
    "--retry",
    metavar="failed|stopped|REASON,...",
    help=f"Run trials again: failed, stopped, or {', '.join(FAILURES)}.",
)
@click.option(
    "--storage",
    "--workdir",
    metavar="DIR|URL",
    help="Checkpoints; a cluster's machines must all see it. "
    "[default: .dasbench beside the database]",
)
@click.option(
    "--keep-weights",
    is_flag=True,
    help="Keep the weights of each finished trial, for `dasbench saliency` and `backbone.weights`.",
)
@click.option(
    "--again",
    metavar="VARIANT|KEY",
    multiple=True,
    help="Train a variant, or one trial, from scratch again; "
    "the former results stay in `dasbench show`.",
)
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between a trial's checkpoints, at the least; 0 keeps one after each epoch.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Take the name of another study; its results stay in the database.",
)
@click.option("--plain", is_flag=True, help="One line for each finished trial, no live view.")
def command(
    study: str,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    retry: str | None,
    again: tuple[str, ...],
    replace: bool,
    storage: str | None,
    keep_weights: bool,
    plain: bool,
    **place: Unpack[RunOptions],
) -> int:
    """Train what is missing of a study, and nothing else: running again is how a study is resumed.

    \b
    Exit codes: 0 every trial has a result; 1 some failed (they are named); 2 the study is unsound;
    3 disk, database or data; 4 a newer or foreign database; 5 another driver runs the study; 130,
    143 interrupted.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    reasons = _failures_to_retry(retry)
    from dasbench.callbacks.multiplexer import Callbacks, make_callbacks
    from dasbench.cli.running.progress import make_progress
    from dasbench.results.store import open_store
    from dasbench.run import run_study
    from dasbench.training.run_trial import forget_checkpoints, run_trial

    prepared = _prepare(loaded, db)
    agenda = prepared.agenda
    gpus = wanted_gpus(loaded, place)
    share = share_of_gpu(loaded, check_needs(prepared, db, replace=replace), gpus, place)
    runtime = make_runtime(loaded, place, share)
    repeated = find_trials(db, loaded.name, again)
    executor = make_executor(agenda, share, place)
    folder = storage_of(storage, db, place)
    callbacks = make_callbacks(loaded.callbacks)
    with (
        open_store(db) as store,
        _ending_on_signals() as interrupt,
        make_progress(plain=plain) as progress,
        Callbacks(progress, callbacks) as watcher,
    ):
        summary = run_study(
            prepared,
            store,
            executor,
            partial(run_trial, workdir=folder, runtime=runtime),
            watcher=watcher,
            interrupt=interrupt,
            forget=_make_forget(agenda, folder, db, keep=keep_weights),
            retry=reasons,
            again=repeated,
            restart=partial(forget_checkpoints, folder),
        )
    return _conclude(summary, agenda, interrupt)


def _prepare(study: "Study", db: str) -> "Prepared":
    """Prepare a study for a run, which looks at the pixels of images unless names are trusted."""
    from dasbench.prepare import prepare  # imports torch, only for a study of sound form

    if data_access().look != "names":
        click.get_current_context().with_resource(reading_data(look="pixels"))
    return prepare(study, listed_rows(db, study.name))


def _make_forget(
    agenda: "Agenda", folder: "Path | str", db: str, *, keep: bool
) -> Callable[[str], None]:
    """Make what drops the checkpoints of a trial whose result is safe.

    Its weights are kept beside the database, if that was asked for.
    """
    from dasbench.cli.trained import weights_folder
    from dasbench.training.run_trial import forget_checkpoints
    from dasbench.training.weights import keep_weights

    def forget(key: str) -> None:
        if keep:
            keep_weights(agenda.items[key].trial, workdir=folder, folder=weights_folder(db))
        forget_checkpoints(folder, key)

    return forget


def _failures_to_retry(retry: str | None) -> tuple[str, ...]:
    """The classes of failure that are asked for."""
    if retry is None:
        return ()
    known = ("failed", "stopped", *FAILURES)
    reasons: list[str] = []
    for asked in retry.split(","):
        if asked not in known:
            raise click.BadParameter(
                f"'{asked}' is no class of failure; write some of {', '.join(known)}"
            )
        if asked == "failed":
            reasons += FAILURES
        else:
            reasons.append(asked)
    return tuple(reasons)


@contextmanager
def _ending_on_signals() -> Iterator["Interrupt"]:
    """The first SIGINT or SIGTERM asks the run to end; the second ends it at once.

    Then the command to go on is said.
    """
    from dasbench.search.executors.executor import Interrupt

    interrupt = Interrupt()

    def handle(number: int, _frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.signal = number
        tell("stopping after the epochs that run; once more to stop at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    except KeyboardInterrupt:
        tell_result(f"To go on: {_commands().run()}")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(summary: "Summary", agenda: "Agenda", interrupt: "Interrupt") -> int:
    """Say how the study stands; returns the exit code."""
    from dasbench.cli.running.conclusion import last_lines

    lines = last_lines(
        summary,
        _commands(),
        study=agenda.study.name,
        labels={key: f"{item.label} seed={item.trial.seed}" for key, item in agenda.items.items()},
        scheduler=str(agenda.study.scheduler),
        refusals=agenda.refusals,
        interrupted=interrupt.requested,
    )
    for line in lines:
        tell_result(line)
    if interrupt.requested:
        return 128 + interrupt.signal
    return 0 if summary.complete else 1


def _commands() -> "Commands":
    """The commands to go on with, from what was typed."""
    from dasbench.cli.running.conclusion import Commands

    context = click.get_current_context()
    database = []
    if context.get_parameter_source("db") == click.core.ParameterSource.COMMANDLINE:
        database = ["--db", context.params["db"]]
    return Commands(again=context.find_root().obj, database=database)
