"""A file that is written aside takes its place whole, or leaves what was there as it was."""

from pathlib import Path

import pytest

from dasbench.atomic import written_aside


def test_a_file_takes_the_place_of_the_old_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")

    with written_aside(path) as aside:
        aside.write_text("new")
        before = path.read_text()

    assert (before, path.read_text()) == ("old", "new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")

    def write_half() -> None:
        with written_aside(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_aside_keeps_the_ending(tmp_path: Path) -> None:
    with written_aside(tmp_path / "study.yaml") as aside:
        aside.write_text("name: x")

        assert aside.suffix == ".yaml"
