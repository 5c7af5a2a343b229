"""One trial on several devices of a machine: processes that share out every batch and take the same steps.

The result is that of one device up to rounding. Each process computes every so many images of a
batch, in the order and with the random variation that they have without replicas; losses and
gradients are summed, weighted by their shares; batch norms take their statistics over all replicas.
All statistics that the gates of this package keep are those of batch norms. A batch with fewer than
two images for each replica is computed by every one of them, for itself.

Not shared: dropout. Its masks come from a random stream for each replica, so that a network with
dropout learns from other masks than on one device. A gate from elsewhere that keeps running
statistics without torch's batch norms would see those of its replica's images alone.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, distributed, multiprocessing, nn

from dasbench.records import Epoch, Outcome, Signal, State
from dasbench.seeds import derive_seed
from dasbench.tasks.task import Evaluation, Learner, Replica
from dasbench.training.fit import Report
from dasbench.training.shared_norm import share_norms

PATIENCE = timedelta(days=2)
"""How long a replica waits for another; the trial's time limit and the death of a replica end it earlier."""

GRACE_S = 60.0
"""How long after the trial's time limit its replicas are ended, if none of them said that it had passed."""

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
        pipes = [context.Pipe() for _ in range(number)]
        processes = [
            context.Process(
                target=_replica,
                args=(work, Replica(rank, number), device, Path(folder) / "rendezvous", far),
                daemon=True,
            )
            for rank, (_, far) in enumerate(pipes)
        ]
        try:
            with _libraries_first():
                for process in processes:
                    process.start()
            for _, far in pipes:
                far.close()
            return _follow(
                [near for near, _ in pipes], processes, report, key=key, timeout_s=timeout_s
            )
        finally:
            _end([near for near, _ in pipes], processes)


@contextmanager
def _libraries_first() -> Iterator[None]:
    """In processes that start inside of the block, the folder that one stands in does not come before the libraries."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _follow(
    pipes: Sequence[Connection],
    processes: Sequence[Any],
    report: Report,
    *,
    key: str,
    timeout_s: float | None,
) -> Outcome:
    """Pass epochs on until the first replica has an outcome, or any fails, dies or hangs."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s + GRACE_S
    sentinels = [process.sentinel for process in processes]
    curve: list[Epoch] = []
    open_pipes = list(pipes)
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = wait([*open_pipes, *sentinels], left)
        if not ready:
            message = (
                f"the replicas did not end {GRACE_S:g} s after the time limit of {timeout_s:g} s"
            )
            return Outcome(
                key=key, status=State.FAILED, epochs=tuple(curve), reason="timeout", error=message
            )
        for pipe in [pipe for pipe in open_pipes if pipe in ready]:
            try:
                told = pipe.recv()
            except (EOFError, ConnectionError):
                open_pipes.remove(pipe)
                continue
            if isinstance(told, Epoch):
                curve.append(told)
                pipe.send(report(told))
            elif told.status == State.FAILED:
                return _death(processes, key, curve, wait_s=1.0) or told
            elif pipe is pipes[0]:
                outcome: Outcome = told
                return outcome
        if died := _death(processes, key, curve, wait_s=0.0):
            return died


def _death(
    processes: Sequence[Any], key: str, curve: Sequence[Epoch], *, wait_s: float
) -> Outcome | None:
    """The outcome of a trial one of whose processes has died; the others then fail too, and only because of it."""
    wait([process.sentinel for process in processes], wait_s)
    for rank, process in enumerate(processes):
        if process.exitcode is not None:
            how = (
                f"signal {-process.exitcode}"
                if process.exitcode < 0
                else f"exit code {process.exitcode}"
            )
            message = f"replica {rank} of {len(processes)} died ({how})"
            return Outcome(
                key=key, status=State.FAILED, epochs=tuple(curve), reason="killed", error=message
            )
    return None


def _end(pipes: Sequence[Connection], processes: Sequence[Any]) -> None:
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
    """What runs in one process; it stays until it is dismissed, as its end would look like a fault to the others."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a key press reaches all processes; what it means, the first decides
    _die_with_parent()
    with _group(replica, device, rendezvous):

        def report(epoch: Epoch) -> Signal:
            if replica.rank == 0:
                pipe.send(epoch)
            answer: Signal = _from_first(pipe.recv() if replica.rank == 0 else None)
            return answer

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
    if device == "cuda":
        torch.cuda.set_device(replica.rank)
    distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method=rendezvous.as_uri(),
        rank=replica.rank,
        world_size=replica.number,
        timeout=PATIENCE,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _from_first(value: Any) -> Any:
    """The first replica's value, in every replica."""
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def add_up(model: nn.Module, loss: Tensor) -> Tensor:
    """Make every replica's gradients and loss the sum over all of them, in one go."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), loss.reshape(1)])
    distributed.all_reduce(flat)
    sums = torch.split_with_sizes(flat[:-1], [gradient.numel() for gradient in gradients])
    for gradient, summed in zip(gradients, sums, strict=True):
        gradient.copy_(summed.view(gradient.shape))
    return flat[-1]


class SharedLearner:
    """A learner on its share: it takes batch statistics over all replicas, and only the first one evaluates.

    Args:
        learner: of this replica.
        replica: which one this is.
    """

    def __init__(self, learner: Learner, replica: Replica) -> None:
        self.objective = learner.objective
        self.examples_per_epoch = learner.examples_per_epoch
        self.steps_per_epoch = learner.steps_per_epoch
        self.model = learner.model
        self.losses: Callable[[Any], Iterable[Tensor]] = learner.losses
        self._learner = learner
        self._replica = replica
        share_norms(learner.model, replica)

    def batches(self, epoch: int) -> Iterator[Any]:
        """This replica's share of the batches of an epoch; dropout draws from a stream of its own."""
        if self._replica.rank:
            torch.manual_seed(derive_seed(torch.initial_seed(), "replica", self._replica.rank))
        return self._learner.batches(epoch)

    def evaluate(self, part: Literal["val", "test"]) -> Evaluation:
        """Scores on one part, from the first replica."""
        evaluation: Evaluation = _from_first(
            self._learner.evaluate(part) if self._replica.rank == 0 else None
        )
        return evaluation
