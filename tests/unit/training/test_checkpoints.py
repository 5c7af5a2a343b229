"""Checkpoints in a folder or behind a URL: the last two are kept, damaged ones are passed over."""

import secrets

import fsspec
import pytest
import torch

from dasbench.errors import UsageError
from dasbench.spec.trial import Trial
from dasbench.training.checkpoints import Checkpoints, storage_place
from dasbench.training.run_trial import run_trial

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 2, "stem": "small"},
    dataset={"name": "digits", "image_size": 8},
    training={"epochs": 3, "lr": 0.05},
)


@pytest.fixture(params=["folder", "url"])
def place(request, tmp_path):
    return (
        tmp_path / "runs" if request.param == "folder" else f"memory://runs-{secrets.token_hex(4)}"
    )


def files(place) -> list[str]:
    """Names of all files below a place."""
    system, path = fsspec.core.url_to_fs(str(place))
    return sorted(name.rpartition("/")[2] for name in system.find(path))


def damage(place, name: str) -> None:
    system, path = fsspec.core.url_to_fs(str(place))
    found = next(full for full in system.find(path) if full.endswith(name))
    system.pipe_file(found, system.cat_file(found)[:-10])


def test_the_newest_state_comes_back(place):
    checkpoints = Checkpoints.of(place, "abc")
    for epoch in (1, 2, 3):
        checkpoints.save(epoch, {"epoch": epoch, "weights": torch.arange(3.0)})

    state = Checkpoints.of(place, "abc").latest()

    assert state["epoch"] == 3
    assert state["weights"].tolist() == [0, 1, 2]


def test_the_last_two_are_kept_and_nothing_lies_beside_them(place):
    checkpoints = Checkpoints.of(place, "abc")
    for epoch in range(1, 6):
        checkpoints.save(epoch, {"epoch": epoch})

    assert [name[:11] for name in files(place)] == ["epoch-00004", "epoch-00005"]


def test_a_damaged_one_falls_back_to_the_one_before(place, caplog):
    checkpoints = Checkpoints.of(place, "abc")
    for epoch in (1, 2):
        checkpoints.save(epoch, {"epoch": epoch})
    damage(place, files(place)[-1])

    assert checkpoints.latest() == {"epoch": 1}
    assert "damaged" in caplog.text


def test_trials_do_not_see_each_others(place):
    Checkpoints.of(place, "abc").save(1, {"epoch": 1})

    assert Checkpoints.of(place, "xyz").latest() is None


def test_cleared_means_gone(place):
    checkpoints = Checkpoints.of(place, "abc")
    checkpoints.save(1, {"epoch": 1})
    checkpoints.clear()

    assert (files(place), checkpoints.latest()) == ([], None)
    checkpoints.clear()  # nothing to clear is no fault


def test_a_reader_beside_a_writer_saves_nothing(place):
    Checkpoints.of(place, "abc", writes=False).save(1, {"epoch": 1})

    assert Checkpoints.of(place, "abc").latest() is None


def test_no_place_keeps_none():
    checkpoints = Checkpoints.of(None, "abc")
    checkpoints.save(1, {"epoch": 1})
    checkpoints.clear()

    assert checkpoints.latest() is None


def test_a_trial_goes_on_from_a_checkpoint_behind_a_url():
    place = f"memory://{secrets.token_hex(4)}"
    whole = run_trial(TRIAL)
    run_trial(TRIAL, lambda epoch: "stop" if epoch.number == 2 else "continue", place)
    seen = []

    ended = run_trial(TRIAL, lambda epoch: (seen.append(epoch.number), "continue")[1], place)

    assert seen == [3]
    assert ended.metrics == whole.metrics
    assert ended.correct == whole.correct


@pytest.mark.parametrize("url", ["nonsense://x/y", "://x", "memoryy://x"])
def test_a_url_of_an_unknown_kind_is_refused_with_what_would_be_right(url):
    with pytest.raises(UsageError, match=r"`storage` '.*write an absolute path"):
        storage_place(url)


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert storage_place("runs") == tmp_path / "runs"
