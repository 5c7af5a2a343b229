"""`where`: what passes, what is refused, and that nothing written there can do harm."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.errors import UsageError
from dasbench.records import Cost, Row
from dasbench.views.fields import find_field, flat_fields
from dasbench.views.filters import MAX_DEPTH, filter_rows


def row(first_norm, seed, top1, **fields):
    cost = Cost(params_full=10, macs_full=200, params_paper=9, macs_paper=190, input_size=(3, 8, 8))
    variant = {
        "gate": {"name": "das", "design": "c"},
        "gate.first_norm": first_norm,
        "gate.alpha": 0.2,
    }
    given = {
        "label": f"first_norm={first_norm}",
        "state": "done",
        "metrics": {"top1": top1},
        "cost": cost,
    }
    return Row(
        study="s", key=f"{first_norm}{seed}", variant=variant, seed=seed, **{**given, **fields}
    )


ROWS = [
    row("in", 0, 70.0),
    row("in", 1, 50.0),
    row("bn", 0, 40.0),
    row("bn", 1, 0.0, state="failed", metrics={}),
]


def passed(where):
    return [row.key for row in filter_rows(ROWS, where)]


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ('top1 > 55 and gate.first_norm = "in"', ["in0", "in1"]),
        ("first_norm == 'bn' or seed = 1", ["in1", "bn0", "bn1"]),
        ("not (first_norm in ('in', 'ln'))", ["bn0", "bn1"]),
        ("first_norm not in ['in'] AND NOT seed >= 1", ["bn0"]),
        ('state = "failed"', ["bn1"]),
        ("macs <= 200 and params_paper = 9 and alpha != 0.3", ["in0", "in1", "bn0", "bn1"]),
        ("failed > 0", ["bn0", "bn1"]),
        ('gate = "das" and gate.name = "das" and design = "c"', ["in0", "in1", "bn0", "bn1"]),
        ("val_top1 < 100", []),
        ("seed in (1, 2.0)", ["in1", "bn1"]),
        ('seed = 0 and first_norm = "in" or seed = 1 and first_norm = "bn"', ["in0", "bn1"]),
        ("top1 >= 6e1", ["in0", "in1"]),
    ],
)
def test_a_condition_lets_the_right_rows_pass(where, keys):
    assert passed(where) == keys


def test_a_variant_passes_with_all_its_seeds_or_not_at_all():
    assert passed("top1 > 59") == ["in0", "in1"]
    assert passed("top1 > 61") == []


def test_an_unknown_column_is_answered_with_the_nearest():
    with pytest.raises(
        UsageError, match=r"unknown column 'gate.frist_norm'. Did you mean 'gate.first_norm'"
    ):
        passed("gate.frist_norm = 'in'")


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("", "expected a column"),
        ("top1 >", "expected a column.*found the end"),
        ("top1 = 1 top1", "expected 'and', 'or' or the end"),
        ("(top1 = 1", r"expected '\)'"),
        ("top1 in ()", "expected a text in quotes or a number"),
        ("top1 in 3", "expected a list"),
        ("top1; drop table", "cannot read ';' at character 5"),
        ("top1 = 'x'", "a number is compared with a text"),
        ("60 < top1 < 70", "expected 'and', 'or'"),
        ('label = "open', "cannot read"),
        ("and", "expected a column"),
        ("(" * 5000 + "top1 = 1", "more than"),
        ("not " * (MAX_DEPTH + 1) + "top1 = 1", "more than"),
        ("__class__.__init__ = 1", "unknown column"),
        ("x" * 10_000, "more than"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(where, complaint):
    with pytest.raises(UsageError, match=complaint):
        passed(where)


@given(st.text(max_size=60))
def test_hostile_text_is_either_a_condition_or_a_usage_error(where):
    with suppress(UsageError):
        assert all(row in ROWS for row in filter_rows(ROWS, where))


@given(st.text(alphabet=st.characters(exclude_characters='"'), max_size=20))
def test_a_text_in_quotes_is_a_value_and_nothing_else(text):
    assert passed(f'label = "{text}"') == [row.key for row in ROWS if row.label == text]


def test_fields_are_named_in_full_or_by_an_end_that_only_one_has():
    known = flat_fields({"gate": {"name": "das", "kernel": 3}, "backbone.kernel": 7})

    assert known == {"gate": "das", "gate.kernel": 3, "backbone.kernel": 7}
    with pytest.raises(UsageError, match=r"may be any of gate\.kernel, backbone\.kernel"):
        find_field("kernel", known)


@pytest.mark.parametrize("varied", [True, False])
def test_a_data_set_is_named_without_its_parameters(varied):
    variants = (
        [{"dataset": {"name": "digits", "image_size": 16}}, {"dataset.name": "cifar10"}]
        if varied
        else [{}, {}]
    )
    names = ["digits(image_size=16)", "cifar10"]
    rows = [
        replace(ROWS[place], variant=variants[place], dataset=names[place], study=names[place])
        for place in (0, 1)
    ]

    assert [kept.dataset for kept in filter_rows(rows, 'dataset = "digits"')] == names[:1]
    assert [kept.dataset for kept in filter_rows(rows, 'dataset = "cifar10"')] == names[1:]
