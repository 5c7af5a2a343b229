"""What there is to say of a data set before it is trained on, as values and as lines of text."""

import shutil
from pathlib import Path

import pytest
from fabricated_data import PARAMS, fabricate, fabricate_folder, fabricate_imagenet, photograph

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.datasets.image_folder import image_folder
from dasbench.datasets.looking.survey import survey
from dasbench.errors import DataError
from dasbench.render.data import data_lines


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """All miniatures, which no test changes."""
    return fabricate(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_data_set_says_what_it_is(root, name):
    with reading_data(root, look="pixels"):
        data = DATASETS[name].make(**PARAMS.get(name, {}))
        found = survey(data)

    lines = data_lines(found, name=name)
    assert [part.number for part in found.parts.values()] == [
        len(data.train),
        len(data.val),
        len(data.test),
    ]
    assert found.never_decoded == 0
    assert [line.split()[0] for line in lines[:4]] == ["data", "train", "val", "test"]
    assert all(len(line) <= 100 for line in lines)


def test_sizes_are_as_shown_and_the_sharpest_downscale_is_named(tmp_path):
    folder = fabricate_folder(tmp_path / "photos")
    photograph(folder / "class 1/large.jpg", number=77, size=(900, 300))

    found = survey(image_folder(root=str(folder), image_size=32, fit="squeeze"))

    assert found.sizes is not None
    assert (found.sizes.smallest, found.sizes.largest, found.sizes.number) == (
        (40, 64),
        (900, 300),
        25,
    )
    assert found.sharpest == (900 / 32, "class 1/large.jpg")
    assert found.seen_share == 1


@pytest.mark.parametrize(("fit", "said"), [("crop", True), ("squeeze", False), ("pad", False)])
def test_it_is_said_where_evaluation_sees_little_of_the_images(tmp_path, fit, said):
    for label in range(2):
        for number in range(8):
            photograph(
                tmp_path / f"strips/{label}/{number}.jpg",
                number=10 * label + number,
                size=(400, 40),
            )

    lines = data_lines(
        survey(image_folder(root=str(tmp_path / "strips"), image_size=32, fit=fit)), name="strips"
    )

    assert any("evaluation sees 8 % of the images' area" in line for line in lines) == said


def test_uneven_classes_are_pointed_at(tmp_path):
    folder = fabricate_folder(tmp_path / "photos", classes=1, images=60)
    fabricate_folder(tmp_path / "more", classes=2, images=6, start=5000)
    shutil.copytree(tmp_path / "more/class 1", folder / "class 1")

    lines = data_lines(survey(image_folder(root=str(folder), image_size=32)), name="photos")

    assert "  classes: class 0 60, class 1 6" in lines
    assert any(line.startswith("  uneven classes") for line in lines)


def test_trusted_files_are_not_read_but_a_few_headers(tmp_path):
    folder = fabricate_folder(tmp_path / "photos")
    with reading_data(look="names"):
        lines = data_lines(survey(image_folder(root=str(folder), image_size=32)), name="photos")

    assert "  trusted: 24 files, none of them read; names and sizes stand for content" in lines


def test_copies_over_parts_that_are_not_refused_are_told(tmp_path):
    folder = fabricate_imagenet(tmp_path)
    wnid = next(iter(sorted((folder / "val").iterdir())))
    copied = next(iter(sorted(wnid.iterdir())))
    shutil.copy(folder / "train" / wnid.name / f"{wnid.name}_1.JPEG", copied)

    with reading_data(tmp_path):
        found = survey(DATASETS["imagenet"].make(**PARAMS["imagenet"]))

    assert found.copies == (1, f"val/{wnid.name}/{copied.name}")
    assert "  copies: 1 file of one part in another too" in "\n".join(
        data_lines(found, name="imagenet")
    )


def test_a_damaged_file_is_named(tmp_path):
    folder = fabricate_folder(tmp_path / "photos")
    data = image_folder(root=str(folder), image_size=32)
    (folder / "class 2/3.jpg").write_bytes(b"no picture")

    with pytest.raises(DataError, match=r"class 2/3.jpg: "):
        survey(data)
