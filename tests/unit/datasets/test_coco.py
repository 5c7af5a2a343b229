"""COCO is read as its authors distribute it and as their own program reads it; what is wrong with it is named."""

import json
import logging
import os
import shutil

import numpy as np
import pytest
import torch
from fabricated_data import CATEGORIES, PARAMS, fabricate_coco, photograph
from PIL import Image
from pycocotools.coco import COCO

from dasbench.catalog import DATASETS, known_names
from dasbench.checks import check_components
from dasbench.data_access import reading_data
from dasbench.datasets.annotations import HasObjects
from dasbench.datasets.objects.instances import read_instances
from dasbench.errors import DataError
from dasbench.spec.load import load_study

TRAIN, VAL = "annotations/instances_train2017.json", "annotations/instances_val2017.json"


def read(data_root, **params):
    with reading_data(data_root):
        return DATASETS["coco"].make(**{**PARAMS["coco"], **params})


def complaint(data_root, **params) -> str:
    with pytest.raises(DataError) as error:
        read(data_root, **params)
    assert error.value.exit_code == 3
    return str(error.value)


@pytest.fixture
def folder(tmp_path):
    return fabricate_coco(tmp_path)


def change(file, edit) -> None:
    """Lets a function edit what an annotation file holds."""
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def officially(file) -> COCO:
    """The file as COCO's own program reads it."""
    return COCO(str(file))


def test_the_official_validation_images_are_the_test_part(folder):
    data = read(folder.parent)

    assert data.classes == ("person", "car", "toothbrush")
    assert data.input_size == (3, 800, 1333)
    assert [len(part) for part in (data.train, data.val, data.test)] == [10, 4, 5]
    assert all(isinstance(part, HasObjects) for part in (data.train, data.val, data.test))
    assert data.test.instances.ids.tolist() == [500, 501, 502, 503, 504]


def test_training_leaves_out_images_without_an_object_and_evaluation_does_not(folder):
    data = read(folder.parent)
    whole = officially(folder / TRAIN)
    objectless = {image for image in whole.getImgIds() if not whole.getAnnIds(image, iscrowd=False)}
    train, val = set(data.train.instances.ids.tolist()), set(data.val.instances.ids.tolist())

    assert objectless == {104, 109, 114}
    assert train | val == set(whole.getImgIds()) - (objectless - val)
    assert not train & (val | objectless)
    assert len(data.test.scenes(np.array([4]))[0].objects.labels) == 1  # a crowd alone


@pytest.mark.parametrize("file", [TRAIN, VAL])
def test_annotations_are_those_that_cocos_own_program_reads(folder, file):
    theirs = officially(folder / file)
    ours = read_instances(folder / file, num_classes=3)
    label_of = {category: label for label, category in enumerate(sorted(CATEGORIES))}

    assert ours.ids.tolist() == sorted(theirs.getImgIds())
    for position, image in enumerate(ours.ids.tolist()):
        expected = theirs.loadAnns(theirs.getAnnIds(image))
        inside = slice(*ours.starts[position : position + 2])
        corners = [
            [x, y, x + width, y + height]
            for x, y, width, height in (one["bbox"] for one in expected)
        ]
        assert ours.names[position] == theirs.imgs[image]["file_name"]
        assert ours.sizes[position].tolist() == [
            theirs.imgs[image]["width"],
            theirs.imgs[image]["height"],
        ]
        np.testing.assert_array_equal(
            ours.boxes[inside], np.array(corners, np.float32).reshape(-1, 4)
        )
        assert ours.labels[inside].tolist() == [label_of[one["category_id"]] for one in expected]
        assert ours.areas[inside] == pytest.approx([one["area"] for one in expected])
        assert ours.crowd[inside].tolist() == [bool(one["iscrowd"]) for one in expected]


def test_a_scene_shows_the_file_at_its_own_size(folder):
    data = read(folder.parent)

    scenes = data.test.scenes(np.array([3, 1]))

    for scene, place in zip(scenes, (3, 1), strict=True):
        with Image.open(folder / "val2017" / data.test.instances.names[place]) as image:
            expected = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
        assert torch.equal(scene.image, expected)
    assert [tuple(scene.image.shape) for scene in scenes] == [(3, 47, 62), (3, 49, 60)]


