"""A Ray to run on: one of our own on this machine, or somebody's cluster that we join."""

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dasbench.errors import MachineError, UsageError
from dasbench.faults import foreign
from dasbench.records import Cost, Epoch, Outcome, Signal
from dasbench.search.executors.executor import Job
from dasbench.search.executors.ray_folder import PREFIX, ray_folder
from dasbench.search.executors.share import Share
from dasbench.spec.trial import Trial

SWITCHES = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths stay relative to where the user stands
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # five files for each trial otherwise
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # signals are the driver's business
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",  # an ended trial may have to end loaders and replicas
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never read back
    "TUNE_MAX_PENDING_TRIALS_PG": "3",  # one trial ahead of each free worker, or Tune drops it
    "PYTHONSAFEPATH": "1",  # no folder that somebody stands in comes before the libraries
    # workers keep freed memory for the next step of a small network
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
"""Documented switches of Ray and of glibc's allocator, for this process and its workers."""

CONNECT_S = 10.0
"""How long the machine that an address names may take to answer."""

log = logging.getLogger(__name__)


def set_switches(address: str | None) -> None:
    """Set what Ray reads while it is imported; call it before.

    A Ray of our own listens beyond loopback, so that it gets a token that nobody knows. A cluster
    has its own token, which the user's environment or home folder holds.

    Args:
        address: as in `joined`, None for a Ray of our own.

    Raises:
        UsageError: if the address is not of a form that works.
    """
    if address is not None and "://" in address:
        raise UsageError(
            f"`address` '{address}': trials are handed out by a driver that is part of "
            "the cluster, not through Ray's client. Start the same command on one of its machines "
            "with `address` auto, or from elsewhere with "
            "'ray job submit -- dasbench run ... --address auto'."
        )
    from dasbench.devices import grow_segments  # imports torch

    os.environ.update(SWITCHES)
    grow_segments()
    if address is None and "ray" not in sys.modules:
        os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})


@contextmanager
def own_ray(share: Share, *, workers: int) -> Iterator[str]:
    """A Ray of our own on this machine, and a folder for its files; both are gone afterwards.

    Args:
        share: what a trial takes.
        workers: how many trials run at once, if the GPUs hold as many.

    Raises:
        MachineError: if Ray does not start here; with what it says, and what helps.
        UsageError: if the machine's GPUs do not hold one trial.
    """
    import ray

    folder = ray_folder()
    os.environ["RAY_TMPDIR"] = folder
    try:
        # workers search modules where Ray starts, before all libraries: there is nothing to find
        with _quiet(), _own_signal_handlers(), chdir(folder), foreign(_start_error):
            ray.init(
                address="local",  # never a Ray that somebody else left running
                num_cpus=workers * share.cpus,
                num_gpus=None if share.gpus else 0,  # None: those that there are
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
            there = gpus_there()
        if share.gpus > there:
            raise UsageError(
                f"a trial asks for {share.gpus:g} GPUs, but Ray sees {there:g} on this machine"
            )
        yield folder
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def joined(address: str, share: Share) -> Iterator[str]:
    """A running cluster, and a folder for the driver's own files, which is gone afterwards.

    The cluster goes on.

    Args:
        address: `HOST:PORT` of the cluster's head, or `auto` for the cluster that this machine
            belongs to.
        share: what a trial takes.

    Raises:
        UsageError: if there is no such cluster, or it does not take us; the message says which.
    """
    import ray

    _check_reachable(address)
    folder = tempfile.mkdtemp(prefix=PREFIX)
    try:
        with (
            _quiet(),
            _own_signal_handlers(),
            chdir(folder),
            foreign(partial(_join_error, address)),
        ):
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        total = ray.cluster_resources()  # type: ignore[no-untyped-call]
        if not share.times_in(total.get("CPU", 0), total.get("GPU", 0)):
            log.warning(
                "no node of the cluster holds a trial (%s) yet; waiting for one that does", share
            )
        if total.get("GPU", 0) and not share.gpus:
            log.warning(
                "the cluster's %d GPUs stay idle: resources.gpus says how many a trial takes",
                total["GPU"],
            )
        yield folder
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def gpus_there() -> int:
    """GPUs of the Ray that this process has joined or started."""
    import ray

    return int(ray.cluster_resources().get("GPU", 0))  # type: ignore[no-untyped-call]


def _check_reachable(address: str) -> None:
    """Say at once that nobody listens; Ray itself tries for a minute."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"`address` '{address}': write HOST:PORT of the cluster's head, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        raise UsageError(
            f"`address` '{address}': no Ray answers there ({error.strerror or error}); "
            "'ray status' on its head says whether it runs"
        ) from error


def _start_error(error: BaseException) -> MachineError:
    return MachineError(
        f"Ray does not start on this machine: {_first_line(error)} Look for space on the disk of "
        f"{tempfile.gettempdir()} and in /dev/shm, and at the limits of processes and open files "
        "(ulimit -u, ulimit -n); or run without Ray: `executor` inline"
    )


def _first_line(error: BaseException) -> str:
    """What Ray says, without the pages that may follow, as a sentence."""
    first = str(error).strip().partition("\n")[0].strip() or type(error).__name__
    if first.endswith((".", "!", "?")):
        return first
    return f"{first}."


def _join_error(address: str, error: BaseException) -> UsageError:
    return UsageError(
        f"`address` '{address}': the Ray cluster cannot be joined: {_first_line(error)} "
        "This machine must be one of its nodes ('ray start --address=...'), "
        "with the same versions of Python and Ray and the cluster's token "
        "(RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong in Ray is said once, by us."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    yield


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Keep our handlers: Ray replaces that of SIGTERM when it starts."""
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in ours.items():
                signal.signal(number, handler)


@dataclass(frozen=True)
class StandingIn:
    """A job that is done where the user stands: workers start where Ray did.

    Args:
        folder: in which the user stands.
        job: runs one trial.
    """

    folder: Path
    job: Job

    def __call__(
        self, trial: Trial, report: Callable[[Epoch], Signal], *, cost: Cost | None = None
    ) -> Outcome:
        """Go there, and run the trial."""
        os.chdir(self.folder)
        return self.job(trial, report, cost=cost)
