"""Whether dasbench does on this GPU what it says: checks, each in a process of its own with a time limit.

    python benchmarks/accept_gpu.py                    # all of them, in order
    python benchmarks/accept_gpu.py gates packing      # some
    ACCEPT_DEVICE=cpu ACCEPT_SMALL=1 python benchmarks/accept_gpu.py place gates    # a rehearsal

Environment variables: BUDGET_S, the seconds for all checks together (default 530); OUT, the folder
to which accept.jsonl is written (default /tmp/accept), a line of JSON for each finding;
ACCEPT_DEVICE, `cuda` or `cpu`; ACCEPT_SMALL, set for tiny networks and data, whose figures mean
nothing. The last line has the number of failures. The exit code is 1 if there are any; a check that
was cut off, or for which no time was left, is one. Neither Ray nor Optuna is needed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any


@dataclass(frozen=True)
class Check:
    """Where a check is written, and how long it may take.

    Args:
        module: below `on_gpu`; the function has the name of the check.
        limit_s: seconds after which it is cut off.
    """

    module: str
    limit_s: float


CHECKS = {
    "place": Check("basics", 20),
    "precision": Check("basics", 60),
    "gates": Check("basics", 120),
    "curve": Check("curves", 100),
    "twice": Check("curves", 60),
    "resume": Check("curves", 30),
    "faults": Check("faults", 60),
    "deform": Check("kernels", 45),
    "speed32": Check("speed", 150),
    "speed224": Check("speed", 120),
    "memory": Check("sharing", 60),
    "packing": Check("sharing", 120),
    "segmentation": Check("basics", 60),
    "detection": Check("basics", 90),
    "compiled": Check("speed", 120),
    "loader": Check("photographs", 60),
}
"""In the order of what must be known first."""

LEAST_S = 8
"""Seconds with which no check is begun."""

SLOW = 20
"""Times the limits that a rehearsal may take: a CPU is slow, and busy with other things."""


def run_here(name: str, out: Path) -> None:
    """Run a check in this process, and write its findings as they come."""
    from on_gpu.setting import (
        Row,
        Setting,
    )  # imports torch, for which the process of all checks need not wait

    check: Callable[[Setting], Iterator[Row]] = getattr(
        import_module(f"on_gpu.{CHECKS[name].module}"), name
    )
    with out.open("a") as file:
        for row in check(Setting.of(os.environ)):
            print(json.dumps({"check": name, **row}), file=file, flush=True)


def run_apart(name: str, out: Path, limit_s: float) -> int:
    """Run a check in a process of its own, and print what it found; returns how many failures that is."""
    began, start = monotonic(), out.stat().st_size if out.exists() else 0
    with tempfile.TemporaryFile("w+") as said:
        ending = _ending(
            [sys.executable, "-X", "faulthandler", __file__, "--here", name], said, limit_s
        )
        said.seek(0)
        last_words = said.read()[-1500:]
    with out.open() as file:
        file.seek(start)
        rows = [json.loads(line) for line in file]
    failures = sum("failed" in row for row in rows) + (ending != "done")
    summary: dict[str, Any] = {
        "check": name,
        "ending": ending,
        "seconds": round(monotonic() - began),
        "rows": len(rows),
    }
    summary["failures"] = failures
    if failures:
        summary["last_words"] = last_words
    with out.open("a") as file:
        print(json.dumps(summary), file=file)
    print_check(summary, rows)
    return failures


def _ending(command: list[str], said: Any, limit_s: float) -> str:
    """How a process ended: `done`, its exit code, or that it was cut off, with all processes that it started."""
    process = subprocess.Popen(
        command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"cut off after {limit_s:.0f} s"
    return f"exit code {code}" if code else "done"


def print_check(summary: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Print a check's findings: all if they are few, else the failures."""
    words = "{check}: {ending}, {seconds} s, {rows} findings, failures: {failures}".format(
        **summary
    )
    print(f"## {words}", flush=True)
    shown = rows if len(rows) <= 25 else [row for row in rows if "failed" in row]
    for row in shown:
        print("  ", json.dumps({key: value for key, value in row.items() if key != "check"})[:600])
    if summary["failures"]:
        print("  ", summary["last_words"], flush=True)


def refuse_unknown(names: list[str]) -> None:
    """End with exit code 1 if there are no such checks."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise SystemExit(
            f"no check is called {', '.join(map(repr, unknown))}. Known: {', '.join(CHECKS)}."
        )


def refuse_no_gpu() -> None:
    """End with exit code 1 if nobody said where to run and there is no GPU."""
    import torch

    if "ACCEPT_DEVICE" not in os.environ and not torch.cuda.is_available():
        raise SystemExit(
            "there is no CUDA device to accept; ACCEPT_DEVICE=cpu ACCEPT_SMALL=1 rehearses on the CPU"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checks", nargs="*", help=f"which (default: all): {' '.join(CHECKS)}")
    parser.add_argument("--here", action="store_true", help="run one check in this process")
    options = parser.parse_args()
    refuse_unknown(options.checks)
    refuse_no_gpu()
    folder = Path(os.environ.get("OUT", "/tmp/accept"))
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "accept.jsonl"
    if options.here:
        run_here(options.checks[0], out)
        return
    ends = monotonic() + float(os.environ.get("BUDGET_S", "530"))
    failures = 0
    for name in options.checks or CHECKS:
        left = ends - monotonic()
        if left < LEAST_S:
            print(f"## {name}: no time left")
            failures += 1
            continue
        slow = SLOW if os.environ.get("ACCEPT_SMALL") else 1
        failures += run_apart(name, out, min(left, CHECKS[name].limit_s * slow))
    print(f"failures: {failures}")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
