"""How long `leaderboard` and `compare` take on 100,000 trials, each in a fresh process.

    python benchmarks/reports.py

Two made-up databases: 20,000 variants at 5 seeds, and 100 variants at 1,000 seeds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from sqlalchemy import create_engine, insert

from dasbench.results.schema import members, trials
from dasbench.results.store import open_store

SHAPES = ((20_000, 5), (100, 1_000))
NORMS = ("in", "bn", "ln", "fn")
COMMANDS = (
    "leaderboard big",
    "leaderboard big --format json",
    "leaderboard big --format csv",
    "leaderboard big --group-by first_norm",
    "leaderboard big --where 'val_top1 > 70'",
    "compare alpha=0 alpha=1 big",
    "compare first_norm=in first_norm=bn big",
    "--help",
)


def fill(path: Path, *, num_variants: int, num_seeds: int) -> None:
    """Write a study `big` whose every trial is done."""
    with open_store(path) as store:
        store.plan("big", members=[], question="Which?")
    rng = np.random.default_rng(0)
    details = json.dumps({"uncounted": {}, "input_size": [3, 32, 32], "versions": {"torch": "2.6"}})
    done, listed = [], []
    for seed in range(num_seeds):
        for place in range(num_variants):
            number, norm = seed * num_variants + place, NORMS[place % 4]
            top1 = float(rng.normal(70 + place % 7 / 10, 1))
            metrics = {
                "epochs": 5.0,
                "val_top1": top1 + 0.5,
                "val_loss": 1.0,
                "loss": 1.0,
                "top1": top1,
                "top5": 99.0,
            }
            done.append(
                {
                    "key": f"{number:012x}",
                    "dataset": "digits",
                    "task": "classification",
                    "state": "done",
                    "metrics": json.dumps(metrics, separators=(",", ":")),
                    "params_full": 1000 + place,
                    "macs_full": 10**6 + place,
                    "params_paper": 1000,
                    "macs_paper": 10**6,
                    "cost_details": details,
                    "seconds": 1.5,
                    "peak_memory": 10**9,
                    "first_study": "big",
                    "created": "",
                    "spec": json.dumps({"seed": seed, "training": "x" * 600}),
                }
            )
            listed.append(
                {
                    "study": "big",
                    "key": f"{number:012x}",
                    "position": number,
                    "variant": json.dumps({"gate.alpha": place, "gate.first_norm": norm}),
                    "label": f"alpha={place} first_norm={norm}",
                    "seed": seed,
                }
            )
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(insert(trials), done)
        connection.execute(insert(members), listed)
    engine.dispose()


def measure(command: str, path: Path, *, runs: int) -> float:
    """Median wall time of a command, in seconds."""
    line = f"{sys.executable} -m dasbench {command}" + (
        "" if command == "--help" else f" --db {path}"
    )
    times = []
    for _ in range(runs):
        start = perf_counter()
        subprocess.run(line, shell=True, check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - start)
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=3, help="timed runs of each command (default: 3)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for num_variants, num_seeds in SHAPES:
            path = Path(folder, f"{num_variants}.db")
            fill(path, num_variants=num_variants, num_seeds=num_seeds)
            print(f"{num_variants:,} variants at {num_seeds:,} seeds, median of {options.runs}")
            for command in COMMANDS:
                print(
                    f"{measure(command, path, runs=options.runs):>7.2f} s  dasbench {command}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
