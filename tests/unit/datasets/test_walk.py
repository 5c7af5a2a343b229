"""Folders as people have them: which are parts, which are classes, which files are images, and what is refused."""

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fabricated_data import fabricate_folder, fabricate_imagenet, photograph
from image_folders import complaint, read
from PIL import Image

from dasbench.catalog import DATASETS
from dasbench.data_access import reading_data
from dasbench.datasets.dataset import LeftOut
from dasbench.datasets.pictures.pixels import readable_endings


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path):
    return fabricate_folder(tmp_path / "photos")


def parts_of(root: Path, *names: str) -> Path:
    """Folders for parts, each with three classes of four images."""
    for number, name in enumerate(names):
        fabricate_folder(root / name, images=4, start=100 * number)
    return root


def sizes(data) -> list[int]:
    return [len(part) for part in (data.train, data.val, data.test)]


class TestParts:
    @pytest.mark.parametrize(
        "names",
        [
            ("Training", "Validation", "Testing"),
            ("TRAIN", "VALID", "TEST"),
            ("train_set", "dev_set", "test_set"),
            ("01_train", "02_val", "03_test"),
        ],
    )
    def test_any_usual_spelling_will_do(self, tmp_path, names):
        data = read(parts_of(tmp_path / "own", *names))

        assert data.classes == ("class 0", "class 1", "class 2")
        assert data.test.files[0] == f"{names[2]}/class 0/0.jpg"
        assert data.origins == {
            "train": f"{names[0]}/",
            "val": f"{names[1]}/",
            "test": f"{names[2]}/",
        }

    def test_one_that_is_missing_is_cut_from_the_training_images(self, tmp_path):
        data = read(parts_of(tmp_path / "own", "Training", "Testing"), val_share=0.25)

        assert sizes(data) == [9, 3, 12]
        assert data.origins["train"] == "the rest of Training/"
        assert data.origins["val"] == "cut from Training/ by lot"
        assert data.origins["test"] == "Testing/"

    def test_a_folder_for_training_alone_is_enough(self, tmp_path):
        assert sizes(
            read(parts_of(tmp_path / "own", "Train"), val_share=0.25, test_share=0.25)
        ) == [6, 3, 3]

    def test_two_folders_for_one_part_are_refused(self, tmp_path):
        message = complaint(parts_of(tmp_path / "own", "train", "Training", "test"))

        assert "'Training', 'train' are all named for the part train" in message

    @pytest.mark.parametrize("names", [("val", "test"), ("test",)])
    def test_without_one_for_training_they_are_refused(self, tmp_path, names):
        message = complaint(parts_of(tmp_path / "own", *names))

        assert "no folder for the part train" in message
        assert "layout: classes" in message

    def test_an_unknown_name_beside_them_is_refused_if_it_holds_images(self, tmp_path):
        message = complaint(parts_of(tmp_path / "own", "train", "test", "holdout"))

        assert "beside parts, 'holdout' (with 12 images) is neither part nor class" in message

    def test_a_folder_without_images_beside_them_is_counted(self, tmp_path):
        folder = parts_of(tmp_path / "own", "train", "test")
        (folder / "notes").mkdir()
        (folder / "notes" / "read.me").write_text("hello")

        left_out = read(folder, val_share=0.25).left_out

        assert left_out == {
            ".me": LeftOut(1, "notes/read.me"),
            "folders without images": LeftOut(1, "notes"),
        }

    def test_one_without_class_folders_is_refused(self, tmp_path):
        folder = parts_of(tmp_path / "own", "train")
        photograph(folder / "test" / "1.jpg", number=7)

        message = complaint(folder)

        assert (
            "test: is named for the part test, but its 1 images are in no class folder" in message
        )

    def test_images_without_classes_are_no_two_classes_called_train_and_test(self, tmp_path):
        for name in ("train", "test"):
            for number in range(8):
                photograph(tmp_path / "own" / name / f"{name}{number}.jpg", number=number)

        message = complaint(tmp_path / "own")

        assert "its 8 images are in no class folder" in message
        assert "labels.csv" in message

    def test_one_that_is_empty_is_refused(self, tmp_path):
        folder = parts_of(tmp_path / "own", "train", "test")
        (folder / "val").mkdir()

        assert "val: holds no image" in complaint(folder)

    def test_a_lone_folder_in_one_is_passed_through(self, tmp_path):
        for number, name in enumerate(("train", "test")):
            fabricate_folder(tmp_path / "own" / name / name, images=4, start=100 * number)

        data = read(tmp_path / "own", val_share=0.25)

        assert sizes(data) == [9, 3, 12]
        assert data.origins["test"] == "test/test/"

    def test_every_fault_is_said_at_once(self, tmp_path):
        folder = parts_of(tmp_path / "own", "val", "valid", "more")

        message = complaint(folder)

        assert "'val', 'valid' are all named for the part val" in message
        assert "no folder for the part train" in message
        assert "'more'" in message


