"""Where data lie is said on the command line or in the environment; missing data end a command before it begins."""

import pytest
from fabricated_data import fabricate_folder

STUDY = """\
name: own
question: Does it run on my photographs?
base:
  backbone: {name: resnet18, width: 2, stem: small}
  dataset: {name: image_folder, root: photos, image_size: 16}
  training: {epochs: 1}
seeds: 1
"""


@pytest.mark.parametrize("verb", ["run", "plan", "check"])
def test_missing_data_end_a_command_with_3_and_leave_nothing_behind(write_study, dasbench, tmp_path, verb):
    write_study(STUDY)

    done = dasbench(verb, "study.yaml")

    assert done.code == 3
    assert str(tmp_path / "data" / "photos") in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_a_study_finds_its_data_below_the_data_root(write_study, dasbench, tmp_path):
    write_study(STUDY)
    fabricate_folder(tmp_path / "mine" / "photos")

    done = dasbench("run", "study.yaml", "--executor", "inline", "--data-root", "mine", "--loaders", 2)
    again = dasbench("run", "study.yaml", "--executor", "inline", DASBENCH_DATA=str(tmp_path / "mine"))

    assert done.code == 0, done.err
    assert "1 ran now" in done.err
    assert "0 ran now" in again.err


@pytest.mark.slow
def test_workers_of_ray_read_below_the_same_data_root(write_study, dasbench, tmp_path):
    write_study(STUDY)
    fabricate_folder(tmp_path / "mine" / "photos")

    done = dasbench("run", "study.yaml", "--workers", 1, "--data-root", "mine")

    assert done.code == 0, done.err
