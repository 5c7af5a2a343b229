"""Labels from a table: what its columns mean, how images are found, what is refused, how groups are kept whole."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from fabricated_data import photograph
from hypothesis import given, settings
from hypothesis import strategies as st
from image_folders import complaint, read

from dasbench.datasets.dataset import LeftOut
from dasbench.datasets.folders.lots import grouped_split

LABELS = ["cat", "dog"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def scans(tmp_path):
    """Twenty images in no class folder."""
    for number in range(20):
        photograph(tmp_path / "scans" / "images" / f"img_{number:02d}.jpg", number=number)
    return tmp_path / "scans"


def table(
    folder: Path,
    *columns: str,
    rows: list[list[str]] | None = None,
    sign: str = ",",
    name="labels.csv",
) -> Path:
    """A table with a row for each image: even numbers are cats."""
    if rows is None:
        rows = [
            [path.name, LABELS[number % 2]]
            for number, path in enumerate(sorted((folder / "images").iterdir()))
        ]
    lines = [sign.join(columns), *(sign.join(row) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def rows_of(scans: Path, *values) -> list[list[str]]:
    """A row for each image: its name, its label, and further values that functions make of its number."""
    return [
        [f"img_{number:02d}.jpg", LABELS[number % 2], *(value(number) for value in values)]
        for number in range(20)
    ]


def labels_of(data) -> dict[str, str]:
    """The class of every image, by its path."""
    return {
        file: data.classes[label]
        for part in (data.train, data.val, data.test)
        for file, label in zip(part.files, part.labels.tolist(), strict=True)
    }


def numbers(part) -> set[int]:
    return {int(re.sub(r"\D", "", Path(file).name)) for file in part.files}


EXPECTED = {f"images/img_{number:02d}.jpg": LABELS[number % 2] for number in range(20)}


class TestColumns:
    @pytest.mark.parametrize(
        "columns",
        [
            ("file", "label"),
            ("filename", "class"),
            ("Image_ID", "Target"),
            ("id", "breed"),
            ("image path", "Species"),
            ("IMAGE", "dx"),
        ],
    )
    def test_usual_names_are_understood(self, scans, columns):
        table(scans, *columns)

        data = read(scans)

        assert labels_of(data) == EXPECTED
        assert data.origins["val"] == "cut from labels.csv by lot"
        assert data.left_out == {}

    @pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
    def test_usual_signs_are_between_them(self, scans, sign):
        table(scans, "file", "label", sign=sign)

        assert labels_of(read(scans)) == EXPECTED

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_what_spreadsheets_write_is_read(self, scans, encoding):
        place = table(scans, "file", "label")
        text = place.read_text().replace("cat", "K\u00e4tzchen").replace("\n", "\r\n")
        place.write_bytes(f"sep=,\r\n{text}\r\n,,\r\n".encode(encoding))

        assert read(scans).classes == ("K\u00e4tzchen", "dog")

    def test_another_code_than_unicode_is_refused_with_its_line(self, scans):
        place = table(scans, "file", "label")
        place.write_bytes(place.read_text().replace("cat", "K\u00e4tzchen").encode("cp1252"))

        message = complaint(scans)

        assert "labels.csv:2: is not UTF-8; save it as UTF-8" in message

    def test_names_may_hold_signs_and_line_breaks_in_quotes(self, scans):
        (scans / "images/img_00.jpg").rename(scans / "images/a,\nb.jpg")
        table(scans, "file", "label", rows=[['"a,\nb.jpg"', "cat"], *rows_of(scans)[1:]])

        assert labels_of(read(scans))["images/a,\nb.jpg"] == "cat"

    def test_a_name_with_a_sign_and_no_quotes_is_refused_with_its_line(self, scans):
        (scans / "images/img_00.jpg").rename(scans / "images/a,b.jpg")
        table(scans, "file", "label", rows=[["a,b.jpg", "cat"], *rows_of(scans)[1:]])

        assert "labels.csv:2: has 3 fields, but there are 2 columns" in complaint(scans)

    def test_missing_ones_are_all_named(self, scans):
        table(scans, "what", "why")

        message = complaint(scans)

        assert "labels.csv:1: no column says the file" in message
        assert "no column says the label" in message
        assert "there are 'what', 'why'" in message

    def test_two_for_the_label_are_refused(self, scans):
        table(scans, "file", "species", "breed", rows=rows_of(scans, str))

        assert "'species', 'breed' may each say the label; call the right one 'label'" in complaint(
            scans
        )

    def test_others_are_named_and_not_used(self, scans, caplog):
        table(
            scans,
            "id",
            "file",
            "label",
            "weight",
            rows=[["7", *row] for row in rows_of(scans, str)],
        )

        with caplog.at_level(logging.INFO):
            data = read(scans)

        assert labels_of(data) == EXPECTED
        assert "columns that are not used: id, weight" in caplog.text

    def test_gaps_are_all_named(self, scans):
        table(
            scans,
            "file",
            "label",
            rows=[["img_00.jpg", ""], ["", "dog"], ["img_02.jpg"], *rows_of(scans)[3:]],
        )

        message = complaint(scans)

        assert "labels.csv:2: 'img_00.jpg' has no label" in message
        assert "labels.csv:3: '' has no file" in message
        assert "labels.csv:4: 'img_02.jpg' has no label" in message
        assert "3 rows with gaps" in message

    @pytest.mark.parametrize("content", [b"", b"file,label\n", b"\n\n", b"file,label\n\0\n"])
    def test_a_table_that_says_nothing_is_refused(self, scans, content):
        (scans / "labels.csv").write_bytes(content)

        assert "labels.csv" in complaint(scans)


class TestWhichTable:
    def test_one_of_another_name_is_read_where_it_is_named(self, scans):
        table(scans, "file", "label", name="train.csv")

        assert labels_of(read(scans, labels="train.csv")) == EXPECTED

    def test_one_of_another_name_is_pointed_at(self, scans):
        table(scans, "file", "label", name="train.csv")
        for path in (scans / "images").iterdir():
            path.rename(scans / path.name)
        (scans / "images").rmdir()

        assert "say `labels: train.csv`" in complaint(scans)

    def test_the_case_of_its_name_does_not_matter(self, scans):
        table(scans, "file", "label", name="Labels.CSV")

        assert read(scans).origins["val"] == "cut from Labels.CSV by lot"

    def test_one_that_lies_deeper_is_pointed_at(self, scans):
        table(scans, "file", "label").rename(scans / "images/labels.csv")

        assert "say `labels: images/labels.csv`" in complaint(scans)
        assert labels_of(read(scans, labels="images/labels.csv")) == EXPECTED

    @pytest.mark.parametrize("name", ["images", "gone.csv", "../scans/labels.csv", "/labels.csv"])
    def test_one_that_is_missing_or_elsewhere_is_refused(self, scans, name):
        table(scans, "file", "label")

        assert name in complaint(scans, labels=name)

    def test_folders_count_where_the_user_says_that_they_are_the_classes(self, scans):
        table(scans, "file", "label")
        photograph(scans / "others/1.jpg", number=77)

        message = complaint(scans, layout="classes")

        assert "class 'others' has 1 images, too few" in message

    def test_without_it_a_folder_of_images_has_one_class(self, scans):
        assert "holds one class folder, 'images'" in complaint(scans)


class TestImages:
    @pytest.mark.parametrize(
        "written",
        [
            "img_{:02d}.jpg",
            "img_{:02d}",
            "images/img_{:02d}.jpg",
            "./images/img_{:02d}",
            "images\\img_{:02d}.jpg",
            "C:\\my\\scans\\images\\img_{:02d}.jpg",
            "/elsewhere/scans/images/img_{:02d}.jpg",
            "IMG_{:02d}.JPG",
            " img_{:02d}.jpg ",
        ],
    )
    def test_they_are_found_by_the_end_of_their_path(self, scans, written):
        table(
            scans,
            "file",
            "label",
            rows=[[written.format(number), LABELS[number % 2]] for number in range(20)],
        )

        assert labels_of(read(scans)) == EXPECTED

    def test_all_that_are_missing_are_listed(self, scans):
        for number in (3, 4):
            (scans / f"images/img_{number:02d}.jpg").unlink()
        table(scans, "file", "label", rows=rows_of(scans))

        message = complaint(scans)

        assert "labels.csv:5: 'img_03.jpg' is not below" in message
        assert "labels.csv:6: 'img_04.jpg' is not below" in message
        assert "2 of 20 rows: the image is not there" in message

    def test_another_folder_than_the_one_written_is_none_of_its_images(self, scans):
        table(scans, "file", "label", rows=[["masks/img_00.jpg", "cat"], *rows_of(scans)[1:]])

        assert "'masks/img_00.jpg' is not below" in complaint(scans)

    def test_a_name_that_two_images_have_is_refused(self, scans):
        photograph(scans / "more/img_05.jpg", number=99)
        table(scans, "file", "label", rows=rows_of(scans))

        message = complaint(scans)

        assert "labels.csv:7: 'img_05.jpg' may be 'images/img_05.jpg', 'more/img_05.jpg'" in message

    def test_a_column_without_a_name_says_nothing(self, scans):
        named = rows_of(scans)
        numbered = [[str(number), *row] for number, row in enumerate([*named, named[3]])]
        table(scans, "", "file", "label", rows=numbered)

        assert len(labels_of(read(scans))) == 20

    def test_a_row_that_stands_twice_counts_once(self, scans):
        rows = rows_of(scans)
        table(scans, "file", "label", rows=[*rows, rows[3]])

        assert labels_of(read(scans)) == EXPECTED

    def test_an_image_with_two_labels_is_refused(self, scans):
        table(scans, "file", "label", rows=[*rows_of(scans), ["images/img_03", "cat"]])

        assert (
            "labels.csv:22: 'images/img_03' stands in line 5, too, which says otherwise"
            in complaint(scans)
        )

    def test_those_in_no_row_are_counted(self, scans):
        table(scans, "file", "label", rows=rows_of(scans)[2:])

        left_out = read(scans).left_out

        assert left_out == {"images in no row of labels.csv": LeftOut(2, "images/img_00.jpg")}

    def test_the_order_of_the_rows_does_not_matter(self, scans):
        table(scans, "file", "label")
        before = read(scans)
        table(scans, "file", "label", rows=rows_of(scans)[::-1])

        after = read(scans)

        assert (after.fingerprint, after.test.files) == (before.fingerprint, before.test.files)

    def test_numbers_are_sorted_as_numbers(self, scans):
        rows = [[f"img_{number:02d}", str(10 - number % 2)] for number in range(20)]
        table(scans, "file", "label", rows=rows)

        assert read(scans).classes == ("9", "10")

    def test_one_label_is_refused(self, scans):
        table(scans, "file", "label", rows=[[row[0], "cat"] for row in rows_of(scans)])

        assert "has one label, 'cat'" in complaint(scans)


def thirds(number: int) -> str:
    return ("Training", "valid", "TEST")[number // 2 % 3]


class TestParts:
    def test_a_column_says_them_in_any_spelling(self, scans):
        table(scans, "file", "label", "split", rows=rows_of(scans, thirds))

        data = read(scans)

        assert numbers(data.test) == {number for number in range(20) if thirds(number) == "TEST"}
        assert numbers(data.val) == {number for number in range(20) if thirds(number) == "valid"}
        assert data.origins == dict.fromkeys(("train", "val", "test"), "labels.csv")

    def test_one_that_it_does_not_say_is_cut(self, scans):
        table(
            scans,
            "file",
            "label",
            "split",
            rows=rows_of(scans, lambda n: "test" if n < 4 else "train"),
        )

        data = read(scans)

        assert numbers(data.test) == {0, 1, 2, 3}
        assert len(data.val) == 2
        assert data.origins["val"] == "cut from labels.csv by lot"

    def test_other_words_are_all_refused(self, scans):
        table(
            scans,
            "file",
            "label",
            "set",
            rows=rows_of(scans, lambda n: str(n) if n < 2 else "train"),
        )

        message = complaint(scans)

        assert "labels.csv:2: '0' is no part" in message
        assert "labels.csv:3: '1' is no part" in message
        assert "parts are train, val and test" in message

    def test_none_to_train_on_is_refused(self, scans):
        table(scans, "file", "label", "split", rows=rows_of(scans, lambda _: "test"))

        assert "none is for train" in complaint(scans)

    def test_a_class_that_is_missing_from_one_is_refused(self, scans):
        table(
            scans,
            "file",
            "label",
            "split",
            rows=rows_of(scans, lambda n: "test" if n in (0, 2) else "train"),
        )

        message = complaint(scans)

        assert "1 of 2 classes have no image in the test part" in message
        assert "'dog'" in message

    def test_folders_say_them_where_no_column_does(self, scans):
        for number in range(20):
            place = scans / ("Train" if number < 12 else "Test") / f"{number}.jpg"
            place.parent.mkdir(exist_ok=True)
            (scans / f"images/img_{number:02d}.jpg").rename(place)
        table(
            scans, "file", "label", rows=[[str(number), LABELS[number % 2]] for number in range(20)]
        )

        data = read(scans)

        assert numbers(data.test) == set(range(12, 20))
        assert data.origins["test"] == "labels.csv (parts by folders)"

    def test_folders_that_say_them_of_some_images_alone_are_refused(self, scans):
        for number, part in enumerate(("train", "test")):
            photograph(scans / part / f"{part}.jpg", number=100 + number)
        table(
            scans,
            "file",
            "label",
            rows=[*rows_of(scans), ["train.jpg", "cat"], ["test.jpg", "dog"]],
        )

        assert "say the part of each in a column `split`" in complaint(scans)

    def test_images_for_a_contest_that_have_no_label_are_left_out(self, scans):
        (scans / "images").rename(scans / "train")
        for number in range(3):
            photograph(scans / "test" / f"x{number}.jpg", number=100 + number)
        table(scans, "id", "label", rows=rows_of(scans), name="train.csv")

        data = read(scans, labels="train.csv")

        assert len(labels_of(data)) == 20
        assert data.left_out == {"images in no row of train.csv": LeftOut(3, "test/x0.jpg")}


class TestGroups:
    def test_they_are_never_torn(self, scans):
        table(scans, "file", "label", "Patient ID", rows=rows_of(scans, lambda n: f"p{n // 3}"))

        data = read(scans)

        groups = [
            {number // 3 for number in numbers(part)} for part in (data.train, data.val, data.test)
        ]
        assert not groups[0] & groups[1]
        assert not groups[0] & groups[2]
        assert not groups[1] & groups[2]
        assert all(
            len(set(part.labels.tolist())) == 2 for part in (data.train, data.val, data.test)
        )
        assert data.origins["val"] == "cut from labels.csv (groups by 'Patient ID') by lot"

    def test_parts_that_tear_one_are_refused_with_all_of_them(self, scans):
        rows = rows_of(scans, lambda n: "test" if n % 5 > 2 else "train", lambda n: f"p{n // 10}")
        table(scans, "file", "label", "split", "subject", rows=rows)

        message = complaint(scans)

        assert "group 'p0' is torn: 4 in test and 6 in train" in message
        assert "group 'p1' is torn: 4 in test and 6 in train" in message
        assert "2 torn groups" in message

    def test_too_few_of_them_are_refused(self, scans):
        table(scans, "file", "label", "group", rows=rows_of(scans, lambda n: f"p{n % 2}{n // 18}"))

        message = complaint(scans)

        assert "class 'cat' has 2 groups, which could not be dealt out over 3 parts" in message
        assert "class 'dog' has 2 groups" in message

    def test_a_single_one_is_refused(self, scans):
        table(scans, "file", "label", "group", rows=rows_of(scans, lambda _: "all"))

        assert "class 'cat' has 1 groups" in complaint(scans)

    def test_as_many_as_there_are_parts_are_enough(self):
        labels, groups = np.repeat([0, 1], 30), np.repeat(np.arange(6), 10)

        parts = grouped_split(labels, groups, [0.15, 0.15], salt="test")

        assert [np.bincount(labels[part]).tolist() for part in parts] == [[10, 10]] * 3

    def test_shares_are_about_those_that_were_asked_for(self):
        draws = np.random.default_rng(0)
        groups = np.sort(draws.integers(0, 300, 3000))
        labels = draws.integers(0, 4, 3000)

        parts = grouped_split(labels, groups, [0.2, 0.1], salt="test")

        for part, share in zip(parts, (0.7, 0.2, 0.1), strict=True):
            assert np.bincount(labels[part]) / np.bincount(labels) == pytest.approx(share, abs=0.03)

    @settings(max_examples=50)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=60))
    def test_every_image_is_dealt_out_once_and_no_group_torn(self, rows):
        labels, groups = (np.array(column, np.int64) for column in zip(*rows, strict=True))

        parts = grouped_split(labels, groups, [0.2, 0.2], salt="test")

        assert sorted(np.concatenate(parts).tolist()) == list(range(len(rows)))
        owners = [set(groups[part].tolist()) for part in parts]
        assert sum(map(len, owners)) == len(set.union(*owners))
