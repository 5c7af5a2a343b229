"""Weights & Biases: a run for each trial, with curves, configuration and final values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from dasbench.callbacks.callback import final_metrics, require, run_name, settings
from dasbench.catalog import CALLBACKS
from dasbench.records import Epoch, Outcome

if TYPE_CHECKING:
    from wandb import Run

    from dasbench.agenda import Agenda


@CALLBACKS.register("wandb", source="https://wandb.ai")
class Wandb:
    """Runs for Weights & Biases, grouped by study.

    A trial that goes on after an interrupt goes on in its run.

    Args:
        project: the project there.
        entity: the user or team there; the account's own by default.
        mode: `online`, `offline` or `disabled`; by default the environment's WANDB_MODE, else
            `online`.
        folder: where its files go; by default the environment's WANDB_DIR, else `wandb` in the
            current folder.
    """

    def __init__(
        self,
        *,
        project: str = "dasbench",
        entity: str | None = None,
        mode: Literal["online", "offline", "disabled"] | None = None,
        folder: str | None = None,
    ) -> None:
        require("wandb", callback="wandb")
        self._where: dict[str, Any] = {
            "project": project,
            "entity": entity,
            "mode": mode,
            "dir": folder,
        }
        self._runs: dict[str, Run] = {}

    def planned(self, agenda: "Agenda", states: Mapping[str, str]) -> None:
        """Remember what the trials are."""
        self._agenda = agenda

    def added(self, states: Mapping[str, str]) -> None:
        """Nothing: a run is made when its trial has something to say."""

    def reported(self, key: str, epoch: Epoch) -> None:
        """Log an epoch's metrics."""
        self._run(key).log(dict(epoch.metrics), step=epoch.number)

    def finished(self, outcome: Outcome) -> None:
        """Keep the final values, and end the trial's run."""
        run = self._run(outcome.key)
        if outcome.status.ended:
            how = {"state": outcome.status, "reason": outcome.reason}
            run.summary.update({**final_metrics(outcome), **how})
        run.finish(exit_code=int(not outcome.status.has_result))
        del self._runs[outcome.key]

    def close(self) -> None:
        """End the runs of trials that did not end."""
        for run in self._runs.values():
            run.finish(exit_code=1)
        self._runs.clear()

    def _run(self, key: str) -> "Run":
        if key not in self._runs:
            import wandb  # takes a second

            self._runs[key] = wandb.init(
                **self._where,
                id=key,
                resume="allow",
                name=run_name(self._agenda, key),
                group=self._agenda.study.name,
                config={**settings(self._agenda.items[key].trial), "key": key},
                reinit="create_new",  # several trials run at once
                settings=wandb.Settings(silent=True, console="off"),
            )
        return self._runs[key]
