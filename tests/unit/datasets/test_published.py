"""Published data sets are read as their authors distribute them; what is missing or damaged is named."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from fabricated_data import (
    BREEDS,
    PARAMS,
    WNIDS,
    fabricate_cifar10,
    fabricate_cifar100,
    fabricate_dogs,
    fabricate_imagenet,
    photograph,
    save_list,
)

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.errors import DataError


def read(root, name, **params):
    with reading_data(root):
        return DATASETS[name].make(**{**PARAMS.get(name, {}), **params})


def complaint(root, name, **params) -> str:
    with pytest.raises(DataError) as error:
        read(root, name, **params)
    return str(error.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "imagenet", "stanford_dogs"])
def test_missing_data_say_where_they_were_looked_for_and_how_to_get_them(tmp_path, name):
    message = complaint(tmp_path, name)

    assert str(tmp_path) in message
    assert "is missing" in message
    assert "http" in message
    assert "`data_root`" in message


def fake_download(monkeypatch, name: str, fetch) -> list[tuple]:
    """Puts a function in the place of torchvision's data set; returns what it is called with."""
    calls = []

    def constructor(root, *, train=True, download=False):
        calls.append((str(root), download))
        fetch(root)

    monkeypatch.setattr(f"torchvision.datasets.{name}", constructor)
    return calls


@pytest.mark.parametrize(
    ("name", "ours"), [("CIFAR10", fabricate_cifar10), ("CIFAR100", fabricate_cifar100)]
)
def test_a_missing_cifar_is_fetched_by_torchvision_if_that_is_allowed(
    tmp_path, monkeypatch, name, ours
):
    calls = fake_download(monkeypatch, name, lambda _: ours(tmp_path))

    with reading_data(tmp_path, download=True):
        first, second = (DATASETS[name.lower()].make() for _ in range(2))

    assert calls == [(str(tmp_path), True)]  # the second time, all files are there
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_nothing_is_fetched_unless_asked_for(tmp_path, monkeypatch, name):
    calls = fake_download(monkeypatch, name, lambda _: None)

    assert "`download`" in complaint(tmp_path, name.lower())
    assert calls == []


def test_a_folder_that_lacks_a_file_is_fetched_again(tmp_path, monkeypatch):
    folder = fabricate_cifar10(tmp_path)
    (folder / "data_batch_3").unlink()
    calls = fake_download(monkeypatch, "CIFAR10", lambda _: fabricate_cifar10(tmp_path))

    with reading_data(tmp_path, download=True):
        assert len(DATASETS["cifar10"].make().test) == 20

    assert len(calls) == 1


def test_a_download_that_fails_says_why(tmp_path, monkeypatch):
    def no_network(_):
        raise OSError("name or service not known")

    fake_download(monkeypatch, "CIFAR100", no_network)

    with reading_data(tmp_path, download=True):
        message = complaint(tmp_path, "cifar100")

    assert "could not be downloaded (OSError: name or service not known)" in message
    assert str(tmp_path) in message
    assert "https://www.cs.toronto.edu" in message


def test_cifar10_is_read_from_the_pickles_of_python_2(tmp_path):
    folder = fabricate_cifar10(tmp_path)
    first = pickle.loads((folder / "test_batch").read_bytes(), encoding="latin1")["data"][
        0
    ].reshape(3, 32, 32)

    data = read(tmp_path, "cifar10")

    assert data.classes[:2] == ("airplane", "automobile")
    assert [len(part) for part in (data.train, data.val, data.test)] == [90, 10, 20]
    assert torch.equal(data.test.batch(np.array([0]))[0], torch.from_numpy(first))


def test_cifar100_is_read_with_its_fine_labels(tmp_path):
    fabricate_cifar100(tmp_path)

    data = read(tmp_path, "cifar100")

    assert data.classes[99] == "fine 99"
    assert [len(part) for part in (data.train, data.val, data.test)] == [500, 100, 100]
    assert data.test.labels.tolist() == list(range(100))


