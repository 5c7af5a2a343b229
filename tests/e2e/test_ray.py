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

LONG = TINY.replace("name: tiny", "name: long").replace("epochs: 2", "epochs: 6").replace("seeds: 2", "seeds: 4")


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
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


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
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, border = [], {pid}
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


def test_ray_and_the_plain_loop_give_the_same_rows(tmp_path, trained):
    (tmp_path / "study.yaml").write_text(TINY)

    ended = run_dasbench(tmp_path, "run", "study.yaml", "--workers", "2")

    assert ended.code == 0, ended.err
    assert science(rows(tmp_path, "tiny")) == science(rows(trained, "tiny"))


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
    assert sum(len(how) == 2 for how in history.values()) <= 6  # two that ran, and what was handed out ahead
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

    _, err = driver.communicate(timeout=120)

    states = {row.state for row in rows(tmp_path, "long")}
    assert driver.returncode == code, err
    assert "To go on: dasbench run long.yaml" in err
    assert states <= {"done", "pending"}
    assert run_dasbench(tmp_path, "run", "long.yaml", "--workers", "2").code == 0
    assert json.loads(run_dasbench(tmp_path, "leaderboard", "long", "--json").out)[0]["n"] == 4
