"""The ablation of a gate: what is left out, added and varied, and controls of the same size."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dasbench.ablation.composing import compose, compose_data
from dasbench.ablation.controls import TOLERANCE, control_of, nearest, num_params
from dasbench.ablation.document import Origin, ablation_text, baseline_label, flow
from dasbench.ablation.lines import ablate
from dasbench.ablation.traits import components_of, written
from dasbench.ablation.variants import Composed, list_parts, list_variants
from dasbench.catalog import GATES, known_names
from dasbench.checks import check_components
from dasbench.counting import count_cost
from dasbench.errors import ModelError, StudyError, UsageError
from dasbench.gates.das.designs import DESIGNS, design_components
from dasbench.prepare import prepare
from dasbench.resolution import resolve
from dasbench.spec.document import parse_scalar
from dasbench.spec.load import load_study
from dasbench.spec.study import Study

BASE = {
    "backbone": {"name": "resnet18", "width": 4, "stem": "small"},
    "dataset": {"name": "digits", "image_size": 16},
    "training": {"epochs": 1, "lr": 0.05},
}


def composed(gate: dict | str, **fields: object) -> Composed:
    return compose({**BASE, "gate": gate, **fields})


def said(gate: dict | str, *parts: str) -> dict[str, dict | str]:
    """What each variant is said to be, and its gate as a study writes it."""
    found = list_variants(composed(gate), parts)
    return {each.says: written(each.trial.gate) for each in found if each.part != "full"}


def test_the_removals_of_the_papers_gate_are_rows_of_its_table_of_designs_or_neutral_parameters():
    assert said("das", "leave_one_out") == {
        "without compression": {"name": "das", "design": "d"},
        "without offsets": {"name": "das", "design": "j"},
        "without dense_kernel": {"name": "das", "design": "i"},
        "without deformable_convolution": {"name": "das", "design": "f"},
        "without attention": {"name": "das", "design": "h"},
        "without first_norm": {"name": "das", "first_norm": "none"},
        "without second_norm": {"name": "das", "second_norm": "none"},
        "without mask": {"name": "das", "mask": False},
    }


def test_a_gate_without_a_component_does_not_lose_it_again():
    removals = said({"name": "das", "mask": False, "first_norm": "none"}, "leave_one_out")

    assert not {"without mask", "without first_norm"} & set(removals)


def test_every_removal_keeps_the_other_parameters_of_the_composed_gate():
    removals = said({"name": "das", "alpha": 0.5, "kernel": 5}, "leave_one_out")

    assert removals["without mask"] == {"name": "das", "alpha": 0.5, "kernel": 5, "mask": False}
    assert removals["without compression"] == {"name": "das", "design": "d", "kernel": 5}


def test_one_component_is_added_to_the_gate_with_nothing_left_to_take_away():
    assert said("das", "add_one_in") == {
        "the plain backbone": {"name": "none"},
        "the simplest gate": {"name": "das", "design": "e", "second_norm": "none"},
        "the simplest gate and compression": {"name": "das", "design": "f", "second_norm": "none"},
        "the simplest gate and deformable_convolution": {
            "name": "das",
            "design": "d",
            "second_norm": "none",
        },
        "the simplest gate and second_norm": {"name": "das", "design": "e"},
    }


@pytest.mark.parametrize("design", DESIGNS)
def test_a_removal_leads_to_another_design_that_lacks_nothing_else_it_names(design):
    for name, left in DESIGNS[design].without.items():
        assert left in DESIGNS
        assert left != design
        assert name not in design_components({"design": left})


def test_a_sweep_leaves_alone_what_does_nothing_in_the_gate():
    norms = said({"name": "das", "design": "d"}, "norms")

    assert list(norms) == ["second_norm bn", "second_norm fn", "second_norm in", "second_norm ln"]


def test_gates_stand_in_fewer_stages_and_in_other_places():
    placements = [each.placement for each in list_variants(composed("das"), ["count"])][1:]

    assert placements[:6] == [
        {"stages": stages, "after": "stage"} for stages in ([4], [3, 4], [2, 3, 4], [1], [2], [3])
    ]
    assert placements[6:] == [{"after": "block"}, {"after": "before_add"}, {"after": "inside"}]


def test_an_explicit_list_of_sites_is_shortened_from_its_front():
    variants = list_variants(
        composed("das", placement={"sites": ["layer2", "layer3", "layer4"]}), ["count"]
    )

    assert [each.placement for each in variants][1:] == [
        {"sites": ["layer4"]},
        {"sites": ["layer3", "layer4"]},
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("removed", "of_removal"), [("mask", True), ("compression", False)])
def test_a_control_has_as_many_parameters_as_what_it_stands_beside(removed, of_removal):
    gate = composed("das", backbone={"name": "resnet18", "width": 16, "stem": "small"})
    removal = gate.changed(gate.gate, components_of(gate.gate)[removed])

    control = control_of(gate, removal)

    assert control.of_removal is of_removal
    assert control.target == num_params(gate.full if of_removal else removal)
    assert control.params == count_cost(control.trial).params_full
    assert abs(control.params - control.target) <= TOLERANCE * control.gates


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(-10, 510), st.booleans())
def test_the_nearest_count_is_found_however_the_counts_rise_or_fall(counts, target, falling):
    counts = sorted(counts, reverse=falling)

    found = nearest(range(len(counts)), counts.__getitem__, target)

    assert abs(counts[found] - target) == min(abs(count - target) for count in counts)


@given(st.sets(st.integers(0, 39)), st.integers(0, 1600))
def test_values_that_no_network_can_have_are_passed_over(refused, target):
    def count(value: int) -> int:
        if value in refused:
            raise ModelError("no such network")
        return value * value

    found = nearest(range(40), count, target)

    possible = [value for value in range(40) if value not in refused]
    best = min((abs(value * value - target) for value in possible), default=None)
    assert best == (None if found is None else abs(found * found - target))


TEXTS = st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=12)
TRAPS = st.sampled_from(
    ["null", "true", "1e-4", "top1 max", "a: b", "- x", "#", "[/]", "=cmd()", "~", "0x1", "no"]
)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | TRAPS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b c", "null", "x:y"]), inner)
    ),
    max_leaves=6,
)


@given(JSON)
def test_plain_data_come_back_from_yaml_as_they_were(value):
    assert parse_scalar(f"[{flow(value)}]") == [value]


def as_study(tmp_path: Path, gate: Composed, *parts: str) -> tuple[str, Study]:
    data = {
        "base": {**BASE, "gate": written(gate.gate)},
        "seeds": 2,
        "objectives": ["top1 max", "macs min"],
    }
    ablation = ablate(gate, parts or list_parts(gate.gate.name))
    text = ablation_text("parts", gate, ablation, Origin(command="dasbench ablate", data=data))
    path = tmp_path / "parts.yaml"
    path.write_text(text)
    study = load_study(path, known=known_names())
    check_components(study)
    labels = {item.label for item in prepare(study).plan.items.values()}
    assert baseline_label(gate, ablation) in labels
    assert len(labels) == len(ablation.lines)
    assert {
        item.trial.key for item in prepare(study).plan.items.values() if item.trial.seed == 0
    } == set(ablation.lines)
    return text, study


@pytest.mark.slow
def test_the_whole_ablation_of_das_is_a_study_of_distinct_trials_that_all_build(tmp_path):
    text, study = as_study(tmp_path, composed({"name": "das", "alpha": 0.25}))

    assert len(list(study.variants())) > 40
    assert [str(objective) for objective in study.objectives] == ["top1 max", "macs min"]
    counted = [
        count_cost(resolve(study.base.with_values(variant))).params_full
        for variant in study.variants()
    ]
    assert all(f"{params:,} parameters" in text for params in counted)


@pytest.mark.slow
@pytest.mark.parametrize("gate", ["se", "cbam", "bam"])
def test_methods_whose_constructors_allow_it_have_ablations(gate, tmp_path):
    text, study = as_study(tmp_path, composed(gate), "leave_one_out", "reduction")

    assert len(list(study.variants())) >= 4
    assert text == as_study(tmp_path, composed(gate), "leave_one_out", "reduction")[0]


def test_a_strangers_gate_needs_its_components_and_nothing_else(tmp_path):
    @GATES.register("scaled", source="a test", components={"scale #\n- x": {"scale": False}})
    class Scaled(nn.Module):
        def __init__(self, channels: int, *, scale: bool = True) -> None:
            super().__init__()
            self.layer = nn.BatchNorm2d(channels, affine=scale)

        def forward(self, x):
            return x * self.layer(x).sigmoid()

    text, study = as_study(tmp_path, composed("scaled"), "leave_one_out")

    assert [variant["gate"] for variant in study.variants()] == [
        {"name": "scaled"},
        {"name": "scaled", "scale": False},
    ]
    assert "none, no parameter of the gate brings it nearer" in text


def test_a_gate_without_components_is_told_how_to_name_them():
    with pytest.raises(UsageError, match=r"'eca'.*components=\{"):
        list(list_variants(composed("eca"), ["leave_one_out"]))


def test_what_is_set_composes_the_gate_whatever_the_base_study_varies():
    axes = [{"key": "gate.alpha", "values": [0.1, 0.2]}]
    study = Study(
        name="x", question="?", base={**BASE, "gate": {"name": "das", "kernel": 5}}, axes=axes
    )

    assert compose_data(study, "das", ("gate.alpha=0.3",))["base"]["gate"] == {
        "name": "das",
        "kernel": 5,
        "alpha": 0.3,
    }
    assert compose_data(study, "se")["base"]["gate"] == {"name": "se"}


@pytest.mark.parametrize(
    "text", ["alpha=0.1", "gate.alpha", "seed=1", "gate=se", "gate..alpha=1", "=1"]
)
def test_what_cannot_be_set_is_refused(text):
    study = Study(name="x", question="?", base={**BASE, "gate": "das"})

    with pytest.raises(StudyError, match="`set`"):
        compose_data(study, "das", (text,))


def test_parts_are_known_by_the_gates_own_sweeps():
    assert list_parts("se") == ("leave_one_out", "add_one_in", "reduction", "count")
    with pytest.raises(UsageError, match=r"unknown part 'norm'\. Did you mean 'norms'\?"):
        list(list_variants(composed("das"), ["norm"]))


def test_a_composed_gate_that_cannot_be_built_is_an_error():
    with pytest.raises(ModelError, match="offset"):
        ablate(composed({"name": "das", "offset_groups": 7}), ["alpha"])


def test_plain_data_of_a_base_are_left_as_they_were():
    data = {"base": {**BASE, "gate": "das"}}
    before = json.dumps(data)
    study = Study(name="x", question="?", base=data["base"])
    compose_data(study, "se", ("gate.reduction=4",))

    assert json.dumps(data) == before
