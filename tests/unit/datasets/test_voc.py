"""Pascal VOC is read as its authors distribute it and as annotation tools write it; what is wrong with it is named."""

import shutil

import numpy as np
import pytest
from fabricated_data import fabricate_voc, photograph, save_voc
from PIL import Image

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.errors import DataError

CAT = ("cat", (3, 5, 30, 20), 0)


def read(data_root, **params):
    with reading_data(data_root):
        return DATASETS["voc"].make(**params)


def complaint(data_root, **params) -> str:
    with pytest.raises(DataError) as error:
        read(data_root, **params)
    assert error.value.exit_code == 3
    return str(error.value)


def lengths(data) -> list[int]:
    return [len(part) for part in (data.train, data.val, data.test)]


@pytest.fixture
def folder(tmp_path):
    return fabricate_voc(tmp_path / "VOCdevkit")


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "mine"


def fill(images, annotations, number, *, start=0, objects=(CAT,)) -> None:
    """Photographs in one folder, their annotations in another or the same."""
    for place in range(start, start + number):
        photograph(images / f"{place}.jpg", number=place)
        save_voc(annotations / f"{place}.xml", f"{place}.jpg", list(objects))


def test_the_lists_are_the_parts(folder):
    data = read(folder.parents[1])

    assert data.classes == ("cat", "dog")
    assert lengths(data) == [6, 4, 3]
    assert data.val.instances.names == tuple(
        f"JPEGImages/{number:06d}.jpg" for number in range(6, 10)
    )
    assert data.origins["test"] == "ImageSets/Main/test.txt"
    assert data.left_out == {}


@pytest.mark.parametrize("root", ["VOCdevkit", "VOCdevkit/VOC2007", "."])
def test_the_year_is_found_below_the_root(folder, root):
    assert lengths(read(folder.parents[1], root=root)) == [6, 4, 3]


def test_several_years_are_refused_with_the_root_that_would_do(folder):
    shutil.copytree(folder, folder.parent / "VOC2012")

    message = complaint(folder.parents[1])

    assert "holds 2 years (VOC2007, VOC2012); say which with root" in message


def test_boxes_count_from_pixel_1_and_hold_their_last_pixel(folder):
    objects = read(folder.parents[1]).train.scenes(np.array([0]))[0].objects

    assert objects.boxes.tolist() == [[2, 4, 30, 20], [0, 0, 48, 40]]
    assert objects.areas.tolist() == [28 * 16, 48 * 40]
    assert objects.labels.tolist() == [0, 1]


def test_difficult_objects_are_neither_learned_nor_a_fault(folder):
    scenes = read(folder.parents[1]).train.scenes(np.array([0, 1]))

    assert scenes[0].objects.crowd.tolist() == [False, True]
    assert scenes[1].objects.crowd.tolist() == [False, False]


def test_a_tool_that_counts_from_0_is_known_by_a_box_that_begins_there(mine):
    fill(mine / "JPEGImages", mine / "Annotations", 20)
    save_voc(mine / "Annotations" / "7.xml", "7.jpg", [("cat", (0, 2.5, 11, 9), 0)])

    data = read(mine.parent, root="mine")

    boxes = np.concatenate([part.instances.boxes for part in (data.train, data.val, data.test)])
    assert sorted(map(tuple, boxes.tolist())) == [(0, 2.5, 11, 9)] + [(3, 5, 30, 20)] * 19


@pytest.mark.parametrize(
    "parts", [("train", "valid", "test"), ("Training", "Validation", "Testing")]
)
@pytest.mark.parametrize(
    ("images", "annotations"), [(".", "."), ("images", "annotations"), ("JPEGImages", "xmls")]
)
def test_folders_may_be_the_parts(mine, parts, images, annotations):
    for place, part in enumerate(parts):
        fill(mine / part / images, mine / part / annotations, 5 - place, start=10 * place)

    data = read(mine.parent, root="mine")

    assert lengths(data) == [5, 4, 3]
    assert data.origins["val"].startswith(parts[1])


def test_parts_may_lie_inside_of_the_folders_of_images_and_annotations(mine):
    for place, part in enumerate(("train", "val", "test")):
        fill(mine / "JPEGImages" / part, mine / "Annotations" / part, 5 - place)
        for number in range(5 - place):
            photograph(mine / "JPEGImages" / part / f"{number}.jpg", number=10 * place + number)

    data = read(mine.parent, root="mine")

    assert lengths(data) == [5, 4, 3]
    assert set(data.val.instances.names) == {f"JPEGImages/val/{number}.jpg" for number in range(4)}


