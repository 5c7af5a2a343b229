"""Maps of the class of each pixel belong to their images."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_segmentation import FEW, TRIAL, Painted, learner_of, random_maps
from torch import Tensor

import dasbench.tasks.segmentation as segmentation
from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.datasets.dataset import Dataset
from dasbench.datasets.salient_shapes import salient_shapes
from dasbench.seeds import uniform
from dasbench.testing import check_dataset


def test_a_pixel_has_the_class_of_its_image_where_the_object_is():
    train: Any = salient_shapes(**FEW).train
    order = np.array([7, 0, 59, 7])

    maps, masks = train.class_maps(order), train.regions(order).masks

    assert maps.dtype == torch.uint8
    assert torch.equal(maps > 0, masks)
    for classes, mask, index in zip(maps, masks, order, strict=True):
        assert classes[mask].unique().tolist() == [train.labels[index] + 1]


def test_class_maps_move_as_their_images_do():
    train: Any = salient_shapes(image_size=48, **FEW).train
    order = np.arange(40)
    rows, columns = torch.meshgrid(torch.arange(1, 49), torch.arange(1, 49), indexing="ij")
    places = (
        torch.stack([rows, columns, rows * 0]).to(torch.uint8).expand(60, -1, -1, -1)
    )  # each pixel says where it is
    draws = uniform(5, order, draws=train.num_draws)

    moved = replace(train.in_memory, images=places).batch(order, draws).long()
    found = train.class_maps(order, draws)

    come_from = train.class_maps(order)[
        torch.arange(40)[:, None, None], moved[:, 0] - 1, moved[:, 1] - 1
    ]
    assert torch.equal(found, torch.where(moved[:, 0] > 0, come_from, 0))
    assert not torch.equal(found, train.class_maps(order))


@pytest.mark.parametrize("loaders", [0, 2])
def test_images_and_maps_reach_the_network_together(monkeypatch, loaders):
    maps = random_maps(0, 70)
    data = replace(salient_shapes(**FEW), train=Painted(maps), val=Painted(maps))
    monkeypatch.setattr(segmentation, "load_dataset", lambda _: data)
    batches = [np.arange(40), np.array([69, 3])]

    with reading_data(loaders=loaders):
        learner = learner_of(TRIAL)
        pairs = [
            *learner.load("train", batches, variation=9),
            *learner.load("val", batches, variation=None),
        ]

    for images, classes in pairs:
        red = (images[:, 0] * 0.25 + 0.5) * 255
        assert torch.equal((red / 30).round().long(), classes)
    assert torch.equal(pairs[3][1], maps[[69, 3]].long())
    assert not torch.equal(pairs[1][1], pairs[3][1])


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda maps: maps.long(), "not 8-bit"),
        (lambda maps: maps[:, 1:], "differ in size"),
        (lambda maps: maps + 1, "outside of the classes"),
        (lambda maps: maps * 0, "no pixel of a part has a class"),
        (lambda maps: maps.flip(0), "depends on its batch"),
    ],
    ids=["type", "size", "class", "empty", "batch"],
)
def test_the_contract_of_data_sets_finds_broken_class_maps(broken, words):
    @dataclass(frozen=True)
    class Broken(Painted):
        def class_maps(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
            return broken(self.shown(indices, draws))

    def painted() -> Dataset[Any]:
        """Images whose red channel says the class of each pixel."""
        parts = {
            part: Broken(random_maps(seed, 30))
            for seed, part in enumerate(("train", "val", "test"))
        }
        return replace(salient_shapes(**FEW), **parts)

    DATASETS.register("painted", source="these tests", gives=("labels", "maps"))(painted)

    with pytest.raises(AssertionError, match=words):
        check_dataset("painted")
