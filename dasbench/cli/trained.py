"""Which trained networks a command looks at: found by key, their weights read, or trained again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.data_access import KEPT_WEIGHTS, data_access
from dasbench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dasbench.datasets.dataset import Dataset, Split
    from dasbench.records import Epoch, Signal
    from dasbench.results.answers import TrialRecord
    from dasbench.saliency.sfd import Scoring, Seen
    from dasbench.spec.trial import Trial
    from dasbench.views.saliency import Viewed


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained trial whose network is looked at.

    Args:
        record: what the database knows of it.
        trial: the trial.
        weights: the file of its weights, None to train them again.
    """

    record: "TrialRecord"
    trial: "Trial"
    weights: Path | None

    @property
    def label(self) -> str:
        """The variant in a few words."""
        if self.record.rows and self.record.rows[0].label:
            return self.record.rows[0].label
        return f"{self.trial.backbone} + {self.trial.gate}"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The images that networks are looked at with.

    Args:
        data: the data set.
        part: which part of it.
        split: that part.
        indices: which images of the part, [B].
        regions: where their objects are, bool, [B, H, W]; None if nobody knows.
    """

    data: "Dataset"
    part: str
    split: "Split"
    indices: "NDArray[np.int64]"
    regions: "Tensor | None"


def find_subjects(
    db: str, trial: str, against: str | None, files: Sequence[Path]
) -> Iterator[Subject]:
    """The trial that is compared with first, as in the paper's figure."""
    from dasbench.cli.own_modules import import_of_study
    from dasbench.results.reading import read_store

    with read_store(db) as reader:
        records = [reader.trial(key) for key in (trial, against) if key is not None]
        listed: set[str] = set()
        for record in records:
            listed.update(row.study for row in record.rows)
        for study in reader.studies(counted=False):
            if study.name in listed:
                import_of_study(study)
    if len(records) == 2 and records[0].key == records[1].key:
        raise UsageError(f"--against {against}: is the same trial, {records[0].key}")
    named = list(zip_longest(records, files))
    for record, weights in reversed(named):
        yield _subject(record, weights)


def _subject(record: "TrialRecord", weights: Path | None) -> Subject:
    """A trial as it is looked at.

    Raises:
        UsageError: if there is nothing to look at.
    """
    from dasbench.records import State
    from dasbench.spec.trial import Trial

    if record.state.state != State.DONE and weights is None:
        raise UsageError(
            f"trial {record.key} is {record.state.state}, not done; "
            "run its study first, or give --weights FILE"
        )
    trial = Trial.model_validate_json(json.dumps(record.spec), strict=True)
    if trial.task.name != "classification":
        raise UsageError(
            f"trial {record.key} has the task '{trial.task.name}'; only classification has saliency"
        )
    return Subject(record=record, trial=trial, weights=weights)


def look_at(
    subject: Subject,
    sample: Sample,
    layers: Sequence[str],
    scoring: "Scoring",
    *,
    db: str,
    device: str,
    sensitivity: bool,
) -> Iterator["Viewed"]:
    """What one network sees at each layer, its weights read or trained again."""
    import torch

    from dasbench.devices import device_of
    from dasbench.models import build_model
    from dasbench.networks import placed
    from dasbench.saliency.gradcam import find_layer
    from dasbench.saliency.sfd import look
    from dasbench.spec.identity import refuse_other_code
    from dasbench.spec.network import network_of
    from dasbench.training.arithmetic import set_arithmetic
    from dasbench.training.weights import load_weights

    data, trial = sample.data, subject.trial
    refuse_other_code(trial.key, subject.record.spec, _code_of_network(trial))
    network = build_model(network_of(trial, data), seed=trial.seed)
    stages = [f"stage{site.stage}" for site in network.stage_ends]
    names = list(dict.fromkeys(layers)) or stages[-2:]
    if not names:
        raise UsageError(
            f"--layer: the backbone {trial.backbone} has no stages; write the path of a module"
        )
    paths = [find_layer(network, name) for name in names]
    load_weights(network, trained_weights(subject, db=db, device=device), trial=trial)
    torch.set_num_threads(_threads(subject))
    set_arithmetic(trial, device_of(device))
    placed(network, device)
    for name, path in zip(names, paths, strict=True):
        seen = look(
            network,
            sample.split,
            sample.indices,
            layer=path,
            regions=sample.regions,
            mean=data.mean,
            std=data.std,
            scoring=scoring,
        )
        yield _view_of(subject, sample, name, seen, target=scoring.target, sensitivity=sensitivity)


