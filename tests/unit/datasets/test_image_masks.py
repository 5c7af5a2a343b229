"""Folders of images with masks, as people have them: layouts, kinds of masks, names, sizes, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from fabricated_data import fabricate_masks
from PIL import Image

from dasbench.datasets.annotations import IGNORED
from dasbench.datasets.image_masks import image_masks
from dasbench.datasets.pictures.orientation import turned
from dasbench.errors import DataError
from dasbench.testing import check_dataset

RED, GREEN = (200, 0, 0), (0, 200, 0)


def picture(path, *, seed, size=(24, 16), exif=None):
    """A photograph of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **({"exif": exif} if exif else {}))


def numbers(*, size=(24, 16), first=1, second=2, rest=0):
    """A mask whose left third is one value and right third another."""
    values = np.full((size[1], size[0]), rest, np.uint8)
    values[:, : size[0] // 3], values[:, -(size[0] // 3) :] = first, second
    return values


def write_mask(path, values, mode="L", palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image = Image.fromarray(values, "P")
        image.putpalette(palette)
    image.convert(mode).save(path) if mode not in ("L", "P") else image.save(path)


def write_pairs(
    root, *, images="images", masks="masks", count=12, start=0, mask_name="{:03d}.png", write=None
):
    """Images of their own with a mask each."""
    for number in range(start, start + count):
        picture(root / images / f"{number:03d}.png", seed=number)
        (write or write_mask)(root / masks / mask_name.format(number), numbers())


def painted(values):
    """Numbers as colours: 1 red, 2 green."""
    return np.array([(0, 0, 0), RED, GREEN], np.uint8)[values]


def whole(root, **params):
    return image_masks(root=str(root), image_size=16, fit="squeeze", **params)


def all_files(data):
    return [file for part in (data.train, data.val, data.test) for file in part.files]


# layouts


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images", "masks"),
        ("Images", "Labels"),
        ("imgs", "annotations"),
        ("JPEGImages", "SegmentationClass"),
        ("img", "mask"),
        ("img_dir", "ann_dir"),
        ("image", "Ground_Truth"),
    ],
)
def test_a_folder_of_images_is_found_with_that_of_its_masks(tmp_path, images, masks):
    write_pairs(tmp_path, images=images, masks=masks)

    data = whole(tmp_path)

    assert (len(data.train), len(data.val), len(data.test)) == (8, 2, 2)
    assert data.classes == ("1", "2")
    assert sorted(all_files(data)) == [f"{images}/{number:03d}.png" for number in range(12)]
    assert data.origins["val"] == f"cut by lot from {images}/"


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{}", "masks/{}"),
        ("{}/images", "{}/masks"),
        ("{}", "{}_masks"),
        ("{}", "{}annot"),
        ("images/{}", "masks"),
    ],
    ids=["below", "above", "beside", "annot", "flat masks"],
)
@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Training", "valid", "TEST")])
def test_parts_are_found_below_above_and_beside(tmp_path, images, masks, parts):
    for start, part in zip((0, 10, 20), parts, strict=True):
        write_pairs(
            tmp_path, images=images.format(part), masks=masks.format(part), count=4, start=start
        )

    data = whole(tmp_path)

    starts = [
        sorted({int(file[-7:-4]) // 10 for file in part.files})
        for part in (data.train, data.val, data.test)
    ]
    assert starts == [[0], [1], [2]]
    assert [len(part) for part in (data.train, data.val, data.test)] == [4, 4, 4]


def test_a_part_that_is_missing_is_cut_from_the_training_images(tmp_path):
    write_pairs(tmp_path, images="images/train", masks="masks/train", count=20)
    write_pairs(tmp_path, images="images/test", masks="masks/test", count=4, start=50)

    data = whole(tmp_path)

    assert [len(part) for part in (data.train, data.val, data.test)] == [17, 3, 4]
    assert data.origins == {
        "train": "images/train/",
        "test": "images/test/",
        "val": "cut by lot from images/train/",
    }


@pytest.mark.parametrize("inside", ["", "VOCdevkit/VOC2012"])
def test_the_lists_of_pascal_voc_say_the_parts(tmp_path, inside):
    root = tmp_path / inside
    write_pairs(root, images="JPEGImages", masks="SegmentationClass", count=8)
    write_pairs(root, images="JPEGImages", masks="SegmentationObject", count=8)
    picture(root / "JPEGImages" / "100.png", seed=100)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    listed = {"train": range(4), "val": range(4, 6), "test": [200, 201], "trainval": range(6)}
    for part, names in listed.items():
        (lists / f"{part}.txt").write_text("".join(f"{number:03d}\n" for number in names))

    data = whole(tmp_path, test_share=0.25)

    assert len(data.val) == 2
    assert (len(data.train), len(data.test)) == (3, 1)
    assert data.left_out["listed for test, without masks"].number == 2
    assert data.left_out["in no list of a part"].number == 3
    assert data.left_out["in no folder of images or masks"].number == 8
    assert ".txt" not in data.left_out


def test_what_labelme_writes_is_read(tmp_path):
    palette = [*(0, 0, 0), *(128, 0, 0), *(0, 128, 0)]
    write_pairs(
        tmp_path,
        images="JPEGImages",
        masks="SegmentationClassPNG",
        write=lambda path, values: write_mask(path, values, "P", palette),
    )
    (tmp_path / "SegmentationClass").mkdir()
    np.save(tmp_path / "SegmentationClass" / "000.npy", numbers())
    (tmp_path / "class_names.txt").write_text("_background_\nleaf\nstem\n")

    assert whole(tmp_path).classes == ("leaf", "stem")


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{}.jpg", "{}_mask.png"),
        ("{}.jpg", "{}.jpg.png"),
        ("{}.jpg", "{}-label.png"),
        ("image_{}.png", "mask_{}.png"),
        ("{}_sat.jpg", "{}_mask.png"),
        ("{}.jpg", "{}_L.png"),
        ("{}_leftImg8bit.png", "{}_gtFine_labelIds.png"),
    ],
)
@pytest.mark.parametrize("folders", [("images", "masks"), ("", "")], ids=["apart", "together"])
def test_masks_with_usual_words_in_their_names_are_found(tmp_path, image, mask, folders):
    if folders == ("", "") and mask == "{}.jpg.png":
        pytest.skip("beside x.jpg, x.jpg.png is no less an image")
    for number in range(10):
        picture(tmp_path / folders[0] / image.format(f"{number:02d}"), seed=number)
        write_mask(tmp_path / folders[1] / mask.format(f"{number:02d}"), numbers())

    data = whole(tmp_path)

    pairs = [
        pair
        for part in (data.train, data.val, data.test)
        for pair in zip(part.files, part.masks, strict=True)
    ]
    assert len(pairs) == 10
    for file, found in pairs:
        digits = ["".join(filter(str.isdigit, name.replace("8bit", ""))) for name in (file, found)]
        assert digits[0] == digits[1]


