"""Weights are found wherever a program put them, loaded as the network loads them, or refused from both sides."""

import argparse
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import DenseNet, VisionTransformer, get_model, mnasnet0_5

from dasbench.backbones.weight_files import read_content
from dasbench.backbones.weights import find_weights, load_gates, load_pretrained, published_file
from dasbench.catalog import BACKBONES
from dasbench.errors import DataError, ModelError


def small(num_classes=10):
    return BACKBONES["resnet18"].make(num_classes, width=4, stem="small").module


WEIGHTS = small().state_dict()
HALVES = {
    name: value.half() if value.is_floating_point() else value for name, value in WEIGHTS.items()
}
ZEROS = {name: torch.zeros_like(value) for name, value in WEIGHTS.items()}
HEADLESS = {name: value for name, value in WEIGHTS.items() if not name.startswith("fc.")}


def behind(prefix, weights=WEIGHTS):
    return {prefix + name: value for name, value in weights.items()}


class Settings:
    """What a program may keep beside its weights."""


@pytest.fixture
def load(tmp_path):
    """Saves something, loads it into a fresh network and returns what the network then holds."""

    def into(content, net=None, *, head="fc", **saving):
        file = tmp_path / "weights.pt"
        torch.save(content, file, **saving)
        net = small() if net is None else net
        load_pretrained(net, file, head=head)
        return net.state_dict()

    return into


def equal(found, wanted=WEIGHTS):
    return all(torch.equal(found[name], value) for name, value in wanted.items())


@pytest.mark.parametrize(
    "content",
    [
        behind("module."),
        behind("_orig_mod."),
        behind("module._orig_mod.model.net."),
        {name.replace("layer1.", "layer1._orig_mod."): value for name, value in WEIGHTS.items()},
        {"epoch": 90, "arch": "resnet18", "state_dict": behind("module.")},
        {
            "epoch": 1,
            "state_dict": behind("model."),
            "optimizer_states": [{"state": {0: {"step": torch.ones(1)}}}],
        },
        {
            "epoch": 1,
            "model_state_dict": WEIGHTS,
            "optimizer_state_dict": {"state": {}, "param_groups": []},
        },
        {"net": WEIGHTS, "acc": 90.0},
        {"epoch": 1, "state_dict": WEIGHTS, "state_dict_ema": ZEROS},
        {"model": WEIGHTS, "model_ema": {**behind("module.", ZEROS), "n_averaged": torch.ones(1)}},
        {"checkpoint": {"weights": {"state_dict": WEIGHTS}}},
        {"student": WEIGHTS, "teacher": dict(WEIGHTS)},
        {
            "state_dict": WEIGHTS,
            "args": argparse.Namespace(lr=0.1),
            "best": np.float64(91.5),
            "settings": Settings(),
        },
        {
            "model": {**behind("backbone."), "gates.layer1.x": torch.zeros(1)},
            "best": {"model": behind("backbone.", ZEROS)},
        },
    ],
    ids=lambda content: next(iter(content)),
)
def test_weights_are_found_below_any_key_and_behind_any_prefix(load, content):
    assert equal(load(content))


def test_files_of_the_older_format_are_read_with_what_is_beside_the_weights(load):
    found = load(
        {"state_dict": WEIGHTS, "args": argparse.Namespace(lr=1)},
        _use_new_zipfile_serialization=False,
    )

    assert equal(found)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_safetensors_are_read_whatever_they_are_called(tmp_path, suffix):
    safetensors = pytest.importorskip("safetensors.torch")
    file, net = tmp_path / f"model{suffix}", small()
    file.write_bytes(
        safetensors.save({name: value.contiguous() for name, value in WEIGHTS.items()})
    )

    load_pretrained(net, file, head="fc")

    assert equal(net.state_dict())


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (HEADLESS, ["fc.weight and fc.bias left fresh, for the file has none that fit"]),
        (
            {**HEADLESS, "fc.0.weight": torch.zeros(9, 32)},
            ["1 weight left out (fc.0.weight)", "left fresh"],
        ),
        (
            {**behind("backbone.", HEADLESS), "neck.x": torch.zeros(1)},
            ["1 weight left out (neck.x)", "left fresh"],
        ),
        (HALVES, ["float16 converted"]),
        (
            {**WEIGHTS, "fc.weight": torch.full((10, 32), torch.nan)},
            ["fc.weight left fresh, for the file holds but NaN"],
        ),
        (
            {**behind("model."), **behind("ema.module.", ZEROS)},
            ["122 weights left out (ema.module.conv1.weight, "],
        ),
    ],
)
def test_what_is_left_out_left_fresh_or_converted_is_said(load, caplog, content, notes):
    found = load(content)

    assert torch.allclose(found["conv1.weight"], WEIGHTS["conv1.weight"], atol=1e-3)
    assert all(note in caplog.text for note in notes)


def test_it_is_said_once_however_often_a_network_is_built(load, caplog):
    load(HEADLESS)
    load(HEADLESS)

    assert caplog.text.count("left fresh") == 1


