"""Checks of what lets several trials share a GPU: memory that is foreseen, and the work of all of them together."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import torch

from dasbench.devices import CONTEXT
from dasbench.records import Epoch, Signal
from dasbench.spec.trial import Trial
from dasbench.training.packing import Peaks, pack
from on_gpu.noise import Work
from on_gpu.setting import Row, Setting, failing, rounded, trained
from on_gpu.together import train_together, with_and_without_mps


def memory(setting: Setting) -> Iterator[Row]:
    """What `gpus: auto` foresees for a trial beside what the trial takes, as its allocator and as the GPU count it."""
    if not setting.on_gpu:
        yield {"skipped": "it measures the memory of a GPU"}
        return
    small, large = Work("resnet18", 64, 32, 1024, 128), Work("resnet50", 64, 224, 1024, 128)
    trials = {
        "resnet18, SGD": small.trial("das"),
        "resnet18, AdamW, best": small.trial("das", optimizer="adamw", lr=0.001, select="best"),
        "resnet50, bf16": large.trial("das", precision="bf16"),
    }
    for name, trial in trials.items():
        yield {"trial": name, **_foreseen(setting, trial)}


def _foreseen(setting: Setting, trial: Trial) -> Row:
    peak = Peaks(setting.device).of(trial)
    taken: dict[str, int] = {}

    def watch(epoch: Epoch) -> Signal:
        del epoch
        free, total = torch.cuda.mem_get_info()
        taken["allocated"] = torch.cuda.max_memory_allocated()
        taken["reserved"] = torch.cuda.max_memory_reserved()
        taken["context"] = total - free - torch.cuda.memory_reserved()
        return "continue"

    outcome = setting.run(trial, watch)
    total = torch.cuda.mem_get_info()[1]
    needed = pack(peak, free=total, total=total).needed
    taken_of_gpu = taken.get("reserved", 0) + taken.get("context", 0)
    return {
        "foreseen_mib": peak >> 20,
        "counted_with_mib": needed >> 20,
        **{f"{what}_mib": count >> 20 for what, count in taken.items()},
        **failing(
            trained(outcome),
            (peak > 0, "nothing was measured"),
            (taken_of_gpu <= needed, "the trial takes more than it is counted with"),
            (
                taken.get("context", 0) <= CONTEXT,
                f"the context takes more than {CONTEXT >> 20} MiB",
            ),
        ),
    }


def packing(setting: Setting) -> Iterator[Row]:
    """Trials at once, a process each: images a second and trials an hour over those of one."""
    work = (
        Work("resnet18", 4, 16, 128, 32) if setting.small else Work("resnet18", 16, 32, 10_000, 64)
    )
    trial = work.trial(epochs=3 if setting.small else 8)
    for mps in with_and_without_mps():
        one = 0.0
        for number in (1, 2) if setting.small else (1, 2, 4, 8, 12):
            together = train_together(trial, number=number, device=setting.device, mps=mps)
            one = one or together.images_per_s
            over_one = rounded(together.images_per_s / one) if one else None
            yield {
                **_without_failure(asdict(together)),
                "over_one": over_one,
                **failing(_all_done(together.failed)),
            }
    if len(with_and_without_mps()) == 1:
        yield {"mps": "not available"}


def _without_failure(row: dict[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "failed"}


def _all_done(failed: str) -> tuple[bool, str]:
    return not failed, failed