def test_cifar_can_be_enlarged(tmp_path):
    fabricate_cifar10(tmp_path)

    assert read(tmp_path, "cifar10", image_size=64).val.batch(np.array([3])).shape == (1, 3, 64, 64)


def test_cifar_is_normalised_by_its_training_part(tmp_path):
    fabricate_cifar10(tmp_path)

    data = read(tmp_path, "cifar10")
    pixels = data.train.batch(np.arange(90)).double() / 255

    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-5)
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-5)


def rewrite(path, **changes):
    content = pickle.loads(path.read_bytes(), encoding="latin1")
    path.write_bytes(pickle.dumps({**content, **changes}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "data_batch_3").unlink(), ["data_batch_3: is missing"]),
        (
            lambda folder: (folder / "data_batch_3").write_bytes(b""),
            ["data_batch_3: is damaged (0 bytes"],
        ),
        (
            lambda folder: os.truncate(folder / "test_batch", 30_000),
            ["test_batch: is damaged (30000 bytes"],
        ),
        (lambda folder: (folder / "test_batch").write_bytes(pickle.dumps([1])), ["holds no batch"]),
        (lambda folder: rewrite(folder / "test_batch", labels=[1, 2]), ["20 images, but 2 labels"]),
        (
            lambda folder: rewrite(folder / "test_batch", labels=[10] * 20),
            ["20 labels outside of 0 to 9, such as 10"],
        ),
        (
            lambda folder: rewrite(folder / "test_batch", labels=[1] * 20),
            ["9 of 10 classes have no image"],
        ),
        (
            lambda folder: rewrite(folder / "test_batch", data=np.zeros((20, 3071), np.uint8)),
            ["3072"],
        ),
        (
            lambda folder: rewrite(folder / "batches.meta", label_names=["cat"]),
            ["names 1 classes, 10 were expected"],
        ),
        (
            lambda folder: shutil.copy(folder / "data_batch_1", folder / "test_batch"),
            ["20 of 20 test images"],
        ),
    ],
    ids=[
        "missing",
        "empty",
        "truncated",
        "foreign",
        "labels",
        "range",
        "classes",
        "shape",
        "names",
        "overlap",
    ],
)
def test_damage_to_cifar_is_named_with_its_file_and_counts(tmp_path, spoil, words):
    spoil(fabricate_cifar10(tmp_path))

    message = complaint(tmp_path, "cifar10")

    assert [word for word in words if word not in message] == []


def test_a_pickle_that_would_run_a_program_is_refused(tmp_path):
    class Malice:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    folder = fabricate_cifar10(tmp_path)
    (folder / "test_batch").write_bytes(pickle.dumps(Malice()))

    assert "it asks for posix.mkdir" in complaint(tmp_path, "cifar10")
    assert not (tmp_path / "owned").exists()


def test_any_byte_of_cifar_changes_its_fingerprint(tmp_path):
    folder = fabricate_cifar10(tmp_path)
    before = read(tmp_path, "cifar10").fingerprint
    pixels = pickle.loads((folder / "test_batch").read_bytes(), encoding="latin1")["data"].copy()
    pixels[5, 7] ^= 1
    rewrite(folder / "test_batch", data=pixels)

    assert read(tmp_path, "cifar10").fingerprint != before


def test_stanford_dogs_follows_its_official_lists(tmp_path):
    fabricate_dogs(tmp_path)

    data = read(tmp_path, "stanford_dogs")

    assert data.classes == ("Chihuahua", "Japanese_spaniel", "African_hunting_dog")
    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 6, 9]
    assert data.test.files[0] == f"{BREEDS[0]}/n02085620_6.jpg"


def test_the_lists_may_lie_in_the_folder_of_their_archive(tmp_path):
    folder = fabricate_dogs(tmp_path)
    (folder / "lists").mkdir()
    for part in ("train", "test"):
        (folder / f"{part}_list.mat").rename(folder / "lists" / f"{part}_list.mat")

    assert len(read(tmp_path, "stanford_dogs").test) == 9


