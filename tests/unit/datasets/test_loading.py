"""Images depend on their index and their draws alone: on no batch, no loader and no device."""

import threading
from collections.abc import Generator

import numpy as np
import pytest
import torch
from fabricated_data import fabricate_folder, photograph
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from dasbench.data_access import DataAccess, data_access, reading_data
from dasbench.datasets.folders.files import FileSplit
from dasbench.datasets.image_folder import image_folder
from dasbench.datasets.loading import CHUNK, in_order, load, load_batches
from dasbench.datasets.memory import MemorySplit, cut_on_device
from dasbench.datasets.pictures.crops import AREA, NUM_DRAWS, SHAPE, random_box
from dasbench.datasets.pictures.framing import Framing
from dasbench.datasets.transfer import Transfer, join
from dasbench.errors import DataError
from dasbench.resolution import resolve
from dasbench.seeds import uniform
from dasbench.spec.trial import Trial
from dasbench.testing.datasets import check_split
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    fabricate_folder(root / "photos", images=20)
    return root


@pytest.fixture(scope="module")
def split(root) -> FileSplit:
    split = image_folder(root=str(root / "photos"), image_size=32).train
    assert isinstance(split, FileSplit)
    return split


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
    images = torch.randint(
        0, 256, (30, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )

    check_split(MemorySplit(images, torch.zeros(30, dtype=torch.int64), max_shift=2, flip=True))


@given(size=st.integers(1, 60), loaders=st.integers(0, 5), seed=st.sampled_from([None, 3]))
def test_any_number_of_loaders_and_any_size_of_batches_give_the_same_bits(
    split, size, loaders, seed
):
    whole = next(load_batches(split, [np.arange(len(split))], variation=seed))

    pieces = list(load_batches(split, in_order(len(split), size), variation=seed, loaders=loaders))

    assert torch.equal(torch.cat(pieces), whole)


def test_another_seed_shows_other_parts_of_the_images(split):
    first, second = (next(load_batches(split, [np.arange(8)], variation=seed)) for seed in (1, 2))

    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_loaders_stop_when_the_training_stops(split):
    batches = load_batches(split, in_order(len(split), 4), loaders=3)
    next(batches)

    assert isinstance(batches, Generator)
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
    assert isinstance(batches, Generator)
    batches.close()


def loader_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("loader")]


@pytest.mark.parametrize("loaders", [0, 1, 4])
def test_parts_of_a_batch_are_read_and_joined_in_order(loaders):
    batches = list(in_order(10 * CHUNK + 3, 3 * CHUNK))

    joined = list(load(read_places, batches, join=np.concatenate, num_draws=0, loaders=loaders))

    assert [batch.tolist() for batch in joined] == [batch.tolist() for batch in batches]
    assert loader_threads() == []


def read_places(indices, draws=None):
    return indices


@pytest.mark.parametrize("loaders", [1, 4])
def test_batches_are_joined_by_the_loaders(loaders):
    def name_of_thread(chunks):
        return threading.current_thread().name

    names = list(
        load(read_places, in_order(100, 40), join=name_of_thread, num_draws=0, loaders=loaders)
    )

    assert len(names) == 3
    assert all(name.startswith("loader") for name in names)


@pytest.mark.parametrize("loaders", [0, 1, 4])
def test_what_fails_when_a_batch_is_joined_reaches_who_asks(loaders):
    def refuse(chunks):
        raise DataError("no memory can be pinned")

    with pytest.raises(DataError, match="no memory can be pinned"):
        next(load(read_places, in_order(100, 40), join=refuse, num_draws=0, loaders=loaders))

    assert loader_threads() == []


def test_loaders_that_are_joining_stop_when_the_training_stops():
    slow, go_on = threading.Event(), threading.Event()

    def wait(chunks):
        if chunks[0][0] > 0:  # not the first batch
            slow.set()
            go_on.wait(60)
        return chunks

    batches = load(read_places, in_order(400, 40), join=wait, num_draws=0, loaders=2)
    next(batches)
    assert slow.wait(60)
    threading.Timer(0.05, go_on.set).start()

    assert isinstance(batches, Generator)
    batches.close()

    assert loader_threads() == []


@pytest.mark.parametrize("loaders", [0, 1, 4])
@pytest.mark.parametrize("seed", [None, 3])
def test_images_in_memory_are_the_same_whether_loaders_read_them_or_they_lie_on_the_device(
    loaders, seed
):
    images = torch.randint(
        0, 256, (90, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    split = MemorySplit(images, torch.zeros(90, dtype=torch.int64), max_shift=2, flip=True)
    batches = list(in_order(90, 40))

    there = list(load_batches(split, batches, variation=seed, loaders=loaders))
    read = load(split.batch, batches, join=join, num_draws=3, variation=seed, loaders=loaders)

    assert [len(batch) for batch in there] == [40, 40, 10]
    assert all(torch.equal(one, other) for one, other in zip(there, read, strict=True))


def test_what_tells_the_images_of_an_epoch_is_copied_to_the_device_at_once():
    pieces = list(cut_on_device([np.arange(3), np.arange(3, 5)], torch.device("cpu")))

    assert [piece.tolist() for piece in pieces] == [[0, 1, 2], [3, 4]]
    assert len({piece.untyped_storage().data_ptr() for piece in pieces}) == 1


@pytest.mark.parametrize("chunks", [[5], [3, 2]])
def test_batches_of_photographs_are_channels_last(split, chunks):
    places = np.split(np.arange(5), np.cumsum(chunks)[:-1])

    batch = join([split.batch(some) for some in places])

    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch, split.batch(np.arange(5)))


def test_class_maps_are_joined_without_channels():
    assert join([torch.zeros(2, 4, 5), torch.ones(1, 4, 5)])[:, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("total", "share", "fits"),
    [(4000, None, True), (3999, None, False), (8000, 0.5, True), (7999, 0.5, False)],
)
def test_images_stay_on_a_gpu_by_the_share_of_its_memory_whatever_is_free(
    monkeypatch, total, share, fits
):
    split = MemorySplit(
        torch.zeros(10, 1, 10, 10, dtype=torch.uint8), torch.zeros(10, dtype=torch.int64)
    )
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1, total))

    with reading_data(gpu_share=share):
        assert split.fits(torch.device("cuda")) == fits


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("loaders", [0, 1, 4])
@pytest.mark.parametrize("kind", ["files", "memory", "resident"])
def test_batches_reach_a_gpu_with_every_bit(split, kind, loaders):
    device = torch.device("cuda")
    images = split.batch(np.arange(len(split)))
    in_memory = MemorySplit(images, split.labels, max_shift=3, flip=True)
    read = {"files": split, "memory": in_memory, "resident": in_memory.resident(device)}[kind]
    batches = list(in_order(len(split), 5)) * 20
    expected = load_batches(in_memory if kind != "files" else split, batches, variation=3)
    busy = torch.randn(4096, 4096, device=device)

    for there in load_batches(
        read, batches, variation=3, loaders=loaders, transfer=Transfer(device)
    ):
        busy = (busy @ busy).tanh()  # the copy of the next batch overtakes it

        assert torch.equal(there.cpu(), next(expected))


