"""Backbones are the published networks, say truly where gates can stand, and start from weights that one gives them."""

import logging
import shutil
import sys
from collections.abc import Mapping

import pytest
import torch
import torchvision
from built import built_network
from torch import nn

from dasbench.backbones.site import Backbone
from dasbench.backbones.tracing import trace_sites
from dasbench.backbones.weights import find_weights, load_pretrained
from dasbench.catalog import BACKBONES, GATES
from dasbench.cli.show import backbone_sites
from dasbench.costs.measure import measure_cost
from dasbench.errors import DataError, ModelError, StudyError, UsageError
from dasbench.models import choose_sites
from dasbench.paper.tables import table
from dasbench.render.sites import site_records
from dasbench.resolution import resolve, resolve_network
from dasbench.spec.trial import Placement, Trial

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
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
NARROW = {"name": "resnet18", "width": 4, "stem": "small"}


def trial(backbone: object, gate: object = "none", **placement: object) -> Trial:
    return Trial.model_validate(
        {"backbone": backbone, "gate": gate, "placement": placement, "dataset": "digits"}
    )


def network(backbone: object, gate: object = "none", **placement: object) -> nn.Module:
    return built_network(trial(backbone, gate, **placement), num_classes=10)


def on_meta(name: str, **params: object) -> Backbone:
    with torch.device("meta"):
        return BACKBONES[name].make(1000, **params)


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


# what the networks are


@pytest.mark.parametrize("width_mult", [1.0, 0.35])
def test_mobilenet_is_torchvisions(width_mult):
    theirs = torchvision.models.mobilenet_v2(num_classes=7, width_mult=width_mult).eval()
    ours = BACKBONES["mobilenet_v2"].make(7, width_mult=width_mult).module.eval()
    x = torch.randn(1, 3, 64, 64)

    ours.load_state_dict(theirs.state_dict())

    assert torch.equal(ours(x), theirs(x))


def test_the_small_stem_of_mobilenet_keeps_small_images_four_times_as_large():
    sizes = []
    for stem in ("imagenet", "small"):
        net = BACKBONES["mobilenet_v2"].make(10, width_mult=0.1, stem=stem).module.eval()
        sizes.append(tuple(net.features(torch.zeros(1, 3, 32, 32)).shape[-2:]))

    assert sizes == [(1, 1), (4, 4)]


@pytest.mark.parametrize(
    ("label", "gate"),
    [
        ("MobileNetV2", "none"),
        ("MobileNetV2 + SENet", "se"),
        ("MobileNetV2 + CBAM", "cbam"),
        ("MobileNetV2 + Triplet Attention", {"name": "triplet", "kernel": 3}),
        ("MobileNetV2 + DAS", "das"),
    ],
)
def test_mobilenet_with_a_gate_has_the_parameters_of_table1(label, gate):
    """By the gate's own placement: before the addition in every block, and for DAS at the stages' ends."""
    with torch.device("meta"):
        net = built_network(trial("mobilenet_v2", gate), num_classes=1000)

    assert (
        sum(p.numel() for p in net.parameters()) == table("table1").row(label).exact["full"].params
    )


def test_mobilenet_with_das_has_the_counts_that_the_paper_counted():
    net = built_network(trial("mobilenet_v2", "das"), num_classes=1000)

    cost = measure_cost(net, (3, 224, 224))

    assert (cost.params_paper, cost.macs_paper) == (
        table("table1").row("MobileNetV2 + DAS").exact["paper"].params,
        353_890_076,
    )


@pytest.mark.parametrize(("label", "gate"), [("GSoP-Net", "gsop"), ("BAM", "bam")])
def test_resnet50_with_gates_in_some_blocks_has_the_parameters_of_table1(label, gate):
    with torch.device("meta"):
        net = built_network(trial("resnet50", gate), num_classes=1000)

    assert (
        sum(p.numel() for p in net.parameters())
        == table("table1").row(f"ResNet-50 + {label}").exact["full"].params
    )


@pytest.mark.parametrize("gate", [name for name in GATES.names() if name != "none"])
def test_every_gate_has_a_place_in_mobilenet_and_learns_there(gate):
    net = network({"name": "mobilenet_v2", "width_mult": 0.1, "stem": "small"}, gate).train()

    net(torch.randn(2, 3, 32, 32)).square().sum().backward()

    assert net.gates


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


# the stride of the last stage


def test_a_gate_can_ask_for_another_stride_of_the_last_stage():
    assert resolve_network(trial("resnet18", "gsop")).backbone.params["last_stride"] == 1
    assert resolve_network(trial("resnet18", "se")).backbone.params["last_stride"] == 2
    assert (
        resolve_network(trial({"name": "resnet18", "last_stride": 2}, "gsop")).backbone.params[
            "last_stride"
        ]
        == 2
    )
    assert "last_stride" not in resolve_network(trial("mobilenet_v2", "gsop")).backbone.params


