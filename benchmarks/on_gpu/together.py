"""Several trials on one device at once, a process each, as Ray starts them; with and without MPS."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from dasbench.spec.trial import Trial
from on_gpu.one_trial import Task

MPS_PIPE = "CUDA_MPS_PIPE_DIRECTORY"
"""The environment variable that names the folder in which processes and MPS's daemon find each other."""


@dataclass(frozen=True)
class Together:
    """How some equal trials went that were trained at once.

    Args:
        number: how many.
        mps: whether the processes shared the GPU through MPS; without it, they take turns.
        images_per_s: of all together, in the epochs in which all were under way.
        trials_per_hour: from the common start to the last one's end, validation and test included.
        failed: what went wrong, `""` if nothing did.
    """

    number: int
    mps: bool
    images_per_s: float
    trials_per_hour: float
    failed: str = ""


def mps_runs() -> bool:
    """Whether the environment names the folder of an MPS daemon, and the daemon is alive."""
    folder = os.environ.get(MPS_PIPE)
    written = Path(folder or "", "nvidia-cuda-mps-control.pid")
    if not folder or not written.is_file():
        return False
    return Path("/proc", written.read_text().strip() or "none").exists()


def with_and_without_mps() -> tuple[bool, ...]:
    """Both ways in which processes can share the GPU here, or the one that there is."""
    return (False, True) if mps_runs() else (False,)


def train_together(trial: Trial, *, number: int, device: str, mps: bool) -> Together:
    """Train equal trials with different seeds at once, each with its share of the GPU's memory.

    All get ready first, and start together.

    Args:
        trial: one of them.
        number: how many.
        device: `cpu` or `cuda`.
        mps: whether through the daemon that the environment names.
    """
    trials = [trial.model_copy(update={"seed": seed}) for seed in range(number)]
    with tempfile.TemporaryDirectory() as no_daemon:
        processes = [
            _started(one, device, 1 / number, None if mps else no_daemon) for one in trials
        ]
        for process in processes:
            _wait_until_ready(process)
        start = perf_counter()
        for process in processes:
            _say_go(process)
        results = [_result_of(process) for process in processes]
    seconds = perf_counter() - start
    failed = [result["error"] for result in results if result["status"] != "done"]
    speeds = [_middle(result["speeds"]) for result in results]
    return Together(number, mps, sum(speeds), number * 3600 / seconds, failed[0] if failed else "")


def _started(trial: Trial, device: str, share: float, pipe: str | None) -> subprocess.Popen[str]:
    task = Task(trial.model_dump_json(), device, share)
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if pipe is not None:
        environment[MPS_PIPE] = pipe
    command = [sys.executable, "-m", "on_gpu.one_trial", json.dumps(asdict(task))]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Read until the process is ready, or has ended."""
    for line in _lines(process):
        if line.strip() == "ready":
            return


def _say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has died; its exit code says so
        process.stdin.write("go\n")
        process.stdin.flush()


def _result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the process says last: its outcome, unless it died."""
    lines = list(_lines(process))
    code = process.wait()
    if code or not lines:
        return {
            "status": "failed",
            "speeds": [],
            "error": f"the process ended with exit code {code}",
        }
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def _middle(speeds: list[float]) -> float:
    """The mean without the first and the last epoch, in which some trials have not started or are done."""
    inner = speeds[1:-1] or speeds
    return fmean(inner) if inner else 0.0
