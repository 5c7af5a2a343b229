"""A user's own folder of images becomes a data set, or says what is wrong with it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from fabricated_data import fabricate_folder, photograph
from PIL import Image

from dasbench.catalog import known_names
from dasbench.checks import check_components
from dasbench.data_access import reading_data
from dasbench.datasets.image_folder import image_folder
from dasbench.errors import DataError
from dasbench.resolution import resolve
from dasbench.spec.load import load_study
from dasbench.spec.trial import Trial


def read(folder: Path, **params):
    with reading_data(folder.parent):
        return image_folder(root=folder.name, image_size=32, **params)


@pytest.fixture
def photos(tmp_path):
    return fabricate_folder(tmp_path / "photos")


@pytest.fixture
def parted(tmp_path):
    for number, part in enumerate(("train", "val", "test")):
        fabricate_folder(tmp_path / "parted" / part, images=4, start=100 * number)
    return tmp_path / "parted"


def test_a_flat_folder_is_cut_into_three_stratified_parts(photos):
    data = read(photos)

    assert data.classes == ("class 0", "class 1", "class 2")
    counts = [np.bincount(part.labels).tolist() for part in (data.train, data.val, data.test)]
    assert counts == [[6] * 3, [1] * 3, [1] * 3]
    assert data.test.batch(np.array([0, 2])).shape == (2, 3, 32, 32)


def test_folders_named_train_val_and_test_are_the_parts(parted):
    data = read(parted)

    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 12, 12]
    assert data.val.files[0] == "val/class 0/0.jpg"


def test_a_part_without_a_folder_is_cut_from_the_training_images(parted):
    shutil.rmtree(parted / "val")

    data = read(parted, val_share=0.25)

    assert [len(part) for part in (data.train, data.val, data.test)] == [9, 3, 12]


def test_the_study_of_the_documentation_finds_ones_own_photographs(tmp_path):
    page = Path(__file__).parents[3] / "docs" / "data.md"
    (tmp_path / "flowers.yaml").write_text(
        page.read_text().partition("```yaml\n")[2].partition("```")[0]
    )
    fabricate_folder(tmp_path / "flowers")

    study = load_study(tmp_path / "flowers.yaml", known=known_names())
    check_components(study)
    with reading_data(tmp_path):
        trials = {
            resolve(study.base.with_values({**variant, "seed": 0})).key
            for variant in study.variants()
        }

    assert len(trials) == 4


def test_a_root_may_be_absolute(photos):
    assert len(image_folder(root=str(photos)).train) == 18


def test_the_fingerprint_does_not_depend_on_where_the_folder_lies(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "elsewhere" / "photos")

    assert read(photos).fingerprint == read(tmp_path / "elsewhere" / "photos").fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "class 0/0.jpg").rename(folder / "class 0/9.jpg"),
        lambda folder: (folder / "class 0/0.jpg").rename(folder / "class 1/9.jpg"),
        lambda folder: (folder / "class 0/0.jpg").open("ab").write(b"more"),
        lambda folder: (folder / "class 0/0.jpg").unlink(),
    ],
    ids=["renamed", "moved", "longer", "removed"],
)
def test_the_fingerprint_changes_with_names_classes_and_sizes_of_files(photos, change):
    before = read(photos).fingerprint

    change(photos)

    assert read(photos).fingerprint != before


def test_the_data_root_is_no_part_of_a_trials_key(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "elsewhere" / "photos")
    trial = Trial(backbone="resnet18", dataset={"name": "image_folder", "root": "photos"})
    keys = set()
    for root in (tmp_path, tmp_path / "elsewhere"):
        with reading_data(root):
            keys.add(resolve(trial).key)

    assert len(keys) == 1


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_images_of_any_mode_are_read_as_colours(photos, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    pixels = Image.effect_noise((40, 40), 50)
    image = (
        Image.fromarray(np.asarray(pixels).astype(np.uint16))
        if mode == "I;16"
        else pixels.convert("RGB").convert(mode)
    )
    for name in ("class 0", "class 1", "class 2"):
        image.save(photos / name / f"odd.{suffix}")
        image = image.rotate(90)

    data = read(photos)
    odd = [number for number, file in enumerate(data.train.files) if "odd" in file]

    assert data.train.batch(np.array(odd)).shape[1:] == (3, 32, 32)


def test_nested_folders_hidden_files_and_other_files_do_no_harm(photos):
    photograph(photos / "class 0" / "deeper" / "ü.JPG", number=77)
    (photos / "class 0" / "notes.txt").write_text("none of your business")
    (photos / "class 0" / "._0.jpg").write_bytes(b"a Mac was here")
    (photos / ".hidden").mkdir()

    data = read(photos)

    assert len(data.train) + len(data.val) + len(data.test) == 25


def empty_class(folder):
    (folder / "class 3").mkdir()


def empty_file(folder):
    (folder / "class 1/3.jpg").write_bytes(b"")


def one_class(folder):
    for name in ("class 1", "class 2"):
        shutil.rmtree(folder / name)


def no_class(folder):
    for path in folder.iterdir():
        shutil.rmtree(path)


def too_few(folder):
    for number in range(2, 8):
        (folder / f"class 2/{number}.jpg").unlink()


def copies(folder):
    for number in range(8):
        shutil.copy(folder / f"class 0/{number}.jpg", folder / f"class 0/copy {number}.jpg")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, ["photos: is missing", "`data_root`"]),
        (no_class, ["photos: holds no class folder"]),
        (one_class, ["one class folder, 'class 0'"]),
        (empty_class, ["class 3: holds no image", ".jpg"]),
        (empty_file, ["class 1/3.jpg", "0 bytes", "1 of"]),
        (too_few, ["class 'class 2' has 2 images"]),
        (copies, ["is a copy of", "such files"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_is_named_with_its_place_and_its_counts(photos, spoil, words):
    spoil(photos)

    with pytest.raises(DataError) as error:
        read(photos)

    assert [word for word in words if word not in str(error.value)] == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "photos").write_text("")

    with pytest.raises(DataError, match="is no folder"):
        read(tmp_path / "photos")


def test_parts_with_other_classes_are_refused(parted):
    (parted / "test/class 2").rename(parted / "test/class 7")

    with pytest.raises(DataError, match="the parts differ in 2 classes") as error:
        read(parted)

    assert "class 'class 2' is in train and val, but not in test" in str(error.value)
    assert "class 'class 7' is in test, but not in train and val" in str(error.value)


def test_a_folder_that_is_neither_part_nor_class_is_refused(parted):
    photograph(parted / "extra/0.jpg", number=7)

    with pytest.raises(
        DataError, match=r"beside parts, 'extra' \(with 1 images\) is neither part nor class"
    ):
        read(parted)


def test_a_class_may_be_called_train(photos):
    (photos / "class 0").rename(photos / "train")

    assert read(photos).classes == ("class 1", "class 2", "train")


def test_an_image_in_two_parts_is_refused_under_any_name(parted):
    shutil.copy(parted / "train/class 0/0.jpg", parted / "test/class 0/another.jpg")

    with pytest.raises(
        DataError, match=r"another.jpg: in the test part, is a copy of .*train/class 0/0.jpg"
    ):
        read(parted)
