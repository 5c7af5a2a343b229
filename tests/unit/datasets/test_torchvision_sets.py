"""Torchvision's data sets are read by torchvision's own classes; what is missing, damaged or none of them is named."""

import os
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
from fabricated_data import fabricate_dtd, photograph
from fabricated_torchvision import (
    CHECKED,
    MINIATURES,
    VARIANTS,
    eurosat,
    food,
    mnist,
    pets,
    signs,
    species,
    write_idx,
)

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.datasets.memory import MemorySplit
from dasbench.datasets.torchvision_sets import arrays as torchvision_arrays
from dasbench.datasets.torchvision_sets.others import OTHERS
from dasbench.datasets.torchvision_sets.table import KNOWN
from dasbench.errors import DataError, MachineError, UsageError
from dasbench.seeds import uniform
from dasbench.spec.parameters import check_parameters
from dasbench.testing import check_dataset

SHARES = {"val_share": 0.25, "test_share": 0.25}
"""What gives each part an image of every class, of the few that a miniature has."""

BESIDE = {"VisionDataset", "wrap_dataset_for_transforms_v2"}
"""What torchvision lists beside its data sets."""


def read(data_root, name, **params):
    with reading_data(data_root):
        return DATASETS["torchvision"].make(set=name, **{**SHARES, **params})


def complaint(data_root, name, *, error=DataError, **params) -> str:
    with pytest.raises(error) as raised:
        read(data_root, name, **params)
    return str(raised.value)


def problems(**params) -> list[str]:
    return [message for _, message in check_parameters(DATASETS["torchvision"].schema, params)[1]]


@pytest.mark.parametrize("name", [*MINIATURES, *CHECKED])
def test_every_data_set_keeps_the_contract_in_the_layout_that_torchvision_reads(
    tmp_path, monkeypatch, name
):
    {**MINIATURES, **CHECKED}[name](tmp_path)
    if name in CHECKED:
        monkeypatch.setattr(
            f"torchvision.datasets.{name.lower()}.check_integrity", lambda *_, **__: True
        )

    with reading_data(tmp_path):
        check_dataset(
            "torchvision",
            params={"set": name, "variant": VARIANTS.get(name), "image_size": 16, **SHARES},
        )


def test_every_data_set_of_the_table_has_a_miniature():
    assert {*MINIATURES, *CHECKED} == {*KNOWN}


def test_every_data_set_of_torchvision_is_known_or_refused_with_a_reason():
    import torchvision

    names = {*torchvision.datasets.__all__} - BESIDE

    assert names - {*KNOWN} - {*OTHERS} == set()
    assert {*KNOWN} & {*OTHERS} == set()


def test_what_cannot_be_fetched_says_where_it_is():
    assert [
        name
        for name, known in KNOWN.items()
        if not known.fetched and not known.page.startswith("https://")
    ] == []


def test_official_parts_are_ours(tmp_path):
    fabricate_dtd(tmp_path)

    data = read(tmp_path, "DTD")

    assert dict(data.origins) == {
        part: f"split={part}, partition=1" for part in ("train", "val", "test")
    }
    assert {file.rpartition("_")[0] for file in data.val.files} == {
        "dtd/dtd/images/banded/banded_val",
        "dtd/dtd/images/zigzagged/zigzagged_val",
    }


def test_a_part_that_torchvision_lacks_is_cut_from_its_training_part(tmp_path):
    food(tmp_path)

    data = read(tmp_path, "Food101", val_share=0.34)

    assert [len(part) for part in (data.train, data.val, data.test)] == [8, 4, 4]
    assert data.origins["val"] == "cut from split=train by lot"
    assert {file.rpartition("/")[2][:4] for file in data.test.files} == {"test"}


def test_a_data_set_without_parts_is_cut_by_lot_the_same_each_time(tmp_path):
    eurosat(tmp_path)

    first, second = (read(tmp_path, "EuroSAT", test_share=0.25) for _ in range(2))

    assert [len(part) for part in (first.train, first.val, first.test)] == [12, 6, 6]
    assert first.test.files == second.test.files
    assert torch.bincount(first.test.labels).tolist() == [2, 2, 2]


def test_the_order_in_which_a_disk_lists_its_files_does_not_matter(tmp_path, monkeypatch):
    species(tmp_path)
    before = read(tmp_path, "INaturalist", variant="2021_train_mini")
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: sorted(listdir(folder), reverse=True))

    after = read(tmp_path, "INaturalist", variant="2021_train_mini")

    assert after.train.files == before.train.files
    assert after.fingerprint == before.fingerprint


