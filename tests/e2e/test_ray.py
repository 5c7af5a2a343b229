"""Ray Tune as it is: the same rows as the plain loop, and nothing lost whoever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import TINY, run_dasbench

from dasbench.records import Row
from dasbench.results.reading import read_store

pytestmark = pytest.mark.slow

LONG = (
    TINY.replace("name: tiny", "name: long")
    .replace("epochs: 2", "epochs: 6")
    .replace("seeds: 2", "seeds: 4")
)


def rows(folder: Path, study: str) -> list[Row]:
    if not (folder / "results.db").exists():
        return []
    with read_store(folder / "results.db") as reader:
        known = [record.name for record in reader.studies()]
        return reader.rows(study) if study in known else []


def attempts(folder: Path, study: str) -> dict[str, list[str]]:
    """How each attempt at each trial ended."""
    with read_store(folder / "results.db") as reader:
        return {
            row.key: [attempt.how or "running" for attempt in reader.trial(row.key).attempts]
            for row in reader.rows(study)
        }


def science(found: list[Row]) -> dict[str, object]:
    return {row.key: (row.state, dict(row.metrics), row.cost) for row in found}


def start(folder: Path) -> subprocess.Popen:
    (folder / "long.yaml").write_text(LONG)
    command = [sys.executable, "-m", "dasbench", "run", "long.yaml", "--workers", "2"]
    return subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_until(condition, timeout=150.0):
    limit = time.monotonic() + timeout
    while time.monotonic() < limit:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail("it did not happen in time")


def done(folder: Path) -> int:
    return sum(row.state == "done" for row in rows(folder, "long"))


def children_of(pid: int) -> list[int]:
    """All living processes whose ancestor is `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue
    found: list[int] = []
    border = {pid}
    while border:
        border = {child for child, parent in parents.items() if parent in border}
        found += border
    return found


def worker_pids(driver: int) -> list[int]:
    """Ray's workers that run a trial: they call themselves after Tune's actor class."""
    pids = []
    for pid in children_of(driver):
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if title.startswith("ray::ImplicitFunc"):
            pids.append(pid)
    return pids


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ray_and_the_plain_loop_give_the_same_rows(tmp_path):
    (tmp_path / "study.yaml").write_text(
        TINY.replace("image_size: 8", "image_size: 16").replace("[2, 4]", "[2, 16]")
    )

    by_ray = run_dasbench(tmp_path, "run", "study.yaml", "--workers", "2")
    found = science(rows(tmp_path, "tiny"))
    (tmp_path / "results.db").unlink()
    plain = run_dasbench(tmp_path, "run", "study.yaml", "--executor", "inline", OMP_NUM_THREADS="2")

    assert (by_ray.code, plain.code) == (0, 0), by_ray.err + plain.err
    assert science(rows(tmp_path, "tiny")) == found


def test_a_killed_driver_loses_only_what_was_in_flight(tmp_path):
    driver = start(tmp_path)
    wait_until(lambda: done(tmp_path) >= 2)
    family = children_of(driver.pid)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    before = {row.key for row in rows(tmp_path, "long") if row.state == "done"}

    ended = run_dasbench(tmp_path, "run", "long.yaml", "--workers", "2")

    assert ended.code == 0, ended.err
    assert done(tmp_path) == 8
    history = attempts(tmp_path, "long")
    assert all(history[key] == ["done"] for key in before)
    assert all(how[-1] == "done" and len(how) <= 2 for how in history.values())
    assert (
        sum(len(how) == 2 for how in history.values()) <= 6
    )  # two that ran, and what was handed out ahead
    wait_until(lambda: not any(alive(pid) for pid in family), timeout=60)


def test_a_killed_worker_loses_no_trial(tmp_path):
    driver = start(tmp_path)
    wait_until(lambda: done(tmp_path) >= 1)
    wait_until(lambda: worker_pids(driver.pid))
    os.kill(worker_pids(driver.pid)[0], signal.SIGKILL)

    _, err = driver.communicate(timeout=240)

    assert driver.returncode == 0, err
    assert done(tmp_path) == 8
    assert all(how == ["done"] for how in attempts(tmp_path, "long").values())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_its_code_and_the_same_command_goes_on(tmp_path, number, code):
    driver = start(tmp_path)
    wait_until(lambda: done(tmp_path) >= 1)
    driver.send_signal(number)

    out, err = driver.communicate(timeout=120)

    states = {row.state for row in rows(tmp_path, "long")}
    assert driver.returncode == code, err
    assert "To go on: dasbench run long.yaml" in out
    assert states <= {"done", "pending"}
    assert run_dasbench(tmp_path, "run", "long.yaml", "--executor", "inline").code == 0
    assert json.loads(run_dasbench(tmp_path, "leaderboard", "long", "--json").out)[0]["n"] == 4


CURVES = """
import json, os, sys, threading, time
from functools import partial
from ray.tune.schedulers import FIFOScheduler
from dasbench.catalog import SCHEDULERS
from dasbench.resolution import resolve
from dasbench.records import Epoch, Outcome
from dasbench.search.executors.executor import Assignment, Interrupt
from dasbench.search.executors.ray_tune import RayTune
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime

BASE = Trial(
    backbone={"name": "resnet18", "width": 2, "stem": "small"},
    dataset={"name": "digits", "image_size": 8},
    training={"epochs": 6, "lr": 0.05},
)


class Keeps:
    def __init__(self):
        self.reports, self.outcomes, self.threads = [], [], set()

    def reported(self, key, epoch):
        self.reports.append((key, epoch.number))
        self.threads.add(threading.current_thread().name)

    def finished(self, outcome):
        self.outcomes.append(outcome.to_json())
        self.threads.add(threading.current_thread().name)

    def show(self):
        told = {"reports": self.reports, "outcomes": self.outcomes, "threads": sorted(self.threads)}
        print("\\n" + json.dumps(told))


def formula(trial, report, cost=None):
    # a curve that is as good as its seed is high; says how many trials its process trains at the moment
    training = sum(thread.name.endswith("(<lambda>)") for thread in threading.enumerate())
    curve, answer = [], "continue"
    while answer == "continue" and len(curve) < trial.training.epochs:
        time.sleep(0.02)
        curve.append(Epoch(len(curve) + 1, {"val_top1": float(trial.seed)}))
        answer = report(curve[-1])
    status = "done" if answer == "continue" else "stopped"
    environment = {"pid": os.getpid(), "training": training, "seed": trial.seed}
    return Outcome(key=trial.key, status=status, epochs=tuple(curve), environment=environment)


class AfterTwo(FIFOScheduler):
    def on_trial_result(self, controller, trial, result):
        return "STOP" if result["training_iteration"] == 2 else "CONTINUE"


class MakesAfterTwo:
    def make(self, *, metric, mode, max_epochs):
        return AfterTwo()


def run(job, seeds, **options):
    keeps = Keeps()
    trials = [Assignment(resolve(BASE.with_values({"seed": seed}))) for seed in seeds]
    RayTune(**options).run(iter(trials), job, keeps, Interrupt())
    keeps.show()
"""


def run_curves(folder: Path, call: str) -> dict:
    """Call a function of the module above in a process of its own; returns what the listener was told."""
    (folder / "curves.py").write_text(CURVES)
    done = subprocess.run(
        [sys.executable, "-c", f"from curves import *\n{call}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_asha_stops_trials_once_leaves_their_workers_free_and_spares_who_must_run(tmp_path):
    call = (
        "run(formula, range(9, -1, -1), workers=2, max_epochs=6, "
        "scheduler=SCHEDULERS['asha'].make(reduction_factor=2), prunable=lambda trial: trial.seed > 0)"
    )

    told = run_curves(tmp_path, call)

    outcomes = told["outcomes"]
    by_seed = {outcome["environment"]["seed"]: outcome for outcome in outcomes}
    assert len(outcomes) == len(by_seed) == 10
    assert (by_seed[9]["status"], by_seed[0]["status"]) == ("done", "done")
    assert sum(outcome["status"] == "stopped" for outcome in outcomes) >= 6
    for outcome in outcomes:
        reported = [number for key, number in told["reports"] if key == outcome["key"]]
        assert (
            reported
            == [epoch["number"] for epoch in outcome["epochs"]]
            == list(range(1, len(reported) + 1))
        )
    assert len({outcome["environment"]["pid"] for outcome in outcomes}) <= 2
    assert {outcome["environment"]["training"] for outcome in outcomes} == {
        1
    }  # never beside one that was stopped
    assert told["threads"] == ["MainThread"]


def test_a_stopped_trial_goes_on_where_it_was_when_it_is_handed_out_again(tmp_path):
    job = "partial(run_trial, workdir=__import__('pathlib').Path('work').absolute(), runtime=Runtime(device='cpu'))"
    stopped = run_curves(tmp_path, f"run({job}, [0], workers=1, scheduler=MakesAfterTwo())")
    again = run_curves(tmp_path, f"run({job}, [0], workers=1)")
    whole = run_curves(
        tmp_path,
        "whole = run_trial(resolve(BASE), runtime=Runtime(device='cpu'))\nprint(json.dumps(whole.to_json()))",
    )

    first, second = (told["outcomes"][0] for told in (stopped, again))
    assert (first["status"], len(first["epochs"]), first["metrics"]["epochs"]) == ("stopped", 2, 2)
    assert first["cost"] == whole["cost"]
    assert first["environment"]["torch"] == whole["environment"]["torch"]
    assert [number for _, number in again["reports"]] == [3, 4, 5, 6]
    assert (second["status"], second["metrics"], second["correct"]) == (
        "done",
        whole["metrics"],
        whole["correct"],
    )


def test_after_an_interrupt_trials_keep_a_checkpoint_of_the_epoch_that_they_were_in(tmp_path):
    job = "partial(run_trial, workdir=__import__('pathlib').Path('work').absolute(), runtime=Runtime(device='cpu'))"
    call = (
        "interrupt, keeps = Interrupt(), Keeps()\n"
        "tell = keeps.reported\n"
        "keeps.reported = lambda key, epoch: (tell(key, epoch), setattr(interrupt, 'signal', 2))\n"
        "long = BASE.with_values({'training.epochs': 500})\n"
        f"RayTune(workers=1).run(iter([Assignment(resolve(long))]), {job}, keeps, interrupt)\n"
        "keeps.show()"
    )

    told = run_curves(tmp_path, call)

    (outcome,) = told["outcomes"]
    assert outcome["status"] == "interrupted"
    kept = [int(path.name[6:11]) for path in (tmp_path / "work").rglob("epoch-*.pt")]
    assert kept == [len(outcome["epochs"])]
    assert 1 <= kept[0] < 500


def test_a_job_that_no_worker_can_run_fails_with_what_the_worker_said(tmp_path):
    call = "import missing_there\nrun(missing_there.job, [0], workers=1)"
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "missing_there.py").write_text("def job(trial, report, cost=None): ...")

    told = run_curves(tmp_path, f"import sys; sys.path.insert(0, 'hidden')\n{call}")

    assert [outcome["status"] for outcome in told["outcomes"]] == ["failed"]
    assert told["outcomes"][0]["reason"] == "error"
    assert "No module named 'missing_there'" in told["outcomes"][0]["error"]


def test_a_component_of_one_s_own_is_known_to_the_workers(tmp_path: Path) -> None:
    (tmp_path / "my_gates.py").write_text(
        "from torch import nn\n"
        "from dasbench.catalog import GATES\n\n\n"
        '@GATES.register("mine", source="this test")\n'
        "class Mine(nn.Module):\n"
        '    """Nothing at all."""\n\n'
        "    def __init__(self, channels: int) -> None:\n"
        "        super().__init__()\n\n"
        "    def forward(self, x):\n"
        "        return x * 1\n"
    )
    (tmp_path / "mine.yaml").write_text(
        TINY.replace("name: tiny", "name: mine").replace("  dataset:", "  gate: mine\n  dataset:")
    )

    ended = run_dasbench(tmp_path, "--import", "my_gates", "run", "mine.yaml", "--workers", "1")

    assert ended.code == 0, ended.err
    assert {row.state for row in rows(tmp_path, "mine")} == {"done"}


GATE = """\
import torch
from torch import nn

from dasbench.catalog import GATES


@GATES.register("shift", source="a test")
class Shift(nn.Module):
    \"\"\"A learned shift.\"\"\"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x):
        return x + self.shift
"""


def test_a_gate_that_is_edited_while_workers_start_stops_the_run_and_fails_nothing(tmp_path):
    (tmp_path / "shift.py").write_text(GATE)
    (tmp_path / "tiny.yaml").write_text(TINY.replace("axes:", "  gate: shift\naxes:"))
    command = [
        sys.executable,
        "-m",
        "dasbench",
        "--import",
        "shift",
        "run",
        "tiny.yaml",
        "--workers",
        "2",
        "--plain",
    ]

    driver = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_until(
        lambda: rows(tmp_path, "tiny")
    )  # planned: the driver has the gate, no worker has it yet
    (tmp_path / "shift.py").write_text(GATE.replace("x + self", "x - self"))
    _, said = driver.communicate(timeout=200)

    assert driver.returncode == 3, said
    assert "gate shift is" in said
    assert "when the trial was planned" in said
    assert {row.state for row in rows(tmp_path, "tiny")} == {"pending"}
    again = run_dasbench(tmp_path, "--import", "shift", "run", "tiny.yaml", "--workers", "2")
    assert again.code == 0, again.err
