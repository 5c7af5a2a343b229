"""The maps of a backbone are found where its own forward pass makes them, or the backbone is refused."""

import pytest
import torch
from built import built_network
from torch import Tensor, nn

from dasbench.backbones.site import Site
from dasbench.backbones.trunk import find_trunk
from dasbench.catalog import BACKBONES
from dasbench.errors import ModelError
from dasbench.models import GatedNetwork
from dasbench.spec.trial import Trial

ENDS = (Site("first", 1, 4, "stage"), Site("second", 2, 8, "stage"))


class Plain(nn.Module):
    """A backbone of two stages which runs one layer after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 8, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).mean((2, 3))


class Squares(Plain):
    """Does something between its layers that no layer does."""

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).square()).mean((2, 3))


class Mirrors(Plain):
    """Does something to its images."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(-1))


class Skips(Plain):
    """Has a layer that it leaves out, without which the next one gets another shape."""

    def __init__(self) -> None:
        super().__init__()
        self.second, self.between = nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.Conv2d(4, 5, 1)
        self._modules = {name: self._modules[name] for name in ("first", "between", "second")}


class Rewrites(Plain):
    """Goes on writing into the last map."""

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).relu_().mean((2, 3))


def network(backbone: object, gate: str = "none") -> GatedNetwork:
    trial = Trial.model_validate({"backbone": backbone, "gate": gate, "dataset": "digits"})
    return built_network(trial, num_classes=10)


@pytest.mark.parametrize(
    ("backbone", "strides", "channels"),
    [
        ({"name": "resnet18", "width": 4}, [4, 8, 16, 32], [4, 8, 16, 32]),
        ({"name": "resnet18", "width": 4, "stem": "small"}, [1, 2, 4, 8], [4, 8, 16, 32]),
        (
            {"name": "resnet18", "width": 4, "stem": "small", "last_stride": 1},
            [1, 2, 4],
            [4, 8, 32],
        ),
        ({"name": "resnet50", "width": 4}, [4, 8, 16, 32], [16, 32, 64, 128]),
        ({"name": "mobilenet_v2", "width_mult": 0.25}, [2, 4, 8, 16, 32], [8, 8, 8, 24, 80]),
        (
            {"name": "mobilenet_v2", "width_mult": 0.25, "stem": "small"},
            [1, 2, 4, 8],
            [8, 8, 24, 80],
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("gate", ["none", "das"])
def test_each_resolution_has_the_last_map_of_its_size(backbone, strides, channels, gate):
    model = network(backbone, gate)

    trunk = find_trunk(model.backbone, model.stage_ends)

    assert [level.stride for level in trunk.levels] == strides
    assert [level.channels for level in trunk.levels] == channels
    assert all(hasattr(trunk.module, level.child) for level in trunk.levels)


def test_a_backbone_that_runs_its_layers_in_order_is_taken():
    assert [level.child for level in find_trunk(Plain(), ENDS).levels] == ["first", "second"]


@pytest.mark.parametrize(
    "kind", [Squares, Mirrors, Skips, Rewrites], ids=lambda kind: kind.__name__
)
def test_a_backbone_that_does_more_than_run_its_layers_is_refused(kind):
    with pytest.raises(ModelError, match="the backbone does"):
        find_trunk(kind(), ENDS)


def test_a_backbone_whose_stem_lies_outside_of_what_holds_its_stages_is_refused():
    nested = nn.Sequential(
        nn.Conv2d(3, 6, 1), nn.Sequential(nn.Conv2d(6, 4, 3, stride=2), nn.Conv2d(4, 8, 3))
    )

    with pytest.raises(ModelError, match="one after the other"):
        find_trunk(nested, (Site("1.0", 1, 4, "stage"), Site("1.1", 2, 8, "stage")))


def test_a_backbone_without_stages_is_refused():
    with pytest.raises(ModelError, match="no maps to detect or segment with"):
        find_trunk(Plain(), ())


def test_a_backbone_whose_stages_lie_apart_is_refused():
    nested = nn.Sequential(nn.Sequential(Plain()), nn.Linear(8, 2))

    with pytest.raises(ModelError, match="do not stand side by side"):
        find_trunk(nested, (Site("0", 1, 8, "stage"), Site("0.0.first", 1, 4, "stage")))


def test_a_backbone_of_one_resolution_is_refused():
    with pytest.raises(ModelError, match="a single resolution"):
        find_trunk(Plain(), ENDS[:1])


@pytest.mark.parametrize(
    ("name", "words"),
    [("swin_t", "do not stand side by side"), ("vit_b_32", "takes no images of 64 px")],
)
def test_a_foreign_backbone_that_cannot_be_cut_is_refused(name, words):
    with torch.device("meta"):
        backbone = BACKBONES["torchvision"].make(10, model=name)
    ends = [site for site in backbone.sites if site.after == "stage"]

    with pytest.raises(ModelError, match=words):
        find_trunk(backbone.module, ends)


def test_looking_for_maps_leaves_a_backbone_as_it_is():
    model = network({"name": "resnet18", "width": 4}, "bam").train()
    model.gates.eval()
    model.backbone.layer1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    hooks = {name: len(module._forward_hooks) for name, module in model.named_modules()}
    torch.manual_seed(3)
    state = torch.get_rng_state()

    find_trunk(model.backbone, model.stage_ends)

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert {name: len(module._forward_hooks) for name, module in model.named_modules()} == hooks
    assert model.backbone.layer2.training
    assert not model.backbone.layer1.training
    assert torch.equal(torch.get_rng_state(), state)
