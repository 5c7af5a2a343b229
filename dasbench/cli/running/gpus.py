"""Which part of which GPU the trials of a run get, and where a trial is trained because of it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from dasbench.cli.output import tell
from dasbench.cli.running.run_options import RunOptions
from dasbench.cli.running.workers import default_workers
from dasbench.errors import ModelError, StudyError, UsageError
from dasbench.search.executors.share import Share, part_of_gpu
from dasbench.spec.plain import Variant

if TYPE_CHECKING:
    from dasbench.plan import Plan
    from dasbench.spec.study import Study
    from dasbench.training.packing import Packing, Peaks

Wanted = float | Literal["auto"]
"""GPUs of a trial, or `auto` for as many trials on each as fit."""


@dataclass(frozen=True)
class GpuShare:
    """What a trial gets.

    Args:
        gpus: how many; a fraction shares one.
        memory: part of a GPU's memory.
    """

    gpus: float = 0.0
    memory: float = 1.0


def wanted_gpus(study: "Study", place: RunOptions) -> Wanted:
    """What a study and the options ask for together; it is said where that is not written out.

    Raises:
        UsageError: if they contradict each other, or there are no such GPUs.
    """
    from dasbench.devices import gpus_here, grow_segments

    grow_segments()  # what is measured here is to be what trials take in their processes
    device, gpus = place["device"], study.resources.gpus
    there = _count_gpus(place)
    _refuse_contradictions(gpus, place)
    if gpus == 0 or device == "cpu":
        if there and device == "auto":
            tell(f"resources.gpus: 0: trials are trained on the CPU; {gpus_here()}")
        return 0.0
    _warn_of_unseen_gpus()
    if isinstance(gpus, float):
        if place["address"] is None and gpus > there:
            raise UsageError(
                f"resources.gpus: {gpus:g} are asked for, but {gpus_here()}; use resources.gpus: 0"
            )
        return gpus
    if there:
        return _as_many_as_fit(place)
    if gpus == "auto":
        raise UsageError(
            f"gpus: auto measures how many trials fit on a GPU, but {gpus_here()}; write gpus: 0"
        )
    return 0.0


def _count_gpus(place: RunOptions) -> int:
    """The GPUs that torch has here; none counts with a cluster, whose machines are others."""
    import torch

    from dasbench.devices import check_device

    if place["address"] is not None:
        return 0
    check_device(place["device"])
    return torch.cuda.device_count()


def _warn_of_unseen_gpus() -> None:
    """Say that this machine has GPUs that torch cannot use."""
    import torch

    from dasbench.devices import unseen_gpus

    unseen = unseen_gpus()
    if unseen:
        cards = f"{unseen} GPU{'s' * (unseen != 1)}"
        tell(
            f"this machine has {cards} that torch {torch.__version__} cannot use; trials do without"
        )


def _as_many_as_fit(place: RunOptions) -> Wanted:
    """As many trials on each GPU as fit; the plain loop has one at a time."""
    if place["executor"] == "ray":
        return "auto"
    tell("--executor inline: trials have a GPU, one after another")
    return 1.0


def _refuse_contradictions(gpus: Wanted | None, place: RunOptions) -> None:
    """Refuse what cannot be meant at once."""
    device = place["device"]
    if device == "cpu" and gpus not in (None, 0):
        asked = gpus if gpus == "auto" else f"{gpus:g}"
        raise UsageError(
            f"--device cpu: the study has resources.gpus: {asked}; "
            "write gpus: 0, or leave one of them out"
        )
    if device.startswith("cuda"):
        _refuse_this_gpu(device, gpus, under_ray=place["executor"] == "ray")
    measured = gpus == "auto" or (gpus is None and device.startswith("cuda"))
    if measured and place["address"] is not None:
        raise click.UsageError(
            "gpus: auto measures a GPU of this machine; with --address write a number"
        )


def _refuse_this_gpu(device: str, gpus: Wanted | None, *, under_ray: bool) -> None:
    """Refuse `cuda`, or one of several GPUs, where trials cannot be there."""
    if gpus == 0:
        raise UsageError(
            f"--device {device}: the study has resources.gpus: 0, the CPU; "
            "leave it out or write a number"
        )
    if ":" not in device:
        return
    if under_ray:
        raise UsageError(
            f"--device {device}: under Ray each trial sees its own GPU alone; "
            "write cuda, or set CUDA_VISIBLE_DEVICES to the GPUs that may be used"
        )
    if isinstance(gpus, float) and gpus > 1:
        raise UsageError(
            f"--device {device}: a trial with resources.gpus: {gpus:g} takes the first ones; "
            "write cuda"
        )


def share_of_gpu(study: "Study", plan: "Plan", wanted: Wanted, place: RunOptions) -> GpuShare:
    """What each trial gets: measured where it is to be as little as it needs, and said.

    Args:
        study: as it is to be run.
        plan: its trials that have no result; of a search there are none yet.
        wanted: GPUs of a trial.
        place: the options that say where trials run.

    Raises:
        UsageError: if a GPU does not hold the largest trial.
    """
    if wanted == 0:
        return GpuShare()
    if not plan.items and not study.is_searched and not study.seeds.looks:
        return GpuShare(1.0)  # nothing will run
    if place["address"] is None:
        _warn_of_precision(study)
    if wanted != "auto":
        gpus = _spread(wanted, study, place)
        return GpuShare(gpus, memory=min(gpus, 1.0))
    from dasbench.training.packing import Peaks, pack_on_fullest

    peaks = Peaks(place["device"], deterministic=place["deterministic"] or None)
    packing = pack_on_fullest(_largest_peak(study, plan, peaks))
    gpus = _spread(part_of_gpu(packing.trials), study, place)
    tell(_sentence_of_share(study, gpus, packing))
    return GpuShare(gpus, memory=gpus * packing.free / packing.total)


def _warn_of_precision(study: "Study") -> None:
    """Say that a precision brings nothing on this machine's GPU."""
    import torch

    from dasbench.devices import has_short_floats

    asked = [name for name in ("tf32", "bf16") if name in study.range_of("training.precision")]
    if asked and not has_short_floats():
        name = torch.cuda.get_device_name()
        tell(
            f"training.precision: {' and '.join(asked)}: {name} has no units for it "
            "and will not be faster than fp32"
        )


