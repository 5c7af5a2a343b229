"""What a run shows: a live view on a terminal, else a line for each finished trial."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dasbench.analysis.looks import Look
from dasbench.cli.output import tell
from dasbench.records import Epoch, Outcome, State
from dasbench.spec.study import Objective

if TYPE_CHECKING:
    from dasbench.agenda import Agenda

RECENT = 8
"""How many running trials the live view lists."""


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """Counts what happens; shows finished trials as plain lines."""

    def __init__(self) -> None:
        self.agenda: Agenda | None = None
        self.states: dict[str, State] = {}
        self.running: dict[str, Epoch] = {}
        self.best: tuple[float, str] | None = None
        self.ended = 0
        self.started = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to undo."""

    def planned(self, agenda: "Agenda", states: Mapping[str, State]) -> None:
        """Show what there is to do."""
        self.agenda, self.states = agenda, dict(states)
        self.started = time.monotonic()
        self.say(f"{agenda.study.name}: {agenda.study.question}")
        known = sum(state.has_result for state in self.states.values())
        self.say(f"{agenda.total} trials, {known} already have a result")

    def added(self, states: Mapping[str, State]) -> None:
        """The study lists more trials."""
        self.states |= states

    def looked(self, look: Look[str]) -> None:
        """Show how the comparisons stand."""
        counts = Counter(look.states.values())
        stand = ", ".join(f"{number} {state}" for state, number in counts.items())
        self.say(f"look {look.number}, at the level {look.level:.3g}: {stand}")

    def reported(self, key: str, epoch: Epoch) -> None:
        """A trial finished an epoch."""
        self.running[key] = epoch

    def finished(self, outcome: Outcome) -> None:
        """A trial ended."""
        self.running.pop(outcome.key, None)
        self.states[outcome.key] = outcome.status
        self.ended += outcome.status.ended
        label = self.label(outcome.key)
        value = outcome.metrics.get(f"val_{self.score.metric}")
        if outcome.status == State.DONE and value is not None and self._is_best(value):
            self.best = (value, label)
        how = outcome_sentence(outcome, metric=self.score.metric)
        self.say(f"[{self.ended_ever()}/{self.total}] {label} {how}")

    @property
    def score(self) -> Objective:
        """What the study is about."""
        assert self.agenda is not None
        return self.agenda.study.score

    def _is_best(self, value: float) -> bool:
        if self.best is None:
            return True
        if self.score.direction == "max":
            return value > self.best[0]
        return value < self.best[0]

    def say(self, line: str) -> None:
        """Show one line."""
        tell(line)

    def label(self, key: str) -> str:
        """The variant and the seed of a trial."""
        assert self.agenda is not None
        item = self.agenda.items[key]
        return f"{item.label} seed={item.trial.seed}"

    def count(self, *states: str) -> int:
        """Number of trials in one of some states."""
        return sum(known in states for known in self.states.values())

    def ended_ever(self) -> int:
        """Number of trials with a result or a failure, of this run and of earlier ones."""
        return sum(state.ended for state in self.states.values())

    @property
    def total(self) -> int:
        """How many trials there are to be."""
        if self.agenda is None:
            return 0
        return self.agenda.total

    def time_left(self) -> str:
        """From the mean pace of this run."""
        left = self.total - self.ended_ever()
        if not self.ended or not left:
            return "-"
        minutes, seconds = divmod(round((time.monotonic() - self.started) / self.ended * left), 60)
        return f"{minutes}:{seconds:02d}"


class LiveProgress(PlainProgress):
    """Shows the counts, the running trials and the best so far in place, on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = Live(
            get_renderable=self._view, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """Show one line above the live view."""
        self._live.console.print(Text(line))

    def _view(self) -> RenderableType:
        if self.agenda is None:
            return Text("reading the study ...")
        best = "-"
        if self.best:
            best = f"{self.best[0]:.2f} ({self.best[1]})"
        about_best = Text(f"best validation {self.score.metric} of this run: {best}")
        return Group(self._counts(), about_best, self._epochs())

    def _counts(self) -> Table:
        total = max(1, self.total)
        done, failed = self.count("done"), self.count("failed")
        counts = Table.grid(padding=(0, 2))
        counts.add_row(
            ProgressBar(total=total, completed=self.ended_ever(), width=30),
            Text(f"done {done}  running {len(self.running)}  failed {failed}  of {total}"),
            Text(f"left {self.time_left()}"),
        )
        return counts

    def _epochs(self) -> Table:
        """The trials that reported last, among those that run."""
        assert self.agenda is not None
        epochs = Table.grid(padding=(0, 2))
        for key, epoch in list(self.running.items())[-RECENT:]:
            of = self.agenda.items[key].trial.training.epochs
            value = epoch.metrics.get(f"val_{self.score.metric}")
            score = ""
            if value is not None:
                score = f"val {self.score.metric} {value:.2f}"
            epochs.add_row(
                Text(f"  {self.label(key)}"), Text(f"epoch {epoch.number}/{of}"), Text(score)
            )
        return epochs


def make_progress(*, plain: bool = False) -> PlainProgress:
    """The live view where standard error is a terminal, plain lines elsewhere."""
    if sys.stderr.isatty() and not plain:
        return LiveProgress()
    return PlainProgress()


def outcome_sentence(outcome: Outcome, *, metric: str = "top1") -> str:
    """How a trial ended, in a few words.

    Args:
        outcome: of the trial.
        metric: what the study is about.

    Example:
        >>> nan = Outcome(key="0", status="failed", reason="nan", error="DivergedError: it is nan")
        >>> outcome_sentence(nan)
        'failed (nan): DivergedError: it is nan'
    """
    if outcome.status == State.FAILED:
        return f"failed ({outcome.reason}): {outcome.cause}"
    names = [name for name in (metric, f"val_{metric}") if name in outcome.metrics]
    scores = ", ".join(f"{name} {outcome.metrics[name]:.2f}" for name in names)
    return f"{outcome.status}{scores and f': {scores}'} in {outcome.seconds:.1f} s"
