"""How trials get into Tune: a searcher that asks the source, one trial whenever there is room."""

import json
from typing import Any

from ray.tune.search import Searcher

from dasbench.search.executors.executor import Assignment, Interrupt, Source
from dasbench.spec.plain import Record


class Feed(Searcher):
    """Hands the source's trials to Tune.

    Args:
        source: where trials come from.
        interrupt: when requested, nothing more is handed out.
        workers: how many trials are out at once; None leaves that to what Ray has room for.
    """

    def __init__(self, source: Source, interrupt: Interrupt, *, workers: int | None = None) -> None:
        super().__init__()
        self.exhausted = False
        self._source = source
        self._interrupt = interrupt
        self._workers = workers
        self._out: set[str] = set()
        self._left = 0

    def refill(self, number: int) -> None:
        """Hand out so many trials more before Tune is told that there are no others."""
        self._left = number

    def suggest(self, trial_id: str) -> Any:
        """The next trial's configuration, None to be asked again soon, or `FINISHED`."""
        if self._interrupt.requested:
            self.exhausted = True
        if self.exhausted or not self._left:
            return Searcher.FINISHED
        if self._workers and len(self._out) >= self._workers:
            return None
        assignment = next(self._source, Searcher.FINISHED)
        if not isinstance(assignment, Assignment):
            self.exhausted = assignment is not None
            return assignment
        self._out.add(trial_id)
        self._left -= 1
        trial, cost = assignment.trial, assignment.cost
        known = json.dumps(cost and cost.to_json())
        return {"trial": trial.model_dump_json(), "key": trial.key, "cost": known}

    def on_trial_complete(
        self, trial_id: str, result: Record | None = None, error: bool = False
    ) -> None:
        """Make room for the next; outcomes travel through the callbacks."""
        self._out.discard(trial_id)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles its searcher to restore it later, which is never done."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `__getstate__`."""