def _code_of_network(trial: "Trial") -> dict[str, str]:
    """The code that this process has for a trial whose training is over."""
    from dasbench.resolution import code_in

    code = dict(code_in(trial))
    code.pop("training", None)
    if "training" in trial.code:
        code["training"] = trial.code["training"]
    return code


def _view_of(
    subject: Subject, sample: Sample, layer: str, seen: "Seen", *, target: str, sensitivity: bool
) -> "Viewed":
    """What was seen, in words and without torch."""
    from dasbench.saliency.sfd import sensitivity as vary
    from dasbench.views.saliency import Reading, Viewed

    regions = sample.regions
    classes = sample.data.classes
    masks, readings = None, []
    if regions is not None:
        masks = regions.numpy()
        if sensitivity:
            readings = vary(seen.maps, regions)
    return Viewed(
        trial=subject.record.key,
        label=subject.label,
        seed=subject.trial.seed,
        layer=layer,
        part=sample.part,
        images=seen.indices.tolist(),
        labels=[classes[label] for label in seen.labels.tolist()],
        predicted=[classes[label] for label in seen.predicted.tolist()],
        target=target,
        maps=seen.maps.numpy(),
        regions=masks,
        scores=seen.scores,
        sensitivity=[Reading(**reading) for reading in readings],
    )


def weights_folder(db: str) -> Path:
    """Where weights are kept: in the folder of the database."""
    return folder_of(db) / KEPT_WEIGHTS


def folder_of(db: str) -> Path:
    """The folder of a database's file; for a server, where one stands."""
    from dasbench.results.engine import locate

    path = locate(db).path
    if path is None:
        return Path()
    return path.parent


def trained_weights(subject: Subject, *, db: str, device: str) -> Path:
    """The file of a trial's weights; trains them if nobody kept them, and says so."""
    from dasbench.render.text.plain import shown
    from dasbench.training.runtime import Runtime
    from dasbench.training.weights import train_weights, weights_file

    key, folder = subject.record.key, weights_folder(db)
    name = f"trial {key} ({shown(subject.label)})"
    file = subject.weights or weights_file(folder, key)
    if subject.weights is not None or file.exists():
        click.echo(f"{name}: weights from {file}", err=True)
        return file
    epochs = subject.trial.training.epochs
    click.echo(f"{name}: its weights were not kept; training {epochs} epochs again", err=True)

    def report(epoch: "Epoch") -> "Signal":
        click.echo(
            f"  epoch {epoch.number}/{epochs}: train loss {epoch.metrics['train_loss']:.3f}",
            err=True,
        )
        return "continue"

    access = data_access()
    runtime = Runtime(
        device=device, threads=_threads(subject), data_root=access.root, loaders=access.loaders
    )
    outcome = train_weights(subject.trial, folder=folder, runtime=runtime, report=report)
    click.echo(f"  {_likeness(subject, outcome.metrics)}; kept in {file}", err=True)
    return file


def _threads(subject: Subject) -> int:
    """As many as the trial was trained with, which its bits depend on."""
    outcome = subject.record.outcome
    if not outcome:
        return 1
    return int(outcome.environment.get("threads", 1))


def _likeness(subject: Subject, metrics: Mapping[str, float]) -> str:
    """Whether the network that was trained again is the one that was scored."""
    outcome = subject.record.outcome
    known: Mapping[str, float] = {}
    if outcome:
        known = outcome.metrics
    for name in ("top1", "train_loss", "loss"):
        if name in known and known[name] != metrics.get(name):
            return (
                f"not bit for bit the network that was scored: {name} is {metrics[name]:g}, "
                f"was {known[name]:g} (another machine, version or device)"
            )
    return "the same network as was scored, going by its losses and top1"
