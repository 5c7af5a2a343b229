"""How fast dasbench trains beside loops that somebody would write by hand, and how many trials a card trains an hour.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --networks resnet18 --precision tf32 --json figures.json
    python benchmarks/gpu.py --device cpu --networks resnet18 --width 16 --images 640

All train the same network on the same images. The loop by hand has every good habit: all images and
their order lie on the device, channels-last, the optimiser is fused, cuDNN tries out its
algorithms, no step waits for another. The reference is the loop of torchvision's scripts: a
DataLoader's processes transform single images, memory is pinned, copies do not block, every step's
loss is read. They take turns, so that what disturbs one disturbs all. Then equal trials of a small
network are trained at once, a process each, with and without NVIDIA's MPS, if its daemon runs in
the folder that CUDA_MPS_PIPE_DIRECTORY names.
"""

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from on_gpu.loops import Habits, by_hand_speed, dasbench_speed
from on_gpu.noise import Work
from on_gpu.together import Together, train_together, with_and_without_mps

from dasbench.training.environment import describe
from dasbench.training.runtime import Runtime

ON_GPU = {
    "resnet18": Work("resnet18", width=64, image_size=32, images=25_600, batch=256),
    "resnet50": Work("resnet50", width=64, image_size=224, images=2_560, batch=256),
}
ON_CPU = {
    "resnet18": Work("resnet18", width=8, image_size=32, images=256, batch=64),
    "resnet50": Work("resnet50", width=4, image_size=64, images=32, batch=16),
}
AT_ONCE = Work("resnet18", width=16, image_size=32, images=10_000, batch=64), 8
"""Each of the trials that are trained at once, and its epochs."""

AT_ONCE_ON_CPU = Work("resnet18", width=4, image_size=16, images=256, batch=64), 3


@dataclass(frozen=True)
class Speeds:
    """Images a second, medians of some runs.

    Args:
        network: what is trained.
        image_size: of its images, in pixels.
        gate: in the network.
        dasbench: of dasbench.
        by_hand: of a loop with every good habit.
        reference: of a loop as in torchvision's scripts.
    """

    network: str
    image_size: int
    gate: str
    dasbench: float
    by_hand: float
    reference: float


def measure_speeds(work: Work, gate: str, options: argparse.Namespace) -> Speeds:
    """Train a network in three ways that take turns; the first turn is for warming up."""
    device = torch.device(options.device)
    trial = work.trial(gate, precision=options.precision)
    runtime = Runtime(device=options.device, threads=options.threads)
    reference = Habits(fused=False, reads_losses=True, workers=options.workers)
    sides: dict[str, Callable[[], float]] = {
        "dasbench": partial(dasbench_speed, trial, runtime),
        "by_hand": partial(by_hand_speed, trial, device),
        "reference": partial(by_hand_speed, trial, device, reference),
    }
    turns: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.runs + 1):
        for name, side in sides.items():
            turns[name].append(side())
    medians = {name: median(speeds[1:]) for name, speeds in turns.items()}
    return Speeds(work.backbone, work.image_size, gate, **medians)