class TestTwoReadings:
    def test_parts_in_unknown_words_are_refused(self, tmp_path):
        message = complaint(parts_of(tmp_path / "own", "fitting", "judging"))

        assert (
            "'fitting' and 'judging' hold folders of the same names ('class 0', 'class 1', 'class 2')"
            in message
        )
        assert "call the former train, val or test" in message
        assert "layout: classes" in message

    def test_parts_in_unknown_words_are_seen_through_lone_folders(self, tmp_path):
        for number, name in enumerate(("set_a", "set_b")):
            fabricate_folder(tmp_path / "own" / name / name, images=4, start=100 * number)

        assert "'set_a' and 'set_b' hold folders of the same names" in complaint(tmp_path / "own")

    def test_classes_that_hold_parts_are_refused(self, tmp_path):
        for number, name in enumerate(("cat", "dog")):
            for part in ("train", "test"):
                photograph(
                    tmp_path / "own" / name / part / "1.jpg", number=2 * number + (part == "test")
                )

        message = complaint(tmp_path / "own")

        assert "'cat' and 'dog' hold folders of the same names ('test', 'train')" in message
        assert "make it train/<class>, test/<class>" in message

    def test_classes_may_differ_in_the_spelling_of_the_parts_in_them(self, tmp_path):
        for number, place in enumerate(("cat/Train", "cat/Test", "dog/training", "dog/testing")):
            photograph(tmp_path / "own" / place / "1.jpg", number=number)

        assert "hold folders of the same names" in complaint(tmp_path / "own")

    @pytest.mark.parametrize(
        "names", [("cat_train", "cat_test", "dog_train", "dog_test"), ("trainA", "testA")]
    )
    def test_parts_in_the_names_of_classes_are_refused(self, tmp_path, names):
        for start, name in enumerate(names):
            for number in range(8):
                photograph(tmp_path / "own" / name / f"{number}.jpg", number=100 * start + number)

        assert "are two parts of one class, or two classes" in complaint(tmp_path / "own")

    def test_folders_of_the_same_names_within_a_part_are_refused(self, tmp_path):
        for part in range(2):
            for year in range(2):
                place = tmp_path / "own" / ("train", "test")[part] / ("2019", "2020")[year]
                fabricate_folder(place, images=2, start=10 * part + 100 * year)

        assert "'2019' and '2020' hold folders of the same names" in complaint(tmp_path / "own")

    def test_a_word_of_the_user_decides(self, tmp_path):
        data = read(parts_of(tmp_path / "own", "fitting", "train"), layout="classes")

        assert data.classes == ("fitting", "train")
        assert sum(sizes(data)) == 24

    def test_one_common_name_is_no_second_reading(self, photos):
        for name in ("class 0", "class 1", "class 2"):
            shutil.copytree(photos / name, photos / "moved" / name / "images")
            shutil.rmtree(photos / name)
            shutil.move(photos / "moved" / name, photos / name)
        (photos / "moved").rmdir()

        assert read(photos).train.files[0].startswith("class 0/images/")

    def test_a_folder_around_the_root_is_named(self, tmp_path):
        shutil.move(
            fabricate_folder(tmp_path / "photos"), tmp_path / "archive" / "dataset" / "photos"
        )

        message = complaint(tmp_path / "archive")

        assert f"the root to name is {tmp_path}/archive/dataset/photos" in message

    def test_a_folder_around_the_root_is_named_although_an_empty_one_lies_beside_it(self, tmp_path):
        fabricate_folder(tmp_path / "archive" / "images")
        (tmp_path / "archive" / "meta").mkdir()

        message = complaint(tmp_path / "archive")

        assert "has all its images in one folder, 'images' ('meta' beside it holds none)" in message

    @pytest.mark.parametrize(
        "names", [("images", "masks"), ("JPEGImages", "SegmentationClass", "SegmentationObject")]
    )
    def test_images_and_their_masks_are_no_classes(self, tmp_path, names):
        for start, name in enumerate(names):
            for number in range(8):
                photograph(tmp_path / "own" / name / f"{number}.jpg", number=100 * start + number)

        message = complaint(tmp_path / "own")

        assert "look like images and what belongs to them, not like classes" in message
        assert read(tmp_path / "own", layout="classes").classes == names

    def test_a_folder_around_parts_is_named(self, tmp_path):
        parts_of(tmp_path / "archive" / "own", "train", "test")

        assert f"the root to name is {tmp_path}/archive/own" in complaint(tmp_path / "archive")


