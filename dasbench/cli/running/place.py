"""Where the trials of a run are trained: device, executor, storage, and what they need there."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.cli.options import known_results
from dasbench.cli.output import tell
from dasbench.cli.running.data import lines_about_data
from dasbench.cli.running.earlier import announce_changes, find_record
from dasbench.cli.running.gpus import GpuShare, loaders_of
from dasbench.cli.running.run_options import RunOptions
from dasbench.cli.trained import folder_of
from dasbench.data_access import data_access
from dasbench.errors import OutdatedStoreError
from dasbench.plugins import imported
from dasbench.records import State
from dasbench.spec.plain import Record

if TYPE_CHECKING:
    from dasbench.agenda import Agenda
    from dasbench.plan import Plan
    from dasbench.prepare import Prepared
    from dasbench.search.executors.executor import Executor
    from dasbench.spec.study import Study
    from dasbench.training.checkpoints import Place
    from dasbench.training.runtime import Runtime


def make_runtime(study: "Study", place: RunOptions, share: GpuShare) -> "Runtime":
    """Where each trial runs, and how."""
    from dasbench.datasets.looking.contents import contents_read
    from dasbench.training.runtime import Runtime

    cpus = study.resources.cpus
    device = "cpu"
    if share.gpus:
        device = place["device"]
    return Runtime(
        device=device,
        threads=cpus,
        deterministic=place["deterministic"] or None,
        gpu_share=share.memory,
        timeout_s=study.resources.timeout_s,
        checkpoint_s=place["checkpoint_every"],
        data_root=data_access().root,
        contents=contents_read(),
        loaders=loaders_of(study, share, place),
        replicas=max(1, int(share.gpus)),
        plugins=imported(),
    )


def check_needs(prepared: "Prepared", db: str, *, replace: bool) -> "Plan":
    """Look at all data of a study and build its models, before anything is trained.

    Args:
        prepared: the study as it is to be run.
        db: the database.
        replace: whether another study of the same name may lose its place in the database.

    Returns:
        The trials that the study lists and that have no result yet.
    """
    from dasbench.spec.fingerprints import refuse_changed_data

    study, plan = prepared.study, prepared.plan
    announce_changes(study, [item.member for item in plan.items.values()], db, replace=replace)
    done, specs = _results_so_far(db, study.name, list(plan.items))
    refuse_changed_data(prepared.trials, specs)
    left = plan.without(done)
    if left.items or study.is_searched:
        trials = [item.trial for item in left.items.values()]
        for line in lines_about_data(trials or prepared.trials):
            tell(line)
    prepared.costs(but=done)
    return left


def make_executor(agenda: "Agenda", share: GpuShare, place: RunOptions) -> "Executor":
    """Who runs the trials."""
    study = agenda.study
    if place["executor"] == "inline":
        if place["address"] is not None:
            raise click.UsageError("--address needs --executor ray")
        from dasbench.search.executors.inline import Inline

        return Inline(scheduler=study.scheduler.name)
    from dasbench.catalog import SCHEDULERS
    from dasbench.cli.running.workers import warn_of_too_many
    from dasbench.search.executors.ray_tune import RayTune

    cpus = study.resources.cpus
    if place["workers"] and place["address"] is None:
        warn_of_too_many(place["workers"], cpus)
    return RayTune(
        workers=place["workers"],
        cpus=cpus,
        gpus=share.gpus,
        scheduler=SCHEDULERS[study.scheduler.name].create(**study.scheduler.params),
        metric=f"val_{study.score.metric}",
        mode=study.score.direction,
        max_epochs=max(map(int, study.range_of("training.epochs"))),
        prunable=agenda.prunable,
        address=place["address"],
    )


def _results_so_far(db: str, study: str, keys: list[str]) -> tuple[set[str], dict[str, Record]]:
    """Which trials have a result, and the specs of those that the study has listed before.

    As far as that can be read before the database is opened for writing and brought up to date.
    """
    try:
        with known_results(db) as reader:
            if reader is None:
                return set(), {}
            done = {key for key, trial in reader.states(keys).items() if trial.state == State.DONE}
            if find_record(reader, study) is None:
                return done, {}
            return done, reader.specs([row.key for row in reader.rows(study)])
    except OutdatedStoreError:
        return set(), {}


def storage_of(wanted: str | None, db: str, place: RunOptions) -> "Place":
    """Where checkpoints lie: as asked for, else beside the database."""
    from dasbench.training.checkpoints import storage_place

    if wanted:
        return storage_place(wanted)
    if place["address"] is not None:
        raise click.UsageError(
            "--address needs --storage, a folder or URL that every machine of the cluster sees"
        )
    return storage_beside(db)


def storage_beside(db: str) -> Path:
    """The folder of checkpoints beside a database's file; for a server, where one stands."""
    return (folder_of(db) / ".dasbench" / "checkpoints").resolve()
