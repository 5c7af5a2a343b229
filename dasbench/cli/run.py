"""`dasbench run`: train what is missing of a study."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from dasbench.cli.options import data_option, db_option, known_states, read_study, study_options
from dasbench.data_access import data_access

if TYPE_CHECKING:
    from dasbench.run import Summary
    from dasbench.search.executors.executor import Executor, Interrupt
    from dasbench.spec.study import Resources

FAILURES = ("nan", "oom", "killed", "timeout", "error")


@click.command("run")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
@db_option
@click.option("--executor", type=click.Choice(["ray", "inline"]), default="ray", show_default=True, help="Who runs.")
@click.option("--workers", type=click.IntRange(1), help="Trials at once. [default: as many as the cores hold]")
@click.option(
    "--loaders", type=click.IntRange(0, 256), help="Threads of a trial that decode images. [default: its cores]"
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
@click.option(
    "--retry", metavar="failed|REASON,...", help=f"Run failed trials again: failed, or {', '.join(FAILURES)}."
)
@click.option(
    "--workdir", type=click.Path(file_okay=False), help="Checkpoints. [default: .dasbench beside the database]"
)
@click.option("--plain", is_flag=True, help="One line for each finished trial, no live view.")
def command(
    study: str,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    executor: str,
    workers: int | None,
    loaders: int | None,
    device: str,
    retry: str | None,
    workdir: str | None,
    plain: bool,
) -> int:
    r"""Train what is missing of a study, and nothing else: running again is how a study is resumed.

    \b
    Exit codes: 0 every trial has a result; 1 some failed (they are named); 2 the study is unsound;
    3 disk or database; 4 a newer or foreign database; 5 another driver runs the study; 130, 143 interrupted.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    again = _reasons(retry)
    from dasbench.cli.progress import make_progress
    from dasbench.cli.workers import default_workers
    from dasbench.plan import count_costs, plan_study  # imports torch: a study of unsound form never waits for it
    from dasbench.results.store import open_store
    from dasbench.run import run_study
    from dasbench.search.executors.executor import Interrupt
    from dasbench.training.run_trial import Runtime, check_device, forget_checkpoints, run_trial

    check_device(device, gpus=loaded.resources.gpus)
    plan = plan_study(loaded)
    states = known_states(db, list(plan.items))
    count_costs(plan.without({key for key, state in states.items() if state == "done"}))
    runtime = Runtime(
        device=device,
        threads=loaded.resources.cpus,
        timeout_s=loaded.resources.timeout_s,
        data_root=data_access().root,
        loaders=loaded.resources.cpus if loaders is None else loaders,
    )
    folder = (Path(workdir) if workdir else _default_workdir(db)).resolve()
    job = partial(run_trial, workdir=folder, runtime=runtime)
    number = workers or default_workers(loaded.resources.cpus)
    interrupt = Interrupt()
    with open_store(db) as store, _signals(interrupt), make_progress(number, plain=plain) as progress:
        summary = run_study(
            plan,
            store,
            _executor(executor, number, loaded.resources),
            job,
            watcher=progress,
            interrupt=interrupt,
            forget=partial(forget_checkpoints, folder),
            retry=again,
        )
    return _conclude(summary, interrupt, study=study, db=db)


def _default_workdir(db: str) -> Path:
    """Checkpoints lie beside the database's file; for a server, where one stands."""
    from dasbench.results.engine import locate

    path = locate(db).path
    return (path.parent if path else Path()) / ".dasbench" / "checkpoints"


def _executor(name: str, workers: int, resources: "Resources") -> "Executor":
    if name == "inline":
        from dasbench.search.executors.inline import Inline

        return Inline()
    from dasbench.search.executors.ray_tune import RayTune  # imports Ray

    return RayTune(workers=workers, cpus=resources.cpus, gpus=resources.gpus)


def _reasons(retry: str | None) -> tuple[str, ...]:
    if retry is None:
        return ()
    if retry == "failed":
        return FAILURES
    reasons = tuple(retry.split(","))
    unknown = [reason for reason in reasons if reason not in FAILURES]
    if unknown:
        raise click.BadParameter(
            f"'{unknown[0]}' is no class of failure; write failed, or some of {', '.join(FAILURES)}"
        )
    return reasons


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
