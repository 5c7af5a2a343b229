"""Axes list the values of a field, in order, under their conditions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dasbench.spec.space import Axis, enumerate_axes


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_holds_the_product_of_its_axes_without_duplicates(sizes):
    axes = [
        Axis(key=f"gate.p{number}", values=tuple(range(size))) for number, size in enumerate(sizes)
    ]

    variants = [tuple(variant.items()) for variant in enumerate_axes(axes, {})]

    assert len(variants) == len(set(variants)) == math.prod(sizes)


def test_an_axis_applies_only_where_its_condition_holds():
    gate = Axis(key="gate.name", values=("none", "das", "se"))
    alpha = Axis(key="gate.alpha", values=(0.1, 0.2), when={"gate.name": "das"})
    reduction = Axis(key="gate.reduction", values=(8, 16), when={"gate.name": ["se", "cbam"]})

    variants = list(enumerate_axes([gate, alpha, reduction], {}))

    assert variants == [
        {"gate.name": "none"},
        {"gate.name": "das", "gate.alpha": 0.1},
        {"gate.name": "das", "gate.alpha": 0.2},
        {"gate.name": "se", "gate.reduction": 8},
        {"gate.name": "se", "gate.reduction": 16},
    ]


def test_a_condition_may_name_a_field_of_the_base():
    axis = Axis(key="gate.alpha", values=(0.1,), when={"gate.name": "das"})

    assert list(enumerate_axes([axis], {"gate.name": "das"})) == [{"gate.alpha": 0.1}]
    assert list(enumerate_axes([axis], {"gate.name": "se"})) == [{}]


@pytest.mark.parametrize("first", ["gate", "gate.name"])
@pytest.mark.parametrize("condition", ["gate", "gate.name"])
def test_a_condition_sees_through_components_and_their_names(first, condition):
    choose = Axis(key=first, values=("se", "das"))
    alpha = Axis(key="gate.alpha", values=(0.1,), when={condition: "das"})
    base = {"gate": {"name": "das"}, "gate.name": "das"}

    assert list(enumerate_axes([choose, alpha], base)) == [
        {first: "se"},
        {first: "das", "gate.alpha": 0.1},
    ]


def test_a_condition_looks_into_what_an_axis_sets_and_forgets_what_that_replaces():
    gates = Axis(
        key="gate", values=({"name": "das", "design": "b"}, "das", {"name": "se", "reduction": 8})
    )
    axes = [gates, Axis(key="training.lr", values=(0.1,), when={"gate.design": "b"})]
    base = {"gate": {"name": "das", "design": "b"}, "gate.name": "das", "gate.design": "b"}

    assert list(enumerate_axes(axes, base)) == [
        {"gate": {"name": "das", "design": "b"}, "training.lr": 0.1},
        {"gate": "das"},
        {"gate": {"name": "se", "reduction": 8}},
    ]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {"gate": "se"}, True),
        ({"gate": "das"}, {"gate": ["das", "se"]}, True),
        ({"gate": "das"}, {"gate": "das", "placement.after": "block"}, True),
        ({"gate": ["das", "none"]}, {"gate": "se"}, False),
        (
            {"gate": "das", "placement.after": "stage"},
            {"gate": "das", "placement.after": "block"},
            False,
        ),
        ({"gate": "das"}, {"gate.design": "c"}, False),  # nobody knows
    ],
)
def test_axes_overlap_if_the_conditions_of_one_imply_those_of_the_other(one, other, overlap):
    axes = [Axis(key="gate.alpha", values=(0.1,), when=when) for when in (one, other)]

    assert axes[0].overlaps(axes[1]) == axes[1].overlaps(axes[0]) == overlap


def test_a_stepped_range_ends_at_its_upper_end_without_binary_dust():
    assert Axis(key="x", low=0.1, high=0.5, step=0.1).points() == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert Axis(key="x", low=8, high=32, step=8).points() == (8, 16, 24, 32)
    assert Axis(key="x", low=0.1, high=1, log=True).points() is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"values": []},
        {"values": [1, 1]},
        {"values": [1], "low": 0},
        {"low": 1, "high": 0},
        {"low": 0, "high": 1, "log": True},
        {"low": 0, "high": 1, "step": 0},
        {"low": 0, "high": 1, "step": 1e-9},
        {"values": list(range(20_000))},
    ],
)
def test_axes_without_a_meaning_are_refused(fields):
    with pytest.raises(ValidationError):
        Axis.model_validate({"key": "gate.alpha", **fields})