def test_evaluation_sees_boxes_as_they_are_in_the_file(folder):
    objects = read(folder.parent).test.scenes(np.array([1, 2]))

    assert objects[0].objects.boxes[0].tolist() == pytest.approx(
        [9.98, 8.5, 15.48, 8.5]
    )  # the file's last comes first
    assert objects[1].objects.boxes[0].tolist() == pytest.approx([30.0, 20.0, 61.4, 25.0])
    assert objects[1].image.shape[2] == 61


def test_training_cuts_boxes_to_their_image_and_drops_those_without_an_area(folder, caplog):
    caplog.set_level(logging.INFO)

    data = read(folder.parent)
    places = {image: place for place, image in enumerate(data.train.instances.ids.tolist())}
    flat, outside = (next(image for image in places if image % 5 == oddity) for oddity in (1, 2))
    scenes = data.train.scenes(np.array([places[flat], places[outside]]))

    assert scenes[0].objects.labels.tolist() == [2, 0]
    assert scenes[1].objects.boxes[0].tolist() == [30, 20, scenes[1].image.shape[2], 25]
    flats = sum(image % 5 == 1 for image in places)
    assert (
        f"{flats} boxes without an area and 2 images without an object are not trained on"
        in caplog.text
    )


def test_an_image_with_boxes_without_an_area_alone_is_not_trained_on(folder):
    before = read(folder.parent).train.instances.ids.tolist()

    def flatten(content):
        for one in content["annotations"]:
            if one["image_id"] == before[0]:
                one["bbox"][3] = 0

    change(folder / TRAIN, flatten)

    assert read(folder.parent).train.instances.ids.tolist() == before[1:]


def test_half_of_the_images_are_mirrored_in_training_and_their_boxes_with_them(folder):
    train = read(folder.parent).train
    indices = np.array([0, 1])

    plain = train.scenes(indices)
    varied = train.scenes(indices, np.array([[0.49], [0.5]]))

    assert torch.equal(varied[0].image, plain[0].image.flip(-1))
    width, boxes = plain[0].image.shape[2], plain[0].objects.boxes
    assert torch.equal(
        varied[0].objects.boxes,
        torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1),
    )
    assert torch.equal(varied[0].objects.labels, plain[0].objects.labels)
    assert torch.equal(varied[1].image, plain[1].image)
    assert torch.equal(varied[1].objects.boxes, plain[1].objects.boxes)


def test_who_changes_a_scene_changes_no_other(folder):
    test = read(folder.parent).test
    before = test.scenes(np.array([0]))[0]

    spoilt = test.scenes(np.array([0]))[0]
    for tensor in (spoilt.image, *spoilt.objects):
        tensor.zero_()

    after = test.scenes(np.array([0]))[0]
    assert torch.equal(after.image, before.image)
    assert all(
        torch.equal(one, other) for one, other in zip(after.objects, before.objects, strict=True)
    )


def test_an_object_without_an_area_has_that_of_its_box_and_is_no_crowd(folder):
    def forget(content):
        for one in content["annotations"]:
            del one["area"], one["iscrowd"]

    change(folder / VAL, forget)
    objects = read_instances(folder / VAL, num_classes=3)

    extents = objects.boxes[:, 2:] - objects.boxes[:, :2]
    assert objects.areas == pytest.approx(extents.prod(1), abs=1e-3)
    assert not objects.crowd.any()


def test_the_order_of_an_annotation_file_changes_no_image(folder):
    before = read_instances(folder / VAL, num_classes=3)

    def reverse(content):
        content["images"].reverse()
        content["categories"].reverse()

    change(folder / VAL, reverse)
    after = read_instances(folder / VAL, num_classes=3)

    assert (after.names, after.classes) == (before.names, before.classes)
    np.testing.assert_array_equal(after.boxes, before.boxes)


def test_a_folder_of_ones_own_is_one_line_of_a_study(tmp_path):
    fabricate_coco(tmp_path).rename(tmp_path / "mine")
    (tmp_path / "study.yaml").write_text(
        "name: mine\nquestion: Does a gate help?\nseeds: 1\n"
        "base:\n  task: detection\n  backbone: resnet18\n  dataset: {name: coco, root: mine, num_classes: 3}\n"
        "axes: [{key: gate, values: [none, se]}]\nobjectives: [ap max]\n"
    )
    study = load_study(tmp_path / "study.yaml", known=known_names())

    check_components(study)

    assert len(read(tmp_path, root="mine").test) == 5
    assert len(read(tmp_path / "elsewhere", root=str(tmp_path / "mine")).test) == 5