@pytest.mark.parametrize(
    ("images", "annotations"),
    [
        ("JPEGImages", "Annotations"),
        ("images", "annotations"),
        (".", "."),
        ("images", "."),
        ("images/a", "xml/a"),
    ],
)
def test_a_folder_without_parts_is_cut_by_lot(mine, images, annotations):
    fill(mine / images, mine / annotations, 20)

    data = read(mine.parent, root="mine")
    again = read(mine.parent, root="mine")

    assert lengths(data) == [14, 3, 3]
    assert data.origins["test"] == "cut from train by lot"
    assert data.test.instances.names == again.test.instances.names
    assert data.fingerprint == again.fingerprint


def test_a_test_list_without_annotations_is_cut_from_train(folder):
    for number in range(10, 13):
        (folder / "Annotations" / f"{number:06d}.xml").unlink()

    data = read(folder.parents[1], test_share=0.34)

    assert lengths(data) == [4, 4, 2]
    assert data.left_out["images in no part"].number == 3


def test_trainval_is_train_where_there_is_no_such_list(folder):
    lists = folder / "ImageSets" / "Main"
    (lists / "trainval.txt").write_text(
        (lists / "train.txt").read_text() + (lists / "val.txt").read_text()
    )
    (lists / "train.txt").unlink()
    (lists / "val.txt").unlink()

    assert lengths(read(folder.parents[1], val_share=0.2)) == [8, 2, 3]


def test_lists_may_have_endings_signs_and_windows_line_ends(folder):
    file = folder / "ImageSets" / "Main" / "train.txt"
    lines = file.read_text().splitlines()
    file.write_bytes(f"\ufeff{lines[0]}.jpg\r\n{lines[1]} -1\r\n{lines[2]}  1\r\n\r\n".encode())

    assert lengths(read(folder.parents[1])) == [3, 4, 3]


def test_names_in_lists_alone_are_all_named(folder):
    with (folder / "ImageSets" / "Main" / "val.txt").open("a") as stream:
        stream.write("lost\ngone away\n")

    message = complaint(folder.parents[1])

    assert "'lost' has no annotation file in" in message
    assert "'gone away' has no annotation file in" in message


def test_an_image_belongs_to_the_file_of_its_name_whatever_that_says(mine):
    fill(mine / "images", mine / "annotations", 20)
    save_voc(mine / "annotations" / "3.xml", "C:\\photos\\4.png", [("cat", (9, 9, 12, 12), 0)])

    data = read(mine.parent, root="mine", val_share=0.1, test_share=0.1)

    found: dict[str, list[int]] = {}
    for part in (data.train, data.val, data.test):
        found |= dict(zip(part.instances.names, part.instances.boxes.tolist(), strict=True))
    assert found["images/3.jpg"] == [8, 8, 12, 12]
    assert len(found) == 20


def test_an_image_of_another_name_is_the_one_that_its_annotation_names(mine):
    fill(mine / "images", mine / "annotations", 20)
    (mine / "annotations" / "3.xml").rename(mine / "annotations" / "three.xml")

    assert sum(lengths(read(mine.parent, root="mine"))) == 20


def test_annotations_without_an_image_or_with_several_are_all_named(mine):
    fill(mine / "images", mine / "annotations", 20)
    (mine / "images" / "3.jpg").unlink()
    Image.new("RGB", (48, 40)).save(mine / "images" / "4.png")
    save_voc(mine / "annotations" / "4.xml", "4.bmp", [CAT])

    message = complaint(mine.parent, root="mine")

    assert "annotations/3.xml: no image is called '3' (it names '3.jpg')" in message
    assert "annotations/4.xml: 2 images are called '4' (it names '4.bmp')" in message


@pytest.mark.parametrize("size", [(0, 0), (48, ""), ("", 40), (48, "nan")])
def test_an_annotation_without_a_whole_size_is_for_the_size_of_its_image(mine, size):
    fill(mine / "images", mine / "annotations", 20)
    save_voc(mine / "annotations" / "3.xml", "3.jpg", [CAT], size=size)

    assert sum(lengths(read(mine.parent, root="mine"))) == 20