def test_frames_of_one_traffic_sign_stay_in_one_part(tmp_path):
    signs(tmp_path)

    data = read(tmp_path, "GTSRB", val_share=0.3)

    tracks = [{file.rpartition("_")[0] for file in part.files} for part in (data.train, data.val)]
    assert tracks[0] & tracks[1] == set()
    assert [len(part) for part in (data.train, data.val)] == [16, 8]


def test_digits_and_signs_are_never_mirrored(tmp_path):
    signs(tmp_path)  # brighter on the left
    mnist(tmp_path)
    part = read(tmp_path, "GTSRB", image_size=16).train
    order = np.arange(len(part))

    shown = part.batch(order, uniform(3, order, draws=part.num_draws)).float()

    assert (shown[..., :8].mean((1, 2, 3)) >= shown[..., 8:].mean((1, 2, 3))).all()
    assert not read(tmp_path, "MNIST").train.flip


def test_photographs_are_mirrored_by_their_last_draw(tmp_path):
    food(tmp_path)
    part = read(tmp_path, "Food101", image_size=16).train
    draws = np.full((1, part.num_draws), 0.5)
    left, right = draws.copy(), draws.copy()
    left[:, -1], right[:, -1] = 0.9, 0.1

    assert torch.equal(part.batch(np.array([0]), left), part.batch(np.array([0]), right).flip(-1))


def test_small_images_are_shown_whole_at_their_own_size(tmp_path):
    mnist(tmp_path)

    data = read(tmp_path, "MNIST")

    import torchvision

    image, label = torchvision.datasets.MNIST(tmp_path, train=False)[5]
    assert data.input_size == (3, 28, 28)
    assert torch.equal(data.test.batch(np.array([5]))[0, 0], torch.from_numpy(np.array(image)))
    assert data.test.labels[5] == label


def test_small_images_too_many_for_the_memory_are_enlarged_when_asked_for_to_the_same_bits(
    tmp_path, monkeypatch
):
    mnist(tmp_path)
    held = read(tmp_path, "MNIST", image_size=40)
    monkeypatch.setattr(torchvision_arrays, "MOST_BYTES", 1000)

    made = read(tmp_path, "MNIST", image_size=40)

    order = np.arange(20)
    draws = uniform(3, order, draws=3)
    assert isinstance(held.train, MemorySplit)
    assert not isinstance(made.train, MemorySplit)
    assert torch.equal(made.train.batch(order), held.train.batch(order))
    assert torch.equal(made.train.batch(order, draws), held.train.batch(order, draws))


def test_small_images_are_normalised_by_their_training_part(tmp_path):
    mnist(tmp_path)

    data = read(tmp_path, "MNIST")
    pixels = data.train.batch(np.arange(len(data.train))).double() / 255

    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())


def test_small_images_are_squeezed_to_another_shape_only_if_that_is_said(tmp_path):
    mnist(tmp_path)

    message = complaint(tmp_path, "MNIST", error=UsageError, image_size=(16, 32))

    assert "28x28" in message
    assert "`fit: squeeze`" in message
    assert read(tmp_path, "MNIST", image_size=(16, 32), fit="squeeze").input_size == (3, 16, 32)


def test_a_class_without_any_image_is_left_out(tmp_path):
    MINIATURES["EMNIST"](tmp_path)

    data = read(tmp_path, "EMNIST", variant="letters")

    assert data.classes == ("a", "b", "c")  # torchvision numbers them from 1, 0 stands for nothing
    assert set(data.train.labels.tolist()) == {0, 1, 2}


def test_photographs_are_told_apart_by_their_category_and_called_by_its_name(tmp_path):
    pets(tmp_path)

    data = read(tmp_path, "OxfordIIITPet")

    assert data.classes == ("Abyssinian", "Great Pyrenees")
    names = {
        file.rpartition("/")[2].rpartition("_")[0]: label
        for file, label in zip(data.test.files, data.test.labels.tolist(), strict=True)
    }
    assert names == {"Abyssinian": 0, "great_pyrenees": 1}


@pytest.mark.parametrize("name", ["MNIST", "GTSRB", "Food101"])
def test_parts_can_be_sent_to_another_process(tmp_path, name):
    MINIATURES[name](tmp_path)
    part = read(tmp_path, name, image_size=16).train

    copy = pickle.loads(pickle.dumps(part))

    assert torch.equal(copy.batch(np.arange(3)), part.batch(np.arange(3)))