def test_the_fingerprint_does_not_depend_on_where_the_folder_lies(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere" / "coco")

    assert read(folder.parent).fingerprint == read(tmp_path / "elsewhere").fingerprint


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: change(
            folder / VAL, lambda content: content["annotations"][0].update(bbox=[1, 1, 2, 2])
        ),
        lambda folder: change(folder / TRAIN, lambda content: content["annotations"].pop()),
        lambda folder: next((folder / "train2017").iterdir()).open("ab").write(b"more"),
        lambda folder: next((folder / "val2017").iterdir()).open("ab").write(b"more"),
    ],
    ids=["box", "annotation", "training image", "test image"],
)
def test_the_fingerprint_changes_with_annotations_and_image_files(folder, edit):
    before = read(folder.parent).fingerprint

    edit(folder)

    assert read(folder.parent).fingerprint != before


def test_the_fingerprint_changes_with_the_split(folder):
    assert read(folder.parent).fingerprint != read(folder.parent, val_share=0.4).fingerprint


def test_missing_data_say_where_they_were_looked_for_and_how_to_get_them(tmp_path):
    message = complaint(tmp_path)

    for place in ("coco/train2017", "coco/val2017", f"coco/{TRAIN}", f"coco/{VAL}"):
        assert f"{tmp_path / place}: is missing" in message
    assert "https://cocodataset.org" in message
    assert "`data_root`" in message


def edits(file, edit):
    """An edit of an annotation file, as a fault of the folder."""
    return lambda folder: change(folder / file, edit)


def first(key, **fields):
    """Sets fields of the first record of a list."""
    return lambda content: content[key][0].update(fields)


def without(key, field):
    return lambda content: content[key][0].pop(field)


def everywhere(**fields):
    """Sets fields of all annotations."""
    return lambda content: [one.update(fields) for one in content["annotations"]]