def relist(folder, members):
    save_list(folder / "test_list.mat", members)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "test_list.mat").unlink(), ["test_list.mat: is missing", "http"]),
        (
            lambda folder: (folder / "test_list.mat").write_bytes(b"no list"),
            ["test_list.mat: cannot be read"],
        ),
        (
            lambda folder: os.truncate(folder / "test_list.mat", 300),
            ["test_list.mat: cannot be read"],
        ),
        (
            lambda folder: shutil.rmtree(folder / "Images" / BREEDS[1]),
            ["holds 2 class folders", "num_classes is 3"],
        ),
        (
            lambda folder: (folder / f"Images/{BREEDS[1]}/n02085782_7.jpg").unlink(),
            ["n02085782_7.jpg", "1 of 9 files"],
        ),
        (
            lambda folder: relist(folder, [(f"{BREEDS[0]}/n02085620_6.jpg", 9)]),
            ["1 labels outside of 1 to 3"],
        ),
        (
            lambda folder: relist(folder, [(f"{BREEDS[0]}/n02085620_6.jpg", 2)]),
            ["label of another breed"],
        ),
        (
            lambda folder: relist(folder, [(f"{BREEDS[0]}/n02085620_6.jpg", 1)]),
            ["2 of 3 classes", "test part"],
        ),
        (
            lambda folder: shutil.copy(folder / "train_list.mat", folder / "test_list.mat"),
            ["stands in two parts"],
        ),
    ],
    ids=[
        "list-missing",
        "list-foreign",
        "list-truncated",
        "breed",
        "image",
        "range",
        "label",
        "classes",
        "overlap",
    ],
)
def test_damage_to_stanford_dogs_is_named_with_its_file_and_counts(tmp_path, spoil, words):
    spoil(fabricate_dogs(tmp_path))

    message = complaint(tmp_path, "stanford_dogs")

    assert [word for word in words if word not in message] == []


def test_imagenet_tests_on_the_official_validation_images(tmp_path):
    fabricate_imagenet(tmp_path)

    data = read(tmp_path, "imagenet")

    assert data.classes == WNIDS
    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 6, 6]
    assert data.test.files[0] == "val/n01440764/ILSVRC2012_val_00000001.JPEG"
    assert {file.partition("/")[0] for file in (*data.train.files, *data.val.files)} == {"train"}


def link_train_as_val(folder):
    shutil.rmtree(folder / "val")
    (folder / "val").symlink_to(folder / "train")


def copy_train_image(folder):
    shutil.copy(folder / f"train/{WNIDS[0]}/{WNIDS[0]}_0.JPEG", folder / f"val/{WNIDS[0]}")


def unsorted_val(folder):
    shutil.rmtree(folder / "val")
    photograph(folder / "val/ILSVRC2012_val_00000001.JPEG", number=1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: shutil.rmtree(folder / "val"), ["val: is missing", "image-net.org"]),
        (unsorted_val, ["val: holds 0 class folders", "num_classes is 3"]),
        (
            lambda folder: shutil.rmtree(folder / "train" / WNIDS[0]),
            ["train: holds 2 class folders"],
        ),
        (
            lambda folder: (folder / "val" / WNIDS[0]).rename(folder / "val/n0"),
            ["differ in 2 class folders"],
        ),
        (link_train_as_val, ["is the folder of the training images"]),
        (
            copy_train_image,
            [f"{WNIDS[0]}_0.JPEG: one of 1 of 7 images of val that are also in train"],
        ),
    ],
    ids=["missing", "unsorted", "class", "other-class", "link", "copy"],
)
def test_faults_of_imagenet_are_named_with_their_counts(tmp_path, spoil, words):
    spoil(fabricate_imagenet(tmp_path))

    message = complaint(tmp_path, "imagenet")

    assert [word for word in words if word not in message] == []
