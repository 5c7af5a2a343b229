"""MLflow: one run for each trial, with its curves, its parameters and its final values."""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dasbench.callbacks.callback import final_metrics, require, run_name, settings
from dasbench.catalog import CALLBACKS
from dasbench.records import Epoch, Outcome

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from dasbench.agenda import Agenda

KEY, STUDY = "dasbench.key", "dasbench.study"
"""Tags of a run: the trial's key and its study."""

STATUSES = {"done": "FINISHED", "stopped": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
"""How a trial ended -> what MLflow calls it."""


@CALLBACKS.register("mlflow", source="https://mlflow.org")
class Mlflow:
    """Runs for MLflow: `mlflow ui --backend-store-uri sqlite:///mlflow.db`.

    A trial that goes on after an interrupt goes on in its run.

    Args:
        uri: MLflow's tracking server or store; by default the environment's MLFLOW_TRACKING_URI,
            else `sqlite:///mlflow.db`.
        experiment: MLflow's experiment; the study's name by default.
    """

    def __init__(self, *, uri: str | None = None, experiment: str | None = None) -> None:
        require("mlflow", callback="mlflow")
        self._uri = uri
        self._experiment = experiment
        self._runs: dict[str, str] = {}

    def planned(self, agenda: "Agenda", states: Mapping[str, str]) -> None:
        """Open the store and find the experiment, or make it."""
        self._agenda = agenda
        self._client = _open(self._uri)
        name = self._experiment or agenda.study.name
        if known := self._client.get_experiment_by_name(name):
            self._experiment_id = known.experiment_id
        else:
            self._experiment_id = self._client.create_experiment(name)

    def added(self, states: Mapping[str, str]) -> None:
        """Nothing: a run is made when its trial has something to say."""

    def reported(self, key: str, epoch: Epoch) -> None:
        """Log an epoch's metrics."""
        run = self._run(key)
        self._log(run, epoch.metrics, step=epoch.number)

    def finished(self, outcome: Outcome) -> None:
        """Log how the trial ended, and end its run."""
        run = self._run(outcome.key)
        if outcome.status.ended:
            self._log(run, final_metrics(outcome), step=outcome.last_epoch)
            self._client.set_tag(run, "dasbench.state", outcome.status)
            if outcome.reason:
                self._client.set_tag(run, "dasbench.reason", outcome.reason)
        self._client.set_terminated(run, STATUSES[outcome.status])
        del self._runs[outcome.key]

    def close(self) -> None:
        """Mark the runs of trials that did not end."""
        for run in self._runs.values():
            self._client.set_terminated(run, STATUSES["interrupted"])
        self._runs.clear()

    def _run(self, key: str) -> str:
        """The run of a trial: the one that it has, or a new one."""
        if key not in self._runs:
            query = f"tags.`{KEY}` = '{key}' and tags.`{STUDY}` = '{self._agenda.study.name}'"
            known = self._client.search_runs([self._experiment_id], query, max_results=1)
            self._runs[key] = known[0].info.run_id if known else self._create_run(key)
            self._client.update_run(self._runs[key], status="RUNNING")
        return self._runs[key]

    def _create_run(self, key: str) -> str:
        from mlflow.entities import Param

        tags = {KEY: key, STUDY: self._agenda.study.name}
        name = run_name(self._agenda, key)
        run: str = self._client.create_run(
            self._experiment_id, tags=tags, run_name=name
        ).info.run_id
        settled = settings(self._agenda.items[key].trial)
        self._client.log_batch(
            run, params=[Param(field, str(value)) for field, value in settled.items()]
        )
        return run

    def _log(self, run: str, metrics: Mapping[str, float], *, step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(
            run, metrics=[Metric(name, value, now, step) for name, value in metrics.items()]
        )


def _open(uri: str | None) -> "MlflowClient":
    from mlflow import MlflowClient  # takes a second

    return MlflowClient(
        tracking_uri=uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    )