@pytest.mark.parametrize(("stride", "side"), [(1, 4), (2, 2)])
def test_the_last_stride_decides_the_size_of_the_last_map(stride, side):
    net = BACKBONES["resnet18"].make(10, width=2, last_stride=stride).module.eval()
    shapes = []
    net.layer4.register_forward_hook(lambda _module, _args, output: shapes.append(output.shape[-1]))

    net(torch.zeros(1, 3, 64, 64))

    assert shapes == [side]


# any network of torchvision and of timm


def test_torchvisions_networks_are_there_by_their_names():
    backbone = BACKBONES["torchvision"].make(10, model="efficientnet_b0")

    ends = [(site.path, site.channels) for site in backbone.sites if site.after == "stage"]
    assert ends == [
        (f"features.{i}", c) for i, c in ((1, 16), (2, 24), (3, 40), (5, 112), (7, 320))
    ]
    assert backbone.module(torch.zeros(2, 3, 64, 64)).shape == (2, 10)


def test_timms_networks_are_there_by_their_names():
    pytest.importorskip("timm")
    backbone = BACKBONES["timm"].make(10, model="resnet26")

    assert [site.path for site in backbone.sites if site.after == "stage"] == [
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    ]
    assert backbone.module.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 10)


@pytest.mark.parametrize("name", RESNETS[:3])
def test_tracing_finds_the_stages_and_blocks_that_a_resnet_declares(name):
    declared = {
        (s.path, s.stage, s.channels, s.after, s.block)
        for s in on_meta(name).sites
        if s.after in ("stage", "block")
    }
    net = torchvision.models.get_model(name, weights=None)

    traced = {
        (s.path, s.stage, s.channels, s.after, s.block) for s in trace_sites(net, image_side=224)
    }

    assert traced == declared


def test_tracing_leaves_the_network_alone():
    net = torchvision.models.shufflenet_v2_x0_5(num_classes=10).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}

    trace_sites(net, image_side=64)

    assert net.training
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_network_whose_maps_grow_again_has_no_places():
    encoder = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
    )

    assert trace_sites(encoder, image_side=32) == ()


def test_a_module_that_runs_twice_is_no_place():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.shared = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.shared(self.shared(self.first(x)))

    assert {site.path for site in trace_sites(Twice(), image_side=8)} == {"first"}


def test_gates_stand_in_a_traced_network_at_the_blocks_ends_if_before_the_addition_is_their_place():
    net = network({"name": "torchvision", "model": "shufflenet_v2_x0_5"}, "se")

    assert len(net.gates) == 4 + 8 + 4
    assert list(net.gates)[:2] == ["stage2:0", "stage2:1"]
    assert net(torch.randn(2, 3, 64, 64)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "model", "near"),
    [("torchvision", "efficientnet_b00", "efficientnet_b0"), ("timm", "resnet25", "resnet26")],
)
def test_an_unknown_network_is_answered_with_the_nearest(name, model, near):
    if name == "timm":
        pytest.importorskip("timm")

    with pytest.raises(ModelError, match=f"'{model}'; nearest: .*{near}"):
        BACKBONES[name].make(10, model=model)


def test_timms_names_never_reach_for_the_network():
    pytest.importorskip("timm")

    with pytest.raises(ModelError, match="timm has no network"):
        BACKBONES["timm"].make(10, model="hf-hub:timm/resnet18.a1_in1k")


def test_without_timm_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(ModelError, match=r"pip install dasbench\[timm\]"):
        BACKBONES["timm"].make(10, model="resnet26")


# weights from files


@pytest.fixture
def save(tmp_path):
    """Writes what `torch.save` takes, and returns the path."""

    def write(content: object, name: str = "weights.pt") -> str:
        path = tmp_path / name
        torch.save(content, path)
        return str(path)

    return write


def weights_of(
    name: str = "resnet18", num_classes: int = 10, **params: object
) -> Mapping[str, torch.Tensor]:
    torch.manual_seed(5)
    defaults = {"width": 4, "stem": "small"} if name.startswith("resnet") else {}
    return BACKBONES[name].make(num_classes, **{**defaults, **params}).module.state_dict()


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_a_network_starts_from_the_weights_of_a_file(save, wrapper):
    wanted = weights_of()
    file = save({wrapper: wanted, "epoch": 3} if wrapper else wanted)

    net = network({**NARROW, "weights": file}, "das")

    assert all(torch.equal(value, wanted[key]) for key, value in net.backbone.state_dict().items())


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("mobilenet_v2", {"width_mult": 0.1}),
        ("torchvision", {"model": "squeezenet1_1"}),
        ("torchvision", {"model": "shufflenet_v2_x0_5"}),
        ("timm", {"model": "mobilenetv3_small_050"}),
    ],
)
def test_other_backbones_start_from_files_too_and_keep_a_fresh_head(save, name, params):
    if name == "timm":
        pytest.importorskip("timm")
    wanted = weights_of(name, num_classes=7, **params)
    file = save(wanted)

    got = BACKBONES[name].make(10, **params, weights=file).module.state_dict()

    fresh = [key for key, value in got.items() if value.shape != wanted[key].shape]
    assert 1 <= len(fresh) <= 2
    assert all(torch.equal(value, wanted[key]) for key, value in got.items() if key not in fresh)


