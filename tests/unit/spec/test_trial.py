"""A trial's key names all that decides its result, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dasbench.errors import StudyError
from dasbench.resolution import resolve
from dasbench.spec.trial import Choice, Placement, Training, Trial

BASE = Trial(backbone="resnet18", gate="das", dataset={"name": "digits", "image_size": 8})


def test_equal_trials_share_a_key():
    written_out = {"name": "das", "alpha": 0.2, "second_norm": "ln", "first_norm": "in"}
    placed = {"stages": [4, 3, 2, 1], "after": "stage"}

    spelled = BASE.model_copy(update={"gate": Choice.model_validate(written_out)})

    assert resolve(spelled).key == resolve(BASE).key
    ordered = Trial.model_validate({**BASE.model_dump(), "placement": placed})
    sorted_ = Trial.model_validate({**BASE.model_dump(), "placement": {"stages": [1, 2, 3, 4]}})
    assert resolve(ordered).key == resolve(sorted_).key


def test_a_whole_number_and_the_same_number_with_a_point_share_a_key():
    one = Trial.model_validate({**BASE.model_dump(), "gate": {"name": "das", "alpha": 1}})
    point = Trial.model_validate({**BASE.model_dump(), "gate": {"name": "das", "alpha": 1.0}})

    assert resolve(one).key == resolve(point).key


def test_the_plain_backbone_has_no_placement():
    plain = Trial.model_validate({**BASE.model_dump(), "gate": "none"})
    placed = Trial.model_validate(
        {**BASE.model_dump(), "gate": "none", "placement": {"after": "block"}}
    )

    assert resolve(plain).key == resolve(placed).key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gate.alpha", 0.1),
        ("gate.first_norm", "bn"),
        ("backbone.width", 8),
        ("backbone.name", "resnet34"),
        ("placement.after", "block"),
        ("dataset.image_size", 16),
        ("training.lr", 0.01),
        ("training.select", "best"),
        ("seed", 1),
    ],
)
def test_every_field_changes_the_key(key, value):
    assert resolve(BASE.with_values({key: value})).key != resolve(BASE).key


def test_a_resolved_trial_resolves_to_itself():
    once = resolve(BASE)

    assert resolve(once) == once


def test_the_key_changes_with_the_data():
    changed = BASE.model_copy(update={"data_fingerprint": "0" * 16})

    assert changed.key != resolve(BASE).key
    assert len(resolve(BASE).data_fingerprint) == 16


@given(st.floats(0.001, 1), st.integers(0, 1000), st.sampled_from(["bn", "fn", "in", "ln"]))
def test_a_trial_survives_its_own_plain_data(alpha, seed, norm):
    trial = BASE.with_values({"gate.alpha": alpha, "gate.first_norm": norm, "seed": seed})

    assert Trial.model_validate(trial.model_dump(mode="json")).key == trial.key


def test_resolving_names_every_parameter_that_a_component_lacks():
    wrong = BASE.with_values({"gate.alfa": 0.1, "backbone.depth": 3})

    with pytest.raises(StudyError) as error:
        resolve(wrong)

    assert "Did you mean 'alpha'?" in str(error.value)
    assert "unknown key 'depth'" in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"sites": ["layer1"], "after": "block"},
        {"sites": ["layer1"], "blocks": "last"},
        {"after": "stage", "blocks": "last"},
        {"stages": []},
        {"stages": [0]},
    ],
)
def test_contradictory_placements_are_refused(fields):
    with pytest.raises(ValidationError):
        Placement.model_validate(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": 2, "warmup_epochs": 2},
        {"nesterov": True, "momentum": 0},
        {"lr": float("nan")},
        {"lr": float("inf")},
    ],
)
def test_recipes_that_cannot_work_are_refused(fields):
    with pytest.raises(ValidationError):
        Training.model_validate(fields)
