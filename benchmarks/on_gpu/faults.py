"""Checks of what a failed trial leaves behind: memory, and a process that works or says that it does not."""

import gc
from collections.abc import Iterator

import torch

from dasbench.devices import is_broken
from dasbench.records import Outcome
from on_gpu.noise import Work
from on_gpu.setting import Row, Setting, failing, trained
from on_gpu.together import train_together

LEFT = 128 * 2**20
"""Bytes of tensors that a process may hold after a trial: work space that cuBLAS keeps for good."""

TOO_MUCH = Work("resnet50", 64, 224, 4096, 4096)
"""A batch that no GPU holds."""


def faults(setting: Setting) -> Iterator[Row]:
    """After too little memory the next trial has it all; after a broken kernel, a new process trains."""
    if setting.on_gpu:
        yield from _too_much(setting)
    yield from _wrong_labels(setting)


def _too_much(setting: Setting) -> Iterator[Row]:
    """Too little memory of the GPU, then of the share that the trial may take."""
    good = setting.digits("se", epochs=1)
    setting.run(good)
    for share in (1.0, 0.1):
        before = torch.cuda.memory_allocated()
        out = setting.run(TOO_MUCH.trial(epochs=1), gpu_share=share)
        held, reserved = torch.cuda.memory_allocated() - before, torch.cuda.memory_reserved()
        gc.collect()
        collected = torch.cuda.memory_allocated() - before
        after = setting.run(good, gpu_share=share)
        yield {
            "fault": "out of memory",
            "gpu_share": share,
            "reason": out.reason,
            "mib_held": held >> 20,
            "mib_held_after_a_collection": collected >> 20,
            "mib_reserved": reserved >> 20,
            "next_trial": after.status,
            **failing(
                (out.reason == "oom", f"the reason is {out.reason}: {out.error[-300:]}"),
                (held < LEFT, f"the failed trial holds {held >> 20} MiB"),
                (
                    reserved < 2 * LEFT,
                    f"the allocator keeps {reserved >> 20} MiB from its neighbours",
                ),
                trained(after),
            ),
        }


def _wrong_labels(setting: Setting) -> Iterator[Row]:
    """A label that is none of the classes: on a GPU, an assertion fails in a kernel, and the process is lost."""
    work, good = setting.small_images, setting.digits("se", epochs=1)
    out = setting.run(work.trial(first_label=1000, epochs=1))
    broken = is_broken()
    after = None if broken else setting.run(good)  # in a broken process anything may crash
    anew = train_together(work.trial(epochs=1), number=1, device=setting.device, mps=False)
    yield {
        "fault": "a label that is none of the classes",
        "reason": out.reason,
        "error": out.error[-200:],
        "process_is_broken": broken,
        "next_trial": after and [after.status, after.error[-200:]],
        "new_process": anew.failed or "done",
        **failing(
            (out.reason == "error", f"the reason is {out.reason}"),
            trained(after) if after else (True, ""),
            (broken == setting.on_gpu, _what_broke(broken, out)),
            (not anew.failed, f"a new process fails: {anew.failed}"),
        ),
    }


def _what_broke(broken: bool, out: Outcome) -> str:
    return f"the process is broken: {broken}, after {out.error[-200:]}"
