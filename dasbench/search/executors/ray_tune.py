"""Trials side by side in worker processes, scheduled by Ray Tune, on this machine or on a cluster.

Ray is a scheduler here and nothing else: it holds no state that is ever read back. Trials are
handed to Tune one by one, by a searcher that asks the source; outcomes come back through its
callbacks, in the driver's main thread. Importing this module does not import Ray, which reads its
switches at that moment.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from dasbench.cores import usable_cores
from dasbench.search.executors.executor import Interrupt, Job, Listener, Source
from dasbench.search.executors.ray_session import (
    StandingIn,
    gpus_there,
    joined,
    own_ray,
    set_switches,
)
from dasbench.search.executors.share import Share
from dasbench.search.schedulers.none import NoScheduler
from dasbench.spec.trial import Trial

if TYPE_CHECKING:
    from ray.tune import Tuner

    from dasbench.search.executors.ray_answers import Answers
    from dasbench.search.executors.ray_events import Events
    from dasbench.search.executors.ray_feed import Feed
    from dasbench.search.executors.ray_pruning import Pruning
    from dasbench.search.schedulers.scheduler import Scheduler

ROUND = 1000
"""Trials that Tune handles in one go: it remembers each of them until its end."""


@dataclass(frozen=True, kw_only=True)
class RayTune:
    """Runs trials in reused worker processes.

    Args:
        workers: how many trials run at once; None for as many as this machine's cores, or the
            cluster's free resources, hold.
        cpus: cores of a trial.
        gpus: GPUs of a trial; fractions share one, and become larger where fewer trials run at once
            than would fit.
        scheduler: who stops trials early; None and `none` let all run to their end.
        metric: what it compares, of each epoch.
        mode: the direction in which that is better.
        max_epochs: epochs of the longest trial, for the scheduler's rungs.
        prunable: whether a trial may be stopped; None for all of them.
        address: `HOST:PORT` of a running Ray cluster, or `auto` for the one that this machine
            belongs to; None starts a Ray of our own.
    """

    workers: int | None = None
    cpus: int = 1
    gpus: float = 0
    scheduler: "Scheduler | None" = None
    metric: str = "val_top1"
    mode: Literal["min", "max"] = "max"
    max_epochs: int = 100
    prunable: Callable[[Trial], bool] | None = None
    address: str | None = None
    in_process: ClassVar[bool] = False

    def run(self, source: Source, job: Job, listener: Listener, interrupt: Interrupt) -> None:
        """Run every trial of the source.

        A trial whose worker dies goes on in another, from its last checkpoint.

        Raises:
            UsageError: if there is no Ray at the address, or no GPU for a trial.
            MachineError: if Ray does not start on this machine.
        """
        if self.address is None:
            job = StandingIn(Path.cwd(), job)
        set_switches(self.address)
        from dasbench.search.executors.ray_answers import Answers  # imports Ray
        from dasbench.search.executors.ray_events import Events, Interrupted
        from dasbench.search.executors.ray_feed import Feed
        from dasbench.search.executors.ray_pruning import Pruning

        with self._session() as folder:
            inner = (self.scheduler or NoScheduler()).make(
                metric=self.metric, mode=self.mode, max_epochs=self.max_epochs
            )
            answers = Answers.start()
            pruning = Pruning(inner, metric=self.metric, prunable=self.prunable, answer=answers.put)
            events = Events(listener, interrupt, answers.put)
            share, workers = self._share, self.workers
            if self.address is None:
                share, workers = share.spread(self._workers, gpus_there()), None
            feed = Feed(source, interrupt, workers=workers)
            try:
                while not feed.exhausted:
                    feed.refill(ROUND)
                    self._tuner(job, answers, share, feed, pruning, events, folder).fit()
            except Interrupted:
                return

    @property
    def _share(self) -> Share:
        return Share(self.cpus, self.gpus)

    @property
    def _workers(self) -> int:
        """Trials that run at once on this machine, if its GPUs hold as many."""
        return self.workers or max(1, self._share.times_in(usable_cores(), math.inf))

    def _session(self) -> AbstractContextManager[str]:
        if self.address is not None:
            return joined(self.address, self._share)
        return own_ray(self._share, workers=self._workers)

    def _tuner(
        self,
        job: Job,
        answers: "Answers",
        share: Share,
        feed: "Feed",
        pruning: "Pruning",
        events: "Events",
        folder: str,
    ) -> "Tuner":
        """Tune for one round; workers, scheduler and callbacks go on from round to round."""
        from ray import tune

        from dasbench.search.executors.ray_events import MAX_RESTARTS
        from dasbench.search.executors.ray_worker import DrivingProcess, train

        trainable = tune.with_parameters(
            train, job=job, driver=DrivingProcess.here(), answers=answers
        )
        return tune.Tuner(
            tune.with_resources(trainable, {"cpu": share.cpus, "gpu": share.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=feed, scheduler=pruning, num_samples=-1, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                verbose=0,
                storage_path=folder,
                callbacks=[events],
                failure_config=tune.FailureConfig(max_failures=MAX_RESTARTS),
            ),
        )
