"""One trial on several devices: processes that share out every batch and take the same steps.

The result is that of one device up to rounding. Each process computes every so many images of a
batch, in the order and with the random variation that they have without replicas; losses and
gradients are summed, weighted by their shares; batch norms take their statistics over all replicas.
All statistics that the gates of this package keep are those of batch norms. A batch with fewer than
two images for each replica is computed by every one of them, for itself.

Not shared: dropout (see `shared_learner`). A gate from elsewhere that keeps running statistics
without torch's batch norms would see those of its replica's images alone.
"""

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import torch
from torch import distributed, multiprocessing

from dasbench.records import Epoch, Outcome, Reason, Signal, State
from dasbench.tasks.task import Replica
from dasbench.training.fit import Report
from dasbench.training.shared_learner import from_first

PATIENCE = timedelta(days=2)
"""How long a replica waits for another.

The time limit and the death of a replica end it earlier.
"""

GRACE_S = 60.0
"""How long after the trial's time limit its replicas are ended, if none said that it had passed."""

ENDING_S = 10.0
"""How long replicas may take to end after the first one's outcome."""


class Work(Protocol):
    """What a replica does: it trains on its share, and says what came out."""

    def __call__(self, *, report: Report, replica: Replica) -> Outcome:
        """Train, telling of every epoch; every exception is already an outcome."""
        ...


def train_together(
    work: Work,
    report: Report,
    *,
    key: str,
    number: int,
    device: Literal["cpu", "cuda"],
    timeout_s: float | None,
) -> Outcome:
    """Run a trial in several processes, and pass on what its first one reports.

    Args:
        work: what each process does; it travels to them as a pickle.
        report: told of each epoch, in this process; its answer counts for all.
        key: of the trial, for the outcome of one whose replica died.
        number: of processes.
        device: `cuda` gives each a GPU of its own, in order, and NCCL; `cpu` Gloo.
        timeout_s: of the trial, or None.

    Returns:
        The first replica's outcome, or the first failure of any.
    """
    context = multiprocessing.get_context("spawn")
    with TemporaryDirectory(prefix="dasbench-") as folder:
        near, far = zip(*(context.Pipe() for _ in range(number)), strict=True)
        processes = []
        for rank, pipe in enumerate(far):
            what = (work, Replica(rank, number), device, Path(folder) / "rendezvous", pipe)
            processes.append(context.Process(target=_replica, args=what, daemon=True))
        try:
            with _libraries_first():
                for process in processes:
                    process.start()
            for pipe in far:
                pipe.close()
            return _Followed(key, near, processes, report).outcome(timeout_s)
        finally:
            _end(near, processes)


@contextmanager
def _libraries_first() -> Iterator[None]:
    """In processes that start inside, libraries come before the folder one stands in."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@dataclass
class _Followed:
    """A trial whose replicas are listened to.

    Args:
        key: of the trial.
        pipes: to the replicas, the first one's first.
        processes: of the replicas.
        report: told of each epoch.
        curve: the epochs so far.
    """

    key: str
    pipes: Sequence[Connection]
    processes: Sequence[BaseProcess]
    report: Report
    curve: list[Epoch] = field(default_factory=list)

    def outcome(self, timeout_s: float | None) -> Outcome:
        """Pass epochs on until the first replica has an outcome, or any fails, dies or hangs."""
        deadline = math.inf
        if timeout_s is not None:
            deadline = time.monotonic() + timeout_s + GRACE_S
        open_pipes = list(self.pipes)
        while ready := self._ready_replicas(deadline, open_pipes):
            for pipe in [pipe for pipe in open_pipes if pipe in ready]:
                try:
                    outcome = self._answer(pipe, pipe.recv())
                except (EOFError, ConnectionError):
                    open_pipes.remove(pipe)
                    continue
                if outcome is not None:
                    return outcome
            if died := self._death(wait_s=0.0):
                return died
        late = f"the replicas did not end {GRACE_S:g} s after the time limit of {timeout_s:g} s"
        return self._failure("timeout", late)

    def _ready_replicas(self, deadline: float, pipes: Sequence[Connection]) -> Sequence[object]:
        """Which replicas said something or ended, as soon as one did; none when time is over."""
        left_s = None
        if deadline < math.inf:
            left_s = max(0.0, deadline - time.monotonic())
        return wait([*pipes, *self._sentinels], left_s)

    def _answer(self, pipe: Connection, told: Epoch | Outcome) -> Outcome | None:
        """Answer an epoch; the trial's outcome, if what a replica told is that."""
        if isinstance(told, Epoch):
            self.curve.append(told)
            pipe.send(self.report(told))
            return None
        if told.status == State.FAILED:
            return self._death(wait_s=1.0) or told
        if pipe is self.pipes[0]:
            return told
        return None

    def _death(self, *, wait_s: float) -> Outcome | None:
        """The outcome of a trial one of whose processes has died.

        The others then fail too, and only because of it.
        """
        wait(self._sentinels, wait_s)
        for rank, process in enumerate(self.processes):
            code = process.exitcode
            if code is not None:
                how = f"exit code {code}"
                if code < 0:
                    how = f"signal {-code}"
                message = f"replica {rank} of {len(self.processes)} died ({how})"
                return self._failure("killed", message)
        return None

    @property
    def _sentinels(self) -> list[int]:
        return [process.sentinel for process in self.processes]

    def _failure(self, reason: Reason, message: str) -> Outcome:
        curve = tuple(self.curve)
        return Outcome(
            key=self.key, status=State.FAILED, epochs=curve, reason=reason, error=message
        )


def _end(pipes: Sequence[Connection], processes: Sequence[BaseProcess]) -> None:
    """Dismiss the replicas; those that are still at work a little later, or hang, are ended."""
    for pipe in pipes:
        pipe.close()
    started = [process for process in processes if process.pid is not None]
    for process in started:
        process.join(0.1)
        if process.is_alive():
            process.terminate()
    for process in started:
        process.join(ENDING_S)
        if process.is_alive():
            process.kill()
            process.join()


def _replica(work: Work, replica: Replica, device: str, rendezvous: Path, pipe: Connection) -> None:
    """What runs in one process.

    It stays until it is dismissed, as its end would look like a fault.
    """
    # a key press reaches all processes; what it means, the first decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    with _group(replica, device, rendezvous):

        def report(epoch: Epoch) -> Signal:
            answer: Signal = "continue"
            if replica.rank == 0:
                pipe.send(epoch)
                answer = pipe.recv()
            return from_first(answer)

        outcome = work(report=report, replica=replica)
        with suppress(EOFError, ConnectionError):  # dismissed, perhaps before it is done
            pipe.send(outcome)
            pipe.recv()


def _die_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however it went."""
    parent = parent_process()
    assert parent is not None, "a replica is always started by another process"

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


@contextmanager
def _group(replica: Replica, device: str, rendezvous: Path) -> Iterator[None]:
    """Join the other replicas, over this machine's own network alone."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    backend = "gloo"
    if device == "cuda":
        backend = "nccl"
        torch.cuda.set_device(replica.rank)
    distributed.init_process_group(
        backend,
        init_method=rendezvous.as_uri(),
        rank=replica.rank,
        world_size=replica.number,
        timeout=PATIENCE,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
