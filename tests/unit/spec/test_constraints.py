"""What every trial of a study has to keep."""

import pytest
from pydantic import ValidationError

from dasbench.spec.constraints import Constraint

VALUES = {
    "macs": 100,
    "params": 7,
    "gate.alpha": 0.2,
    "gate": {"name": "das"},
    "gate.first_norm": "in",
}


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("macs <= 100", 0.0),
        ("macs < 100", 1.0),
        ("macs <= 60", 0.4),
        ("macs<=1e2", 0.0),
        ("150 >= macs", 0.0),
        ("gate.alpha >= 0.25", pytest.approx(0.2)),
        ("gate.first_norm != 'in'", 1.0),
        ('gate.first_norm == "in"', 0.0),
        ("gate == 'das'", 0.0),
        ("gate.alpha == 0.2", 0.0),
        ("gate.first_norm <= 3", 1.0),
        ("params != 7", 1.0),
    ],
)
def test_a_violation_says_how_far_a_value_is_off(text, violation):
    assert Constraint.model_validate(text).violation(VALUES) == violation


def test_a_field_that_a_trial_does_not_have_violates_nothing():
    assert Constraint.model_validate("gate.reduction <= 4").violation(VALUES) == 0.0


@pytest.mark.parametrize(
    "text", ["macs", "macs <=", "macs <= 1 <= 2", "macs = 3", "", "<= 3", "macs <= 'a' or 1"]
)
def test_what_is_no_relation_is_refused_with_an_example(text):
    with pytest.raises(ValidationError, match=r"as in 'macs <= 0\.2e9'"):
        Constraint.model_validate(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("mcas <= 3", "Did you mean 'macs'"), ("gate.x == in", "Put a text in quotes")],
)
def test_an_unknown_name_is_refused_with_the_nearest(text, said):
    with pytest.raises(ValidationError, match=said):
        Constraint.model_validate(text)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_limit_is_finite(number):
    with pytest.raises(ValidationError, match="no finite number"):
        Constraint.model_validate(f"macs <= {number}")


def test_a_constraint_reads_as_it_was_written():
    assert str(Constraint.model_validate("gate.first_norm  !=  'in'")) == 'gate.first_norm != "in"'


def test_a_constraint_survives_the_database():
    constraint = Constraint.model_validate("gate.first_norm != gate.second_norm")

    assert Constraint.model_validate(constraint.model_dump(mode="json")) == constraint
