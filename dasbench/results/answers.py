"""What the database answers about studies and trials, beside the rows of reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

from dasbench.records import Cost, Epoch, Outcome, Row, State
from dasbench.spec.metrics import Metrics
from dasbench.spec.plain import Spec


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A study as the database keeps it.

    Args:
        name: its name.
        question: what it asks.
        document: the study as plain data.
        file: where it was read from.
        created: when it was first planned, ISO 8601 in UTC.
        states: number of its trials by state.
        metrics: what was known of its metrics when it was planned last.
    """

    name: str
    question: str
    document: Spec
    file: str
    created: str
    states: Mapping[str, int]
    metrics: Metrics = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialState:
    """Where a trial stands.

    Args:
        state: `pending`, `running`, `done`, `failed` or `stopped`.
        reason: class of a failure.
        attempt: how often it was started.
        metrics: final values by name, of a trial that has ended.
        cost: exact cost, once known.
    """

    state: State
    reason: str | None
    attempt: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None


@dataclass(frozen=True, kw_only=True)
class EarlierResult:
    """A trial that has a result, as an answer to a question that other code may answer otherwise.

    Args:
        key: the trial's key.
        question: hash of all that decides its outcome but the code.
        code: hash of the code of each component that is not dasbench's own as released, by its
            field.
        semantics: version of what the fields of a trial meant.
        finished: when it ended, ISO 8601 in UTC.
    """

    key: str
    question: str
    code: Mapping[str, str]
    semantics: int
    finished: str


@dataclass(frozen=True, kw_only=True)
class LookRecord:
    """A look that a study took at its scores.

    Args:
        plan: the numbers of seeds at the planned looks.
        levels: the error rate that each of them may spend; empty where the study lists its looks,
            which spend 0.05 in all.
        number: which look it was, from 1.
        level: share of the error rate that it spent.
        states: where each variant but the baseline stood, by label.
        exploratory: an earlier look followed another plan, or comes out otherwise by now, so that
            the verdicts carry no error rate.
        taken: when, ISO 8601 in UTC.
    """

    plan: tuple[int, ...]
    number: int
    level: float
    states: Mapping[str, str]
    exploratory: bool = False
    taken: str = ""
    levels: tuple[float, ...] = ()

    @property
    def alpha(self) -> float:
        """Error rate of all planned looks together."""
        if not self.levels:
            return 0.05
        return round(fsum(self.levels), 9)


def alpha_spent(looks: Sequence[LookRecord]) -> float:
    """The error rate that a study's looks by the plan of the last one spent."""
    last = looks[-1]
    plan = (last.plan, last.levels)
    return fsum(look.level for look in looks if (look.plan, look.levels) == plan)


@dataclass(frozen=True, kw_only=True)
class AttemptRecord:
    """One start of a trial.

    Args:
        attempt: its number, from 1.
        study: for which study.
        started: when, ISO 8601 in UTC.
        ended: when, `""` while it runs.
        how: `done`, `failed`, `stopped`, `interrupted` or `lost`; `""` while it runs.
        reason: class of a failure.
        host: the driver's machine.
        pid: the driver's process.
        device: what it ran on.
        outcome: what came out, once the trial was trained again on purpose.
    """

    attempt: int
    study: str
    started: str
    ended: str
    how: str
    reason: str | None
    host: str
    pid: int
    device: str
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """Everything about one trial.

    Args:
        key: its key.
        spec: all that decides its outcome.
        state: where it stands.
        rows: the trial as each study lists it.
        outcome: what came out, None while it is pending or running.
        epochs: its learning curve so far.
        attempts: how often it was started, and how each start ended.
        first_study: the study that trained it.
        created: when it was planned, ISO 8601 in UTC.
        finished: when it ended, `""` before.
        metrics: what the studies that list it know of its metrics.
    """

    key: str
    spec: Spec
    state: TrialState
    rows: tuple[Row, ...]
    outcome: Outcome | None
    epochs: tuple[Epoch, ...]
    attempts: tuple[AttemptRecord, ...]
    first_study: str | None
    created: str
    finished: str
    metrics: Metrics = field(default_factory=dict)