@pytest.mark.parametrize("loaders", [0, 1, 3])
def test_a_broken_image_is_named_whichever_loader_meets_it(broken, loaders):
    with reading_data(look="names"):
        split = image_folder(root=str(broken), image_size=32).train

    with pytest.raises(
        DataError, match=r"class 1/\d.jpg: cannot be decoded as an image \(205 bytes"
    ):
        list(load_batches(split, in_order(len(split), 5), loaders=loaders))


def test_an_image_that_vanished_is_named(split, tmp_path):
    vanished = FileSplit(tmp_path, ("gone.jpg",), torch.zeros(1, dtype=torch.int64), Framing.of(32))

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
    alone, three = (
        run_trial(TRIAL, runtime=Runtime(data_root=root, loaders=loaders)) for loaders in (0, 3)
    )

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


def test_a_trial_whose_data_changed_since_it_was_planned_halts_under_its_own_key(root):
    planned = TRIAL.model_copy(update={"data_fingerprint": "0" * 16})

    outcome = run_trial(planned, runtime=Runtime(data_root=root))

    assert (outcome.status, outcome.key) == ("interrupted", planned.key)
    assert "changed after the trial was planned" in outcome.error


def test_a_file_that_changed_since_the_trial_was_planned_is_named(tmp_path):
    for machine in ("here", "there"):
        fabricate_folder(tmp_path / machine / "photos", images=8)
    path = tmp_path / "there/photos/class 1/4.jpg"
    path.write_bytes(path.read_bytes()[:-1])
    with reading_data(tmp_path / "here"):
        planned = resolve(TRIAL)

    outcome = run_trial(planned, runtime=Runtime(data_root=tmp_path / "there"))

    assert outcome.status == "interrupted"
    assert "changed after the trial was planned" in outcome.error
    assert f"; of its files, {path} changed last, at 20" in outcome.error


def test_where_data_lie_is_said_by_the_block_then_the_environment_then_a_default(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASBENCH_DATA", raising=False)
    default = data_access()
    monkeypatch.setenv("DASBENCH_DATA", str(tmp_path / "environment"))
    options = {"loaders": 2, "download": True, "gpu_share": 0.5}
    with reading_data(tmp_path / "block", **options) as block, reading_data() as inner:
        assert inner == block

    assert default == DataAccess(tmp_path / "data", 0)
    assert data_access() == DataAccess(tmp_path / "environment", 0)
    assert block == DataAccess(tmp_path / "block", 2, download=True, gpu_share=0.5)


@given(width=st.integers(1, 600), height=st.integers(1, 600), seed=st.integers(0, 1000))
def test_a_random_part_lies_inside_of_the_image(width, height, seed):
    box = random_box(width, height, uniform(seed, np.array([0]), draws=NUM_DRAWS)[0].tolist())

    assert 0 <= box.left < box.right <= width
    assert 0 <= box.upper < box.lower <= height


def test_random_parts_are_spread_like_those_of_torchvision():
    ours = [
        random_box(300, 200, row) for row in uniform(1, np.arange(4000), draws=NUM_DRAWS).tolist()
    ]
    torch.manual_seed(0)
    crop, image = v2.RandomResizedCrop(224, scale=AREA, ratio=SHAPE), torch.zeros(3, 200, 300)
    theirs = [crop.make_params([image]) for _ in range(4000)]

    def summary(values):
        return np.quantile(values, [0.1, 0.5, 0.9])

    assert summary([b.right - b.left for b in ours]) == pytest.approx(
        summary([t["width"] for t in theirs]), abs=8
    )
    assert summary([b.lower - b.upper for b in ours]) == pytest.approx(
        summary([t["height"] for t in theirs]), abs=8
    )
    assert summary([b.left for b in ours]) == pytest.approx(
        summary([t["left"] for t in theirs]), abs=8
    )


def test_the_evaluated_part_is_that_of_torchvisions_recipe(tmp_path):
    path = photograph(tmp_path / "one.jpg", number=5, size=(330, 250))
    recipe = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])
    theirs = recipe(Image.open(path).convert("RGB")).float()

    ours = (
        FileSplit(tmp_path, ("one.jpg",), torch.zeros(1, dtype=torch.int64), Framing.of(224))
        .batch(np.array([0]))[0]
        .float()
    )

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
