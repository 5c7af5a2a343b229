"""How long `dasbench check` takes beside `import torch, torchvision`, which nothing that builds networks can do without.

    python benchmarks/asking.py
    python benchmarks/asking.py studies/alpha.yaml --runs 9

They take turns, so that what disturbs one disturbs all; medians. Cold, no count of a network is
remembered; warm, all of them are.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def seconds_of(command: list[str], cache: Path) -> float:
    """Wall time of a process that has to succeed."""
    started = time.perf_counter()
    environment = {**os.environ, "DASBENCH_CACHE": str(cache)}
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", nargs="?", default="studies/norm_ablation.yaml")
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5)")
    options = parser.parse_args()
    imports = [sys.executable, "-c", "import torch, torchvision"]
    check = [sys.executable, "-m", "dasbench", "check", options.study]
    taken: dict[str, list[float]] = {"import": [], "cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(options.runs):
            cache = Path(folder) / str(run)
            taken["import"].append(seconds_of(imports, cache))
            taken["cold"].append(seconds_of(check, cache))
            taken["warm"].append(seconds_of(check, cache))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    print(f"{options.study}, medians of {options.runs}")
    print(f"import torch, torchvision  {medians['import']:6.2f} s")
    for name in ("cold", "warm"):
        ratio = medians[name] / medians["import"]
        print(f"check, {name}                {medians[name]:6.2f} s   {ratio:.2f} times that")


if __name__ == "__main__":
    main()
