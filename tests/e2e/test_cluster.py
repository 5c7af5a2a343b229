"""A cluster as Ray builds it: nodes that are processes of their own, one of which is killed in the middle."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

HEAD = "127.0.0.2"
PATIENCE_S = 150.0

DRIVER = """
import json, sys
from functools import partial
from dasbench.resolution import resolve
from dasbench.search.executors.executor import Assignment, Interrupt
from dasbench.search.executors.ray_tune import RayTune
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime

address, storage, number, epochs, told = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
base = Trial(
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    dataset={"name": "digits", "image_size": 8},
    training={"epochs": epochs, "lr": 0.05},
)

class Writes:
    def __init__(self):
        self.file = open(told, "w", buffering=1)

    def reported(self, key, epoch):
        self.file.write(json.dumps({"key": key, "epoch": epoch.number}) + "\\n")

    def finished(self, outcome):
        self.file.write(json.dumps(outcome.to_json()) + "\\n")

trials = (Assignment(resolve(base.with_values({"seed": seed}))) for seed in range(number))
job = partial(run_trial, workdir=storage or None, runtime=Runtime(device="cpu", checkpoint_s=0))
RayTune(address=address).run(trials, job, Writes(), Interrupt())
"""


def group_members(group: int) -> list[int]:
    """All processes of a session that was started for a node."""
    members = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and group in (int(fields[2]), int(fields[3])) and fields[0] != "Z":
            members.append(int(entry.name))
    return members


@dataclass
class Cluster:
    """Nodes on the loopback device, each a session of its own."""

    folder: Path
    port: int
    nodes: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{HEAD}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.folder / "token")}
        return {**os.environ, **token, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}

    def start(self, host: str, *options: str) -> None:
        with (self.folder / f"{host}.log").open("a") as log:
            self.nodes[host] = subprocess.Popen(
                [
                    *(
                        sys.executable,
                        "-m",
                        "ray.scripts.scripts",
                        "start",
                        f"--node-ip-address={host}",
                    ),
                    *options,
                    *("--disable-usage-stats", "--block"),
                ],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def join(self, host: str) -> None:
        """Start a node of one core."""
        self.start_surely(host, f"--address={self.address}", "--num-cpus=1")

    def kill(self, host: str) -> None:
        """End a node at once with all that it started."""
        node = self.nodes.pop(host)
        for pid in group_members(node.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        node.wait()

    def start_surely(self, host: str, *options: str) -> None:
        """Start a node; Ray gives up after 30 s, which a busy machine may need for its first node alone."""
        limit = time.monotonic() + PATIENCE_S
        log = self.folder / f"{host}.log"
        self.start(host, *options)
        while "Ray runtime started" not in log.read_text():
            if time.monotonic() > limit:
                pytest.fail(f"Ray does not start: {log.read_text()[-2000:]}")
            if self.nodes[host].poll() is not None:
                time.sleep(1)
                self.start(host, *options)
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HEAD, 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(
        prefix="ray-", ignore_cleanup_errors=True
    ) as folder:  # sockets want short paths
        yield from _started(Cluster(Path(folder), free_port()))


def _started(made: Cluster) -> Iterator[Cluster]:
    token = made.folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    head = ("--head", f"--port={made.port}", "--num-cpus=0", "--include-dashboard=false")
    try:
        made.start_surely(HEAD, *head, f"--temp-dir={made.folder}/t")
        made.join("127.0.0.3")
        yield made
    finally:
        for host in list(made.nodes):
            made.kill(host)


@dataclass
class Driver:
    """A driver in a process of its own, and what it was told so far."""

    process: subprocess.Popen
    output: Path

    @property
    def lines(self) -> list[dict]:
        text = self.output.read_text() if self.output.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    @property
    def said(self) -> str:
        return self.output.with_suffix(".err").read_text()

    @property
    def outcomes(self) -> list[dict]:
        return [line for line in self.lines if "status" in line]

    def wait_until(self, condition: Callable[[], object]) -> None:
        limit = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"it did not happen; the driver said: {self.said}")
            time.sleep(0.1)

    def ends_well(self) -> None:
        assert self.process.wait(PATIENCE_S) == 0, self.said


@pytest.fixture
def drive(cluster, tmp_path) -> Iterator[Callable[..., Driver]]:
    (tmp_path / "driver.py").write_text(DRIVER)
    started: list[subprocess.Popen] = []

    def start(*, trials: int, epochs: int, storage: str) -> Driver:
        output = tmp_path / f"driver-{len(started)}.out"
        with output.with_suffix(".err").open("w") as err:
            command = [
                sys.executable,
                "driver.py",
                cluster.address,
                storage,
                str(trials),
                str(epochs),
                str(output),
            ]
            started.append(
                subprocess.Popen(
                    command, cwd=tmp_path, env=cluster.environment, stdout=err, stderr=err
                )
            )
        return Driver(started[-1], output)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_killed_node_loses_no_trial_and_none_is_done_twice(cluster, drive, tmp_path):
    cluster.join("127.0.0.4")
    driver = drive(trials=5, epochs=15, storage=str(tmp_path / "shared"))
    driver.wait_until(lambda: len({o["environment"]["node_address"] for o in driver.outcomes}) == 2)
    cluster.kill("127.0.0.4")
    before = len(driver.outcomes)

    driver.ends_well()

    outcomes = driver.outcomes
    assert [outcome["status"] for outcome in outcomes] == ["done"] * 5
    assert len({outcome["key"] for outcome in outcomes}) == 5
    assert {outcome["environment"]["node_address"] for outcome in outcomes[before + 1 :]} == {
        "127.0.0.3"
    }
    restarted = [outcome for outcome in outcomes if outcome["environment"].get("restarts")]
    assert [outcome["environment"]["restarts"] for outcome in restarted] == [1]
    reports = [
        line["epoch"]
        for line in driver.lines
        if line["key"] == restarted[0]["key"] and "epoch" in line
    ]
    assert (
        len(reports) == len(set(reports)) <= 15
    )  # it went on at its checkpoint: no epoch came twice
    assert [epoch["number"] for epoch in restarted[0]["epochs"]] == list(range(1, 16))


def test_nothing_of_a_killed_driver_goes_on_on_the_cluster(cluster, drive, tmp_path):
    driver = drive(trials=2, epochs=2000, storage=str(tmp_path / "shared"))
    driver.wait_until(lambda: driver.lines)
    nodes = [node.pid for host, node in cluster.nodes.items() if host != HEAD]

    def training() -> list[int]:
        titles = {
            pid: Path(f"/proc/{pid}/cmdline") for node in nodes for pid in group_members(node)
        }
        return [
            pid
            for pid, title in titles.items()
            if title.exists() and b"ray::ImplicitFunc" in title.read_bytes()
        ]

    assert training()
    driver.process.kill()
    driver.process.wait()

    limit = time.monotonic() + 60
    while training() and time.monotonic() < limit:
        time.sleep(0.2)

    assert training() == []


def test_who_has_another_token_is_refused_with_what_to_do(cluster, tmp_path):
    (tmp_path / "driver.py").write_text(DRIVER)
    wrong = {**cluster.environment, "RAY_AUTH_TOKEN": "0" * 64}
    wrong.pop("RAY_AUTH_TOKEN_PATH")

    ended = subprocess.run(
        [sys.executable, "driver.py", cluster.address, "", "1", "1", "told"],
        cwd=tmp_path,
        env=wrong,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert ended.returncode != 0
    assert "UsageError" in ended.stderr
    assert "RAY_AUTH_TOKEN" in ended.stderr
