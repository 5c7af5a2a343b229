"""Checks of what a training comes to: beside the CPU's, a second time, and after an interruption."""

import tempfile
from collections.abc import Iterator
from math import inf
from statistics import fmean, stdev
from typing import Any

from dasbench.records import Outcome
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime
from on_gpu.setting import Row, Setting, failing, rounded, trained

FAR = {"fp32": 0.03, "tf32": 0.05, "bf16": 0.1}
"""How far the loss of the first epoch may lie from the CPU's, as a part of it."""

LEAST_NOISE = 2.0
"""Points of top-1 that are no difference, however little the seeds differ."""

EXACT = ("none", "se", "cbam", "sp")
"""Gates of which all operators have a deterministic form."""

VARYING = ("seconds", "images_per_s", "peak_memory")
"""Metrics of an epoch that are of the machine."""


def curve(setting: Setting) -> Iterator[Row]:
    """Loss and accuracy beside the CPU's: the first epoch's loss close to it, top-1 within the noise of the seeds."""
    for gate in ("none", "das"):
        top1: dict[str, list[float]] = {name: [] for name in ("cpu", *FAR)}
        for seed in range(1 if setting.small else 3):
            epochs = 1 if setting.small else 6
            cpu = run_trial(
                setting.digits(gate, seed=seed, epochs=epochs),
                runtime=Runtime(device="cpu", threads=4),
            )
            yield {"gate": gate, "seed": seed, "on": "cpu", **failing(trained(cpu))}
            if cpu.status != "done":
                return
            top1["cpu"].append(cpu.metrics["top1"])
            for name, far in FAR.items():
                outcome = setting.run(
                    setting.digits(gate, seed=seed, epochs=epochs, precision=name)
                )
                top1[name].append(outcome.metrics.get("top1", 0.0))
                yield {"gate": gate, "seed": seed, "precision": name, **_beside(outcome, cpu, far)}
        noise = _noise(top1["cpu"])
        for name in FAR:
            difference = fmean(top1[name]) - fmean(top1["cpu"])
            close = (abs(difference) <= noise, f"top-1 is {difference:+.1f} points from the CPU's")
            yield {
                "gate": gate,
                "precision": name,
                "top1": top1[name],
                "top1_on_cpu": top1["cpu"],
                **failing(close),
            }


def _noise(top1: list[float]) -> float:
    """Points of top-1 by which means may differ; one seed tells nothing of it."""
    return max(LEAST_NOISE, 2 * stdev(top1)) if len(top1) > 1 else inf


def _beside(outcome: Outcome, cpu: Outcome, far: float) -> Row:
    """The first loss of a trial beside that of the CPU."""
    if not outcome.epochs:
        return failing(trained(outcome))
    first, right = (one.epochs[0].metrics["train_loss"] for one in (outcome, cpu))
    return {
        "first_loss": first,
        "on_cpu": right,
        "images_per_s": round(outcome.epochs[-1].metrics["images_per_s"]),
        **failing(
            trained(outcome),
            (abs(first / right - 1) <= far, f"the first loss is {first / right:.4f} of it"),
        ),
    }


def twice(setting: Setting) -> Iterator[Row]:
    """A trial and again: the same bits where the record says that it is deterministic, as it does for many gates."""
    for gate in (*EXACT, "dra", "das", "deform_attn"):
        for name in ("fp32", "bf16"):
            trial = setting.digits(gate, precision=name)
            first, second = (setting.run(trial, deterministic=True) for _ in range(2))
            same, recorded = _bits(first) == _bits(second), first.environment["deterministic"]
            yield {
                "gate": gate,
                "precision": name,
                "same_bits": same,
                "recorded": recorded,
                "indeterminate": first.environment.get("indeterminate", []),
                **failing(
                    trained(first),
                    (same or not recorded, "the record says deterministic, and the bits differ"),
                    (recorded or gate not in EXACT, "this gate should be deterministic"),
                ),
            }


def resume(setting: Setting) -> Iterator[Row]:
    """Interrupted after an epoch and gone on: the same bits as in one go."""
    recipes: list[dict[str, Any]] = [
        {},
        {"optimizer": "adamw", "lr": 0.002, "select": "best"},
        {"precision": "bf16"},
    ]
    for recipe in recipes:
        trial = setting.digits("se", epochs=3, **recipe)
        whole = setting.run(trial, deterministic=True)
        with tempfile.TemporaryDirectory() as folder:
            first = setting.run(trial, lambda _: "interrupt", folder, deterministic=True)
            rest = setting.run(trial, workdir=folder, deterministic=True)
        same = _bits(whole) == _bits(rest)
        yield {
            "training": recipe,
            "epochs": [len(first.epochs), len(rest.epochs)],
            "same_bits": same,
            "top1": rounded(rest.metrics.get("top1", 0.0)),
            **failing(
                trained(rest),
                (first.status == "interrupted", f"the first part is {first.status}"),
                (same, "the bits differ from those of a training that was not interrupted"),
            ),
        }


def _bits(outcome: Outcome) -> list[Row]:
    """All numbers of a training that are not of the machine."""
    epochs = [dict(epoch.metrics) for epoch in outcome.epochs]
    for metrics in epochs:
        for name in VARYING:
            metrics.pop(name, None)
    return [*epochs, dict(outcome.metrics)]
