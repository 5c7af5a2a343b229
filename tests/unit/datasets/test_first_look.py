"""Every file is read once, in parallel, and what was found out is remembered until the file changes."""

import json
import os
import time
from pathlib import Path

import pytest
from fabricated_data import fabricate_folder, photograph

from dasbench.data_access import cache_folder, reading_data
from dasbench.datasets.looking import first_look as module
from dasbench.datasets.looking.first_look import FileList, first_look, refuse_damaged
from dasbench.datasets.looking.known_files import SETTLED_NS
from dasbench.datasets.looking.listing import SHOWN
from dasbench.errors import DataError


@pytest.fixture
def files(tmp_path) -> FileList:
    """Twelve photographs that were written a while ago."""
    names = [f"{number:02d}.jpg" for number in range(12)]
    for number, name in enumerate(names):
        photograph(tmp_path / name, number=number, size=(30 + number, 20))
    time.sleep(2 * SETTLED_NS / 1e9)
    return FileList(tmp_path, names)


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The names of the files that are read, in the order in which they are."""
    names: list[str] = []
    read = module._read

    def counted(path, **options):
        names.append(path.name)
        return read(path, **options)

    monkeypatch.setattr(module, "_read", counted)
    return names


def test_a_file_is_read_once_and_decoded_once(files, reads):
    first = first_look([files])
    again = first_look([files])
    with reading_data(look="pixels"):
        decoded = first_look([files])
        first_look([files])

    assert first == again
    assert [known.width for known in first[0]] == list(range(30, 42))
    assert [known.decoded for known in first[0] + decoded[0]] == [False] * 12 + [True] * 12
    assert sorted(reads) == sorted(files.names * 2)


def test_a_file_in_two_lists_is_read_once(files, reads):
    one, other = files._replace(names=files.names[:8]), files._replace(names=files.names[4:])

    found = first_look([one, other])

    assert found[0][4:] == found[1][:4]
    assert len(reads) == 12


@pytest.mark.parametrize("change", ["content", "content and its time", "another file in its place"])
def test_a_file_that_changes_is_read_again(files, reads, change):
    before = first_look([files])[0][3]
    path = files.folder / files.names[3]
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    if change == "another file in its place":
        path.unlink()
    path.write_bytes(content)
    if change != "content":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    after = first_look([files])[0][3]

    assert path.stat().st_size == status.st_size
    assert before.digest != after.digest
    assert reads[12:] == [files.names[3]]


def test_a_file_that_was_just_written_is_not_remembered(tmp_path, reads):
    photograph(tmp_path / "new.jpg", number=1)
    fresh = FileList(tmp_path, ["new.jpg"])

    first_look([fresh])
    time.sleep(2 * SETTLED_NS / 1e9)
    first_look([fresh])
    first_look([fresh])

    assert reads == ["new.jpg", "new.jpg"]


def test_what_was_read_before_an_interrupt_is_not_read_again(files, reads, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1)

    def stop(doing, done, number):
        if done == 5:
            raise KeyboardInterrupt

    with reading_data(told=stop, loaders=1), pytest.raises(KeyboardInterrupt):
        first_look([files])
    del reads[:]
    first_look([files])

    assert sorted(reads) == files.names[5:]


def test_a_memory_that_was_cut_off_or_is_no_memory_costs_time_alone(
    files, reads, monkeypatch, tmp_path
):
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "cache"))
    expected = first_look([files])
    (memory,) = (cache_folder() / "files").rglob("*.jsonl")
    lines = [line for line in memory.read_text().splitlines() if line]
    broken = [*lines[:6], "no JSON", json.dumps(["one.jpg", 3]), lines[6][:-9]]
    memory.write_text("\n".join(broken))

    assert first_look([files]) == first_look([files]) == expected
    assert sorted(reads[12:]) == sorted(json.loads(line)[0] for line in lines[6:])


def test_a_cache_that_cannot_be_written_costs_time_alone(
    files, reads, monkeypatch, tmp_path, caplog
):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "a file"))

    assert first_look([files]) == first_look([files])
    assert len(reads) == 24
    assert "will be read again" in caplog.text


def test_every_damaged_file_of_every_list_is_named(tmp_path):
    fabricate_folder(tmp_path, classes=2, images=4)
    for name in ("class 0/1.jpg", "class 1/3.jpg"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-400])
    lists = [
        FileList(tmp_path, [f"class {label}/{number}.jpg" for number in range(4)])
        for label in (0, 1)
    ]
    (tmp_path / "class 0/2.jpg").unlink()

    with reading_data(look="pixels"):
        found = first_look(lists)

    with pytest.raises(DataError, match="3 of 8 files cannot be used") as caught:
        refuse_damaged(lists, found)
    named = [line.partition(": ")[0] for line in str(caught.value).splitlines()[:3]]
    assert named == [
        str(tmp_path / name) for name in ("class 0/1.jpg", "class 0/2.jpg", "class 1/3.jpg")
    ]


def test_where_many_files_are_damaged_a_file_lists_all(tmp_path):
    names = [f"{number}.png" for number in range(SHOWN + 5)]
    for name in names:
        (tmp_path / name).write_bytes(b"no picture")
    lists = [FileList(tmp_path, names)]

    with pytest.raises(DataError, match=r"and 5 more; all 15 are listed in (\S+)") as caught:
        refuse_damaged(lists, first_look(lists))
    listed = str(caught.value).partition("are listed in ")[2].splitlines()[0]
    lines = Path(listed).read_text().splitlines()
    assert [line.partition(": ")[0] for line in lines] == [str(tmp_path / name) for name in names]


def test_names_that_are_no_utf_8_are_remembered(tmp_path, reads):
    name = os.fsdecode(b"caf\xe9, 1\n2.jpg")
    photograph(tmp_path / name, number=1)
    time.sleep(2 * SETTLED_NS / 1e9)

    assert first_look([FileList(tmp_path, [name])]) == first_look([FileList(tmp_path, [name])])
    assert reads == [name]


def test_the_number_of_threads_changes_nothing(files, tmp_path, monkeypatch):
    found = []
    for loaders in (1, 3, 8):
        monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / f"cache {loaders}"))
        with reading_data(loaders=loaders, look="pixels"):
            found.append(first_look([files]))

    assert found[0] == found[1] == found[2]


def test_a_user_without_a_home_has_a_cache(monkeypatch, tmp_path):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    for name in ("DASBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert cache_folder() == tmp_path / "dasbench"