class TestClasses:
    def test_all_that_are_not_in_every_part_are_listed(self, tmp_path):
        folder = parts_of(tmp_path / "own", "train", "test")
        (folder / "test/class 1").rename(folder / "test/Class 1")
        shutil.rmtree(folder / "test/class 2")

        message = complaint(folder)

        assert "class 'Class 1' is in test, but not in train" in message
        assert "class 'class 1' is in train, but not in test" in message
        assert "class 'class 2' is in train, but not in test" in message

    def test_all_without_images_are_listed(self, photos):
        for name in ("class 3", "class 4"):
            (photos / name).mkdir()
            (photos / name / "notes.txt").write_text("")

        message = complaint(photos)

        assert "class 3: holds no image" in message
        assert "class 4: holds no image" in message

    def test_accents_are_the_same_however_they_are_coded(self, tmp_path):
        parts_of(tmp_path / "own", "train", "test")
        for part, name in (("train", "cafe\u0301"), ("test", "caf\u00e9")):
            (tmp_path / "own" / part / "class 0").rename(tmp_path / "own" / part / name)

        assert read(tmp_path / "own", val_share=0.25).classes[0] == "caf\u00e9"

    def test_names_that_are_no_text_are_classes_and_images(self, photos):
        (photos / "class 0").rename(photos / os.fsdecode(b"caf\xe9"))
        (photos / "class 1/0.jpg").rename(photos / "class 1" / os.fsdecode(b"\xff.jpg"))

        data = read(photos)

        assert data.classes[0] == "caf\\udce9"
        assert sum(sizes(data)) == 24
        assert data.test.batch(np.arange(3)).shape == (3, 3, 16, 16)

    def test_names_with_line_breaks_and_commas_do_no_harm(self, photos):
        (photos / "class 0").rename(photos / "one,\ntwo")
        (photos / "class 1/0.jpg").rename(photos / "class 1/a,\nb;.jpg")

        data = read(photos)

        assert data.classes[-1] == "one,\\ntwo"
        assert sum(sizes(data)) == 24


class TestFiles:
    @pytest.mark.parametrize("ending", [".tif", ".TIFF", ".jfif", ".gif", ".JPE", ".ppm", ".tga"])
    def test_what_pillow_opens_is_taken_by_its_ending(self, photos, ending):
        odd = Image.open(photos / "class 0/0.jpg")
        odd.save(photos / f"class 0/odd{ending}", Image.registered_extensions()[ending.lower()])
        (photos / "class 0/0.jpg").unlink()

        data = read(photos)

        assert sum(sizes(data)) == 24
        assert data.left_out == {}

    @pytest.mark.parametrize("name", ["image", "image.1", "image.jpg_original"])
    def test_an_image_without_a_known_ending_is_taken_by_its_first_bytes(self, photos, name):
        (photos / "class 0/0.jpg").rename(photos / "class 0" / name)

        assert sum(sizes(read(photos))) == 24

    def test_the_rest_is_counted_by_its_ending(self, photos):
        for name in (
            "class 0/a.txt",
            "class 0/b.TXT",
            "class 1/README",
            "class 2/raw.heic",
            "about.pdf",
        ):
            (photos / name).write_text("no picture")
        photograph(photos / "cover.jpg", number=99)
        photograph(photos / "back.jpg", number=98)

        assert read(photos).left_out == {
            ".pdf": LeftOut(1, "about.pdf"),
            ".txt": LeftOut(2, "class 0/a.txt"),
            "(no ending)": LeftOut(1, "class 1/README"),
            ".heic": LeftOut(1, "class 2/raw.heic"),
            "images in no class folder": LeftOut(2, "back.jpg"),
        }

    def test_what_systems_put_beside_them_is_ignored(self, photos):
        photograph(photos / "__MACOSX" / "class 0" / "0.jpg", number=1)
        photograph(photos / "class 1" / "@eaDir" / "0.jpg", number=1)
        photograph(photos / ".ipynb_checkpoints" / "0.jpg", number=1)
        for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
            (photos / "class 0" / name).write_bytes(b"\0")

        data = read(photos)

        assert data.classes == ("class 0", "class 1", "class 2")
        assert (sum(sizes(data)), data.left_out) == (24, {})

    def test_all_that_are_empty_are_listed(self, photos):
        for name in ("class 0/1.jpg", "class 2/3.jpg"):
            (photos / name).write_bytes(b"")

        message = complaint(photos)

        assert "class 0/1.jpg: is empty (0 bytes)" in message
        assert "class 2/3.jpg: is empty (0 bytes)" in message
        assert "2 of 24 files are empty" in message

    def test_pipes_and_sockets_are_left_out(self, photos, monkeypatch):
        os.mkfifo(photos / "class 0/pipe.jpg")
        monkeypatch.chdir(photos)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("class 0/socket.jpg")

            left_out = read(photos).left_out

        assert left_out == {"pipes, sockets and devices": LeftOut(2, "class 0/pipe.jpg")}

    def test_a_folder_may_be_called_like_an_image(self, photos):
        (photos / "class 0").rename(photos / "class.jpg")

        assert read(photos).classes == ("class 1", "class 2", "class.jpg")

    def test_documents_of_other_programs_are_no_images(self):
        assert not readable_endings() & {".pdf", ".eps", ".ps", ".wmf", ".txt", ".csv"}


