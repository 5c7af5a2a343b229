"""Backbones say truly where gates can stand, and gates say what they mean by their default."""

import pytest
import torch
from gated_backbones import RESNETS, on_meta, trial
from torch import nn

from dasbench.catalog import BACKBONES
from dasbench.cli.show import backbone_sites
from dasbench.errors import ModelError, StudyError, UsageError
from dasbench.models import choose_sites
from dasbench.render.sites import site_records
from dasbench.resolution import resolve_network
from dasbench.spec.trial import Placement

TIMM = (
    "resnet26",
    "mobilenetv3_large_100",
    "convnext_tiny",
    "regnety_002",
    "dpn68",
    "vit_tiny_patch16_224",
)

TORCHVISION = (
    "efficientnet_b0",
    "densenet121",
    "googlenet",
    "mnasnet0_5",
    "regnet_y_400mf",
    "squeezenet1_1",
    "swin_t",
)


def real_channels(module: nn.Module, paths: set[str]) -> dict[str, int]:
    """Channels of what some modules return, seen in a pass that computes nothing."""
    seen: dict[str, int] = {}
    module = module.to("meta").eval()
    for path in paths:
        module.get_submodule(path).register_forward_hook(
            lambda _module, _args, output, path=path: seen.update({path: output.shape[1]})
        )
    module(torch.zeros(1, 3, 224, 224, device="meta"))
    return seen


# where gates can stand


def test_mobilenet_has_seven_stages_of_seventeen_blocks():
    sites = on_meta("mobilenet_v2").sites

    ends = [site.path for site in sites if site.after == "stage"]
    assert ends == [f"features.{index}" for index in (1, 3, 6, 10, 13, 16, 17)]
    assert [site.path for site in sites if site.after == "block"] == [
        f"features.{index}" for index in range(1, 18)
    ]


def test_before_add_in_mobilenet_is_behind_the_last_norm_of_a_block():
    backbone = on_meta("mobilenet_v2")

    places = [site for site in backbone.sites if site.after == "before_add"]

    assert all(
        isinstance(backbone.module.get_submodule(site.path), nn.BatchNorm2d) for site in places
    )
    assert len(places) == 17


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *((name, {}) for name in (*RESNETS, "mobilenet_v2")),
        ("resnet18", {"width": 12, "stem": "small", "last_stride": 1}),
        ("mobilenet_v2", {"width_mult": 0.5, "stem": "small"}),
        *(("torchvision", {"model": model}) for model in TORCHVISION),
        *(("timm", {"model": model}) for model in TIMM),
    ],
)
def test_the_channels_of_every_site_are_real(name, params):
    if name == "timm":
        pytest.importorskip("timm")
    backbone = BACKBONES[name].make(10, **params) if "model" in params else on_meta(name, **params)

    seen = real_channels(backbone.module, {site.path for site in backbone.sites})

    assert all(seen[site.path] == site.channels for site in backbone.sites)
    assert len({(site.path, site.after) for site in backbone.sites}) == len(backbone.sites)


@pytest.mark.parametrize("name", [*RESNETS, "mobilenet_v2"])
def test_blocks_are_numbered_from_zero_in_each_stage(name):
    sites = on_meta(name).sites

    for stage in {site.stage for site in sites}:
        blocks = [site.block for site in sites if site.stage == stage and site.after == "block"]
        assert blocks == list(range(len(blocks)))
    assert all((site.block is None) == (site.after == "stage") for site in sites)


