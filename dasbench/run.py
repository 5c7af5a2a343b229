"""Running a study: afterwards the results table holds one row for each of its trials."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from dasbench.agenda import Agenda
from dasbench.driver import Driver, Watcher
from dasbench.errors import HaltedError
from dasbench.prepare import Prepared
from dasbench.records import Row, State
from dasbench.results.store import Store
from dasbench.search.executors.executor import Executor, Interrupt, Job


@dataclass(frozen=True)
class Summary:
    """How a study stands after a run.

    Args:
        planned: number of its trials.
        complete: every planned trial has a result, and nothing more will be planned.
        states: state of each trial by key.
        reasons: class of failure by the key of each failed trial.
        errors: message and traceback by the key of each failed trial.
        ran: keys of the trials that this run trained.
    """

    planned: int
    complete: bool = False
    states: dict[str, State] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    ran: tuple[str, ...] = ()


def run_study(
    prepared: Prepared,
    store: Store,
    executor: Executor,
    job: Job,
    *,
    watcher: Watcher,
    interrupt: Interrupt,
    forget: Callable[[str], None],
    retry: Collection[str] = (),
    again: Sequence[str] = (),
    restart: Callable[[str], None] | None = None,
) -> Summary:
    """Run what is missing of a study, and nothing else.

    Args:
        prepared: the study, checked and planned.
        store: where results go; a result is committed before anything else hears of it.
        executor: who runs trials.
        job: runs one trial.
        watcher: shows what happens.
        interrupt: set when the user asks to stop.
        forget: called with the key of a trial whose result is safe, to drop its checkpoints.
        retry: classes of failure (`nan`, `oom`, `killed`, `timeout`, `error`) whose trials run
            again, and `stopped`.
        again: keys of trials whose results are set aside, so that they are trained again.
        restart: called with the key of such a trial, to drop what it left; `forget` if left out.

    Raises:
        LockedError: if another driver runs this study.
        HaltedError: if a worker has other code than this process, or data that broke; the trials
            wait.
        UsageError: if a component lies in no file and the executor trains in other processes.
    """
    agenda, study = prepared.agenda, prepared.study
    with store.lock(study.name):
        store.sweep()
        driver = Driver(agenda, store, executor, watcher, interrupt, forget, retry)
        driver.begin(_listed_rows(store, study.name), again, restart or forget)
        source = driver.claims()
        # an executor is started only if there is something for it to do
        for first in islice(source, 1):
            executor.run(chain([first], source), job, driver, interrupt)
        driver.release()
        if interrupt.refusal:
            raise HaltedError(interrupt.refusal)
        return _summary(agenda, store, driver.ran)


def _listed_rows(store: Store, study: str) -> Sequence[Row]:
    """What the database lists for a study, nothing of one that it does not know."""
    if study not in {known.name for known in store.studies(counted=False)}:
        return []
    return store.rows(study)


def _summary(agenda: Agenda, store: Store, ran: Iterable[str]) -> Summary:
    """How the study stands."""
    states = store.states(list(agenda.items))
    reasons, errors = {}, {}
    for key, state in states.items():
        if state.reason:
            reasons[key] = state.reason
        if state.state == State.FAILED:
            errors[key] = _error(store, key)
    have_results = all(state.state.has_result for state in states.values())
    return Summary(
        planned=len(agenda.items),
        complete=agenda.exhausted and have_results,
        states={key: states[key].state for key in agenda.items},
        reasons=reasons,
        errors=errors,
        ran=tuple(ran),
    )


def _error(store: Store, key: str) -> str:
    """Message and traceback of a failed trial."""
    outcome = store.trial(key).outcome
    if outcome is None:
        return ""
    return outcome.error