class TestLinks:
    def test_a_link_to_a_folder_of_images_is_a_class(self, photos, tmp_path):
        shutil.move(photos / "class 0", tmp_path / "elsewhere")
        (photos / "class 0").symlink_to(tmp_path / "elsewhere")

        assert sum(sizes(read(photos))) == 24

    def test_a_link_that_leads_back_is_not_walked_again(self, photos):
        (photos / "class 0" / "up").symlink_to(photos)
        (photos / "class 1" / "self").symlink_to(".")

        data = read(photos)

        assert sum(sizes(data)) == 24
        assert data.left_out == {"links back to a folder above them": LeftOut(2, "class 0/up")}

    def test_links_that_lead_nowhere_are_all_refused(self, photos):
        (photos / "class 0/gone.jpg").symlink_to("/not/mounted/x.jpg")
        (photos / "class 3").symlink_to("../class 3")
        (photos / "class 1/round.jpg").symlink_to("round.jpg")

        message = complaint(photos)

        assert "class 0/gone.jpg: is a link to /not/mounted/x.jpg, which is not there" in message
        assert "class 3: is a link to ../class 3, which is not there" in message
        assert "class 1/round.jpg: is a link to round.jpg" in message
        assert "3 dangling links: mount the disk" in message

    def test_many_are_listed_in_a_file(self, photos):
        for number in range(30):
            (photos / f"class 0/gone {number:02d}.jpg").symlink_to("/not/mounted/x.jpg")

        message = complaint(photos)
        listed = Path(message.partition("all 30 are listed in ")[2].partition("\n")[0])

        assert message.count("gone") == 10
        assert listed.read_text().count("gone") == 30

    def test_a_cache_that_cannot_be_written_hides_nothing_but_the_list(self, photos, tmp_path):
        (tmp_path / "cache").write_text("a file in the way")
        for number in range(30):
            (photos / f"class 0/gone {number:02d}.jpg").symlink_to("/not/mounted/x.jpg")

        assert "... and 20 more; 30 in all" in complaint(photos)

    def test_a_class_that_is_a_link_to_another_is_refused(self, photos):
        (photos / "class 3").symlink_to("class 0")

        assert "8 such files under two labels" in complaint(photos)


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user whom permissions bind, which they do not if that is root."""
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody").pw_uid
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


class TestRights:
    @pytest.fixture
    def public(self) -> Iterator[Path]:
        """A folder of photographs that every user may look into."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            photos = fabricate_folder(Path(folder) / "photos")
            readable_endings()  # reads Pillow's files, which only their owner may be able to
            yield photos
            for path in photos.rglob("*"):
                path.chmod(0o755)

    def test_folders_and_files_that_may_not_be_read_are_all_named(self, public):
        (public / "class 0").chmod(0)
        (public / "class 1/3.jpg").chmod(0)

        with without_rights():
            message = complaint(public)

        assert "class 0: Permission denied" in message
        assert "class 1/3.jpg: Permission denied" in message
        assert "chmod -R u+rX" in message


def test_imagenet_has_parts_in_any_spelling(tmp_path):
    folder = fabricate_imagenet(tmp_path)
    (folder / "train").rename(folder / "Train")
    (folder / "val").rename(folder / "Validation")

    with reading_data(tmp_path):
        data = DATASETS["imagenet"].make(num_classes=3, image_size=32, val_share=0.25)

    assert sizes(data) == [12, 6, 6]
    assert data.origins == {
        "train": "the rest of Train/",
        "val": "cut from Train/ by lot",
        "test": "Validation/",
    }