def _sentence_of_share(study: "Study", gpus: float, packing: "Packing") -> str:
    on_each = Share(gpus=gpus).times_in(math.inf, 1)
    asked = "gpus: auto"
    if study.resources.gpus != "auto":
        asked += " (left out in the study)"
    trials = f"{on_each} trial{'s' * (on_each != 1)}"
    return (
        f"{asked}: {trials} on each GPU at once; "
        f"the largest takes about {packing.needed / 2**30:.1f} GiB, "
        f"of which its memory holds {packing.trials}"
    )


def _spread(gpus: float, study: "Study", place: RunOptions) -> float:
    """The share with which the trials that the cores allow are on all GPUs of this machine.

    On a cluster, and in the plain loop, the share is as it was.
    """
    if place["address"] is not None or place["executor"] != "ray":
        return gpus
    import torch

    share = Share(study.resources.cpus, gpus)
    trials = place["workers"] or default_workers(study.resources.cpus)
    return share.spread(trials, torch.cuda.device_count()).gpus


def _largest_peak(study: "Study", plan: "Plan", peaks: "Peaks") -> int:
    """Bytes of the largest trial; of a search, the largest that is found at its axes' ends."""
    if not study.is_searched:
        return peaks.largest(item.trial for item in plan.items.values())
    from dasbench.plan import plan_trial, violations
    from dasbench.search.extremes import largest_in

    def peak_of(variant: Variant) -> int | None:
        try:
            trial = plan_trial(study, variant, study.seeds.values[0]).trial
            if any(violations(study, trial)):
                return None
            return peaks.of(trial)
        except (StudyError, ModelError):  # will be refused when it is proposed
            return None

    return largest_in(study, peak_of)


def loaders_of(study: "Study", share: GpuShare, place: RunOptions) -> int:
    """Threads that decode images for a trial.

    A GPU is fed by all cores of the machine, which its trials share out.
    """
    if place["loaders"] is not None:
        return place["loaders"]
    cpus = study.resources.cpus
    if not share.gpus or place["address"] is not None:
        return cpus
    import torch

    from dasbench.cores import usable_cores

    at_once = 1
    if place["executor"] == "ray":
        workers = place["workers"] or default_workers(cpus)
        fitting = Share(cpus, share.gpus).times_in(workers * cpus, torch.cuda.device_count())
        at_once = max(1, fitting)
    return max(cpus, usable_cores() // at_once)