def test_equal_names_in_several_folders_keep_their_own_masks(tmp_path):
    for start, name in enumerate(("cat", "dog")):
        write_pairs(tmp_path, images=f"images/{name}", masks=f"masks/{name}", count=8)
        for number in range(8):
            picture(tmp_path / "images" / name / f"{number:03d}.png", seed=100 * start + number)

    data = whole(tmp_path)

    for part in (data.train, data.val, data.test):
        assert [file.removeprefix("images/") for file in part.files] == [
            m.removeprefix("masks/") for m in part.masks
        ]


# kinds of masks


def test_values_are_classes_0_is_nothing_and_255_is_ignored(tmp_path):
    write_pairs(
        tmp_path, write=lambda path, _: write_mask(path, numbers(first=7, second=40, rest=255))
    )
    write_mask(tmp_path / "masks" / "000.png", numbers(first=0, second=40))

    data = whole(tmp_path)

    assert data.classes == ("7", "40")
    maps = torch.cat(
        [part.class_maps(np.arange(len(part))) for part in (data.train, data.val, data.test)]
    )
    assert set(maps.unique().tolist()) == {0, 1, 2, IGNORED}


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA"])
def test_where_0_and_255_are_all_there_is_255_is_the_class(tmp_path, mode):
    write_pairs(
        tmp_path, write=lambda path, _: write_mask(path, numbers(first=255, second=0), mode)
    )

    data = whole(tmp_path, classes=["crack"])

    found = data.train.class_maps(np.array([0]))[0]
    assert data.classes == ("crack",)
    assert found[8].tolist() == [1] * 5 + [0] * 11