def test_a_head_of_other_classes_stays_fresh_and_is_named_in_the_log(save, caplog):
    wanted = weights_of(num_classes=7)
    plain = network(NARROW).backbone.state_dict()

    with caplog.at_level(logging.INFO, logger="dasbench"):
        got = network({**NARROW, "weights": save(wanted)}).backbone.state_dict()

    assert torch.equal(got["conv1.weight"], wanted["conv1.weight"])
    assert torch.equal(got["fc.weight"], plain["fc.weight"])
    assert "fc.weight and fc.bias left fresh" in caplog.text


def test_files_without_the_counters_of_batch_norms_are_fine(save):
    wanted = {
        key: value for key, value in weights_of().items() if not key.endswith("num_batches_tracked")
    }

    got = network({**NARROW, "weights": save(wanted)}).backbone.state_dict()

    assert torch.equal(got["bn1.weight"], wanted["bn1.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("layer1.0.conv1.weight"), r"'layer1\.0\.conv1\.weight' is missing"),
        (lambda w: w.pop("fc.bias"), r"'fc\.bias' is missing"),
        (lambda w: w.update(extra=torch.zeros(1)), r"'extra' is not of this network"),
        (
            lambda w: w.update({"conv1.weight": torch.zeros(4, 3, 7, 7)}),
            r"\(4, 3, 7, 7\), not \(4, 3, 3, 3\)",
        ),
        (
            lambda w: w.update({"fc.weight": torch.zeros(10, 5)}),
            r"'fc\.weight' is \(10, 5\), not \(10, 32\)",
        ),
        (
            lambda w: w.clear(),
            r"'conv1\.weight' is missing; 'bn1\.weight' is missing; .*\(and \d+ more\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused_with_the_first_keys(save, change, message):
    content = dict(weights_of())
    change(content)
    file = save(content)

    with pytest.raises(DataError, match=message):
        network({**NARROW, "weights": file})


@pytest.mark.parametrize(
    "content", [b"", b"no weights", b"PK\x03\x04 broken", bytes(range(256)) * 8]
)
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    file = tmp_path / "weights.pt"
    file.write_bytes(content)

    with pytest.raises(DataError, match="cannot be read as a state_dict"):
        load_pretrained(nn.Linear(1, 1), file, head="")


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.zeros(3), {1: torch.zeros(1)}])
def test_a_file_of_something_else_is_refused(save, tmp_path, content):
    save(content)

    with pytest.raises(DataError, match="holds no state_dict"):
        load_pretrained(nn.Linear(1, 1), tmp_path / "weights.pt", head="")


def test_weights_are_read_without_running_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    torch.save({"conv1.weight": Evil()}, tmp_path / "weights.pt")

    with pytest.raises(DataError, match="cannot be read"):
        load_pretrained(nn.Linear(1, 1), tmp_path / "weights.pt", head="")
    assert not (tmp_path / "made").exists()


def test_a_missing_file_is_said_with_torchvisions_names():
    with pytest.raises(
        DataError, match=r"no file 'IMAGENET1K_V3'.*names for resnet18: DEFAULT, IMAGENET1K_V1"
    ):
        resolve_network(trial({**NARROW, "weights": "IMAGENET1K_V3"}))


def test_torchvisions_names_mean_the_folder_of_torch_hub_and_nothing_is_downloaded(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_: pytest.fail("a download"))

    with pytest.raises(
        DataError, match=f"expected at {tmp_path}/checkpoints/mobilenet_v2-b0353104.pth"
    ) as error:
        resolve_network(trial({"name": "mobilenet_v2", "weights": "IMAGENET1K_V1"}))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "mobilenet_v2-b0353104.pth").write_bytes(b"")

    assert error.value.exit_code == 3
    assert find_weights("IMAGENET1K_V1", model="mobilenet_v2").name == "mobilenet_v2-b0353104.pth"


def test_the_content_of_the_weights_decides_the_key_and_their_place_does_not(save, tmp_path):
    first = save(weights_of(), "a.pt")
    moved = shutil.copy(first, tmp_path / "b.pt")
    other = save({key: value + 1 for key, value in weights_of().items()}, "c.pt")

    keys = [resolve(trial({**NARROW, "weights": str(file)})).key for file in (first, moved, other)]

    assert keys[0] == keys[1]
    assert len({resolve(trial(NARROW)).key, *keys}) == 3


def test_a_file_that_changes_is_another_trial(save):
    backbone = {**NARROW, "weights": save(weights_of())}
    before = resolve_network(trial(backbone))

    save({key: value + 1 for key, value in weights_of().items()})

    assert resolve_network(trial(backbone)).key != before.key


def test_a_trial_with_weights_survives_its_own_plain_data_and_another_folder(
    save, tmp_path, monkeypatch
):
    save(weights_of())
    monkeypatch.chdir(tmp_path)
    here = resolve_network(trial({**NARROW, "weights": "weights.pt"}))
    monkeypatch.chdir("/")

    there = Trial.model_validate(here.model_dump(mode="json"))

    assert resolve_network(there) == here
    assert there.key == here.key


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
