"""Between an agenda, the results database and an executor: claims trials, keeps what comes out."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Protocol

from dasbench.agenda import Agenda
from dasbench.analysis.looks import Look, planned_levels
from dasbench.counting import count_cost
from dasbench.errors import UsageError
from dasbench.metrics.traits import metrics_of_study
from dasbench.plan import Planned
from dasbench.records import COUNTING, Epoch, Outcome, Row, State
from dasbench.resolution import in_this_process_only
from dasbench.results.answers import LookRecord, TrialState
from dasbench.results.planning import Member
from dasbench.results.store import Store
from dasbench.results.unplanned import with_earlier_looks
from dasbench.search.executors.executor import Assignment, Executor, Interrupt
from dasbench.spec.cost_key import CostKey, cost_key
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""How often a trial that another driver runs is looked at."""


class Watcher(Protocol):
    """Who shows what happens: a progress display. It is told after the results database."""

    def planned(self, agenda: Agenda, states: Mapping[str, State]) -> None:
        """The trials that the study begins with, and the state of each before anything runs."""
        ...

    def added(self, states: Mapping[str, State]) -> None:
        """The study lists more trials, with the state of each."""
        ...

    def looked(self, look: Look[str]) -> None:
        """The study took a look at its scores."""
        ...

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A trial ended."""
        ...


class Driver:
    """Claims the trials of an agenda, keeps what comes out of them, and tells the agenda."""

    def __init__(
        self,
        agenda: Agenda,
        store: Store,
        executor: Executor,
        watcher: Watcher,
        interrupt: Interrupt,
        forget: Callable[[str], None],
        retry: Collection[str],
    ) -> None:
        self.ran: list[str] = []
        self._agenda = agenda
        self._store = store
        self._executor = executor
        self._watcher = watcher
        self._interrupt = interrupt
        self._forget = forget
        self._retry = retry
        self._exploratory = False
        self._attempts: dict[str, int] = {}
        self._waiting: deque[str] = deque()

    def begin(
        self, listed: Sequence[Row], again: Sequence[str], restart: Callable[[str], None]
    ) -> None:
        """Write the trials that the study begins with, all of them before the first one starts.

        Args:
            listed: what the study listed so far.
            again: keys of trials that are trained again, from scratch.
            restart: drops what such a trial left.
        """
        study = self._agenda.study
        planned = self._agenda.start(listed)
        members = with_earlier_looks([item.member for item in planned], listed)
        self._refuse_elsewhere(planned)
        self._refuse_gone(again)
        tasks = {study.base.task.name, *(item.trial.task.name for item in planned)}
        file = study.document.file
        if file:
            file = str(Path(file).absolute())
        self._store.plan(
            study.name,
            question=study.question,
            document=study.model_dump(mode="json"),
            file=file,
            members=members,
            metrics=metrics_of_study(tasks, study.objectives),
        )
        _warn_of_added_seeds(study.name, members, listed)
        if again:
            for key in self._store.set_aside(again):
                restart(key)
        self._agenda.spare(again)
        self._watcher.planned(self._agenda, self._look_up(planned))

    def claims(self) -> Iterator[Assignment | None]:
        """Trials that are now ours, in the order of the agenda.

        None while what is left depends on others' results.
        """
        elsewhere: list[str] = []
        looked = time.monotonic()
        while True:
            if self._waiting:
                key = self._waiting.popleft()
                if self._claim(key):
                    trial = self._agenda.items[key].trial
                    yield Assignment(trial, count_cost(trial))
                else:
                    elsewhere.append(key)
            elif planned := self._propose():
                self._extend(planned)
            elif elsewhere and time.monotonic() >= looked + POLL_S:
                looked = time.monotonic()
                elsewhere = self._look_again(elsewhere)
            elif elsewhere or not self._agenda.exhausted:
                yield None
            else:
                return

    def reported(self, key: str, epoch: Epoch) -> None:
        """Keep an epoch and show it."""
        self._store.add_epoch(key, self._attempts[key], epoch)
        self._watcher.reported(key, epoch)

    def finished(self, outcome: Outcome) -> None:
        """Keep an outcome and tell the agenda and the watcher; what came too late is dropped."""
        if outcome.status == State.INTERRUPTED and outcome.error:
            self._interrupt.refusal = outcome.error
        if outcome.status == State.STOPPED and outcome.cost is None:
            outcome = replace(outcome, cost=count_cost(self._agenda.items[outcome.key].trial))
        if self._store.add(outcome, self._attempts.pop(outcome.key)):
            if outcome.status == State.DONE:
                self._forget(outcome.key)
            if outcome.status.ended:
                self._agenda.tell(outcome.key, outcome.status, outcome.metrics, outcome.cost)
            self.ran.append(outcome.key)
            self._watcher.finished(outcome)

    def release(self) -> None:
        """Give back what was claimed and did not end."""
        for key, attempt in self._attempts.items():
            self._store.release(key, attempt)
        self._attempts.clear()

    def _propose(self) -> Sequence[Planned]:
        """What the agenda wants next; the looks that it took to decide that are kept."""
        study, before = self._agenda.study, len(self._agenda.looks)
        planned = self._agenda.propose()
        for look in self._agenda.looks[before:]:
            record = replace(_look_record(study, look), exploratory=self._exploratory)
            self._exploratory = self._store.add_look(study.name, record)
            self._watcher.looked(look)
        return planned

    def _extend(self, planned: Sequence[Planned]) -> None:
        """Let the study list more trials."""
        self._refuse_elsewhere(planned)
        self._store.extend(self._agenda.study.name, [item.member for item in planned])
        self._watcher.added(self._look_up(planned))

    def _keep_costs(self, planned: Sequence[Planned], known: Mapping[str, TrialState]) -> None:
        """Keep what networks cost: of trials without a result, and of older ways of counting."""
        costs = self._store.known_costs()
        wanted: dict[CostKey, Trial] = {}
        for item in planned:
            network = cost_key(item.trial)
            if known[item.trial.key].state != State.DONE or COUNTING not in costs.get(network, {}):
                wanted[network] = item.trial
        counted = {network: count_cost(trial) for network, trial in wanted.items()}
        if again := self._store.keep_costs(counted, COUNTING):
            logger.warning(
                "%d networks are counted anew: the way of counting is revision %d now",
                len(again),
                COUNTING,
            )

    def _refuse_gone(self, again: Sequence[str]) -> None:
        """Refuse to train trials again that the study no longer lists."""
        gone = [key for key in again if key not in self._agenda.items]
        if gone:
            raise UsageError(
                f"not trained again: the study no longer lists {', '.join(gone)}, "
                "for its code has changed"
            )

    def _refuse_elsewhere(self, planned: Sequence[Planned]) -> None:
        """Refuse to hand components that only this process has to another one."""
        if self._executor.in_process:
            return
        for item in planned:
            if here := in_this_process_only(item.trial):
                raise UsageError(
                    f"{item.label}: {', '.join(here)} was defined in the running program, where no "
                    "worker process finds it; write it to a file and import that, or run in this "
                    "process: `executor` inline"
                )

    def _look_up(self, planned: Sequence[Planned]) -> dict[str, State]:
        """The state of trials; the agenda hears of what has ended, the rest waits to be claimed."""
        keys = [item.trial.key for item in planned]
        if self._retry:
            self._agenda.spare(self._store.retry(keys, self._retry))
        known = self._store.states(keys)
        self._keep_costs(planned, known)
        self._waiting += [key for key in keys if not self._agenda.tell_state(key, known[key])]
        return {key: known[key].state for key in keys}

    def _look_again(self, elsewhere: Sequence[str]) -> list[str]:
        """Those that still run under other drivers; one that was given back is ours to claim."""
        self._store.sweep()
        states = self._store.states(elsewhere)
        running = []
        for key in elsewhere:
            if states[key].state == State.RUNNING:
                running.append(key)
            elif not self._agenda.tell_state(key, states[key]):
                self._waiting.append(key)
        return running

    def _claim(self, key: str) -> bool:
        """Whether a trial is ours from now on."""
        attempt = self._store.claim(key, self._agenda.study.name)
        if attempt is not None:
            self._attempts[key] = attempt
        return attempt is not None


def _warn_of_added_seeds(study: str, members: Sequence[Member], listed: Sequence[Row]) -> None:
    """Say before anything is trained which comparisons will be exploratory."""
    looks = set(map(tuple, chain.from_iterable(member.looked_at for member in members)))
    known = set(map(tuple, chain.from_iterable(row.looked_at for row in listed)))
    for seeds in sorted(looks - known):
        logger.warning(
            "%s: variants get more seeds after results of %d seeds: comparisons of them are "
            "exploratory; `seeds: {until: resolved}` plans such looks",
            study,
            len(seeds),
        )


def _look_record(study: Study, look: Look[str]) -> LookRecord:
    """A look as the database keeps it."""
    assert study.seeds.looks is not None
    levels: tuple[float, ...] = ()
    if study.seeds.until:
        levels = planned_levels(study.seeds)
    return LookRecord(
        plan=study.seeds.looks,
        levels=levels,
        number=look.number,
        level=look.level,
        states=look.states,
    )
