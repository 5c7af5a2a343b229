"""Images of equal content: all pairs over parts are named, or each picture counts once."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fabricated_data import fabricate_folder
from image_folders import complaint, read

from dasbench.data_access import cache_folder
from dasbench.datasets.dataset import LeftOut
from dasbench.datasets.folders.copies import count_once, refuse_copies
from dasbench.datasets.folders.labelled import ImageFiles
from dasbench.datasets.looking.contents import digests_of
from dasbench.datasets.looking.first_look import FileList


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def parted(tmp_path):
    for number, part in enumerate(("train", "val", "test")):
        fabricate_folder(tmp_path / "parted" / part, images=4, start=100 * number)
    return tmp_path / "parted"


def files(data) -> list[str]:
    return [*data.train.files, *data.val.files, *data.test.files]


def test_all_pairs_are_named(parted):
    for number in range(3):
        shutil.copy(
            parted / f"train/class 0/{number}.jpg", parted / f"test/class 0/again {number}.jpg"
        )

    lines = complaint(parted).splitlines()

    assert len(lines) == 4
    for number, line in enumerate(lines[:3]):
        assert (
            f"test/class 0/again {number}.jpg: in the test part, is a copy of {parted}/train/class 0"
            in line
        )
    assert lines[3].startswith("3 such files; remove one of each pair, or say `copies: once`")


def test_many_pairs_are_listed_in_a_file(tmp_path):
    fabricate_folder(tmp_path / "parted/train", images=15)
    shutil.copytree(tmp_path / "parted/train", tmp_path / "parted/test")

    message = complaint(tmp_path / "parted")
    listed = Path(message.partition("all 45 are listed in ")[2].partition("\n")[0])

    assert message.count("is a copy of") == 10
    assert listed.read_text().count("is a copy of") == 45
    assert listed.is_relative_to(cache_folder())


def test_a_link_to_an_image_of_another_part_is_a_copy(parted):
    (parted / "test/class 0/link.jpg").symlink_to(parted / "train/class 0/0.jpg")

    assert "link.jpg: in the test part, is a copy of" in complaint(parted)


def test_copies_within_a_part_are_no_harm(parted):
    shutil.copy(parted / "train/class 0/0.jpg", parted / "train/class 0/again.jpg")

    data = read(parted)

    assert (len(data.train), data.left_out) == (13, {})


def test_each_picture_counts_once_where_it_is_looked_at_last(parted):
    shutil.copy(parted / "train/class 0/0.jpg", parted / "test/class 0/of train.jpg")
    shutil.copy(parted / "train/class 1/1.jpg", parted / "val/class 1/of train.jpg")
    shutil.copy(parted / "val/class 2/2.jpg", parted / "test/class 2/of val.jpg")
    shutil.copy(parted / "test/class 2/3.jpg", parted / "test/class 2/again.jpg")

    data = read(parted, copies="once")

    assert [len(data.train), len(data.val), len(data.test)] == [10, 12, 14]
    assert "test/class 0/of train.jpg" in data.test.files
    assert {"train/class 0/0.jpg", "train/class 1/1.jpg", "val/class 2/2.jpg"}.isdisjoint(
        files(data)
    )
    assert data.left_out == {"copies of other images": LeftOut(4, "test/class 2/again.jpg")}


def test_copies_are_dropped_before_parts_are_cut(tmp_path):
    folder = fabricate_folder(tmp_path / "photos", images=20)
    before = read(folder)
    for path in sorted(folder.rglob("*.jpg"))[::2]:
        shutil.copy(path, path.with_name(f"{path.stem} (1).jpg"))

    after = read(folder, copies="once")

    assert "is a copy of" in complaint(folder)
    assert len(files(after)) == len(files(before)) == 60
    assert after.left_out["copies of other images"].number == 30


@pytest.mark.parametrize("copies", ["refuse", "once"])
def test_copies_under_two_labels_are_refused_in_any_case(parted, copies):
    shutil.copy(parted / "train/class 0/0.jpg", parted / "train/class 1/wrong.jpg")
    shutil.copy(parted / "val/class 2/0.jpg", parted / "test/class 0/wrong.jpg")

    message = complaint(parted, copies=copies)

    assert (
        f"train/class 1/wrong.jpg: of class 'class 1', is a copy of {parted}/train/class 0/0.jpg"
        in message
    )
    assert "val/class 2/0.jpg of class 'class 2'" in message
    assert "2 such files under two labels" in message


def test_a_class_that_is_left_without_images_is_refused(parted):
    shutil.rmtree(parted / "train/class 0")
    shutil.copytree(parted / "test/class 0", parted / "train/class 0")

    message = complaint(parted, copies="once")

    assert "1 of 3 classes have no image in the train part" in message
    assert "'class 0'" in message


def test_files_that_are_not_looked_into_are_no_copies(parted):
    paths = {
        part: [f"{part}/class 0/{number}.jpg" for number in range(4)] for part in ("train", "test")
    }
    parts = {
        part: ImageFiles(parted, tuple(files), np.zeros(4, np.int64), np.ones(4, np.int64))
        for part, files in paths.items()
    }
    digests = dict.fromkeys([*paths["train"], *paths["test"]], b"")

    refuse_copies(parts, digests)

    assert count_once(parts, digests).left_out == {}


def test_digests_are_equal_if_and_only_if_contents_are(tmp_path):
    contents = [b"one", b"two", b"one", b"three", b"", b""]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)

    digests = digests_of(FileList(tmp_path, [str(number) for number in range(len(contents))]))

    equal = np.array([[one == other for one in digests] for other in digests])
    assert equal.tolist() == [[one == other for one in contents] for other in contents]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DASBENCH_CACHE": "/somewhere"}, "/somewhere"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/dasbench"),
        ({"HOME": "/nowhere/me"}, "/nowhere/me/.cache/dasbench"),
    ],
)
def test_the_cache_lies_where_the_environment_says(monkeypatch, variables, expected):
    for name in ("DASBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert os.fspath(cache_folder()) == expected