# the first annotation of the miniature's val2017 is 504001, a crowd in image 504 of 60 x 50 pixels
FAULTS = {
    "no file": (lambda folder: (folder / VAL).unlink(), ["val2017.json: is missing"]),
    "folder": (
        lambda folder: ((folder / VAL).unlink(), (folder / VAL).mkdir()),
        ["cannot be read (Is a directory)"],
    ),
    "empty": (lambda folder: (folder / VAL).write_text(""), ["is no JSON, or is cut off (0 bytes"]),
    "truncated": (
        lambda folder: os.truncate(folder / VAL, 900),
        ["val2017.json: is no JSON, or is cut off (900 b"],
    ),
    "Latin-1": (
        lambda folder: (folder / VAL).write_bytes(b'{"images": "\xe9"}'),
        ["is no JSON", "utf-8"],
    ),
    "nested": (
        lambda folder: (folder / VAL).write_text("[" * 200_000),
        ["is no JSON", "recursion"],
    ),
    "list": (
        lambda folder: (folder / VAL).write_text("[]"),
        ["is a JSON list, not an object with images, annot"],
    ),
    "keys": (
        edits(VAL, lambda content: (content.pop("images"), content.pop("categories"))),
        ["no list of images and"],
    ),
    "captions": (
        edits(VAL, lambda content: content.update(annotations={})),
        ["has no list of annotations"],
    ),
    "no annotation": (
        edits(VAL, lambda content: content["annotations"].clear()),
        ["list of annotations is empty"],
    ),
    "no object": (
        edits(VAL, everywhere(iscrowd=1)),
        ["of its 5 images none has an object in the test part"],
    ),
    "text": (
        edits(VAL, lambda content: content["images"].insert(0, "a")),
        ["images: number 1 is 'a', not an obj"],
    ),
    "no image_id": (
        edits(VAL, without("annotations", "image_id")),
        ["annotation 504001: has no 'image_id'"],
    ),
    "no id": (
        edits(VAL, without("images", "id")),
        ["image number 1: has no 'id'", "(1 of 5 images)"],
    ),
    "id as text": (
        edits(VAL, first("images", id="504")),
        ["image number 1: 'id' is '504'; it has to be a whole numb"],
    ),
    "huge id": (edits(VAL, first("images", id=10**30)), ["it has to be a whole number"]),
    "width": (
        edits(VAL, first("images", width=0)),
        ["image 504: 'width' is 0; it has to be a number of pixels"],
    ),
    "file name": (
        edits(VAL, first("images", file_name="../a.jpg")),
        ["coco/val2017/a.jpg: is missing"],
    ),
    "surrogate": (
        edits(VAL, first("images", file_name="\ud800")),
        ["image 504: 'file_name' is '\\ud800'"],
    ),
    "name": (
        edits(VAL, first("categories", name=7)),
        ["category 90: 'name' is 7; it has to be a name"],
    ),
    "three numbers": (
        edits(VAL, first("annotations", bbox=[1, 2, 3])),
        ["annotation 504001: 'bbox' is [1, 2, 3];"],
    ),
    "NaN": (
        edits(VAL, first("annotations", bbox=[1, 2, float("nan"), 4])),
        ["504001: 'bbox' is [1, 2, nan, 4];"],
    ),
    "huge": (
        edits(VAL, first("annotations", bbox=[1, 2, 10**400, 4])),
        ["'bbox' is [1, 2, 1000", "..."],
    ),
    "negative": (
        edits(VAL, everywhere(bbox=[9, 9, -4, 5])),
        ["504001: 'bbox' is [9, 9, -4, 5]", "(12 of 12 annot"],
    ),
    "area": (
        edits(VAL, first("annotations", area=-1.5)),
        ["annotation 504001: 'area' is -1.5; it has to be a finite"],
    ),
    "crowd": (
        edits(VAL, first("annotations", iscrowd=2)),
        ["annotation 504001: 'iscrowd' is 2; it has to be 0 or 1"],
    ),
    "category": (
        edits(VAL, first("annotations", category_id=2)),
        ["annotation 504001: category_id 2 is none of the 3 in the file (1 such annotations)"],
    ),
    "image": (
        edits(VAL, first("annotations", image_id=7)),
        ["annotation 504001: image_id 7 is none of the 5 in the file (1 such annotations)"],
    ),
    "outside": (
        edits(VAL, first("annotations", bbox=[10, 10, 51.5, 5])),
        [
            "504001: bbox [10, 10, 51.5, 5] reaches out of image 504 of 60 x 50 pixels (1 such annotations)"
        ],
    ),
    "above": (
        edits(VAL, first("annotations", bbox=[10, -1.5, 5, 5])),
        ["bbox [10, -1.5, 5, 5] reaches out of image"],
    ),
    "image twice": (
        edits(VAL, lambda content: content["images"].append(content["images"][0])),
        ["images: the id '504' stands for more than one (1 such)", "images: the file_name '"],
    ),
    "class twice": (
        edits(VAL, first("categories", name="car")),
        ["categories: the name 'car' stands for more than o"],
    ),
    "class count": (
        edits(VAL, lambda content: content["categories"].append({"id": 4, "name": "cat"})),
        ["has 4 categories, but num_classes is 3"],
    ),
    "other classes": (
        edits(VAL, first("categories", name="comb")),
        ["differ in 1, such as 'toothbrush' in train2017 and 'comb' in val2017"],
    ),
    "image missing": (
        lambda folder: [
            path.unlink() for path in (folder / "train2017").iterdir() if path.name < "000000000500"
        ],
        [
            "train2017/000000",
            ".jpg: is missing\n",
            "7 of the 16 images that are annotated cannot be used",
        ],
    ),
    "image empty": (
        lambda folder: (folder / "val2017" / "000000000500.jpg").write_bytes(b""),
        ["val2017/000000000500.jpg: is empty (0 bytes)\n1 of the 5 images"],
    ),
}


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_file_its_record_and_how_many_there_are(folder, spoil, words):
    spoil(folder)

    message = complaint(folder.parent)

    assert [word for word in words if word not in message] == []
    assert str(folder) in message


def test_faults_of_both_annotation_files_are_named_at_once(folder):
    change(
        folder / TRAIN, lambda content: content["annotations"][-1].update(category_id=2, image_id=7)
    )
    change(folder / VAL, first("annotations", category_id=4))
    next((folder / "val2017").iterdir()).write_bytes(b"")

    message = complaint(folder.parent)

    assert "category_id 2 is none" in message
    assert "image_id 7 is none" in message
    assert "category_id 4 is none" in message


