"""Running a study: afterwards the results table holds one row for each of its trials."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from dasbench.plan import Plan
from dasbench.records import Epoch, Outcome
from dasbench.results.store import Store
from dasbench.search.executors.executor import Executor, Interrupt, Job
from dasbench.spec.trial import Trial

POLL_S = 1.0
"""How often a trial that another driver runs is looked at."""


class Watcher(Protocol):
    """Who shows what happens: a progress display. It is told after the results database."""

    def planned(self, plan: Plan, states: dict[str, str]) -> None:
        """The plan and the state of each of its trials before anything runs."""
        ...

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A trial ended."""
        ...


@dataclass(frozen=True)
class Summary:
    """How a study stands after a run.

    Args:
        planned: number of its trials.
        states: state of each trial by key.
        reasons: class of failure by the key of each failed trial.
        ran: keys of the trials that this run trained.
    """

    planned: int
    states: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    ran: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every planned trial has a result."""
        return all(state in ("done", "stopped") for state in self.states.values())


def run_study(
    plan: Plan,
    store: Store,
    executor: Executor,
    job: Job,
    *,
    watcher: Watcher,
    interrupt: Interrupt,
    forget: Callable[[str], None],
    retry: Collection[str] = (),
) -> Summary:
    """Run what is missing of a study, and nothing else.

    Args:
        plan: the study's trials.
        store: where results go; a result is committed before anything else hears of it.
        executor: who runs trials.
        job: runs one trial.
        watcher: shows what happens.
        interrupt: set when the user asks to stop.
        forget: called with the key of a trial whose result is safe, to drop its checkpoints.
        retry: classes of failure (`nan`, `oom`, `killed`, `timeout`, `error`) whose trials run again.

    Raises:
        LockedError: if another driver runs this study.
    """
    study = plan.study
    with store.lock(study.name):
        store.sweep()
        store.plan(
            study.name,
            question=study.question,
            document=study.model_dump(mode="json"),
            file=study.document.file,
            members=[item.member for item in plan.items.values()],
        )
        if retry:
            store.retry(list(plan.items), retry)
        known = store.states(list(plan.items))
        states = {key: known[key].state for key in plan.items}  # in the order of the plan
        watcher.planned(plan, states)
        bridge = _Bridge(plan, store, watcher, forget)
        missing = [key for key, state in states.items() if state in ("pending", "running")]
        if missing:
            executor.run(bridge.claims(missing), job, bridge, interrupt)
        bridge.release()
        ended = store.states(list(plan.items))
    return Summary(
        planned=len(plan.items),
        states={key: ended[key].state for key in plan.items},
        reasons={key: state.reason for key, state in ended.items() if state.reason},
        ran=tuple(bridge.ran),
    )


class _Bridge:
    """Between the store and an executor: claims trials for it, keeps what comes out of them."""

    def __init__(self, plan: Plan, store: Store, watcher: Watcher, forget: Callable[[str], None]) -> None:
        self.ran: list[str] = []
        self._plan = plan
        self._store = store
        self._watcher = watcher
        self._forget = forget
        self._attempts: dict[str, int] = {}

    def claims(self, keys: list[str]) -> Iterator[Trial | None]:
        """Trials that are now ours; None while all that is left runs under another driver, whose results we await."""
        elsewhere = []
        for key in keys:
            if (trial := self._claim(key)) is not None:
                yield trial
            else:
                elsewhere.append(key)
        looked = time.monotonic()
        while elsewhere:
            if time.monotonic() < looked + POLL_S:
                yield None
                continue
            looked = time.monotonic()
            self._store.sweep()
            states = {key: state.state for key, state in self._store.states(elsewhere).items()}
            elsewhere = [key for key in elsewhere if states[key] in ("pending", "running")]
            for key in [key for key in elsewhere if states[key] == "pending"]:
                if (trial := self._claim(key)) is not None:
                    elsewhere.remove(key)
                    yield trial

    def reported(self, key: str, epoch: Epoch) -> None:
        self._store.add_epoch(key, self._attempts[key], epoch)
        self._watcher.reported(key, epoch)

    def finished(self, outcome: Outcome) -> None:
        if self._store.add(outcome, self._attempts.pop(outcome.key)):
            if outcome.status == "done":
                self._forget(outcome.key)
            self.ran.append(outcome.key)
            self._watcher.finished(outcome)

    def release(self) -> None:
        """Give back what was claimed and did not end."""
        for key, attempt in self._attempts.items():
            self._store.release(key, attempt)
        self._attempts.clear()

    def _claim(self, key: str) -> Trial | None:
        attempt = self._store.claim(key, self._plan.study.name)
        if attempt is None:
            return None
        self._attempts[key] = attempt
        return self._plan.items[key].trial
