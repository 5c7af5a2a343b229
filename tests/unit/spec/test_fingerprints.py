"""Results on data that have changed are never mixed with those on the data of before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.errors import DataError
from dasbench.spec.fingerprints import refuse_changed_data
from dasbench.spec.trial import Choice, Trial

OLD, NEW = "a" * 16, "b" * 16


def trial(fingerprint: str = NEW, seed: int = 0, **dataset) -> Trial:
    choice = {"name": "image_folder", "root": "photos", **dataset}
    return Trial(backbone="resnet18", dataset=choice, data_fingerprint=fingerprint, seed=seed)


def known(*trials: Trial) -> dict[str, dict]:
    return {one.key: one.model_dump(mode="json") for one in trials}


def test_the_same_data_are_no_reason_to_stop():
    refuse_changed_data([trial()], known(trial(), trial(seed=1)))
    refuse_changed_data([trial()], {})
    refuse_changed_data([], known(trial(OLD)))


def test_changed_data_are_named_with_both_fingerprints_and_a_remedy():
    with pytest.raises(DataError) as error:
        refuse_changed_data([trial()], known(trial(OLD), trial(NEW)))

    message = str(error.value)
    assert error.value.exit_code == 3
    assert all(
        word in message
        for word in ("image_folder", "photos", OLD, NEW, "`db`", "1 trial of this study was")
    )


def test_other_parameters_of_a_data_set_are_other_data():
    refuse_changed_data([trial(image_size=64)], known(trial(OLD, image_size=32)))


def test_every_data_set_that_changed_is_named_once():
    before = [trial(OLD, seed, image_size=size) for size in (32, 64) for seed in range(3)]
    now = [trial(image_size=size) for size in (32, 64)] * 2

    with pytest.raises(DataError) as error:
        refuse_changed_data(now, known(*before))

    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert all("3 trials of this study were" in line for line in lines)


def test_trials_that_were_planned_without_a_fingerprint_say_nothing():
    refuse_changed_data([trial()], known(trial("")))
    refuse_changed_data([trial("")], known(trial(OLD)))


@given(order=st.permutations(["image_size", "root", "val_share"]))
def test_the_order_of_parameters_does_not_matter(order):
    values: dict[str, Any] = {"image_size": 32, "root": "photos", "val_share": 0.2}
    now = Trial(
        backbone="resnet18",
        dataset=Choice(name="image_folder", params={name: values[name] for name in order}),
        data_fingerprint=NEW,
    )

    with pytest.raises(DataError):
        refuse_changed_data([now], known(trial(OLD, image_size=32, val_share=0.2)))
