"""Trials side by side in worker processes, scheduled by Ray Tune.

Ray is a scheduler here and nothing else: it holds no state that is ever read back. Trials are handed to Tune one by
one, by a searcher that asks the source; outcomes come back through its callbacks, in the driver's main thread.
"""

import logging
import math
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths stay relative to where the user stands
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # five files for each trial otherwise
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # signals are the driver's business
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never read back
    "TUNE_MAX_PENDING_TRIALS_PG": "3",  # one trial ahead of each free worker: else Tune drops the idle actor
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),  # workers keep freed memory for the next step of a small network
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
"""Documented switches of Ray and of glibc's allocator, for this process and for the workers that it starts."""

if "ray" not in sys.modules:  # Ray listens beyond loopback; it reads this when it is imported, not when it starts
    SETTINGS |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ.update(SETTINGS)

import ray
from ray import tune
from ray.tune.search import Searcher

from dasbench.records import Epoch, Outcome, Signal
from dasbench.search.executors.executor import Interrupt, Job, Listener, Source
from dasbench.spec.trial import Trial

GRACE_S = 5.0
"""How long trials may take to end their epoch after an interrupt."""

MAX_RESTARTS = 2
"""How often a trial whose worker died is started again, from its last checkpoint."""


class RayTune:
    """Runs trials in reused worker processes.

    Args:
        workers: how many trials run at once.
        cpus: cores of a trial.
        gpus: GPUs of a trial; fractions share one.
    """

    def __init__(self, *, workers: int, cpus: int = 1, gpus: float = 0) -> None:
        self.workers = workers
        self.cpus = cpus
        self.gpus = gpus

    def run(self, source: Source, job: Job, listener: Listener, interrupt: Interrupt) -> None:
        """Run every trial of the source; a trial whose worker dies goes on in another, from its last checkpoint."""
        events = _Events(listener, interrupt)
        with _local_ray(self.workers * self.cpus, self.workers * self.gpus) as folder:
            trainable = tune.with_parameters(_train, job=job, driver=os.getpid())
            tuner = tune.Tuner(
                tune.with_resources(trainable, {"cpu": self.cpus, "gpu": self.gpus}),
                tune_config=tune.TuneConfig(
                    search_alg=_Feed(source, interrupt),
                    num_samples=-1,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    verbose=0,
                    storage_path=folder,
                    callbacks=[events],
                    failure_config=tune.FailureConfig(max_failures=MAX_RESTARTS),
                ),
            )
            try:
                tuner.fit()
            except _Interrupted:
                return


class _Interrupted(BaseException):
    """Leaves Tune's loop from inside of a callback; not an Exception, which Tune would wrap."""


class _Feed(Searcher):
    """Hands the source's trials to Tune, one whenever there is room."""

    def __init__(self, source: Source, interrupt: Interrupt) -> None:
        super().__init__()
        self._source = source
        self._interrupt = interrupt

    def suggest(self, trial_id: str) -> Any:
        """The next trial's configuration, None to be asked again soon, or that there are no more."""
        trial = Searcher.FINISHED if self._interrupt.requested else next(self._source, Searcher.FINISHED)
        if not isinstance(trial, Trial):
            return trial
        return {"trial": trial.model_dump(mode="json"), "key": trial.key}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: outcomes travel through the callbacks."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its searcher to restore it later, and nothing of Tune is ever restored."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""


class _Events(tune.Callback):
    """Turns Tune's callbacks into those of a listener, and an interrupt into the end of Tune's loop."""

    def __init__(self, listener: Listener, interrupt: Interrupt) -> None:
        self._listener = listener
        self._interrupt = interrupt
        self._curves: dict[str, list[Epoch]] = defaultdict(list)
        self._running: set[str] = set()
        self._awaited: set[str] | None = None
        self._deadline = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: see `_Feed.__getstate__`."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if not self._interrupt.requested:
            return
        if self._awaited is None:
            self._awaited, self._deadline = set(self._running), time.monotonic() + GRACE_S
        if not self._awaited or time.monotonic() > self._deadline:
            raise _Interrupted

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._running.add(trial.config["key"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        key = trial.config["key"]
        if self._awaited is not None:
            self._awaited.discard(key)
        if "outcome" in result:
            self._ended(key)
            self._listener.finished(Outcome.from_json(result["outcome"]))
        elif "epoch" in result:
            epoch = Epoch(**result["epoch"])
            self._curves[key].append(epoch)
            self._listener.reported(key, epoch)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        key = trial.config["key"]
        curve = tuple(self._curves[key])
        self._ended(key)
        message = f"the worker process died {MAX_RESTARTS + 1} times"
        self._listener.finished(Outcome(key=key, status="failed", epochs=curve, reason="killed", error=message))

    def _ended(self, key: str) -> None:
        self._running.discard(key)
        self._curves.pop(key, None)
        if self._awaited is not None:
            self._awaited.discard(key)


def _train(config: dict[str, Any], *, job: Job, driver: int) -> None:
    """What runs in a worker: one trial, from Tune's configuration to reports of its epochs and its outcome."""
    _die_with(driver)

    def report(epoch: Epoch) -> Signal:
        tune.report({"epoch": {"number": epoch.number, "metrics": dict(epoch.metrics)}})
        return "continue"

    outcome = job(Trial.model_validate(config["trial"]), report)
    tune.report({"outcome": outcome.to_json()})


def _die_with(driver: int) -> None:
    """End this worker soon after its driver; one thread for each process, however many trials it runs."""
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


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Keep our handlers: Ray replaces that of SIGTERM when it starts."""
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    if threading.current_thread() is threading.main_thread():
        for number, handler in ours.items():
            signal.signal(number, handler)


@contextmanager
def _local_ray(cpus: int, gpus: float) -> Iterator[str]:
    """A Ray of our own on this machine, and a folder for its files; both are gone afterwards."""
    folder = tempfile.mkdtemp(prefix="dasbench-")
    os.environ.update(SETTINGS | {"RAY_TMPDIR": folder})
    logging.getLogger("ray").setLevel(logging.CRITICAL)  # what goes wrong is said once, by us
    try:
        with _own_signal_handlers():
            ray.init(
                address="local",  # never a Ray that somebody else left running
                num_cpus=cpus,
                num_gpus=math.ceil(gpus),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
        yield folder
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