def measure_together(options: argparse.Namespace, *, number: int, mps: bool) -> Together:
    """Equal trials at once: of several runs the one with the median of trials an hour, or one that failed."""
    work, epochs = AT_ONCE if options.device == "cuda" else AT_ONCE_ON_CPU
    trial = work.trial(epochs=epochs, precision=options.precision)
    runs = [
        train_together(trial, number=number, device=options.device, mps=mps)
        for _ in range(options.runs)
    ]
    failed = [run for run in runs if run.failed]
    return (
        failed[0] if failed else sorted(runs, key=lambda run: run.trials_per_hour)[len(runs) // 2]
    )


def print_setting(setting: dict[str, Any], options: argparse.Namespace) -> None:
    """Print where this runs, and what its figures mean."""
    versions = f"torch {setting['torch']}, CUDA {setting['cuda']}, cuDNN {setting.get('cudnn')}"
    print(f"{setting['device_name']}, driver {setting.get('driver')}, {versions}")
    used = f"{options.threads} thread(s), {options.workers} loader process(es)"
    print(f"{options.precision}, {used}, medians of {options.runs}")
    if options.device == "cpu":
        print("There is no GPU in this run: its figures say nothing about one.")


def print_speeds(row: Speeds) -> None:
    """Print a row of the first table, at once."""
    speeds = "".join(f"{speed:>10.0f} im/s" for speed in (row.dasbench, row.by_hand, row.reference))
    ratios = f"{row.dasbench / row.by_hand:>10.3f} {row.dasbench / row.reference:>10.2f}"
    print(f"{row.network:<9} {row.image_size:>4} {row.gate:<6}{speeds}{ratios}", flush=True)


def print_together(row: Together, one: Together) -> None:
    """Print a row of the second table, at once."""
    if row.failed:
        print(
            f"{row.number:>6} {_words(row.mps):<4} failed: {row.failed.splitlines()[-1]}",
            flush=True,
        )
        return
    over_one = row.trials_per_hour / one.trials_per_hour
    figures = f"{row.images_per_s:>11.0f} im/s {row.trials_per_hour:>12.0f} {over_one:>10.2f}"
    print(f"{row.number:>6} {_words(row.mps):<4} {figures}", flush=True)


def _words(mps: bool) -> str:
    return "yes" if mps else "no"


def read_options() -> argparse.Namespace:
    """What the command line says; what it leaves out depends on the device."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument(
        "--networks", nargs="*", choices=ON_GPU, default=list(ON_GPU), help="default: both"
    )
    parser.add_argument("--gates", nargs="+", default=["none", "das"], help="default: none das")
    parser.add_argument(
        "--precision", choices=("fp32", "tf32", "bf16"), help="default: bf16, on a CPU fp32"
    )
    parser.add_argument("--width", type=int, help="of the networks (default: 64)")
    parser.add_argument("--batch", type=int, help="images per step (default: 256)")
    parser.add_argument(
        "--images", type=int, help="of an epoch (default: 25600 of 32 px, 2560 of 224 px)"
    )
    parser.add_argument("--runs", type=int, help="timed runs (default: 5, on a CPU 2)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    parser.add_argument(
        "--workers", type=int, help="processes of the DataLoader (default: the cores, on a CPU 1)"
    )
    parser.add_argument(
        "--trials", type=int, nargs="*", help="how many at once (default: 1 2 4 8 12, on a CPU 1 2)"
    )
    parser.add_argument("--json", type=Path, help="a file for all figures")
    options = parser.parse_args()
    gpu = options.device == "cuda"
    options.precision = options.precision or ("bf16" if gpu else "fp32")
    options.runs = options.runs or (5 if gpu else 2)
    options.workers = options.workers or ((os.cpu_count() or 1) if gpu else 1)
    if options.trials is None:
        options.trials = [1, 2, 4, 8, 12] if gpu else [1, 2]
    return options


def works(options: argparse.Namespace) -> list[Work]:
    """The networks that are asked for, of the size that is asked for."""
    usual = ON_GPU if options.device == "cuda" else ON_CPU
    sizes = {name: getattr(options, name) for name in ("width", "batch", "images")}
    asked = {name: size for name, size in sizes.items() if size is not None}
    return [replace(usual[name], **asked) for name in options.networks]


def all_speeds(options: argparse.Namespace) -> list[Speeds]:
    """The first table, printed as it comes."""
    sides = "".join(f"{name:>15}" for name in ("dasbench", "by hand", "reference"))
    print(f"\n{'network':<9} {'px':>4} {'gate':<6}{sides}{'/ by hand':>10} {'/ ref.':>10}")
    rows: list[Speeds] = []
    for work in works(options):
        for gate in options.gates:
            rows.append(measure_speeds(work, gate, options))
            print_speeds(rows[-1])
    return rows


def all_together(options: argparse.Namespace) -> list[Together]:
    """The second table, printed as it comes."""
    print(f"\n{'trials':>6} {'MPS':<4} {'all together':>16} {'trials/hour':>12} {'over first':>10}")
    rows: list[Together] = []
    for mps in with_and_without_mps():
        for number in options.trials:
            rows.append(measure_together(options, number=number, mps=mps))
            print_together(rows[-1], rows[0])
    if len(with_and_without_mps()) == 1:
        print(
            "with MPS: not available (no daemon where CUDA_MPS_PIPE_DIRECTORY points, or it is not set)"
        )
    return rows


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    setting = describe(torch.device(options.device))
    print_setting(setting, options)
    speeds = all_speeds(options) if options.networks else []
    together = all_together(options) if options.trials else []
    if options.json:
        figures = {"setting": setting, "precision": options.precision, "runs": options.runs}
        rows = {
            "speeds": [asdict(row) for row in speeds],
            "together": [asdict(row) for row in together],
        }
        options.json.write_text(json.dumps({**figures, **rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
