"""What came out of a trial: its cost, its curve, its outcome, and its row in a table of results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Literal, Self

from dasbench.spec.metrics import Metric, Metrics
from dasbench.spec.plain import Record, Spec, Variant


class State(StrEnum):
    """Where a trial stands, or how a start of it ended, as databases and JSON hold it.

    `stopped` is by a scheduler, `interrupted` by a person or a signal: such a trial is pending
    again, and goes on later.

    Example:
        >>> [state for state in State if state.ended], State("failed").has_result
        (['done', 'failed', 'stopped'], False)
    """

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether something came out of the trial, be it a failure."""
        return self.has_result or self == State.FAILED

    @property
    def has_result(self) -> bool:
        """Whether a run leaves the trial as it is; only one that is done has its score."""
        return self in (State.DONE, State.STOPPED)

    def __repr__(self) -> str:
        return repr(self.value)


Reason = Literal["nan", "oom", "killed", "timeout", "error"]
"""Why a trial failed: diverged loss, memory, a worker that died, time limit, an exception."""

Signal = Literal["continue", "stop", "interrupt"]
"""What `report` answers after an epoch: go on, or end here as `stopped` or `interrupted`."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model costs, exactly, in both conventions. A multiply-add counts once.

    Args:
        params_full: all parameters.
        macs_full: multiply-adds of one forward pass of one image, every operator counted.
        params_paper: parameters of convolutions, linear layers and batch norms that are modules
            (norm slots left out).
        macs_paper: multiply-adds by the rules of the module-hook counter behind the paper's
            figures.
        uncounted: operators that were still taken as free, by name with their number of calls.
        input_size: (channels, height, width) of the image that was counted.
        versions: tools that counted, by name.
        structure: hash of the parameters of the network as it is trained, by which a worker tells
            whether it built the network that was counted; `""` if that is not known.
    """

    params_full: int
    macs_full: int
    params_paper: int
    macs_paper: int
    uncounted: Mapping[str, int] = field(default_factory=dict)
    input_size: tuple[int, int, int]
    versions: Mapping[str, str] = field(default_factory=dict)
    structure: str = field(default="", compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """The countable costs, by `COST_FIELDS`."""
        return {name: getattr(self, name) for name in COST_FIELDS}

    @property
    def by_name(self) -> dict[str, int]:
        """The counts as constraints and objectives call them."""
        return {name.removesuffix("_full"): number for name, number in self.counts.items()}

    def to_json(self) -> Record:
        """Plain data that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Spec) -> Self:
        """The cost that `to_json` turned into plain data."""
        return cls(**{**data, "input_size": tuple(data["input_size"])})


@dataclass(frozen=True)
class Epoch:
    """One point of a learning curve.

    Args:
        number: epoch, from 1.
        metrics: value by name; accuracies in percent, losses in nats, times in seconds.

    Example:
        >>> Epoch(1, {"val_top1": 91.5}).metrics["val_top1"]
        91.5
    """

    number: int
    metrics: Mapping[str, float]


ALWAYS_MEASURED: Metrics = {
    "loss": Metric(direction="min"),
    "epochs": Metric(),
    "seconds": Metric("s", "min"),
    "images_per_s": Metric("1/s", "max"),
    "peak_memory": Metric("B", "min"),
}
"""What training measures beside the metrics of the task; losses are of a part (`val_loss`)."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `run_trial` returns: everything that was measured of one trial, or why it failed.

    Args:
        key: the trial's key.
        status: how it ended.
        epochs: the learning curve so far; kept also when the trial failed.
        metrics: final values: `top1` on the test part, `val_top1` on the validation part, losses.
        cost: exact cost of the model, None if it failed before it was counted.
        seconds: wall time over all attempts.
        peak_memory: bytes at the most on the device (resident set on a CPU).
        device: what it ran on.
        environment: versions, threads, precision, git commit: what is needed to run it again.
        reason: class of a failure, None otherwise.
        error: message and traceback of a failure; of an interrupted trial, why no machine here may
            train it.
        correct: which test examples were right, as hexadecimal bits in the order of the test part.
        confusion: which classes of the test part were taken for which; `Confusion.from_text` reads
            it.
    """

    key: str
    status: State
    epochs: tuple[Epoch, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    seconds: float = 0.0
    peak_memory: int = 0
    device: str = "cpu"
    environment: Spec = field(default_factory=dict)
    reason: Reason | None = None
    error: str = ""
    correct: str = ""
    confusion: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", State(self.status))

    @property
    def cause(self) -> str:
        """The failure in a line, see `cause_of`."""
        return cause_of(self.error)

    @property
    def last_epoch(self) -> int:
        """The number of the last epoch; 0 if none was finished."""
        if not self.epochs:
            return 0
        return self.epochs[-1].number

    def to_json(self) -> Record:
        """Plain data that `from_json` reads back; so an outcome travels to the driver."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Spec) -> Self:
        """The outcome that `to_json` turned into plain data."""
        cost = data["cost"] and Cost.from_json(data["cost"])
        epochs = tuple(Epoch(**epoch) for epoch in data["epochs"])
        return cls(**{**data, "cost": cost, "epochs": epochs})


def cause_of(error: str) -> str:
    r"""What ended a trial, in a line: the words before a traceback, else its last exception.

    Example:
        >>> head = "Traceback (most recent call last):\n  File ...\n"
        >>> cause_of(f"{head}dasbench.errors.DivergedError: the loss is nan\n")
        'the loss is nan'
        >>> cause_of(f"{head}mine.errors.Bad: no\nand more\n")
        'Bad: no'
        >>> cause_of(f"gate 'halve' at site 'layer1': no\n\n{head}ValueError: no\n")
        "gate 'halve' at site 'layer1': no"
    """
    before, found, _ = error.strip().partition("Traceback (most recent call last):\n")
    if before.strip() or not found:
        return before.strip().partition("\n")[0]
    last = error.rpartition("Traceback (most recent call last):\n")[2]
    line = next((line for line in last.splitlines() if line and not line[0].isspace()), "")
    name, colon, message = line.partition(": ")
    if name.startswith("dasbench.errors."):
        return message
    return f"{name.rpartition('.')[2]}{colon}{message}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A trial as reports read it: one variant of a study at one seed, with what is known of it.

    Args:
        study: the study that lists the trial.
        key: the trial's key.
        variant: the varied fields and their values.
        label: the variant in a few words.
        seed: the trial's seed.
        state: `pending`, `running`, `done`, `failed` or `stopped`.
        reason: class of a failure.
        metrics: final values by name.
        cost: exact cost, once known.
        seconds: wall time.
        peak_memory: bytes.
        dataset: data set and its size, for refusing to mix what cannot be compared.
        task: the task's name; `probe` marks a formula instead of training.
        reused: trained first for another study.
        finished: when it ended, ISO 8601 in UTC, `""` before.
        role: what the trial is for in its study: `search` (its score took part in a choice),
            `confirm` (a winner on a fresh seed), or `""`.
        code: hash of the code of each component that is not dasbench's own as released, by its
            field.
        repeats: how many earlier results were replaced by training the trial again.
        looked_at: the seeds with which its variant was looked at, without a plan of looks, each
            time before it got more.
    """

    study: str
    key: str
    variant: Variant
    label: str
    seed: int
    state: State
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    seconds: float = 0.0
    peak_memory: int = 0
    dataset: str = ""
    task: str = "classification"
    reused: bool = False
    finished: str = ""
    role: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    repeats: int = 0
    looked_at: Sequence[Sequence[int]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))

    @property
    def is_done(self) -> bool:
        """Whether the trial was trained to its end and has scores."""
        return self.state == State.DONE


COUNTING = 1
"""Revision of the way of counting: raised when networks come to have other costs on purpose."""

COST_FIELDS = tuple(f.name for f in fields(Cost) if f.name.startswith(("params_", "macs_")))
"""The countable costs, as columns of every table that shows them."""
