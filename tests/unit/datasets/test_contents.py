"""Content is what identifies files: not their names, not where they lie, not when they were copied."""

import os
import shutil

import numpy as np
import pytest
from fabricated_data import fabricate_folder

from dasbench.data_access import reading_data
from dasbench.datasets.looking.contents import (
    content_fingerprint,
    contents_read,
    digests_of,
    refuse_changed_files,
)
from dasbench.datasets.looking.first_look import FileList
from dasbench.errors import DataError

NAMES = [f"class {label}/{number}.jpg" for label in range(2) for number in range(3)]
LABELS = np.array([0, 0, 0, 1, 1, 1])


@pytest.fixture
def folder(tmp_path):
    return fabricate_folder(tmp_path / "photos", classes=2, images=3)


def fingerprint(folder, names=NAMES, labels=LABELS, part="train"):
    return content_fingerprint({part: FileList(folder, names)}, labels)


def test_a_copy_elsewhere_under_other_names_is_the_same(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    names = [f"{number}.dat" for number in range(6)]
    for old, new in zip(NAMES, names, strict=True):
        shutil.copyfile(folder / old, copy / new)
        os.utime(copy / new, (0, 0))

    assert fingerprint(copy, names) == fingerprint(folder)


def test_content_order_parts_and_labels_count(folder):
    other = NAMES[::-1]
    known = {
        fingerprint(folder),
        fingerprint(folder, other),
        fingerprint(folder, labels=1 - LABELS),
        fingerprint(folder, part="test"),
        fingerprint(folder, NAMES[:5], LABELS[:5]),
    }
    path = folder / NAMES[2]
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # of the same size
    path.write_bytes(content)

    assert len(known) == 5
    assert fingerprint(folder) not in known


def test_trusted_files_are_not_read_and_their_fingerprint_says_so(folder):
    path = folder / NAMES[0]
    path.write_bytes(b"?" * path.stat().st_size)
    with reading_data(look="names"):
        trusted = fingerprint(folder)
        path.write_bytes(b"!" * path.stat().st_size)
        again = fingerprint(folder)
        path.write_bytes(b"longer" + path.read_bytes())
        longer = fingerprint(folder)

    assert trusted == again != longer
    assert trusted.startswith("names-")
    assert [*map(len, (trusted, longer))] == [22, 22]


def test_what_another_process_read_is_not_read_again(folder):
    read = fingerprint(folder)
    claimed = dict.fromkeys(contents_read(), "0" * 16)

    with reading_data(contents=claimed):
        believed = fingerprint(folder)
        path = folder / NAMES[0]
        path.touch()  # looks different
        looked_at = fingerprint(folder)

    assert (believed, looked_at) == ("0" * 16, read)


def test_files_that_change_later_are_noticed_and_those_that_are_touched_are_not_blamed(folder):
    before = fingerprint(folder)
    path = folder / NAMES[4]
    content = path.read_bytes()

    path.touch()
    refuse_changed_files(before)
    path.write_bytes(content[:-1] + b"?")
    with pytest.raises(
        DataError, match=r"class 1/1.jpg\nwas written after the study was planned and"
    ):
        refuse_changed_files(before)
    path.write_bytes(content)
    refuse_changed_files(before)
    path.unlink()
    with pytest.raises(DataError, match=r"class 1/1.jpg: cannot be read"):
        refuse_changed_files(before)


def test_what_is_in_no_file_never_changes():
    refuse_changed_files("d" * 16)


def test_equal_content_has_equal_digests(folder):
    shutil.copyfile(folder / NAMES[0], folder / NAMES[5])

    digests = digests_of(FileList(folder, NAMES))

    assert digests[0] == digests[5]
    assert len(set(digests)) == 5
