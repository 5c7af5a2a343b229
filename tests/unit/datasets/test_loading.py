"""Images depend on their index and their draws alone: on no batch, no loader and no device."""

import threading

import numpy as np
import pytest
import torch
from fabricated_data import fabricate_folder, photograph
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from dasbench.data_access import DataAccess, data_access, reading_data
from dasbench.datasets.crops import AREA, NUM_DRAWS, SHAPE, random_box
from dasbench.datasets.files import FileSplit
from dasbench.datasets.image_folder import image_folder
from dasbench.datasets.loading import in_order, load_batches
from dasbench.datasets.memory import MemorySplit
from dasbench.errors import DataError
from dasbench.seeds import uniform
from dasbench.spec.trial import Trial
from dasbench.testing.datasets import check_split
from dasbench.training.run_trial import Runtime, run_trial


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    fabricate_folder(root / "photos", images=20)
    return root


@pytest.fixture(scope="module")
def split(root) -> FileSplit:
    return image_folder(root=str(root / "photos"), image_size=32).train


@pytest.fixture
def broken(tmp_path):
    folder = fabricate_folder(tmp_path / "photos")
    content = (folder / "class 1/2.jpg").read_bytes()
    for file in (folder / "class 1").iterdir():
        file.write_bytes(content[:200] + file.name.encode())
    return folder


def test_files_keep_the_contract_of_a_part(split):
    check_split(split)


