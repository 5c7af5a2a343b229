"""Regions from three sources: a data set, a folder of masks, models."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_shapes import MEMORY, shapes_trial
from PIL import Image

from dasbench.datasets.choice import load_dataset
from dasbench.datasets.folders.files import FileSplit
from dasbench.datasets.memory import MemorySplit
from dasbench.datasets.pictures.framing import Framing
from dasbench.errors import DataError, UsageError
from dasbench.saliency.grounded_sam import grounded_sam
from dasbench.saliency.matching import match_masks
from dasbench.saliency.regions import own_regions, read_masks


def test_a_data_set_gives_its_own_regions():
    split = load_dataset(shapes_trial().dataset).test

    find = own_regions(split)
    assert find is not None
    masks = find(np.array([7, 3]))

    assert torch.equal(masks, split.regions(np.array([7, 3])).masks)


def test_a_data_set_without_regions_says_so():
    assert (
        own_regions(
            MemorySplit(
                torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
            )
        )
        is None
    )


def test_an_empty_region_names_its_image():
    split = SimpleNamespace(
        regions=lambda indices: SimpleNamespace(masks=torch.zeros(len(indices), 4, 4).bool())
    )

    find = own_regions(split)
    assert find is not None
    with pytest.raises(DataError, match="image 9: its region is empty, as are 2 of 2"):
        find(np.array([9, 4]))


def save_mask(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels, np.uint8))
    (image.convert(mode) if mode else image).save(path)


SQUARE = np.pad(np.ones((2, 2)), 1)


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize("mode", [None, "RGB", "RGBA", "LA", "1"])
def test_masks_of_any_kind_of_png_are_read(tmp_path, value, mode):
    save_mask(tmp_path / "3.png", SQUARE * (255 if mode == "1" else value), mode)

    masks = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))(np.array([3]))

    assert torch.equal(masks[0], torch.from_numpy(SQUARE > 0))


def test_masks_are_found_by_number_however_it_is_padded(tmp_path):
    save_mask(tmp_path / "00012.png", SQUARE)
    save_mask(tmp_path / "3.png", np.ones((4, 4)))

    masks = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))(np.array([12, 3]))

    assert masks.sum((1, 2)).tolist() == [4, 16]


def test_masks_are_found_by_path_before_name_before_number(tmp_path):
    files = ("cat/1.jpg", "dog/1.jpg", "dog/b.jpeg", "dog/c.jpg")
    split = FileSplit(tmp_path, files, torch.zeros(4, dtype=torch.int64), Framing.of(4))
    for number, name in enumerate(["cat/1", "dog/1", "b", "3"], start=1):
        save_mask(tmp_path / f"masks/{name}.png", np.arange(16).reshape(4, 4) < number)

    masks = read_masks(match_masks(tmp_path / "masks", split), size=(4, 4))(np.arange(4))

    assert masks.sum((1, 2)).tolist() == [1, 2, 3, 4]


def test_a_missing_mask_says_what_it_would_be_called(tmp_path):
    save_mask(tmp_path / "masks/0.png", SQUARE)
    split = FileSplit(
        tmp_path, ("cat/a.jpg", "cat/b.jpg"), torch.zeros(2, dtype=torch.int64), Framing.of(4)
    )

    with pytest.raises(
        DataError, match=r"no mask for image 1; it would be cat/b.png or b.png or 1.png"
    ):
        read_masks(match_masks(tmp_path / "masks", split), size=(4, 4))(np.array([1]))


PETS = ("test/cat/000.jpg", "test/cat/001.jpg", "test/dog/000.jpg", "test/dog/001.jpg")


def matched(tmp_path, images, masks):
    """Which mask each image gets, of empty files with these names."""
    for name in masks:
        (tmp_path / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "masks" / name).touch()
    return match_masks(
        tmp_path / "masks", FileSplit(tmp_path, images, torch.zeros(len(images)), Framing.of(4))
    )


@pytest.mark.parametrize(
    "masks",
    [
        ("cat/000.png", "cat/001.png", "dog/000.png", "dog/001.png"),
        (
            "test/cat/000.png",
            "test/cat/001.PNG",
            "test/dog/000.png",
            "test/dog/001.png",
            "train/cat/000.png",
        ),
        (
            "Testing/cat/000.png",
            "Testing/cat/001.png",
            "Testing/dog/000.png",
            "Testing/dog/001.png",
            "val/cat/000.png",
        ),
        ("all/cat/000.png", "all/cat/001.png", "all/dog/000.png", "all/dog/001.png", "000.png"),
    ],
)
def test_the_longest_common_end_of_the_path_decides(tmp_path, masks):
    found = matched(tmp_path, PETS, masks).files(np.arange(4))

    assert [path.relative_to(tmp_path / "masks").as_posix() for path in found] == list(masks[:4])


@pytest.mark.parametrize(
    ("images", "masks", "complaint"),
    [
        (
            PETS,
            ("000.png", "001.png"),
            "'000.png' may be the mask of test/cat/000.jpg, test/dog/000.jpg",
        ),
        (PETS, ("a/cat/000.png", "b/cat/000.png"), "candidates: a/cat/000.png, b/cat/000.png"),
        (
            PETS,
            ("dog/000.png", "dog/001.png"),
            "has no mask for image 0; it would be test/cat/000.png or 000.png",
        ),
        (PETS, ("train/cat/000.png", "val/cat/000.png"), "has no mask for image 0"),
        (
            PETS,
            ("0.png", "1.png", "2.png", "3.png"),
            "image 2; it would be test/dog/000.png or 000.png",
        ),
        (
            ("cat/a.jpg", "cat/a.png"),
            ("cat/a.png",),
            "'cat/a.png' may be the mask of cat/a.jpg, cat/a.png",
        ),
        (
            ("cat/a.jpg", "cat/b.jpg"),
            ("0.png", "00.png", "1.png"),
            "mask of cat/a.jpg; candidates: 0.png, 00.png",
        ),
    ],
)
def test_a_mask_that_may_be_another_images_is_refused_with_the_candidates(
    tmp_path, images, masks, complaint
):
    matches = matched(tmp_path, images, masks)

    with pytest.raises(DataError, match=complaint):
        matches.files(np.arange(len(images)))


def test_it_is_said_how_masks_were_found_and_which_images_have_none(tmp_path):
    images = (*PETS, "test/dog/x.jpg", "test/dog/y.jpg")

    matches = matched(
        tmp_path, images, ("cat/000.png", "cat/001.png", "seen/x.png", "5.png", "odd.png")
    )

    assert matches.described().partition("masks: ")[2] == (
        "4 of 6 images have a mask: 2 by the last 2 names of the path (test/cat/000.jpg: cat/000.png); "
        "1 by name (test/dog/x.jpg: seen/x.png); 1 by number (test/dog/y.jpg: 5.png); "
        "2 without (test/dog/000.jpg, test/dog/001.jpg); files of no image: 1"
    )
    with pytest.raises(DataError, match=r"\(2 of 6 images are like this, also test/dog/001\.jpg\)"):
        matches.files(np.arange(6))


def test_numbers_beyond_those_of_the_part_are_another_parts(tmp_path):
    for number in range(1, 21):
        save_mask(tmp_path / f"{number}.png", SQUARE)

    with pytest.raises(
        DataError,
        match=r"20\.png: is no image's mask: the part has 20 images, with the numbers from 0",
    ):
        match_masks(tmp_path, MEMORY)


def test_an_image_is_not_its_own_mask(tmp_path):
    (tmp_path / "masks/cat").mkdir(parents=True)
    (tmp_path / "masks/cat/a.png").touch()

    with pytest.raises(DataError, match="is an image of the data set, not a mask"):
        match_masks(
            tmp_path / "masks",
            FileSplit(tmp_path / "masks", ("cat/a.png",), torch.zeros(1), Framing.of(4)),
        )


def test_masks_that_are_empty_damaged_or_of_another_size_are_named(tmp_path):
    save_mask(tmp_path / "0.png", np.zeros((4, 4)))
    save_mask(tmp_path / "1.png", np.ones((8, 6)))
    (tmp_path / "2.png").write_bytes(b"no image")
    find = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))

    for index, message in enumerate(
        ["0.png: image 0: its region is empty", "is 6x8, but", "cannot be decoded"]
    ):
        with pytest.raises(DataError, match=message):
            find(np.array([index]))


def test_a_folder_without_masks_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no \.png"):
        read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))
    with pytest.raises(DataError, match="is no folder"):
        read_masks(match_masks(tmp_path / "missing", MEMORY), size=(4, 4))


def test_finding_regions_with_models_needs_their_extra(monkeypatch):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: None)

    with pytest.raises(UsageError, match=r"pip install 'dasbench\[grounded-sam\]'"):
        grounded_sam(MEMORY, ("cat",), weights=None)


def test_finding_regions_with_models_needs_their_weights(monkeypatch, tmp_path):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: object())

    with pytest.raises(UsageError, match="`region_weights`"):
        grounded_sam(MEMORY, ("cat",), weights=None)
    with pytest.raises(DataError, match="grounding_dino: holds no model"):
        grounded_sam(MEMORY, ("cat",), weights=tmp_path)


def test_a_class_that_is_but_a_number_needs_a_name(monkeypatch, tmp_path):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: object())
    for model in ("grounding_dino", "sam"):
        (tmp_path / model).mkdir()
        (tmp_path / model / "config.json").write_text(json.dumps({}))

    with pytest.raises(UsageError, match="class 'n01440764' has no name"):
        grounded_sam(MEMORY, ("n02085620-Chihuahua", "n01440764"), weights=tmp_path)
