"""Numbers that components compute: a change of code that moves none of them changes no result.

Networks compute in double precision, so that machines agree to many digits; data and trainings are
8 and 32 bits."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from built import built_network
from fabricated_data import PARAMS, fabricate

from dasbench.catalog import BACKBONES, DATASETS, GATES, TASKS
from dasbench.code.closure import own_modules
from dasbench.data_access import reading_data
from dasbench.datasets.dataset import Dataset
from dasbench.gates.das.designs import DESIGNS
from dasbench.resolution import TRAINING, resolve, resolve_network
from dasbench.seeds import uniform
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime

FILE = Path(__file__).with_name("golden_values.json")

SMALL = {"name": "resnet18", "width": 16, "stem": "small"}
DIGITS = {"name": "digits", "image_size": 8}
NORMS = ("bn", "fn", "in", "ln")

LOOSE = 2e-3
"""Relative difference that machines make in trainings and decoded pictures."""

TIGHT = 1e-5
"""And in one pass in double precision from weights that were drawn in single precision."""


class Golden(NamedTuple):
    """What a component computes.

    Args:
        module: of dasbench, that defines it.
        tolerance: relative.
        values: numbers by name.
    """

    module: str
    tolerance: float
    values: Mapping[str, float]


def golden_values() -> dict[str, Golden]:
    """The values of every component, by its kind and name."""
    with TemporaryDirectory() as folder, reading_data(fabricate(Path(folder))):
        return {
            name: golden
            for source in (_gates, _backbones, _datasets, _trainings)
            for name, golden in source()
        }


def files_of(golden: Golden) -> set[str]:
    """The files, as the lock names them, that a component's values depend on."""
    return own_modules(golden.module)


def moved(before: Mapping[str, Mapping[str, float]], now: Mapping[str, Golden]) -> dict[str, str]:
    """The components whose values are others than before, with both."""
    differing: dict[str, str] = {}
    for component, golden in now.items():
        known = before.get(component, golden.values)
        far = [
            f"{name} {known.get(name)} -> {value}"
            for name, value in golden.values.items()
            if not np.isclose(known.get(name, np.nan), value, rtol=golden.tolerance, atol=1e-9)
        ]
        if far:
            differing[component] = ", ".join(far)
    return differing


def read_golden() -> dict[str, dict[str, float]]:
    """The values that were written last."""
    known: dict[str, dict[str, float]] = json.loads(FILE.read_text("utf-8"))
    return known


def _gates() -> Iterator[tuple[str, Golden]]:
    gates = [{"name": name} for name in GATES.names()]
    gates += [{"name": "das", "design": design} for design in DESIGNS]
    gates += [{"name": "das", "first_norm": norm, "second_norm": norm} for norm in NORMS]
    for gate in gates:
        trial = resolve_network(Trial(backbone=SMALL, gate=gate, dataset="digits"))
        entry = GATES[trial.gate.name]
        words = " ".join(str(value) for key, value in gate.items() if key != "name")
        yield (
            f"gate {trial.gate.name} {words}".strip(),
            Golden(entry.make.__module__, TIGHT, _pass(trial)),
        )


def _backbones() -> Iterator[tuple[str, Golden]]:
    for name in BACKBONES.names():
        entry = BACKBONES[name]
        narrow = {"width": 8} if "width" in entry.defaults else {}
        backbone = {"name": name, **entry.traits.example, **narrow}
        trial = resolve_network(Trial(backbone=backbone, gate="none", dataset="digits"))
        yield f"backbone {name}", Golden(entry.make.__module__, TIGHT, _pass(trial, image_size=64))


def _pass(trial: Trial, *, image_size: int = 24) -> dict[str, float]:
    """One step's numbers: what the network says in training, and the gradients of its parameters."""
    network = built_network(trial, num_classes=10).double().train()
    pixels = uniform(1, np.arange(2), draws=3 * image_size**2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of dropout
        logits = network(torch.from_numpy(pixels).reshape(2, 3, image_size, image_size))
    logits.square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return {
        "logits": float(logits.detach().abs().sum()),
        "gradient": float(sum(gradient.square().sum() for gradient in gradients)) ** 0.5,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def _datasets() -> Iterator[tuple[str, Golden]]:
    order = np.arange(6)
    for name in DATASETS.names():
        data: Dataset[Any] = DATASETS[name].make(**PARAMS.get(name, {}))
        draws = uniform(7, order, draws=data.train.num_draws)
        values: dict[str, float] = {
            "train": len(data.train),
            "val": len(data.val),
            "test": len(data.test),
        }
        values |= {"mean": sum(data.mean), "std": sum(data.std)}
        for kind, some in (("plain", None), ("varied", draws)):
            if hasattr(data.train, "batch"):
                values[kind] = float(data.train.batch(order, some).double().mean())
            else:
                values[kind] = float(
                    np.mean(
                        [scene.image.double().mean() for scene in data.train.scenes(order, some)]
                    )
                )
        yield f"dataset {name}", Golden(DATASETS[name].make.__module__, LOOSE, values)


def _trainings() -> Iterator[tuple[str, Golden]]:
    recipe = {"epochs": 2, "lr": 0.01, "batch_size": 64}
    adamw = {
        **recipe,
        "optimizer": "adamw",
        "lr": 0.001,
        "warmup_epochs": 0.5,
        "label_smoothing": 0.1,
    }
    shapes = {
        "name": "salient_shapes",
        "image_size": 32,
        "num_train": 60,
        "num_val": 60,
        "num_test": 60,
    }
    detector = {
        "shorter_side": 32,
        "norms": "trained",
        "pyramid": 16,
        "features": 32,
        "proposals": 16,
        "sampled": 16,
    }
    trials: dict[str, dict[str, Any]] = {
        "classification": {"dataset": DIGITS, "training": recipe},
        "classification adamw": {"dataset": DIGITS, "training": adamw},
        "segmentation": {"task": "segmentation", "dataset": shapes, "training": recipe},
        "detection": {
            "task": {"name": "detection", **detector},
            "dataset": shapes,
            "training": {**adamw, "batch_size": 16},
        },
    }
    for name, fields in trials.items():
        trial = Trial.model_validate({"backbone": {**SMALL, "width": 8}, "gate": "se", **fields})
        outcome = run_trial(resolve(trial), runtime=Runtime(device="cpu"))
        assert outcome.status == "done", outcome.error
        values = {
            key: value
            for key, value in outcome.metrics.items()
            if key in ("train_loss", "val_loss")
        }
        task = TASKS[trial.task.name].make.__module__
        yield f"task {name}", Golden(task, LOOSE, values)
        if name.startswith("classification"):
            yield f"training {name}", Golden(TRAINING, LOOSE, values)