@pytest.mark.parametrize(
    ("content", "complaints"),
    [
        (
            BACKBONES["mobilenet_v2"].make(10, width_mult=0.1).module.state_dict(),
            [
                "'conv1.weight' is missing; ",
                "(and 99 more)",
                "'features.0.0.weight' is not of this network",
            ],
        ),
        (
            {**WEIGHTS, "layer1.2.x": torch.zeros(1)},
            ["does not fit: 'layer1.2.x' is not of this network"],
        ),
        ({"student": WEIGHTS, "teacher": ZEROS}, ["more than once: 'student', 'teacher'"]),
        ({**behind("q."), **behind("k.", ZEROS)}, ["more than once: 'q.', 'k.'"]),
        (
            {**WEIGHTS, "conv1.weight": WEIGHTS["conv1.weight"].to(torch.int8)},
            ["'conv1.weight' holds int8"],
        ),
        (
            {**WEIGHTS, "fc.weight": WEIGHTS["fc.weight"].to_sparse()},
            ["'fc.weight' holds sparse_coo float32"],
        ),
        (
            {**WEIGHTS, "bn1.weight": torch.full((4,), torch.inf)},
            ["'bn1.weight' holds NaN or infinity"],
        ),
        (
            {"model": Settings(), "epoch": 1},
            ["'model' is a pickled object", "torch.save(model.state_dict(), "],
        ),
        (
            Settings(),
            ["it holds a whole pickled object", "Settings", "torch.save(model.state_dict(), "],
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would_be_right(load, content, complaints):
    with pytest.raises(DataError) as caught:
        load(content)

    assert all(complaint in str(caught.value) for complaint in complaints)
    assert "\n" not in str(caught.value)


def torchscript():
    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: b"", "it is empty"),
        (lambda: b"<!DOCTYPE html><html>404", "it is a web page"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"),
        (lambda: b"\x1f\x8b\x08 compressed", "it is compressed"),
        (lambda: b"PK\x03\x04 broken", "it is cut off, damaged, or no file of torch.save"),
        (lambda: pickle.dumps({"a": 1}), "it is cut off, damaged, or no file of torch.save"),
        (torchscript, "it is a TorchScript archive"),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_file_that_is_no_weights_is_called_what_it_is(tmp_path, content, reason):
    file = tmp_path / "weights.pt"
    file.write_bytes(content())

    with pytest.raises(DataError, match=f"weights.pt' cannot be read as a state_dict: {reason}"):
        load_gates(nn.ModuleDict(), file)


def test_files_that_are_cut_off_anywhere_are_refused(tmp_path):
    whole = io.BytesIO()
    torch.save(
        {"state_dict": {"conv1.weight": torch.zeros(4)}, "args": argparse.Namespace(a=1)}, whole
    )
    file = tmp_path / "weights.pt"

    for length in range(0, len(whole.getvalue()), 7):
        file.write_bytes(whole.getvalue()[:length])
        with pytest.raises(DataError):
            read_content(file, complaint="")


def test_no_code_of_a_file_is_run_even_where_its_weights_are_taken(load, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    assert equal(load({"state_dict": WEIGHTS, "other": Evil()}))
    assert not (tmp_path / "made").exists()


# torchvision's own files


def test_the_old_names_of_densenets_are_known(load):
    def net():
        return DenseNet(growth_rate=4, block_config=(2, 1), num_init_features=4, num_classes=3)

    wanted = net().state_dict()
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for name, value in wanted.items()
    }

    assert old.keys() != wanted.keys()
    assert equal(load(behind("module.", old), net(), head="classifier"), wanted)


def test_the_old_names_of_vision_transformers_are_known(load):
    def net():
        return VisionTransformer(
            32, 16, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3
        )

    wanted = net().state_dict()
    old = {
        name.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): v
        for name, v in wanted.items()
    }

    assert old.keys() != wanted.keys()
    assert equal(load(old, net(), head="heads.head"), wanted)


@pytest.mark.parametrize(
    "wrap", [lambda weights: weights, dict, lambda weights: {"state_dict": weights}]
)
def test_a_network_that_asks_for_the_version_of_its_weights_gets_it(load, wrap):
    wanted = mnasnet0_5(num_classes=3).state_dict()

    assert equal(load(wrap(wanted), mnasnet0_5(num_classes=3), head="classifier.1"), wanted)


@pytest.mark.slow
def test_networks_of_several_heads_compute_what_torchvisions_do_with_the_same_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = tmp_path / "checkpoints" / "googlenet-1378be20.pth"
    file.parent.mkdir()
    theirs = get_model("googlenet", weights=None, init_weights=False)
    torch.save(theirs.state_dict(), file)
    theirs.transform_input = True
    x = torch.randn(1, 3, 64, 64)

    ours = (
        BACKBONES["torchvision"]
        .make(1000, model="googlenet", weights="GoogLeNet_Weights.IMAGENET1K_V1")
        .module
    )

    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_a_published_file_is_known_by_its_name_or_its_content(tmp_path, monkeypatch):
    named, other = tmp_path / "googlenet-1378be20.pth", tmp_path / "mine.pth"
    for file in (named, other):
        file.write_bytes(b"")

    assert published_file("googlenet", named).name == "IMAGENET1K_V1"
    assert published_file("googlenet", other) is None


def test_torchvisions_names_may_be_written_out_and_addresses_are_not_followed():
    with pytest.raises(DataError, match="'IMAGENET1K_V1' of resnet18 is expected at"):
        find_weights("ResNet18_Weights.IMAGENET1K_V1", model="resnet18")
    with pytest.raises(DataError, match="dasbench downloads nothing"):
        find_weights("https://host/resnet18.pth", model="resnet18")


def test_a_quantised_network_is_no_backbone():
    with pytest.raises(
        ModelError,
        match="'quantized_resnet18' is quantised and cannot be trained; write 'resnet18'",
    ):
        BACKBONES["torchvision"].make(10, model="quantized_resnet18")


def test_gates_of_a_trial_are_found_behind_a_prefix_too(tmp_path):
    gates = nn.ModuleDict({"layer1": nn.Linear(2, 2)})
    file = Path(tmp_path, "weights.pt")
    torch.save(
        {
            "module.gates.layer1.weight": torch.ones(2, 2),
            "module.gates.layer1.bias": torch.ones(2),
            **behind("module.backbone."),
        },
        file,
    )

    load_gates(gates, file)

    assert gates["layer1"].weight.sum() == 4