def test_images_in_memory_keep_the_contract_of_a_part():
    images = torch.randint(0, 256, (30, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    check_split(MemorySplit(images, torch.zeros(30, dtype=torch.int64), max_shift=2, flip=True))


@given(size=st.integers(1, 60), loaders=st.integers(0, 5), seed=st.sampled_from([None, 3]))
def test_any_number_of_loaders_and_any_size_of_batches_give_the_same_bits(split, size, loaders, seed):
    whole = next(load_batches(split, [np.arange(len(split))], variation=seed))

    pieces = list(load_batches(split, in_order(len(split), size), variation=seed, loaders=loaders))

    assert torch.equal(torch.cat(pieces), whole)


def test_another_seed_shows_other_parts_of_the_images(split):
    first, second = (next(load_batches(split, [np.arange(8)], variation=seed)) for seed in (1, 2))

    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_loaders_stop_when_the_training_stops(split):
    batches = load_batches(split, in_order(len(split), 4), loaders=3)
    next(batches)

    batches.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_no_more_than_a_few_batches_are_decoded_ahead(split):
    asked = []

    def indices():
        for number in range(100):
            asked.append(number)
            yield np.array([number % 4])

    batches = load_batches(split, indices(), loaders=2)
    next(batches)

    assert len(asked) <= 4
    batches.close()


@pytest.mark.parametrize("loaders", [0, 3])
def test_a_broken_image_is_named_whichever_loader_meets_it(broken, loaders):
    split = image_folder(root=str(broken), image_size=32).train

    with pytest.raises(DataError, match=r"class 1/\d.jpg: cannot be decoded as an image \(205 bytes"):
        list(load_batches(split, in_order(len(split), 5), loaders=loaders))


def test_an_image_that_vanished_is_named(split, tmp_path):
    vanished = FileSplit(tmp_path, ("gone.jpg",), torch.zeros(1, dtype=torch.int64), 32)

    with pytest.raises(DataError, match=r"gone.jpg: is missing, although it was there"):
        vanished.batch(np.array([0]))


TRIAL = Trial(
    backbone={"name": "resnet18", "width": 2, "stem": "small"},
    dataset={"name": "image_folder", "root": "photos", "image_size": 16},
    training={"epochs": 2, "lr": 0.01, "batch_size": 16},
)


def science(outcome):
    assert outcome.status == "done", outcome.error
    return outcome.key, outcome.correct, [epoch.metrics["train_loss"] for epoch in outcome.epochs]


def test_a_trial_on_files_does_not_depend_on_its_loaders(root):
    alone, three = (run_trial(TRIAL, runtime=Runtime(data_root=root, loaders=loaders)) for loaders in (0, 3))

    assert science(alone) == science(three)


@pytest.mark.parametrize("stop", [1, 2])
def test_a_trial_goes_on_bit_for_bit_with_another_number_of_loaders(root, tmp_path, stop):
    trial = TRIAL.with_values({"training.epochs": 3})
    whole = run_trial(trial, runtime=Runtime(data_root=root))

    run_trial(
        trial,
        lambda epoch: "interrupt" if epoch.number == stop else "continue",
        tmp_path,
        runtime=Runtime(data_root=root, loaders=3),
    )
    resumed = run_trial(trial, workdir=tmp_path, runtime=Runtime(data_root=root, loaders=1))

    assert science(resumed) == science(whole)


def test_a_trial_that_meets_a_broken_image_fails_and_names_it(broken):
    outcome = run_trial(TRIAL, runtime=Runtime(data_root=broken.parent, loaders=2))

    assert (outcome.status, outcome.reason) == ("failed", "error")
    assert "class 1/" in outcome.error
    assert "cannot be decoded" in outcome.error


def test_a_trial_whose_data_changed_since_it_was_planned_fails_under_its_own_key(root):
    planned = TRIAL.model_copy(update={"data_fingerprint": "0" * 16})

    outcome = run_trial(planned, runtime=Runtime(data_root=root))

    assert (outcome.status, outcome.key) == ("failed", planned.key)
    assert "changed after the trial was planned" in outcome.error


def test_where_data_lie_is_said_by_the_block_then_the_environment_then_a_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASBENCH_DATA", raising=False)
    default = data_access()
    monkeypatch.setenv("DASBENCH_DATA", str(tmp_path / "environment"))
    with reading_data(tmp_path / "block", loaders=2, download=True) as block, reading_data() as inner:
        assert inner == block

    assert default == DataAccess(tmp_path / "data", 0)
    assert data_access() == DataAccess(tmp_path / "environment", 0)
    assert block == DataAccess(tmp_path / "block", 2, download=True)


@given(width=st.integers(1, 600), height=st.integers(1, 600), seed=st.integers(0, 1000))
def test_a_random_part_lies_inside_of_the_image(width, height, seed):
    box = random_box(width, height, uniform(seed, np.array([0]), draws=NUM_DRAWS)[0].tolist())

    assert 0 <= box.left < box.right <= width
    assert 0 <= box.upper < box.lower <= height


def test_random_parts_are_spread_like_those_of_torchvision():
    ours = [random_box(300, 200, row) for row in uniform(1, np.arange(4000), draws=NUM_DRAWS).tolist()]
    torch.manual_seed(0)
    crop, image = v2.RandomResizedCrop(224, scale=AREA, ratio=SHAPE), torch.zeros(3, 200, 300)
    theirs = [crop.make_params([image]) for _ in range(4000)]

    def summary(values):
        return np.quantile(values, [0.1, 0.5, 0.9])

    assert summary([b.right - b.left for b in ours]) == pytest.approx(summary([t["width"] for t in theirs]), abs=8)
    assert summary([b.lower - b.upper for b in ours]) == pytest.approx(summary([t["height"] for t in theirs]), abs=8)
    assert summary([b.left for b in ours]) == pytest.approx(summary([t["left"] for t in theirs]), abs=8)


def test_the_evaluated_part_is_that_of_torchvisions_recipe(tmp_path):
    path = photograph(tmp_path / "one.jpg", number=5, size=(330, 250))
    recipe = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])
    theirs = recipe(Image.open(path).convert("RGB")).float()

    ours = FileSplit(tmp_path, ("one.jpg",), torch.zeros(1, dtype=torch.int64), 224).batch(np.array([0]))[0].float()

    assert (ours - theirs).abs().mean() < 2


def test_a_shift_in_memory_is_a_crop_of_the_padded_image():
    image = torch.arange(3 * 8 * 8, dtype=torch.uint8).reshape(1, 3, 8, 8)
    split = MemorySplit(image, torch.zeros(1, dtype=torch.int64), max_shift=1, flip=True)
    padded = torch.nn.functional.pad(image, [1] * 4)

    for row, down in enumerate((0.0, 0.34, 0.67)):
        for column, right in enumerate((0.0, 0.34, 0.67)):
            shifted = split.batch(np.array([0]), np.array([[down, right, 0.9]]))
            mirrored = split.batch(np.array([0]), np.array([[down, right, 0.1]]))
            expected = padded[..., row : row + 8, column : column + 8]

            assert torch.equal(shifted, expected)
            assert torch.equal(mirrored, expected.flip(-1))