def test_archives_beside_the_files_change_no_fingerprint(tmp_path):
    mnist(tmp_path)
    eurosat(tmp_path)
    before = [read(tmp_path, name).fingerprint for name in ("MNIST", "EuroSAT")]
    for place in ("MNIST/raw/train-images-idx3-ubyte.gz", "eurosat/EuroSAT.zip"):
        (tmp_path / place).write_bytes(b"an archive")

    assert [read(tmp_path, name).fingerprint for name in ("MNIST", "EuroSAT")] == before


def test_any_pixel_or_label_of_small_images_changes_the_fingerprint(tmp_path):
    mnist(tmp_path)
    fingerprints = {read(tmp_path, "MNIST").fingerprint}
    images, labels = (
        tmp_path / "MNIST/raw" / f"t10k-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")
    )
    for file in (images, labels):
        content = bytearray(file.read_bytes())
        content[-1] = 1  # a pixel of the last image, which is one of class 2
        file.write_bytes(content)
        fingerprints.add(read(tmp_path, "MNIST").fingerprint)

    assert len(fingerprints) == 3


def test_where_the_folder_lies_is_no_part_of_the_identity(tmp_path):
    fabricate_dtd(tmp_path / "here")
    fabricate_dtd(tmp_path / "there" / "deeper")

    here = read(tmp_path / "here", "DTD")
    there = read(tmp_path, "DTD", root="there/deeper")

    assert here.fingerprint == there.fingerprint


@pytest.mark.parametrize("name", list(KNOWN))
def test_missing_files_are_named_with_their_path_and_leave_nothing_behind(tmp_path, name):
    message = complaint(tmp_path, name)

    place = next(iter(KNOWN[name].variants.values())).places[0]
    assert f"{tmp_path / place}: is missing" in message
    assert ("`download`" in message) == bool(KNOWN[name].fetched)
    assert "`data_root`" in message
    assert list(tmp_path.iterdir()) == []


def test_the_data_sets_own_folder_is_no_root(tmp_path):
    fabricate_dtd(tmp_path)

    assert "`root` names the folder that holds dtd, not dtd itself" in complaint(
        tmp_path, "DTD", root="dtd"
    )


def fewer_classes_to_test(root):
    shutil.rmtree(root / "country211/test/ZW")


def too_few_images(root):
    for number in range(2, 9):
        (root / f"eurosat/2750/River/{number}.jpg").unlink()


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        (
            "MNIST",
            lambda root: os.truncate(root / "MNIST/raw/train-images-idx3-ubyte", 99),
            ["torchvision cannot read"],
        ),
        (
            "MNIST",
            lambda root: (root / "MNIST/raw/t10k-labels-idx1-ubyte").unlink(),
            ["t10k-labels-idx1-ubyte: is"],
        ),
        (
            "Food101",
            lambda root: (root / "food-101/meta/test.json").write_text("{"),
            ["JSONDecodeError"],
        ),
        (
            "Food101",
            lambda root: (root / "food-101/images/sushi/test0.jpg").unlink(),
            ["test0.jpg: is missing", "1 of 4"],
        ),
        (
            "Food101",
            lambda root: (root / "food-101/images/sushi/test0.jpg").write_bytes(b""),
            ["test0.jpg", "empty"],
        ),
        (
            "OxfordIIITPet",
            lambda root: (root / "oxford-iiit-pet/annotations/test.txt").write_text("x"),
            ["cannot read"],
        ),
        (
            "GTSRB",
            lambda root: (root / "gtsrb/GT-final_test.csv").write_text("a;b\n1;2\n"),
            ["KeyError"],
        ),
        (
            "Country211",
            fewer_classes_to_test,
            ["the test part has 1 classes, the train part 2", "class 'ZW'"],
        ),
        ("EuroSAT", too_few_images, ["class 'River' has 1 images"]),
    ],
    ids=[
        "damaged",
        "gone",
        "list",
        "image-gone",
        "empty",
        "short-list",
        "odd-list",
        "classes",
        "few",
    ],
)
def test_damage_is_named(tmp_path, name, spoil, words):
    MINIATURES[name](tmp_path)
    spoil(tmp_path)

    message = complaint(tmp_path, name)

    assert str(tmp_path) in message
    assert [word for word in words if word not in message] == []


def test_test_images_that_are_training_images_are_refused(tmp_path):
    mnist(tmp_path)
    for kind in ("images-idx3", "labels-idx1"):
        shutil.copy(
            tmp_path / f"MNIST/raw/train-{kind}-ubyte", tmp_path / f"MNIST/raw/t10k-{kind}-ubyte"
        )

    assert "test images are also training images" in complaint(tmp_path, "MNIST")


