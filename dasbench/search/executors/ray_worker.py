"""What runs in a Ray worker: one trial, from Tune's configuration to its epochs and outcome."""

import atexit
import json
import os
import socket
import threading
import time
from dataclasses import dataclass, replace

import ray
from ray import tune

import dasbench
from dasbench import devices
from dasbench.code.lock import lock_digest
from dasbench.records import Cost, Epoch, Outcome, Signal, State
from dasbench.search.executors.executor import Job
from dasbench.search.executors.ray_answers import Answers
from dasbench.spec.plain import Spec
from dasbench.spec.trial import Trial

BROKEN = 70
"""Exit code of a worker that can no longer compute on its GPU."""


@dataclass(frozen=True)
class DrivingProcess:
    """Who hands out the trials.

    Args:
        node: Ray's name of its machine.
        pid: its process there.
        version: of its dasbench.
        lock: hash of the code that its dasbench was released with.
    """

    node: str
    pid: int
    version: str
    lock: str

    @classmethod
    def here(cls) -> "DrivingProcess":
        """This process."""
        return cls(_node(), os.getpid(), dasbench.__version__, lock_digest())

    def refusal(self) -> str:
        """Why this process may not train for the driver, whose dasbench is another.

        The empty text if it may.
        """
        theirs, ours = (self.version, self.lock), (dasbench.__version__, lock_digest())
        if theirs == ours:
            return ""
        here, there = (f"dasbench {version} (code.lock {lock})" for version, lock in (ours, theirs))
        return (
            f"node {socket.gethostname()} has {here}, the driver {there}; "
            "install the same everywhere"
        )


def train(config: Spec, *, job: Job, driver: DrivingProcess, answers: Answers) -> None:
    """Run one trial; its epochs and its outcome travel as text, of which Tune keeps no statistics.

    Args:
        config: the trial, its key, and what its network costs.
        job: runs it.
        driver: who asked.
        answers: to its reports.
    """
    if devices.is_broken():
        os._exit(BROKEN)  # Ray starts the trial in a new process
    key = config["key"]
    if refusal := driver.refusal():
        _finish(Outcome(key=key, status=State.INTERRUPTED, error=refusal))
        return
    if driver.node == _node():
        _die_with(driver.pid)

    def report(epoch: Epoch) -> Signal:
        point = {"number": epoch.number, "metrics": dict(epoch.metrics)}
        tune.report({"epoch": json.dumps(point, default=float)})
        return answers.take(key)

    trial = Trial.model_validate_json(config["trial"])
    known = json.loads(config["cost"])
    outcome = job(trial, report, cost=known and Cost.from_json(known))
    if driver.node != _node():
        outcome = _from_elsewhere(outcome)
    if devices.is_broken():
        atexit.register(os._exit, BROKEN)  # comes first: other ends would wait for the GPU
    _finish(outcome)


def _finish(outcome: Outcome) -> None:
    tune.report({"outcome": json.dumps(outcome.to_json(), default=float), "done": True})


def _from_elsewhere(outcome: Outcome) -> Outcome:
    """The outcome with the machine that it comes from."""
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    environment = {**outcome.environment, "node": _node(), "node_address": address}
    error = (
        outcome.error and f"{outcome.error.rstrip()} (on node {socket.gethostname()}, {address})"
    )
    return replace(outcome, environment=environment, error=error)


def _node() -> str:
    node: str = ray.get_runtime_context().get_node_id()
    return node


def _die_with(driver: int) -> None:
    """End this worker soon after its driver.

    One thread for each process, however many trials it runs.

    On other machines than the driver's, Ray ends the workers of a driver whose connection is lost.
    """
    name = f"driver-{driver}"
    if any(thread.name == name for thread in threading.enumerate()):
        return

    def watch() -> None:
        while True:
            time.sleep(1.0)
            try:
                os.kill(driver, 0)
            except ProcessLookupError:
                os._exit(1)

    threading.Thread(target=watch, name=name, daemon=True).start()
