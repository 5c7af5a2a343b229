"""What the author of a gate or a backbone meets: the component, the site, the line of their own code."""

from typing import Any

import pytest
import torch
from built import built_network

from dasbench.catalog import BACKBONES, GATES
from dasbench.errors import ModelError
from dasbench.resolution import resolve_network
from dasbench.spec.trial import Trial


class Faulty(torch.nn.Module):
    """Fails as its author did not mean it to.

    Args:
        how: what goes wrong.
    """

    def __init__(self, channels: int, *, how: str = "size") -> None:
        super().__init__()
        if how == "made":
            raise KeyError("width")
        self.how = how

    def forward(self, x):
        match self.how:
            case "size":
                return x + torch.zeros(3)
            case "none":
                return None
            case "tuple":
                return x, x
            case "shape":
                return x[:, ::2]
            case "exit":
                raise SystemExit(2)
            case _:
                return self.forward(x)


@pytest.fixture
def faulty_gate():
    GATES.register("faulty")(Faulty)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("size", "fails on a map [1, 4, 8, 8]: RuntimeError: The size of tensor a (8) must match"),
        ("none", "returns None, not a map"),
        ("tuple", "returns a tuple, not a map"),
        ("shape", "turns (1, 4, 8, 8) into (1, 2, 8, 8)"),
        ("exit", "fails on a map [1, 4, 8, 8]: SystemExit: 2"),
        ("deep", "RecursionError: maximum recursion depth exceeded"),
        ("made", "cannot be made for 4 channels: KeyError: 'width'"),
    ],
)
@pytest.mark.usefixtures("faulty_gate")
def test_a_gate_that_fails_is_named_with_its_site_and_its_authors_line(how, said):
    backbone = {"name": "resnet18", "width": 4, "stem": "small"}
    trial = resolve_network(
        Trial(backbone=backbone, gate={"name": "faulty", "how": how}, dataset="digits")
    )

    with pytest.raises(ModelError) as refused:
        built_network(trial, num_classes=10).eval()(torch.zeros(1, 3, 8, 8))

    message = str(refused.value)
    called = "faulty" if how == "size" else f"faulty(how={how})"  # a default is not worth a word
    assert message.startswith(f"site 'layer1': gate '{called}' ")
    assert said in message
    assert ("test_failing_parts.py:" in message) == (how not in ("none", "tuple", "shape"))
    assert "\n" not in message


@pytest.mark.usefixtures("faulty_gate")
def test_a_lack_of_memory_in_a_gate_is_not_the_gates_fault(monkeypatch):
    def forward(self, x):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Faulty, "forward", forward)
    trial = resolve_network(
        Trial(backbone={"name": "resnet18", "width": 4}, gate="faulty", dataset="digits")
    )

    with pytest.raises(torch.OutOfMemoryError):
        built_network(trial, num_classes=10)(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize(
    ("backbone", "side", "takes"),
    [
        ({"name": "torchvision", "model": "alexnet"}, 32, "63x63 px and more"),
        ({"name": "torchvision", "model": "squeezenet1_1"}, 8, "17x17 px and more"),
        ({"name": "timm", "model": "vit_tiny_patch16_224"}, 64, "224x224 px alone"),
        ({"name": "timm", "model": "inception_v4"}, 32, "larger ones; 299x299 px are usual"),
    ],
)
def test_a_backbone_that_takes_other_images_says_which(backbone, side, takes):
    trial = resolve_network(Trial(backbone=backbone, dataset="digits"))
    network = built_network(trial, num_classes=10).eval()

    with pytest.raises(ModelError) as refused:
        network(torch.zeros(1, 3, side, side))

    called = f"{backbone['name']}(model={backbone['model']})"
    start = f"backbone '{called}' fails on images of {side}x{side} px (it takes {takes}): "
    assert str(refused.value).startswith(start)


def test_a_backbone_of_ones_own_that_is_none_is_named():
    @BACKBONES.register("bare", stages=1)
    def bare(num_classes: int) -> Any:
        return torch.nn.Linear(3, num_classes)

    trial = Trial(backbone="bare", dataset="digits")

    with pytest.raises(
        ModelError,
        match=r"backbone 'bare': its constructor returns a Linear, .*test_failing_parts.py:\d+",
    ):
        built_network(trial, num_classes=10)
