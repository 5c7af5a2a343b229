"""Checks of how fast a training is, beside loops by hand: what each habit is worth, and what gates cost."""

from collections.abc import Iterator
from typing import Any

from dasbench.records import Outcome
from dasbench.spec.trial import Trial
from on_gpu.loops import Habits, by_hand_speed
from on_gpu.setting import Row, Setting, failing, rounded, trained

WORKERS = 14
"""Processes of a DataLoader, as torchvision's reference scripts use one."""


CLOSE = 0.01
"""How far the first loss of a compiled training may lie from that of another, as a part of it."""


def speed32(setting: Setting) -> Iterator[Row]:
    """ResNet-18 at 32 px: dasbench's epochs beside loops by hand; what each habit is worth."""
    work = setting.small_images
    for name in ("bf16", "tf32", "fp32"):  # the slowest last: time may run out
        trial = work.trial(precision=name)
        for deterministic in (None, False, True):
            words = "" if deterministic is None else f", deterministic={deterministic}"
            yield {"what": f"dasbench{words}", **_ours(setting, trial, deterministic=deterministic)}
        for what, habits in {
            "by hand": Habits(),
            "by hand, the optimiser not fused": Habits(fused=False),
            "by hand, reads the loss of each step": Habits(reads_losses=True),
            "by hand, deterministic": Habits(deterministic=True),
        }.items():
            yield {"what": what, **_by_hand(setting, trial, habits)}
    workers = Habits(workers=2 if setting.small else WORKERS, reads_losses=True)
    what = f"a DataLoader of {workers.workers} processes"
    yield {"what": what, **_by_hand(setting, work.trial(precision="bf16"), workers)}


def speed224(setting: Setting) -> Iterator[Row]:
    """ResNet-50 at 224 px: images a second of gates over those of the plain network, and memory."""
    for name in ("bf16", "tf32", "fp32"):
        plain = 0.0
        for gate in ("none", "das", "se", "cbam", "sa"):
            if name != "bf16" and gate not in ("none", "das"):
                continue
            row = _ours(setting, setting.photographs.trial(gate, precision=name))
            plain = plain or row["images_per_s"]
            yield {
                "gate": gate,
                **row,
                "over_plain": rounded(row["images_per_s"] / plain) if plain else None,
            }
    for gate in ("none", "das"):
        trial = setting.photographs.trial(gate, precision="bf16")
        yield {"gate": gate, "deterministic": True, **_ours(setting, trial, deterministic=True)}
    yield {
        "what": "by hand",
        **_by_hand(setting, setting.photographs.trial(precision="bf16"), Habits()),
    }


def compiled(setting: Setting) -> Iterator[Row]:
    """`training.compile`: the same loss, gate after gate in one process, and faster; CUDA graphs in a loop by hand."""
    work = setting.small_images
    for gate in ("none", "das"):
        plain, fast = (
            setting.run(work.trial(gate, precision="bf16", compile=whether))
            for whether in (False, True)
        )
        yield {"gate": gate, **_compared(plain, fast)}
    graphs = Habits(compile_mode="reduce-overhead" if setting.on_gpu else "default")
    yield {
        "what": f"by hand, {graphs.compile_mode}",
        **_by_hand(setting, work.trial(precision="bf16"), graphs),
    }


def _ours(setting: Setting, trial: Trial, **runtime: Any) -> Row:
    """How fast dasbench trains a trial, by its last epoch."""
    outcome = setting.run(trial, **runtime)
    speeds = [epoch.metrics["images_per_s"] for epoch in outcome.epochs]
    return {
        "precision": trial.training.precision,
        "images_per_s": round(speeds[-1], 1) if speeds else 0.0,
        "first_epoch": round(speeds[0], 1) if speeds else 0.0,
        "peak_gib": rounded(outcome.peak_memory / 2**30),
        "seconds": rounded(outcome.seconds),
        **failing(trained(outcome)),
    }


def _compared(plain: Outcome, fast: Outcome) -> Row:
    """A compiled training beside one that is not."""
    if plain.status != "done" or fast.status != "done":
        return failing(trained(plain), trained(fast))
    right, loss = (outcome.epochs[0].metrics["train_loss"] for outcome in (plain, fast))
    return {
        "images_per_s": [
            round(outcome.epochs[-1].metrics["images_per_s"], 1) for outcome in (plain, fast)
        ],
        "seconds": [rounded(outcome.seconds) for outcome in (plain, fast)],
        "first_loss": [right, loss],
        **failing(
            (abs(loss / right - 1) < CLOSE, f"compiled, the first loss is {loss}, and else {right}")
        ),
    }


def _by_hand(setting: Setting, trial: Trial, habits: Habits) -> Row:
    speed = by_hand_speed(trial, setting.torch_device, habits)
    return {"precision": trial.training.precision, "images_per_s": round(speed, 1)}
