"""Every image is trained on once an epoch, and never alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dasbench.catalog import GATES, TASKS
from dasbench.datasets.choice import load_dataset
from dasbench.datasets.loading import parts_of, without_lone_image
from dasbench.datasets.memory import MemorySplit
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.tasks import classification
from dasbench.tasks.task import Replica

LENGTHS = st.integers(1, 300)
SIZES = st.integers(1, 64)


def sizes(batches) -> list[int]:
    return [len(batch) for batch in batches]


@given(length=LENGTHS, size=SIZES)
def test_every_image_is_in_one_batch_in_order(length, size):
    assert np.concatenate(without_lone_image(length, size)).tolist() == list(range(length))


@given(length=st.integers(2, 300), size=st.integers(2, 64))
def test_no_batch_holds_a_single_image_if_it_can_be_helped(length, size):
    batches = sizes(without_lone_image(length, size))

    assert min(batches) >= 2
    assert max(batches) <= max(size, 3)


@given(length=LENGTHS, size=SIZES)
def test_batches_are_as_asked_unless_an_image_would_be_alone(length, size):
    if length % size != 1:
        assert sizes(without_lone_image(length, size)) == [size] * (length // size) + [
            length % size
        ] * (length % size > 0)


def test_the_last_two_batches_share_what_would_leave_one_image_alone():
    assert sizes(without_lone_image(129, 64)) == [64, 33, 32]
    assert sizes(without_lone_image(7, 3)) == [3, 2, 2]
    assert sizes(without_lone_image(7, 2)) == [2, 2, 3]
    assert sizes(without_lone_image(1, 8)) == [1]
    assert sizes(without_lone_image(3, 1)) == [1, 1, 1]


@given(length=LENGTHS, size=SIZES, data=st.data())
def test_parts_make_up_their_batch_and_none_is_empty(length, size, data):
    number = data.draw(st.integers(1, size))
    for batch in without_lone_image(length, size):
        parts = parts_of(batch, number=number, batch_size=size)

        assert np.concatenate(parts).tolist() == batch.tolist()
        assert min(sizes(parts)) >= 1
        assert max(sizes(parts)) - min(sizes(parts)) <= 1


@given(size=SIZES, data=st.data())
def test_a_whole_batch_has_as_many_parts_as_asked(size, data):
    number = data.draw(st.integers(1, size))

    assert len(parts_of(np.arange(size), number=number, batch_size=size)) == number


@given(length=st.integers(2, 64), number=st.integers(1, 32))
def test_parts_of_a_short_batch_hold_two_images_where_those_of_a_whole_one_do(length, number):
    parts = parts_of(np.arange(length), number=number, batch_size=64)

    assert min(sizes(parts)) >= 2
    assert max(sizes(parts)) <= -(-64 // number) + 1


@given(length=LENGTHS, number=st.integers(1, 8))
def test_replicas_share_all_images_or_compute_them_all(length, number):
    indices = np.arange(length)
    shares = [Replica(rank, number).share(indices) for rank in range(number)]

    if Replica(0, number).can_share(indices):
        assert sorted(np.concatenate(shares).tolist()) == indices.tolist()
        assert min(sizes(shares)) >= 2
    else:
        assert all(share.tolist() == indices.tolist() for share in shares)


@pytest.mark.parametrize("gate", [name for name in GATES.names() if name not in ("none", "asr")])
def test_every_gate_trains_where_one_image_would_be_left_over(gate, monkeypatch):
    images = torch.randint(
        0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    trial = resolve(
        Trial.model_validate(
            {
                "backbone": {"name": "resnet18", "width": 16, "stem": "small"},
                "gate": gate,
                "dataset": {"name": "digits", "image_size": 32},
                "training": {"batch_size": 4},
            }
        )
    )
    whole = load_dataset(trial.dataset)
    few = MemorySplit(images, torch.arange(5))
    monkeypatch.setattr(
        classification, "load_dataset", lambda _: type(whole)(**{**vars(whole), "train": few})
    )
    learner = TASKS["classification"].make().build(trial, device=torch.device("cpu"))
    learner.model.train()

    losses = [sum(learner.losses(batch)).item() for batch in learner.batches(1)]

    assert len(losses) == learner.steps_per_epoch == 2
    assert np.isfinite(losses).all()