def test_masks_of_16_bits_hold_values(tmp_path):
    write_pairs(
        tmp_path, write=lambda path, _: write_mask(path, numbers().astype(np.uint16) * 1000, "I;16")
    )

    assert whole(tmp_path).classes == ("1000", "2000")


def test_colours_that_nobody_names_are_classes_in_their_order(tmp_path):
    write_pairs(tmp_path, write=lambda path, values: write_mask(path, painted(values), "RGB"))

    data = whole(tmp_path)

    assert data.classes == ("#00c800", "#c80000")
    row = data.train.class_maps(np.array([0]))[0, 8].tolist()
    assert row == [2] * 5 + [0] * 6 + [1] * 5


TABLES = {
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nplum:200,0,0::\nfig:0,200,0::\n",
    "class_dict.csv": "name,r,g,b\nVoid,0,0,0\nplum,200,0,0\nfig,0,200,0\n",
    "classes.json": json.dumps({"plum": [200, 0, 0], "fig": "#00c800"}),
    "meta.json": json.dumps(
        {"classes": [{"title": "plum", "color": "#C80000"}, {"title": "fig", "color": "#00C800"}]}
    ),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_table_beside_the_masks_names_their_colours(tmp_path, name, mode):
    palette = [0, 0, 0, *GREEN, *RED]  # its numbers are not those of the table

    def write(path, values):
        if mode == "RGB":
            write_mask(path, painted(values), "RGB")
        else:
            write_mask(path, np.array([0, 2, 1], np.uint8)[values], "P", palette)

    write_pairs(tmp_path, write=write)
    (tmp_path / name).write_text(TABLES[name])

    data = whole(tmp_path)

    row = data.train.class_maps(np.array([0]))[0, 8].tolist()
    assert data.classes == ("plum", "fig")
    assert row == [1] * 5 + [IGNORED if "Void" in TABLES[name] else 0] * 6 + [2] * 5


def test_a_study_names_colours_or_values(tmp_path):
    write_pairs(tmp_path / "a", write=lambda path, values: write_mask(path, painted(values), "RGB"))
    write_pairs(tmp_path / "b")

    assert whole(tmp_path / "a", colors={"plum": RED, "fig": GREEN}).classes == ("plum", "fig")
    assert whole(tmp_path / "b", classes=["background", "plum", "fig"]).classes == ("plum", "fig")
    assert whole(tmp_path / "b", classes=["plum", "fig"]).classes == ("plum", "fig")


@pytest.mark.parametrize(
    "content", ['{"0": "background", "1": "plum", "2": "fig"}', '{"fig": 2, "plum": 1}']
)
def test_a_file_may_say_values(tmp_path, content):
    write_pairs(tmp_path)
    (tmp_path / "classes.json").write_text(content)

    data = whole(tmp_path)

    first = data.train.class_maps(np.array([0]))[0, 8, 0]
    assert data.classes[int(first) - 1] == "plum"


# varied and turned together


@pytest.mark.parametrize("fit", ["crop", "squeeze", "pad"])
def test_a_map_is_varied_as_its_image_is(tmp_path, fit):
    for number in range(20):
        values = (
            np.random.default_rng(number)
            .integers(0, 3, (4, 6), dtype=np.uint8)
            .repeat(10, 0)
            .repeat(10, 1)
        )
        write_mask(tmp_path / "masks" / f"{number}.png", values)
        write_mask(tmp_path / "images" / f"{number}.png", values * 100, "RGB")
    part: Any = image_masks(root=str(tmp_path), image_size=[32, 40], fit=fit).train
    indices, draws = (
        np.arange(len(part)),
        np.random.default_rng(0).random((len(part), part.num_draws)),
    )

    for drawn in (None, draws):
        images, maps = part.batch(indices, drawn), part.class_maps(indices, drawn)

        inside = maps != IGNORED
        agree = (images[:, 0] / 100).round() == maps
        assert agree[inside].float().mean() > 0.85
        assert bool(inside.all()) == (fit != "pad")


@pytest.mark.parametrize("is_turned", [False, True], ids=["as stored", "as shown"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_lies_on_its_image_however_that_lies_in_its_file(tmp_path, orientation, is_turned):
    if not is_turned and orientation in (2, 3, 4):
        pytest.skip("the sizes are the same: a mask is taken to lie as the image is shown")
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "images").mkdir()
    for number in range(8):
        values = (
            np.random.default_rng(number)
            .integers(0, 3, (4, 8), dtype=np.uint8)
            .repeat(20, 0)
            .repeat(20, 1)
        )
        Image.fromarray(values * 100).save(
            tmp_path / "images" / f"{number}.jpg", exif=exif, quality=100
        )
        mask = (
            turned(Image.fromarray(values), orientation) if is_turned else Image.fromarray(values)
        )
        write_mask(tmp_path / "masks" / f"{number}.png", np.asarray(mask))

    part: Any = image_masks(root=str(tmp_path), image_size=[160, 80], fit="squeeze").train

    images, maps = part.batch(np.arange(len(part))), part.class_maps(np.arange(len(part)))
    assert ((images[:, 0] / 100).round() == maps).float().mean() > 0.9


# what is refused


def test_images_without_a_mask_are_all_named_or_left_out(tmp_path):
    write_pairs(tmp_path)
    for number in (1, 4):
        (tmp_path / "masks" / f"{number:03d}.png").unlink()
    write_mask(tmp_path / "masks" / "999.png", numbers())

    with pytest.raises(DataError) as refused:
        whole(tmp_path)
    data = whole(tmp_path, unmasked="leave_out")

    assert all(
        name in str(refused.value)
        for name in ("001.png", "004.png", "2 images", "unmasked: leave_out")
    )
    assert len(all_files(data)) == 10
    assert data.left_out["images without a mask"].number == 2
    assert data.left_out["masks of no image"] == (1, "masks/999.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: write_mask(root / "masks/003.png", numbers(size=(25, 16))),
            "is 25x16, but its image",
        ),
        (lambda root: (root / "masks/003.png").write_bytes(b"PNG"), "003.png: cannot be decoded"),
        (
            lambda root: write_mask(root / "masks/new/003.png", numbers()),
            "not clear which file is the mask",
        ),
        (lambda root: picture(root / "masks/003.png", seed=1), "colours"),
        (lambda root: picture(root / "masks/003.jpg", seed=1), "candidates"),
        (lambda root: (root / "masks/003.png").unlink(), "003.png: has no mask"),
        (
            lambda root: write_mask(root / "labels/003.png", numbers()),
            "labels and masks may both hold the masks",
        ),
        (
            lambda root: [picture(path, seed=0) for path in (root / "images").iterdir()],
            "is a copy of",
        ),
        (lambda root: picture(root / "images/train/100.png", seed=99), "100.png: has no mask"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path, spoil, message):
    write_pairs(tmp_path)
    spoil(tmp_path)

    with pytest.raises(DataError, match=message):
        whole(tmp_path)


@pytest.mark.parametrize(
    "spare", ["masks/003_mask.png", "labels/readme.txt", "Annotations/003.xml", "masks/.hid.png"]
)
def test_what_lies_beside_does_no_harm(tmp_path, spare):
    write_pairs(tmp_path)
    file = tmp_path / spare
    file.parent.mkdir(exist_ok=True)
    write_mask(file, numbers()) if file.suffix == ".png" else file.write_text("")

    data = whole(tmp_path)

    assert len(all_files(data)) == 12


def test_a_link_to_a_mask_that_is_gone_is_refused_with_its_path(tmp_path):
    write_pairs(tmp_path)
    (tmp_path / "masks" / "004.png").unlink()
    (tmp_path / "masks" / "004.png").symlink_to(tmp_path / "gone.png")

    with pytest.raises(DataError, match=r"004.png: is a link to .*gone.png, which is not there"):
        whole(tmp_path)


def test_masks_in_jpeg_are_refused(tmp_path):
    for number in range(8):
        picture(tmp_path / "images" / f"{number}.png", seed=number)
        picture(tmp_path / "masks" / f"{number}.jpg", seed=number)

    with pytest.raises(DataError, match="is a JPEG, which changes values"):
        whole(tmp_path)


def test_smoothed_masks_are_refused_rather_than_read_as_many_classes(tmp_path):
    shades = np.linspace(0, 255, 24 * 16).round().astype(np.uint8).reshape(16, 24)
    write_pairs(tmp_path, write=lambda path, _: write_mask(path, shades))

    with pytest.raises(DataError, match="masks that were scaled smoothly look so"):
        whole(tmp_path)


def test_values_and_colours_without_a_name_are_refused(tmp_path):
    write_pairs(tmp_path / "a", write=lambda path, values: write_mask(path, painted(values), "RGB"))
    write_pairs(tmp_path / "b")

    with pytest.raises(
        DataError, match="'colors' gives the meaning of 2 colours, but masks have others: #00c800"
    ):
        whole(tmp_path / "a", colors={"plum": RED})
    with pytest.raises(DataError, match="says names alone: #00c800, #c80000"):
        whole(tmp_path / "a", classes=["plum", "fig"])
    with pytest.raises(
        DataError, match="'classes' tells what the values 0, 1, 255 mean, but masks hold others: 2"
    ):
        whole(tmp_path / "b", classes=["plum"])


def test_a_class_that_training_never_shows_is_refused(tmp_path):
    write_pairs(tmp_path, images="images/train", masks="masks/train", count=8)
    write_pairs(tmp_path, images="images/test", masks="masks/test", count=4, start=50)
    write_mask(tmp_path / "masks/test/050.png", numbers(second=3))

    with pytest.raises(DataError, match="'3' cannot be learned"):
        whole(tmp_path)


def test_a_folder_that_is_none_says_what_would_be_right(tmp_path):
    write_pairs(tmp_path / "archive")
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match="holds no folder of images with one of masks beside it"):
        whole(tmp_path / "empty")
    with pytest.raises(DataError, match="is missing"):
        whole(tmp_path / "nowhere")
    (tmp_path / "empty").rmdir()
    with pytest.raises(DataError, match=r"holds one folder, 'archive', .* make it the root"):
        whole(tmp_path)


def test_rare_classes_stay_in_the_training_part(tmp_path):
    write_pairs(tmp_path, count=40)
    for number in (3, 17):
        write_mask(tmp_path / "masks" / f"{number:03d}.png", numbers(second=9))

    data = whole(tmp_path)

    assert {"images/003.png", "images/017.png"} <= set(data.train.files)


# identity


def test_a_changed_mask_changes_the_fingerprint_and_a_moved_folder_does_not(tmp_path):
    write_pairs(tmp_path / "one")
    before = whole(tmp_path / "one").fingerprint
    (tmp_path / "one").rename(tmp_path / "two")

    moved = whole(tmp_path / "two").fingerprint
    write_mask(tmp_path / "two/masks/000.png", numbers(first=2))
    changed = whole(tmp_path / "two").fingerprint

    assert moved == before
    assert changed != before


def test_masks_that_nobody_cuts_keep_the_contract_of_data_sets(tmp_path):
    fabricate_masks(tmp_path)

    check_dataset(
        "image_masks", params={"root": str(tmp_path), "image_size": [16, 32], "fit": "pad"}
    )
