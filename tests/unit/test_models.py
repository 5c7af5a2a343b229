"""A network is a backbone with gates at its sites; the backbone is never changed."""

import copy
import pickle

import pytest
import torch
import torchvision
from built import built_network

from dasbench.catalog import BACKBONES
from dasbench.costs.measure import measure_cost
from dasbench.errors import ModelError
from dasbench.models import GatedNetwork
from dasbench.spec.trial import Trial

DIGITS = {"name": "digits", "image_size": 8}


def network(**fields):
    fields = {
        "backbone": {"name": "resnet18", "width": 4, "stem": "small"},
        "gate": "das",
        "dataset": DIGITS,
        **fields,
    }
    return built_network(Trial.model_validate(fields), num_classes=10)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_the_imagenet_resnets_are_torchvisions(name):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
        ours = BACKBONES[name].make(1000).module

    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: v.shape for k, v in theirs.state_dict().items()
    }


def test_the_forward_pass_is_torchvisions():
    theirs = torchvision.models.resnet18(num_classes=7).eval()
    ours = BACKBONES["resnet18"].make(7).module.eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)

    assert torch.equal(ours(x), theirs(x))


def test_all_variants_of_a_seed_start_from_the_same_backbone():
    plain = network(gate="none").backbone.state_dict()
    gated = network(gate={"name": "das", "alpha": 0.5}).backbone.state_dict()
    other = network(gate="none", seed=1).backbone.state_dict()

    assert all(torch.equal(plain[key], gated[key]) for key in plain)
    assert not torch.equal(plain["conv1.weight"], other["conv1.weight"])


def test_a_gate_starts_the_same_wherever_the_others_stand():
    all_stages = network().gates["layer3"].state_dict()
    one_stage = network(placement={"stages": [3]}).gates["layer3"].state_dict()

    assert all(torch.equal(all_stages[key], one_stage[key]) for key in all_stages)


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()

    network()

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("placement", "paths"),
    [
        ({}, ["layer1", "layer2", "layer3", "layer4"]),
        ({"stages": [4, 2]}, ["layer2", "layer4"]),
        ({"stages": [1], "after": "block"}, ["layer1:0", "layer1:1"]),
        ({"stages": [4], "after": "before_add"}, ["layer4:0:bn2", "layer4:1:bn2"]),
        ({"sites": ["layer4", "layer1.0"]}, ["layer1:0", "layer4"]),
    ],
)
def test_gates_stand_where_the_placement_says(placement, paths):
    assert list(network(placement=placement).gates) == paths


def test_a_stage_or_site_that_the_backbone_lacks_is_named():
    with pytest.raises(ModelError, match="no stage 5; it has"):
        network(placement={"stages": [5]})
    with pytest.raises(ModelError, match="unknown site 'layer9'"):
        network(placement={"sites": ["layer9"]})


@pytest.mark.parametrize("after", ["stage", "block", "before_add"])
def test_every_gate_acts_on_the_output_and_learns(after):
    gated = network(placement={"after": after}).train()
    x = torch.randn(2, 3, 16, 16)

    gated(x).square().sum().backward()

    assert all(
        p.grad is not None and p.grad.abs().sum() > 0
        for p in gated.gates.parameters()
        if p.requires_grad
    )


def test_copies_and_pickles_gate_with_their_own_gates():
    original = network().eval()
    x = torch.randn(1, 3, 16, 16)
    before = original(x)

    for twin in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert torch.equal(twin(x), before)
        with torch.no_grad():
            for parameter in twin.gates.parameters():
                parameter.fill_(0.3)
        assert not torch.equal(twin(x), before)
        assert torch.equal(original(x), before)


def test_a_state_dict_round_trip_keeps_the_output():
    first, second = network(seed=0).eval(), network(seed=1).eval()
    x = torch.randn(1, 3, 16, 16)

    second.load_state_dict(first.state_dict())

    assert torch.equal(first(x), second(x))


def test_a_map_that_is_too_small_for_a_norm_names_the_site():
    small = network(backbone={"name": "resnet18", "width": 4})

    with pytest.raises(ModelError, match="site 'layer4'"):
        small(torch.randn(2, 3, 32, 32))


def test_a_gate_that_changes_the_shape_is_refused():
    class Halves(torch.nn.Module):
        def forward(self, x):
            return x[:, ::2]

    broken = GatedNetwork(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1)), {"0": Halves()})

    with pytest.raises(ModelError, match="site '0': the gate Halves turns"):
        broken(torch.randn(1, 3, 8, 8))


class OnGpu(torch.Tensor):
    """Lies in the memory of the CPU and says that it is on a GPU."""

    is_cuda = True


class Promotes(torch.nn.Module):
    def forward(self, x):
        return x * torch.ones(1)


class Reorders(torch.nn.Module):
    def forward(self, x):
        return x.contiguous() + 1


class Keeps(torch.nn.Module):
    def forward(self, x):
        return x


def passed(gate, output, *, on_gpu=True):
    """What comes out of a module that gives `output`, once the gate has had it."""
    backbone = torch.nn.Sequential(torch.nn.Identity())
    GatedNetwork(backbone, {"0": gate})
    return backbone(output.as_subclass(OnGpu) if on_gpu else output)


LAYOUTS = [torch.channels_last, torch.contiguous_format]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "gate", [Promotes(), Reorders(), torch.nn.Sequential(Promotes(), Reorders())]
)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_what_leaves_a_gate_on_a_gpu_has_the_type_and_the_format_of_what_went_in(
    gate, layout, dtype
):
    x = torch.randn(2, 3, 4, 5, dtype=dtype).to(memory_format=layout)

    out = passed(gate, x)

    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=layout)
    assert torch.equal(out, gate(x).to(dtype))


def test_a_map_that_has_its_form_already_is_not_copied():
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)

    assert passed(Keeps(), x).data_ptr() == x.data_ptr()


@pytest.mark.parametrize(
    ("dtype", "layout"),
    [(torch.bfloat16, torch.channels_last), (torch.float32, torch.contiguous_format)],
)
def test_on_a_cpu_the_format_of_fp32_is_the_gates_so_that_its_bits_stay(dtype, layout):
    x = torch.randn(2, 3, 4, 5, dtype=dtype).to(memory_format=torch.channels_last)

    out = passed(torch.nn.Sequential(Promotes(), Reorders()), x, on_gpu=False)

    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=layout)


def test_features_that_are_no_map_pass_a_gate_in_their_type():
    tokens = torch.randn(2, 7, 6, dtype=torch.bfloat16)

    assert passed(Promotes(), tokens).dtype == torch.bfloat16


def test_a_gate_that_changes_type_and_format_leaves_nothing_uncounted():
    promoting = GatedNetwork(
        torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1)).bfloat16(), {"0": Promotes()}
    )
    plain = GatedNetwork(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1)), {})

    def count(network, dtype):
        whole = torch.nn.Sequential(ToType(dtype), network)
        return measure_cost(whole, (3, 8, 8))

    found, expected = count(promoting, torch.bfloat16), count(plain, torch.float32)

    assert found.uncounted == {}
    assert found.macs_full == expected.macs_full


class ToType(torch.nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x):
        return x.to(self.dtype)
