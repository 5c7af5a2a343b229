"""What is said of data before anything is trained on them, and what happens when they break or move."""

import shutil
import time
from pathlib import Path

import pytest
from fabricated_data import fabricate_folder, photograph

from dasbench.results.reading import read_store

STUDY = """\
name: own
question: Does it run on my photographs?
base:
  backbone: {name: resnet18, width: 2, stem: small}
  dataset: {name: image_folder, root: photos, image_size: 16}
  training: {epochs: 2, lr: 0.01, batch_size: 16}
axes:
  - {key: gate, values: [none, se]}
seeds: 1
"""


@pytest.fixture
def folder(write_study, tmp_path) -> Path:
    """A folder with the study and its photographs."""
    write_study(STUDY)
    fabricate_folder(tmp_path / "data" / "photos")
    return tmp_path


def run(dasbench, *options, **environment):
    return dasbench("run", "study.yaml", "--executor", "inline", *options, **environment)


def cut_off(path: Path) -> bytes:
    """Shorten a file as a broken download does; returns what it held."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return content


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["check", "plan"])
def test_check_and_plan_say_what_the_data_are(folder, dasbench, verb):
    photograph(folder / "data/photos/class 0/large.jpg", number=1, size=(640, 480))
    (folder / "data/photos/class 1/notes.txt").write_text("late")

    done = dasbench(verb, "study.yaml")
    run(dasbench)
    again = dasbench(verb, "study.yaml")

    said, said_again = (each.out + each.err for each in (done, again))
    assert done.code == 0, done.err
    assert "data image_folder photos: 25 images in 3 classes" in said
    assert [
        line.split()[:2]
        for line in said.splitlines()
        if line.startswith(("  train", "  val", "  test"))
    ] == [
        ["train", "19"],
        ["val", "3"],
        ["test", "3"],
    ]
    assert "classes: class 0 9, class 1 8, class 2 8" in said
    assert "sizes: 40x64 to 640x480 (width x height), seen at 16x16" in said
    assert "scaled down by up to 26.2 (class 0/large.jpg)" in said
    assert "25 of 25 files were never decoded" in said
    assert "never decoded" not in said_again
    assert all(
        len(line) <= 100
        for line in said.splitlines()
        if line.startswith(("data", "  ")) and "─" not in line
    )


@pytest.mark.slow
def test_the_head_of_a_run_says_what_the_data_are(folder, dasbench):
    first, again = run(dasbench), run(dasbench)

    assert "data image_folder photos: 24 images in 3 classes" in first.err
    assert "data image_folder" not in again.err  # there is nothing to train


@pytest.mark.slow
def test_a_damaged_file_ends_a_run_before_anything_is_trained(folder, dasbench):
    for name in ("class 0/3.jpg", "class 2/1.jpg"):
        cut_off(folder / "data/photos" / name)

    done = run(dasbench)

    assert done.code == 3
    assert "class 0/3.jpg: " in done.err
    assert "class 2/1.jpg: " in done.err
    assert "2 of 24 files cannot be used" in done.err
    assert not (folder / "results.db").exists()


@pytest.mark.slow
def test_the_same_images_under_another_path_are_not_trained_again_and_are_compared(
    folder, dasbench
):
    (folder / "study.yaml").write_text(STUDY.replace("[none, se]", "[none, eca]"))
    run(dasbench)
    (folder / "study.yaml").write_text(STUDY)
    shutil.copytree(folder / "data/photos", folder / "elsewhere/pets")
    root = f"dataset.root={folder}/elsewhere/pets"

    moved = run(dasbench, "--set", root)
    with read_store(str(folder / "results.db")) as reader:
        specs = reader.specs([row.key for row in reader.rows("own")])
    again = run(dasbench)
    ranked = dasbench("leaderboard", "own")

    assert "1 ran now" in moved.out, moved.out
    assert {spec["dataset"]["root"] for spec in specs.values()} == {f"{folder}/elsewhere/pets"}
    assert "0 ran now" in again.out
    assert ranked.code == 0, ranked.err


@pytest.mark.slow
def test_other_images_at_the_same_place_are_not_taken_for_the_former(folder, dasbench):
    run(dasbench)
    path = folder / "data/photos/class 1/4.jpg"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # of the same size
    path.write_bytes(content)

    done = run(dasbench)

    assert done.code == 3
    assert "has changed since 2 trials of this study were planned" in done.err


@pytest.mark.slow
def test_trusted_data_are_not_read_and_the_record_says_so(folder, dasbench):
    cut_off(folder / "data/photos/class 0/3.jpg")

    planned = dasbench("plan", "study.yaml", "--trust-data")
    done = run(dasbench, "--trust-data")
    photograph(folder / "data/photos/class 0/3.jpg", number=77)
    other = run(dasbench)

    assert "trusted: 24 files, none of them read" in planned.err
    assert done.code == 3  # it breaks when it is trained on
    assert "class 0/3.jpg: cannot be decoded" in done.err
    assert "planned with --trust-data, this run is without it" in other.err
    with read_store(str(folder / "results.db")) as reader:
        specs = reader.specs([row.key for row in reader.rows("own")])
    assert all(spec["data_fingerprint"].startswith("names-") for spec in specs.values())


def breaks_later(folder: Path, dasbench, *options) -> None:
    """A file breaks after the first look; it is mended, and the study goes on."""
    path = folder / "data/photos/class 1/4.jpg"
    whole = path.read_bytes()
    (folder / "breaking.py").write_text(
        "from pathlib import Path\n"
        "from dasbench.catalog import GATES\n"
        "from torch import nn\n"
        "@GATES.register('breaking', source='a test')\n"
        "class Breaking(nn.Module):\n"
        "    def __init__(self, channels: int) -> None:\n"
        "        super().__init__()\n"
        "    def forward(self, x):\n"
        "        if self.training and x.shape[0] > 2:\n"
        f"            path = Path({str(path)!r})\n"
        f"            path.write_bytes(path.read_bytes()[:{2 * len(whole) // 3}])\n"
        "        return x\n"
    )
    study = (folder / "study.yaml").read_text().replace("[none, se]", "[none, breaking, se]")
    (folder / "study.yaml").write_text(study.replace("epochs: 2", "epochs: 3"))

    broken = dasbench(
        "--import", "breaking.py", "run", "study.yaml", "--checkpoint-every", 0, *options
    )
    states = dasbench("leaderboard", "own", "--format", "json").out
    path.write_bytes(whole)
    (folder / "breaking.py").write_text((folder / "breaking.py").read_text())
    mended = dasbench("--import", "breaking.py", "plan", "study.yaml", "--format", "json")

    assert broken.code == 3, broken.err
    assert "class 1/4.jpg" in broken.err
    assert "the other trials go on from their checkpoints" in broken.err
    assert '"failed": 0' in states
    assert mended.out.count('"state": "failed"') == 0


@pytest.mark.slow
def test_a_file_that_breaks_later_halts_the_study_and_fails_no_trial(folder, dasbench):
    breaks_later(folder, dasbench, "--executor", "inline")


@pytest.mark.slow
def test_a_file_that_breaks_later_halts_a_study_on_ray(folder, dasbench):
    breaks_later(folder, dasbench, "--workers", 2)


@pytest.mark.slow
def test_reading_many_files_is_told_in_a_line(write_study, dasbench, tmp_path):
    write_study(STUDY)
    fabricate_folder(tmp_path / "data" / "photos", images=70)
    time.sleep(0.1)

    first, again = dasbench("check", "study.yaml"), dasbench("check", "study.yaml")

    assert "reading 210 files, once; what is found out is remembered" in first.err
    assert again.err == ""
