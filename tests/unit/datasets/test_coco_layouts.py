"""Folders in COCO's format are read as the usual tools write them, whatever their parts are called."""

import json

import numpy as np
import pytest
from fabricated_data import photograph

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.errors import DataError

NAMES = {4: "cap", 7: "bottle"}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "mine"


def read(root, **params):
    with reading_data(root.parent):
        return DATASETS["coco"].make(root="mine", **params)


def complaint(root, **params) -> str:
    with pytest.raises(DataError) as error:
        read(root, **params)
    return str(error.value)


def annotate(file, names, *, start=0, categories=None) -> None:
    """An annotation file for some images, each with a cap and a bottle that know their image by their place."""
    ids = range(1, len(names) + 1)
    images = [
        {"id": key, "file_name": name, "width": 48, "height": 40}
        for key, name in zip(ids, names, strict=True)
    ]
    annotations = []
    for key in ids:
        annotations.append({"image_id": key, "category_id": 4, "bbox": [start + key, 2, 10, 20]})
        annotations.append({"image_id": key, "category_id": 7, "bbox": [5, 5, 10, 10]})
    named = categories or [{"id": key, "name": name} for key, name in NAMES.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": named}))


def images(folder, number, *, start=0) -> list[str]:
    """Photographs; gives their names."""
    names = [f"{place}.jpg" for place in range(number)]
    for place, name in enumerate(names):
        photograph(folder / name, number=start + place)
    return names


def roboflow(root, parts=("train", "valid", "test")) -> None:
    """As Roboflow exports: the parts' own annotation files, and a category for all of the project."""
    project = [{"id": 0, "name": "kitchen", "supercategory": "none"}]
    project += [
        {"id": key, "name": name, "supercategory": "kitchen"} for key, name in NAMES.items()
    ]
    for place, part in enumerate(parts):
        names = images(root / part, 6 - place, start=100 * place)
        annotate(root / part / "_annotations.coco.json", names, categories=project)


def test_roboflows_folders_are_the_parts_and_its_project_is_no_class(root):
    roboflow(root)

    data = read(root)

    assert data.classes == ("cap", "bottle")
    assert [len(part) for part in (data.train, data.val, data.test)] == [6, 5, 4]
    assert data.val.folder == root / "valid"
    assert data.origins["val"] == "valid/_annotations.coco.json"
    assert data.test.scenes(np.array([1]))[0].objects.boxes[0].tolist() == [2, 2, 12, 22]


@pytest.mark.parametrize(
    "parts", [("Training", "Validation", "Testing"), ("train_set", "dev", "TEST")]
)
def test_parts_may_be_spelled_otherwise(root, parts):
    roboflow(root, parts)

    data = read(root)

    assert [len(part) for part in (data.train, data.val, data.test)] == [6, 5, 4]


def test_a_part_that_roboflow_did_not_export_is_cut_from_train(root):
    roboflow(root, ("train", "valid"))

    data = read(root, test_share=0.34)

    assert [len(part) for part in (data.train, data.val, data.test)] == [4, 5, 2]
    assert data.origins["test"] == "cut from train by lot"
    assert not set(data.train.instances.names) & set(data.test.instances.names)


@pytest.mark.parametrize(
    "stems",
    [("train", "val", "test"), ("instances_Train", "instances_Validation", "instances_Test")],
)
@pytest.mark.parametrize("inside", ["images/{}", "{}", "images"])
def test_annotation_files_side_by_side_are_named_for_their_parts(root, stems, inside):
    for place, stem in enumerate(stems):
        folder = root / inside.format(("train", "valid", "test")[place])
        names = [f"{place}_{name}" for name in images(root / "made", 4 + place, start=100 * place)]
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (root / "made" / name.partition("_")[2]).rename(folder / name)
        annotate(root / "annotations" / f"{stem}.json", names)
    (root / "made").rmdir()

    data = read(root)

    assert [len(part) for part in (data.train, data.val, data.test)] == [4, 5, 6]
    assert data.left_out == {}


@pytest.mark.parametrize(
    ("file", "folder", "prefix"),
    [
        ("annotations.json", "JPEGImages", "JPEGImages/"),
        ("annotations/instances_default.json", "images", ""),
        ("result.json", "images", "images/"),
        ("annotations.json", ".", ""),
        ("annotations.json", "images", "/mnt/photos/"),
        ("annotations.json", "images", "C:\\photos\\"),
        ("annotations.json", "images/deeper", "../"),
    ],
    ids=[
        "labelme2coco",
        "CVAT",
        "Label Studio",
        "beside",
        "another machine",
        "Windows",
        "another folder",
    ],
)
def test_one_file_for_all_images_is_cut_into_three_parts(root, file, folder, prefix):
    names = images(root / folder, 20)
    annotate(root / file, [prefix + name for name in names])

    data = read(root)
    again = read(root)

    assert [len(part) for part in (data.train, data.val, data.test)] == [14, 3, 3]
    found = [part.instances.names for part in (data.train, data.val, data.test)]
    assert len({name for part in found for name in part}) == 20
    assert found == [part.instances.names for part in (again.train, again.val, again.test)]
    scene = data.test.scenes(np.array([0]))[0]
    own_number = int(data.test.instances.names[0].rpartition("/")[2].removesuffix(".jpg"))
    assert scene.objects.boxes[0].tolist() == [own_number + 1, 2, own_number + 11, 22]


def test_the_shares_of_a_cut_are_those_that_were_asked_for(root):
    annotate(root / "annotations.json", images(root, 20))

    data = read(root, val_share=0.1, test_share=0.4)

    assert [len(part) for part in (data.train, data.val, data.test)] == [10, 2, 8]


def test_a_name_that_two_files_have_is_refused(root):
    names = images(root / "a", 6) and images(root / "b", 6, start=50)
    annotate(root / "annotations.json", [f"/elsewhere/{name}" for name in names])

    message = complaint(root)

    assert "file_name '/elsewhere/0.jpg' is not there, and 2 files are called '0.jpg'" in message
    assert message.count("2 files are called") == 6


def test_two_names_that_lead_to_one_file_are_refused(root):
    images(root, 6)
    annotate(root / "annotations.json", ["/a/0.jpg", "/b/0.jpg", "/a/1.jpg"])

    assert "1 file_names lead to the same file as another" in complaint(root)


def test_a_file_that_is_nowhere_is_missing(root):
    annotate(root / "annotations.json", [*images(root / "images", 6), "/elsewhere/lost.jpg"])

    assert "images/lost.jpg: is missing\n1 of the 7 images" in complaint(root)


def test_files_whose_part_cannot_be_told_are_refused(root):
    for name in ("one", "two"):
        annotate(root / "annotations" / f"{name}.json", images(root / "images", 6))

    assert "it cannot be told which part 'one.json', 'two.json' is for" in complaint(root)


def test_a_second_file_for_a_part_is_refused(root):
    roboflow(root, ("train", "Training"))

    assert "are both the train part; keep one" in complaint(root)


def test_parts_without_train_are_refused(root):
    roboflow(root, ("valid", "test"))

    assert "but no annotation file for train" in complaint(root)


def test_other_json_files_are_no_annotations(root):
    annotate(root / "annotations.json", images(root / "images", 20))
    (root / "classes.json").write_text('{"cap": 0}')

    assert len(read(root).train) == 14


def test_images_without_annotations_are_counted(root):
    names = images(root / "images", 22)
    annotate(root / "annotations.json", names[:20])

    left_out = read(root).left_out["images in no part"]

    assert left_out == (2, str(root / "images" / "20.jpg"))


def test_an_image_in_two_parts_under_another_name_is_refused(root):
    roboflow(root)
    (root / "test" / "0.jpg").write_bytes((root / "train" / "3.jpg").read_bytes())

    message = complaint(root)

    assert (
        f"{root / 'test' / '0.jpg'}: of test is also in train, as {root / 'train' / '3.jpg'}"
        in message
    )


def test_categories_of_one_part_alone_are_named(root):
    roboflow(root)
    annotate(
        root / "test" / "_annotations.coco.json",
        images(root / "test", 4, start=700),
        categories=[
            {"id": 4, "name": "cap"},
            {"id": 7, "name": "bottle"},
            {"id": 9, "name": "spoon"},
        ],
    )

    assert "are 2 in train and 3 in test; in one of them alone: 'spoon'" in complaint(root)


def test_the_number_of_classes_is_checked_where_it_is_stated(root):
    roboflow(root)

    assert len(read(root, num_classes=2).classes) == 2
    assert "has 2 categories, but num_classes is 3" in complaint(root, num_classes=3)


def test_the_official_folder_has_80_classes_unless_stated_otherwise(tmp_path):
    for part in ("train2017", "val2017"):
        names = images(tmp_path / "coco" / part, 6, start=len(part))
        annotate(tmp_path / "coco/annotations" / f"instances_{part}.json", names)

    with (
        reading_data(tmp_path),
        pytest.raises(DataError, match="has 2 categories, but num_classes is 80"),
    ):
        DATASETS["coco"].make()


def test_annotated_official_names_for_three_parts_are_the_three_parts(root):
    for place, part in enumerate(("train2017", "val2017", "test2017")):
        names = images(root / part, 6 - place, start=100 * place)
        annotate(root / "annotations" / f"instances_{part}.json", names)

    data = read(root)

    assert [len(part) for part in (data.train, data.val, data.test)] == [6, 5, 4]