def test_boxes_are_turned_where_the_tool_did_not_turn_the_image(mine):
    fill(mine / "images", mine / "annotations", 20)
    lying = Image.new("RGB", (48, 40))
    lying.paste("white", (9, 4, 20, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(20):
        exif[0x010E] = str(number)
        lying.save(mine / "images" / f"{number}.jpg", exif=exif, quality=95)
        save_voc(
            mine / "annotations" / f"{number}.xml", f"{number}.jpg", [("cat", (10, 5, 20, 10), 0)]
        )

    scene = read(mine.parent, root="mine").test.scenes(np.array([0]))[0]

    left, upper, right, lower = map(int, scene.objects.boxes[0])
    assert tuple(scene.image.shape) == (3, 48, 40)
    assert (scene.image[0, upper:lower, left:right] > 127).all()
    assert (lower - upper, right - left) == (11, 6)


def written(text: str):
    return lambda file: file.write_text(text)


OBJECT = "<object><name>cat</name><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object>"
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><annotation><filename>&c;</filename></annotation>'


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (written(""), "is no XML, or is cut off"),
        (written("<annotation><object>"), "is no XML, or is cut off"),
        (written(BOMB), "has a document type (<!DOCTYPE ...>), which an annotation does not need"),
        (lambda file: file.write_bytes(BOMB.encode("utf-16")), "has a document type"),
        (written("<html></html>"), "its outermost element is <html>"),
        (
            written(f"<annotation>{OBJECT.format('a', 5)}</annotation>"),
            "object number 1: 'cat' has a <bndbox> of xmin 'a'",
        ),
        (
            written(f"<annotation>{OBJECT.format('nan', 5)}</annotation>"),
            "it has to have four numbers",
        ),
        (
            written(f"<annotation>{OBJECT.format(9, 5)}</annotation>"),
            "xmin '9', ymin '2', xmax '5'",
        ),
        (written("<annotation><object><name>cat</name></object></annotation>"), "xmin '', ymin ''"),
        (written("<annotation><object><name> </name></object></annotation>"), "its <name> is ''"),
        (
            written(f"<annotation>{OBJECT.format(9, 52)}</annotation>"),
            "reaches out of its image of 48 x 40 pixels",
        ),
        (
            lambda file: save_voc(file, "x.jpg", [CAT], size=(60, 50)),
            "000001.xml says 60 x 50; replace the image",
        ),
    ],
    ids=[
        "empty",
        "cut",
        "bomb",
        "bomb in UTF-16",
        "HTML",
        "text",
        "NaN",
        "turned",
        "no box",
        "no name",
        "outside",
        "size",
    ],
)
def test_a_fault_of_an_annotation_is_named_with_its_file(folder, spoil, words):
    spoil(folder / "Annotations" / "000001.xml")

    message = complaint(folder.parents[1])

    assert words in message
    assert "000001.xml" in message


def test_faults_of_all_files_are_named_at_once(folder):
    for number in (1, 7):
        (folder / "Annotations" / f"{number:06d}.xml").write_text("<annotation>")

    message = complaint(folder.parents[1])

    assert "000001.xml: is no XML" in message
    assert "000007.xml: is no XML" in message


def test_a_part_without_an_object_and_a_wrong_number_of_classes_are_refused(folder):
    assert "has 2 classes (cat, dog), but num_classes is 20" in complaint(
        folder.parents[1], num_classes=20
    )
    for number in range(6, 10):
        save_voc(folder / "Annotations" / f"{number:06d}.xml", "", [])

    assert "of its 4 images none has an object in the val part" in complaint(folder.parents[1])


def test_missing_folders_say_how_to_get_the_data(tmp_path):
    (tmp_path / "empty").mkdir()

    assert f"{tmp_path / 'VOCdevkit'}: is missing" in complaint(tmp_path)
    assert "holds no annotation file (*.xml). Pascal VOC is" in complaint(tmp_path, root="empty")


def test_the_fingerprint_changes_with_boxes_and_pixels_not_with_the_place(folder, tmp_path):
    before = read(tmp_path).fingerprint
    shutil.copytree(folder, tmp_path / "elsewhere")

    assert read(tmp_path, root="elsewhere").fingerprint == before
    save_voc(folder / "Annotations" / "000001.xml", "", [("cat", (3, 5, 31, 20), 0)])
    assert read(tmp_path).fingerprint != before