@pytest.mark.parametrize(
    ("placement", "paths"),
    [
        ({"after": "block", "blocks": "last"}, ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
        ({"after": "block", "blocks": "first", "stages": (2, 4)}, ["layer2.0", "layer4.0"]),
        ({"after": "block", "blocks": "alternate", "stages": (2,)}, ["layer2.1", "layer2.3"]),
        (
            {"after": "block", "blocks": "alternate", "stages": (3,)},
            ["layer3.1", "layer3.3", "layer3.5"],
        ),
        ({"after": "inside", "stages": (4,)}, ["layer4.0.bn2", "layer4.1.bn2", "layer4.2.bn2"]),
        ({"after": "before_add", "blocks": "last", "stages": (1,)}, ["layer1.2.bn3"]),
        ({"after": "block", "blocks": "all", "stages": (1,)}, ["layer1.0", "layer1.1", "layer1.2"]),
    ],
)
def test_blocks_of_a_stage_can_be_chosen(placement, paths):
    sites = on_meta("resnet50").sites

    assert [site.path for site in choose_sites(sites, Placement(**placement))] == paths


def test_inside_of_a_block_there_are_the_channels_of_its_middle_convolution():
    wide = [
        site.channels
        for site in on_meta("resnet50").sites
        if site.after == "inside" and site.block == 0
    ]
    basic = [site for site in on_meta("resnet18").sites if site.after == "inside"]

    assert wide == [64, 128, 256, 512]
    assert basic[0].path == "layer1.0.bn1"


def test_a_place_that_is_the_end_of_a_block_and_of_a_stage_takes_one_gate():
    chosen = choose_sites(
        on_meta("mobilenet_v2").sites, Placement(sites=("features.17", "features.3"))
    )

    assert [site.path for site in chosen] == ["features.3", "features.17"]


def test_a_kind_of_place_that_the_backbone_lacks_is_answered_with_what_it_has():
    sites = on_meta("mobilenet_v2").sites

    with pytest.raises(ModelError, match="no place 'inside'; it has before_add, block, stage"):
        choose_sites(sites, Placement(after="inside"))
    with pytest.raises(ModelError, match="no place for a gate at all"):
        choose_sites((), Placement(after="block"))


def test_a_placement_that_leaves_no_block_says_how_many_there_are():
    sites = on_meta("mobilenet_v2").sites

    with pytest.raises(
        ModelError, match="blocks alternate leaves no place; places in each stage: 1: 1, 2: 2, 3: 3"
    ):
        choose_sites(sites, Placement(stages=(1,), after="block", blocks="alternate"))


# what a gate means by its default


def test_a_study_has_its_way_where_it_departs_from_mobilenets_convention():
    assert resolve_network(trial("mobilenet_v2", "se")).placement.after == "before_add"
    assert resolve_network(trial("mobilenet_v2", "se", after="block")).placement.after == "block"
    assert resolve_network(trial("mobilenet_v2", "sp")).placement.after == "before_add"
    assert resolve_network(trial("mobilenet_v2", "bam")).placement.stages == (2, 3, 5)
    assert resolve_network(trial("mobilenet_v2", "bam", stages=[1, 2])).placement.stages == (1, 2)


def test_all_blocks_and_no_word_about_blocks_are_the_same_trial():
    silent, said = trial("resnet18", "se"), trial("resnet18", "se", blocks="all")

    assert resolve_network(silent).key == resolve_network(said).key
    assert (
        resolve_network(trial("resnet18", "gsop", blocks="all")).key
        != resolve_network(trial("resnet18", "gsop")).key
    )


def test_at_the_ends_of_stages_the_gates_own_choice_of_blocks_is_dropped():
    at_ends = resolve_network(trial("resnet18", "gsop", after="stage"))

    assert at_ends.placement == Placement(after="stage")
    assert resolve_network(at_ends) == at_ends


def test_blocks_are_refused_for_a_gate_at_the_ends_of_stages():
    with pytest.raises(
        StudyError, match=r"placement\.blocks: gate 'das' stands at the ends of stages"
    ):
        resolve_network(trial("resnet18", "das", blocks="last"))


@pytest.mark.parametrize("gate", ["se", "gsop", "bam", "a2", "das", "none"])
@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
def test_a_resolved_network_resolves_to_itself(backbone, gate):
    once = resolve_network(trial(backbone, gate))

    assert resolve_network(once) == once


# what the command line shows


def test_show_lists_every_site_of_a_backbone():
    records = site_records(backbone_sites("mobilenet_v2", overrides=("backbone.width_mult=0.5",)))

    assert len(records) == 17 + 17 + 7
    assert records[-1] == {
        "path": "features.17",
        "after": "stage",
        "stage": 7,
        "block": None,
        "channels": 160,
    }


def test_show_sets_parameters_of_the_backbone_alone():
    with pytest.raises(UsageError, match=r"write backbone\.KEY=VALUE"):
        backbone_sites("resnet18", overrides=("gate.alpha=1",))
    with pytest.raises(StudyError, match="unknown backbone 'resnet19'"):
        backbone_sites("resnet19")
    with pytest.raises(StudyError, match="unknown key 'depth'"):
        backbone_sites("resnet18", overrides=("backbone.depth=1",))
