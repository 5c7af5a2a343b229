"""Ray with GPUs that are pretended: who gets which, how many at once, and what a broken one does to its worker."""

import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DRIVER = """
import json, os, time
from pathlib import Path
from dasbench.search.executors.ray_session import set_switches
set_switches(None)
import ray
from dasbench import devices
from dasbench.records import Outcome
from dasbench.search.executors.executor import Assignment, Interrupt
from dasbench.search.executors.ray_tune import RayTune
from dasbench.spec.trial import Trial

BASE = Trial(backbone="resnet18", dataset="digits")
start = ray.init


def init(**options):
    if options["num_gpus"] is None:  # those that there are
        options["num_gpus"] = 2
    return start(**options)


ray.init = init


class Keeps:
    def __init__(self):
        self.outcomes = []

    def reported(self, key, epoch):
        pass

    def finished(self, outcome):
        self.outcomes.append({**outcome.environment, "status": outcome.status})


def said(trial, began):
    where = {"seed": trial.seed, "pid": os.getpid(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}
    return Outcome(key=trial.key, status="done", environment={**where, "began": began, "ended": time.time()})


def sleeps(trial, report, cost=None):
    began = time.time()
    time.sleep(1.5)
    return said(trial, began)


def meets(trial, report, cost=None):
    # none ends before four run at once: a worker that starts late is not left without a trial
    Path(f"met-{trial.seed}").touch()
    until = time.time() + 120
    while len(list(Path().glob("met-*"))) < 4 and time.time() < until:
        time.sleep(0.1)
    return sleeps(trial, report)


def breaks_once(trial, report, cost=None):
    if trial.seed == 0:
        devices.is_broken = lambda: True
    return said(trial, time.time())


def breaks_for_good(trial, report, cost=None):
    import atexit
    devices.is_broken = lambda: True
    atexit.register(Path(f"torn-down-{trial.seed}").touch)
    return said(trial, time.time())


def run(job, number, **options):
    keeps = Keeps()
    trials = [Assignment(BASE.with_values({"seed": seed})) for seed in range(number)]
    RayTune(**options).run(iter(trials), job, keeps, Interrupt())
    print("\\n" + json.dumps(keeps.outcomes))
"""


def call(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Call the driver's functions, in a process of its own."""
    (folder / "driver.py").write_text(DRIVER)
    visible = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return subprocess.run(
        [sys.executable, "-c", f"from driver import *\n{code}"],
        cwd=folder,
        env={**visible, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def run(folder: Path, code: str) -> list[dict]:
    """What came out of trials."""
    done = call(folder, code)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def most_at_once(trials: list[dict]) -> int:
    """The largest number of trials of which each overlaps with each."""
    number = 1
    while any(
        max(t["began"] for t in some) < min(t["ended"] for t in some)
        for some in combinations(trials, number + 1)
    ):
        number += 1
    return number


def test_without_a_number_of_workers_each_trial_has_a_gpu_of_its_own(tmp_path):
    trials = run(tmp_path, "run(sleeps, 4, gpus=1)")

    by_gpu = {gpu: [trial for trial in trials if trial["gpus"] == gpu] for gpu in ("0", "1")}
    assert sum(map(len, by_gpu.values())) == 4
    assert all(most_at_once(some) == 1 for some in by_gpu.values() if some)


def test_small_shares_are_spread_over_the_gpus(tmp_path):
    trials = run(tmp_path, "run(meets, 8, gpus=0.05, workers=4)")

    by_gpu = {gpu: [trial for trial in trials if trial["gpus"] == gpu] for gpu in ("0", "1")}
    assert sum(map(len, by_gpu.values())) == 8
    assert all(by_gpu.values())
    assert all(most_at_once(some) <= 2 for some in by_gpu.values())


def test_a_trial_on_two_gpus_sees_both_and_has_them_alone(tmp_path):
    trials = run(tmp_path, "run(sleeps, 2, gpus=2)")

    assert {tuple(sorted(trial["gpus"].split(","))) for trial in trials} == {("0", "1")}
    assert most_at_once(trials) == 1


def test_a_worker_whose_gpu_is_broken_leaves_and_the_trials_after_it_lose_nothing(tmp_path):
    trials = run(tmp_path, "run(breaks_once, 4, gpus=1, workers=1)")

    assert {trial["status"] for trial in trials} == {"done"}
    (broken,) = (trial["pid"] for trial in trials if trial["seed"] == 0)
    others = {trial["pid"] for trial in trials if trial["seed"] != 0}
    assert len(trials) == 4
    assert broken not in others
    assert len(others) == 1  # the worker that took its place stays


def test_more_gpus_than_there_are_is_refused_with_both_numbers(tmp_path):
    done = call(tmp_path, "run(sleeps, 1, gpus=3)")

    assert "UsageError: a trial asks for 3 GPUs, but Ray sees 2 on this machine" in done.stderr


def test_workers_whose_gpu_is_broken_end_without_a_tear_down_that_may_hang(tmp_path):
    trials = run(tmp_path, "run(breaks_for_good, 3, gpus=1, workers=2)")

    assert sorted(trial["seed"] for trial in trials) == [0, 1, 2]
    assert all(trial["status"] == "done" for trial in trials)
    assert len({trial["pid"] for trial in trials}) == 3
    assert not list(tmp_path.glob("torn-down-*"))
