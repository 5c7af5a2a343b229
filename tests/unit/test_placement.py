"""A placement that names all stages is one that names none: one network has one key."""

import pytest
from built import built_as_it_stands, built_network
from hypothesis import given
from hypothesis import strategies as st

from dasbench.catalog import BACKBONES
from dasbench.errors import ModelError
from dasbench.resolution import resolve_network
from dasbench.spec.trial import Trial

STAGES = {
    "resnet18": 4,
    "resnet34": 4,
    "resnet50": 4,
    "resnet101": 4,
    "resnet152": 4,
    "mobilenet_v2": 7,
}
MODELS = {"torchvision": ("shufflenet_v2_x0_5", 3), "timm": ("mobilenetv3_small_050", 4)}


def placed(backbone, gate: str = "se", **placement) -> Trial:
    trial = {"backbone": backbone, "gate": gate, "dataset": "digits", "placement": placement}
    return resolve_network(Trial.model_validate(trial))


def test_every_backbone_says_how_many_stages_it_has():
    assert set(STAGES) | set(MODELS) == set(BACKBONES.names())


@pytest.mark.parametrize(("name", "number"), STAGES.items())
@pytest.mark.parametrize("after", ["stage", "block"])
def test_all_stages_by_number_are_the_same_as_none_by_number(name, number, after):
    every = list(range(1, number + 1))

    assert placed(name, after=after, stages=every).key == placed(name, after=after).key
    assert (
        placed(name, after=after, stages=every[::-1] + every).key == placed(name, after=after).key
    )
    assert placed(name, after=after, stages=every[1:]).key != placed(name, after=after).key


@pytest.mark.parametrize("name", MODELS)
def test_traced_networks_count_their_stages(name):
    if name == "timm":
        pytest.importorskip("timm")
    model, number = MODELS[name]
    backbone = {"name": name, "model": model}

    assert placed(backbone, stages=list(range(1, number + 1))).key == placed(backbone).key
    assert placed(backbone, stages=list(range(1, number))).key != placed(backbone).key


def test_an_unknown_model_is_refused_when_it_is_built_and_not_before():
    trial = placed({"name": "torchvision", "model": "no_such_net"}, stages=[1, 2])

    assert trial.placement.stages == (1, 2)
    with pytest.raises(ModelError, match="no_such_net"):
        built_network(trial, num_classes=10)


def test_stages_beyond_the_last_are_kept_so_that_building_complains():
    trial = placed("resnet18", stages=[1, 2, 3, 4, 5])

    assert trial.placement.stages == (1, 2, 3, 4, 5)
    with pytest.raises(ModelError, match="no stage 5"):
        built_network(trial, num_classes=10)


@given(stages=st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_the_same_stages_in_any_spelling_share_a_key_and_others_do_not(stages):
    spelled, sorted_ = (
        placed("resnet18", stages=stages),
        placed("resnet18", stages=sorted(set(stages))),
    )

    assert spelled.key == sorted_.key
    assert (spelled.key == placed("resnet18").key) == (set(stages) == {1, 2, 3, 4})


def test_a_gate_with_stages_of_its_own_keeps_them_when_none_are_named():
    own, every = placed("resnet18", gate="bam"), placed("resnet18", gate="bam", stages=[1, 2, 3, 4])

    assert own.placement.stages == (1, 2, 3)
    assert every.placement.stages is None
    assert len(built_as_it_stands(own).gates) == 3
    assert len(built_as_it_stands(every).gates) == 4
