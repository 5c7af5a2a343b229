"""TensorBoard: a run for each trial, with curves, hyperparameters and final values."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.callbacks.callback import final_metrics, require, run_name, settings
from dasbench.catalog import CALLBACKS
from dasbench.records import Epoch, Outcome

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from dasbench.agenda import Agenda

_LONGEST = 100
"""Characters of a label in the name of a folder."""


@CALLBACKS.register("tensorboard", source="https://www.tensorflow.org/tensorboard")
class TensorBoard:
    """Event files for TensorBoard: `tensorboard --logdir runs`.

    A trial's folder is `FOLDER/STUDY/LABEL_seed=N_KEY`; one that was interrupted goes on there in
    the next run.

    Args:
        folder: where the files go.
        hparams: whether hyperparameters are written, for TensorBoard's own table of them.
    """

    def __init__(self, *, folder: str = "runs", hparams: bool = True) -> None:
        require("tensorboard", callback="tensorboard")
        self._folder = Path(folder)
        self._hparams = hparams
        self._writers: dict[str, SummaryWriter] = {}

    def planned(self, agenda: "Agenda", states: Mapping[str, str]) -> None:
        """Remember what the trials are."""
        self._agenda = agenda

    def added(self, states: Mapping[str, str]) -> None:
        """Nothing: a trial's folder is made when it has something to say."""

    def reported(self, key: str, epoch: Epoch) -> None:
        """Write an epoch's metrics."""
        writer = self._writer(key)
        for name, value in epoch.metrics.items():
            writer.add_scalar(name, value, epoch.number)
        writer.flush()

    def finished(self, outcome: Outcome) -> None:
        """Write how the trial ended, and close its run."""
        writer = self._writer(outcome.key)
        if outcome.status.ended:
            metrics, last = final_metrics(outcome), outcome.last_epoch
            if self._hparams:
                settled = settings(self._agenda.items[outcome.key].trial)
                writer.add_hparams(settled, metrics, run_name=".", global_step=last)
            else:
                for name, value in metrics.items():
                    writer.add_scalar(name, value, last)
            status = str(outcome.status)
            if outcome.reason:
                status += f" ({outcome.reason})"
            writer.add_text("status", status, last)
        writer.close()
        del self._writers[outcome.key]

    def close(self) -> None:
        """Close the runs of trials that did not end."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, key: str) -> "SummaryWriter":
        if key not in self._writers:
            from torch.utils.tensorboard import SummaryWriter  # imports TensorBoard

            name = folder_name(run_name(self._agenda, key).replace(" ", "_"))
            study = folder_name(self._agenda.study.name)
            self._writers[key] = SummaryWriter(str(self._folder / study / f"{name}_{key}"))
        return self._writers[key]


def folder_name(text: str) -> str:
    r"""A text as the name of a folder, on any system.

    Example:
        >>> folder_name("alpha=0.1_[/]../\x1b[31m"), folder_name("..")
        ('alpha=0.1__.._31m', '_')
    """
    plain = re.sub(r"[^A-Za-z0-9=+,@._-]+", "_", text)[:_LONGEST]
    if not plain.strip("."):
        return "_"
    return plain