def test_a_part_that_lacks_a_class_is_refused(tmp_path):
    mnist(tmp_path)
    write_idx(tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte", np.zeros(12))

    message = complaint(tmp_path, "MNIST")

    assert (
        "2 of 3 classes have no image in the test part\nclass '1 - one'\nclass '2 - two'" in message
    )


def fake_class(monkeypatch, name: str, fetch) -> list[bool]:
    """Puts another class in the place of torchvision's, which fetches by a function; returns what it is asked for."""
    import torchvision

    real, asked = getattr(torchvision.datasets, name), []

    def make(root, *, download, **options):
        asked.append(download)
        if download:
            fetch(root)
        return real(root, **options)

    monkeypatch.setattr(torchvision.datasets, name, make)
    return asked


def test_missing_files_are_fetched_by_torchvision_if_that_is_allowed(tmp_path, monkeypatch):
    asked = fake_class(monkeypatch, "MNIST", lambda _: mnist(tmp_path / "sets"))

    with reading_data(tmp_path, download=True):
        first, second = (
            DATASETS["torchvision"].make(**SHARES, set="MNIST", root="sets") for _ in range(2)
        )

    assert asked == [True, False, False, False]  # all files are there after the first part
    assert first.fingerprint == second.fingerprint


def test_damaged_files_are_fetched_again_if_that_is_allowed(tmp_path, monkeypatch):
    mnist(tmp_path)
    os.truncate(tmp_path / "MNIST/raw/train-images-idx3-ubyte", 99)
    asked = fake_class(monkeypatch, "MNIST", lambda _: mnist(tmp_path))

    with reading_data(tmp_path, download=True):
        data = DATASETS["torchvision"].make(**SHARES, set="MNIST")

    assert asked == [False, True, False]
    assert len(data.test) == 12


def test_a_download_that_fails_says_why(tmp_path, monkeypatch):
    def no_network(_):
        raise OSError("name or service not known")

    fake_class(monkeypatch, "MNIST", no_network)

    with reading_data(tmp_path, download=True):
        message = complaint(tmp_path, "MNIST")

    assert "MNIST could not be fetched (OSError: name or service not known)" in message
    assert str(tmp_path) in message


def test_a_torchvision_without_the_data_set_says_so(tmp_path, monkeypatch):
    import torchvision

    MINIATURES["Imagenette"](tmp_path)
    monkeypatch.delattr(torchvision.datasets, "Imagenette")

    message = complaint(tmp_path, "Imagenette", error=MachineError, variant="160px")

    assert f"torchvision {torchvision.__version__} has no data set 'Imagenette'" in message


def old_dtd(root, split, partition, *, download):
    """Takes no function that loads a file."""


def test_a_torchvision_that_does_not_list_files_says_so(tmp_path, monkeypatch):
    fabricate_dtd(tmp_path)
    monkeypatch.setattr("torchvision.datasets.DTD", old_dtd)

    assert "install 0.23 or a newer one" in complaint(tmp_path, "DTD", error=MachineError)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {"set": "Flowers"},
            "unknown data set of torchvision 'Flowers'. Did you mean 'Flowers102'?",
        ),
        ({"set": "flowers102"}, "Did you mean 'Flowers102'?"),
        ({"set": "cifar10"}, "Did you mean 'CIFAR10'?"),
        ({"set": "CIFAR10"}, "write `name: cifar10`"),
        ({"set": "CocoDetection"}, "write `name: coco`"),
        ({"set": "Kinetics"}, "gives videos"),
        ({"set": "PCAM"}, "h5py"),
        (
            {"set": "DTD", "variant": 11},
            "'DTD' has no variant '11'; it has 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
        ),
        ({"set": "EMNIST", "variant": "letter"}, "'EMNIST' has no variant 'letter'"),
        ({"set": "MNIST", "variant": "letters"}, "torchvision's 'MNIST' has no variants"),
    ],
)
def test_what_a_study_may_say_is_checked_without_the_data(params, words):
    found = problems(**params)

    assert len(found) == 1
    assert words in found[0]


def test_a_link_to_an_image_is_followed(tmp_path):
    food(tmp_path)
    place = tmp_path / "food-101/images/sushi/test0.jpg"
    place.unlink()
    place.symlink_to(photograph(tmp_path / "elsewhere/sushi.jpg", number=77))

    assert len(read(tmp_path, "Food101").test) == 4


def test_what_is_recommended_instead_of_a_set_is_registered():
    named = {name for words in OTHERS.values() for name in re.findall(r"`name: (\w+)`", words)}

    assert named
    assert named <= set(DATASETS.names())
