"""The check of images that lie in files: decoded, pinned and copied ahead of the training by threads."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from dasbench.data_access import reading_data
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from on_gpu.setting import Row, Setting, failing, trained

CLASSES = 4
SIDES = (500, 375)
"""Of a photograph, in pixels."""


def loader(setting: Setting) -> Iterator[Row]:
    """Photographs through loader threads: images a second of a tiny network, and the same losses with any number."""
    images = 64 if setting.small else 1024
    with tempfile.TemporaryDirectory() as folder:
        _write_photographs(Path(folder), images)
        right = None
        for loaders in (0, 2) if setting.small else (0, 1, 4, 8, 15):
            with reading_data(Path(folder)):
                trial = _trial("tf32" if setting.on_gpu else "fp32")
            outcome = setting.run(
                trial, data_root=Path(folder), loaders=loaders, deterministic=True
            )
            losses = [epoch.metrics["train_loss"] for epoch in outcome.epochs]
            right = right or losses
            yield {
                "loaders": loaders,
                "images_per_s": [round(epoch.metrics["images_per_s"]) for epoch in outcome.epochs],
                **failing(
                    trained(outcome),
                    (losses == right, f"the losses are {losses}, without loaders {right}"),
                ),
            }


def _write_photographs(folder: Path, number: int) -> None:
    """JPEGs with structure, so that decoding takes as long as it does."""
    stream = np.random.default_rng(0)
    for index in range(number):
        place = folder / "photographs" / str(index % CLASSES)
        place.mkdir(parents=True, exist_ok=True)
        rough = Image.fromarray(stream.integers(0, 255, (24, 32, 3), np.uint8))
        rough.resize(SIDES, Image.Resampling.BICUBIC).save(place / f"{index}.jpg", quality=90)


def _trial(precision: str) -> Trial:
    fields = {
        "backbone": {"name": "resnet18", "width": 4},
        "gate": "none",
        "dataset": {"name": "image_folder", "root": "photographs", "image_size": 224},
        "training": {"epochs": 2, "batch_size": 64, "lr": 0.01, "precision": precision},
    }
    return resolve(Trial.model_validate(fields))
