"""Trials of every task that a single core trains in a second: a narrow ResNet-18 on 60 drawn images of 32 pixels."""

from collections.abc import Mapping
from typing import Any

import pytest

from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

SHAPES = {
    "name": "salient_shapes",
    "image_size": 32,
    "difficulty": 0.0,
    "num_train": 60,
    "num_val": 60,
    "num_test": 60,
}
DETECTOR = {
    "shorter_side": 32,
    "norms": "trained",
    "pyramid": 8,
    "features": 16,
    "proposals": 16,
    "sampled": 16,
}
ONE_IMAGE = 1.7
"""Per cent: a score of 60 images differs by as much where one of them lies between two classes."""

WIDTH = 16
"""The least at which a CPU keeps every convolution in the format of a GPU's."""

TASK_FIELDS: dict[str, dict[str, Any]] = {
    "classification": {},
    "segmentation": {},
    "detection": DETECTOR,
}


def tiny_trial(task: str, gate: str | dict[str, Any], **values: Any) -> Trial:
    """A resolved trial.

    Args:
        task: a key of `TASK_FIELDS`.
        gate: its name, or its name with parameters.
        values: further fields, by their dotted names with `__` for a dot.
    """
    trial = Trial(
        task={"name": task, **TASK_FIELDS[task]},
        backbone={"name": "resnet18", "width": WIDTH, "stem": "small"},
        gate=gate,
        dataset=SHAPES,
        training={"epochs": 1, "batch_size": 8, "lr": 0.01},
    )
    return resolve(
        trial.with_values({name.replace("__", "."): value for name, value in values.items()})
    )


def assert_same_scores(
    found: Mapping[str, Any], expected: Mapping[str, Any], *, rounding: float
) -> None:
    """Losses are equal but for rounding, and other scores but for one image.

    Args:
        found: scores by name.
        expected: the same.
        rounding: relative.
    """
    assert list(found) == list(expected)
    for name, score in expected.items():
        margin = None if name.endswith("loss") else ONE_IMAGE
        assert found[name] == pytest.approx(score, rel=rounding, abs=margin), name