def test_an_image_in_both_folders_is_refused(folder):
    name = read(folder.parent).train.instances.names[3]
    shutil.copy(folder / "train2017" / name, folder / "val2017" / name)
    change(
        folder / VAL,
        lambda content: content["images"].append(
            {**content["images"][0], "id": 9, "file_name": name}
        ),
    )

    message = complaint(folder.parent)

    assert f"val2017/{name}: of test is also in train, as {folder / 'train2017' / name}" in message
    assert "images in two parts: 1; remove one of each" in message


def test_names_and_ids_may_be_counted_anew_in_each_folder(folder):
    name = read(folder.parent).train.instances.names[3]
    photograph(folder / "val2017" / name, number=5, size=(60, 50))
    change(
        folder / VAL,
        lambda content: content["images"].append(
            {**content["images"][0], "id": 3, "file_name": name}
        ),
    )

    assert len(read(folder.parent).test) == 6


def test_a_validation_part_of_no_image_is_refused(folder):
    assert "of its 0 images none has an object in the val part" in complaint(
        folder.parent, val_share=0.01
    )


def test_images_of_another_size_than_annotated_are_all_named(folder):
    names = read(folder.parent).test.instances.names
    photograph(folder / "val2017" / names[2], number=1, size=(48, 61))
    photograph(folder / "val2017" / names[3], number=1, size=(9, 9))

    message = complaint(folder.parent)

    assert f"{names[2]}: is 48 x 61 pixels, but {folder / VAL} (image 502) says 61 x 48" in message
    assert f"{names[3]}: is 9 x 9 pixels, but {folder / VAL} (image 503) says 62 x 47" in message


def test_an_image_that_changes_its_size_later_is_named_when_it_is_decoded(folder):
    data = read(folder.parent)
    photograph(folder / "val2017" / data.test.instances.names[2], number=1, size=(48, 61))

    with pytest.raises(
        DataError, match=r"is 48 x 61 pixels, but .*val2017.json \(image 502\) says 61 x 48"
    ):
        data.test.scenes(np.array([1, 2]))


LIES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture has to be laid into a file of each orientation, by the definition of EXIF."""


def laid(folder, orientation, *, tool_turns: bool) -> None:
    """Makes image 500 one white box on black, laid into its file, annotated as it is shown or as it lies there."""
    shown = Image.new("RGB", (60, 50))
    shown.paste("white", (10, 20, 40, 28))
    lying = shown.transpose(LIES[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = shown if tool_turns else lying
    box = seen.getbbox()
    assert box is not None
    left, upper, right, lower = box

    def annotate(content):
        image = next(one for one in content["images"] if one["id"] == 500)
        image.update(width=seen.width, height=seen.height)
        lying.save(folder / "val2017" / image["file_name"], quality=95, subsampling=0, exif=exif)
        for one in content["annotations"]:
            if one["image_id"] == 500:
                one["bbox"] = [left, upper, right - left, lower - upper]

    change(folder / VAL, annotate)


@pytest.mark.parametrize("tool_turns", [True, False])
@pytest.mark.parametrize("orientation", LIES)
def test_boxes_lie_on_their_objects_whether_or_not_the_tool_turned_the_image(
    folder, orientation, tool_turns
):
    if not tool_turns and orientation < 5:
        pytest.skip("the sizes are the same: taken for the size as shown")
    laid(folder, orientation, tool_turns=tool_turns)

    scene = read(folder.parent).test.scenes(np.array([0]))[0]

    assert tuple(scene.image.shape) == (3, 50, 60)
    left, upper, right, lower = map(int, scene.objects.boxes[0])
    white = scene.image[0] > 127
    assert white[upper:lower, left:right].all()
    assert white.sum() == (right - left) * (lower - upper)


def test_boxes_of_a_mirrored_image_are_turned_before_they_are_mirrored(folder):
    laid(folder, 6, tool_turns=False)
    test = read(folder.parent).test

    mirrored = test.scenes(np.array([0]), np.array([[0.1]]))[0]

    left, upper, right, lower = map(int, mirrored.objects.boxes[0])
    assert (mirrored.image[0, upper:lower, left:right] > 127).all()
    assert (left, upper, right, lower) == (20, 20, 50, 28)


def test_a_damaged_image_is_named_when_it_is_decoded(folder):
    data = read(folder.parent)
    name = data.test.instances.names[2]
    os.truncate(folder / "val2017" / name, 200)

    with pytest.raises(DataError, match=rf"{name}: cannot be decoded as an image \(200 bytes"):
        data.test.scenes(np.array([2]))
