"""Networks start from the weights that one gives them, which are part of the trial's key."""

import logging
import shutil
from collections.abc import Mapping

import pytest
import torch
from gated_backbones import network, trial
from torch import nn

from dasbench.backbones.weights import find_weights, load_pretrained
from dasbench.catalog import BACKBONES
from dasbench.errors import DataError
from dasbench.resolution import resolve, resolve_network
from dasbench.spec.trial import Trial

NARROW = {"name": "resnet18", "width": 4, "stem": "small"}


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
