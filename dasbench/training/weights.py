"""The weights of trained networks: kept as files, read back, trained again if nobody kept them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from dasbench.atomic import written_aside
from dasbench.backbones.weight_files import read_content
from dasbench.errors import DataError, StoreError, UsageError
from dasbench.models import GatedNetwork
from dasbench.records import Outcome, State
from dasbench.spec.trial import Trial
from dasbench.training.checkpoints import Checkpoints, Place, Snapshot
from dasbench.training.fit import Report
from dasbench.training.run_trial import forget_checkpoints, go_on, run_trial
from dasbench.training.runtime import Runtime


def weights_file(folder: Path, key: str) -> Path:
    """Where the weights of a trial are kept.

    Example:
        >>> weights_file(Path("weights"), "0123456789ab").as_posix()
        'weights/0123456789ab.pt'
    """
    return folder / f"{key}.pt"


def keep_weights(trial: Trial, *, workdir: Place, folder: Path) -> Path:
    """Keep the weights that a finished trial was tested with, before its checkpoints are removed.

    They are in its last checkpoint: those of the last epoch, or of the best one where the recipe
    selects it.

    Args:
        trial: the resolved trial, which has run to its end in `workdir`.
        workdir: the folder of its checkpoints' folder, as for `run_trial`.
        folder: where the file goes, named by the trial's key; made if it is missing.

    Raises:
        StoreError: if there is no checkpoint that can be read, or the file cannot be written.
    """
    state = Checkpoints.of(workdir, trial.key).latest()
    if state is None:
        raise StoreError(
            f"{workdir}: holds no checkpoint of trial {trial.key}; its weights are lost"
        )
    file = weights_file(folder, trial.key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(file) as aside:
            weights = _selected_weights(state, trial.training.select)
            torch.save({"key": trial.key, "model": weights}, aside)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise StoreError(f"{file}: the weights cannot be written: {error}") from error
    return file


def train_weights(
    trial: Trial, *, folder: Path, runtime: Runtime, report: Report = go_on
) -> Outcome:
    """Train a trial for its weights, and keep them.

    On a CPU the weights are bit for bit those that the trial was scored with, at the same thread
    count and with the same versions. Interrupted, it goes on from its last checkpoint when it is
    called again.

    Args:
        trial: the resolved trial.
        folder: where its file goes, named by its key.
        runtime: where it runs.
        report: told of each epoch.

    Raises:
        StoreError: if the training failed, with its reason, or the file cannot be written.
    """
    workdir = folder / "unfinished"
    outcome = run_trial(trial, report, workdir, runtime=replace(runtime, replicas=1))
    if outcome.status != State.DONE:
        cause = outcome.cause or outcome.status
        raise StoreError(f"trial {trial.key} could not be trained again: {cause}")
    keep_weights(trial, workdir=workdir, folder=folder)
    forget_checkpoints(workdir, trial.key)
    return outcome


def load_weights(network: GatedNetwork, file: Path, *, trial: Trial) -> None:
    """Put the weights of a file into a trial's network.

    Args:
        network: as `build_model` made it; its weights are replaced.
        file: written by `keep_weights`, a checkpoint of the trial, or a plain state_dict of the
            network.
        trial: whose network it is.

    Raises:
        UsageError: if the weights are those of another trial, or do not fit into the network.
        DataError: if the file is missing or cannot be read.
    """
    content = _read(file)
    key = content.get("key", trial.key)
    if key != trial.key:
        raise UsageError(f"{file}: holds the weights of trial {key}, not of {trial.key}")
    try:
        network.load_state_dict(_selected_weights(content, trial.training.select))
    except (RuntimeError, TypeError, AttributeError) as error:
        first = str(error).partition("\n")[2].strip().partition("\n")[0] or str(error)
        raise UsageError(
            f"{file}: does not fit the network of trial {trial.key}: {first}"
        ) from error


def _selected_weights(state: Snapshot, select: str) -> Snapshot:
    """The weights in a checkpoint that the recipe selects; a plain state_dict is taken as it is."""
    weights: Snapshot = state.get("model", state)
    if select == "best" and state.get("best"):
        weights = state["best"]["model"]
    return weights


def _read(file: Path) -> Snapshot:
    if not file.exists():
        raise DataError(f"{file}: there is no such weights file")
    content = read_content(
        file, complaint=f"{file}: cannot be read as weights (tensors and plain data only)"
    )
    if not isinstance(content, Mapping):
        raise DataError(f"{file}: holds a {type(content).__name__}, not weights by name")
    return content
