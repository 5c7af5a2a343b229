"""Counting a model: what is counted, and what counting leaves alone."""

import copy
import logging
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from dasbench.costs.by_module import cost_by_module
from dasbench.costs.full_count import count_full
from dasbench.costs.measure import measure_cost
from dasbench.costs.paper_count import count_paper
from dasbench.costs.specimen import take_specimen
from dasbench.errors import ModelError
from dasbench.gates.das.norms import NormSlot
from dasbench.models import GatedNetwork
from dasbench.ops.deform_conv import DeformConv2d, use_backend


class Cubed(torch.autograd.Function):
    """Work inside a function with a derivative of its own: the tracer sees its name alone."""

    @staticmethod
    def forward(_ctx: object, x: Tensor) -> Tensor:
        return x @ x.mT @ x

    @staticmethod
    def backward(_ctx: object, grad: Tensor) -> Tensor:
        return grad


class Hidden(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = Cubed.apply(x)
        return out


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft2(x).real


@torch.library.custom_op("dasbench_tests::squash", mutates_args=())
def squash(x: Tensor) -> Tensor:
    """An operator that somebody else has registered."""
    return x * x.sum(1, keepdim=True)


def product(x: Tensor) -> Tensor:
    return torch.matmul(x, x.transpose(2, 3)).matmul(x)


with warnings.catch_warnings(action="ignore", category=FutureWarning):
    scripted_product = torch.jit.script(product)


class Scripted(nn.Module):
    """Work in a function that the tracer enters as one call."""

    def forward(self, x: Tensor) -> Tensor:
        return scripted_product(x)


class Foreign(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return squash(x)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (Hidden(), "prim::PythonOp.Cubed"),
        (Spectrum(), "aten::fft_fft2"),
        (Scripted(), "prim::CallFunction.product"),
        (Foreign(), "dasbench_tests::squash"),
    ],
)
def test_an_operator_without_a_rule_is_reported_as_uncounted(module: nn.Module, name: str) -> None:
    """Whatever is neither counted nor free by name shows up with its number of calls."""
    cost = measure_cost(nn.Sequential(module, module), (3, 4, 6))

    assert cost.uncounted == {name: 2}


def busy_network() -> nn.Module:
    """Everything that a careless count would disturb: statistics, dropout, a frozen part that is in eval mode."""
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(),
        DeformConv2d(8, 4),
        nn.BatchNorm2d(4),
    )
    network[1].eval()
    return network


def test_counting_leaves_the_model_and_the_random_state_alone() -> None:
    """Statistics, train or eval flags and the random generator are as they were."""
    network = busy_network()
    before, modes = (
        copy.deepcopy(network.state_dict()),
        [module.training for module in network.modules()],
    )
    random_state = torch.get_rng_state()

    measure_cost(network, (3, 8, 8))

    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert set(modes) == {True, False}
    assert torch.equal(torch.get_rng_state(), random_state)


def test_gates_that_hang_at_a_backbone_are_counted_on_the_copy() -> None:
    """A gate is reached through a hook: it must be the copy's, or its statistics would move."""
    gate = nn.Sequential(nn.BatchNorm2d(8), nn.Conv2d(8, 8, 1, bias=False))
    backbone = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 1, bias=False)), nn.ReLU())
    network = GatedNetwork(backbone, {"0.0": gate}).train()

    model, *rows = cost_by_module(network, (3, 5, 5), depth=2)

    gated = next(row for row in rows if row.path.startswith("gates."))
    plain = next(row for row in rows if row.path == "backbone")
    assert gated.macs_full == 25 * (64 + 2 * 8)
    assert model.macs_full == gated.macs_full + plain.macs_full
    assert gate[0].num_batches_tracked == 0


def test_counting_twice_gives_equal_costs_in_train_and_in_eval_mode() -> None:
    """A cost is a property of the architecture and the size."""
    network = busy_network()

    assert measure_cost(network.train(), (3, 8, 8)) == measure_cost(network.eval(), (3, 8, 8))


def test_counting_says_nothing(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither warnings, nor log records, nor output; not even for unknown operators and modules that are not called."""
    network = nn.ModuleDict({"used": Spectrum(), "unused": nn.Linear(3, 3)})
    network.forward = network["used"].forward
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
        warnings.simplefilter("error")
        measure_cost(network, (3, 4, 4))

    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["torch", "torchvision"])
def test_the_count_does_not_depend_on_the_kernel_of_the_deformable_convolution(
    backend: str,
) -> None:
    """A study may train with one kernel and count on a machine that would take the other."""
    with use_backend(backend):
        count = count_full(take_specimen(DeformConv2d(6, 5), (6, 7, 9)))

    assert count.by_operator == {
        "conv": 63 * 9 * 6 * (18 + 9),
        "deform_conv": 63 * 9 * 6 * 5,
        "deform_sampling": 63 * 9 * 6 * 5,
    }
    assert count.uncounted == {}


@settings(max_examples=15)
@given(
    channels=st.integers(1, 12),
    squeezed=st.integers(1, 8),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_the_parts_of_a_das_gate_follow_their_closed_form(
    channels: int, squeezed: int, height: int, width: int
) -> None:
    """Separable convolution, offsets, mask, deformable product and sampling; 10c + r + cr + 243r + 27 + 9cr weights."""
    c, r = channels, squeezed
    parts = nn.Sequential(
        nn.Conv2d(c, c, 3, padding=1, groups=c), nn.Conv2d(c, r, 1), DeformConv2d(r, c)
    )

    cost = measure_cost(parts, (c, height, width))

    separable, learned = 9 * c + c * r, 18 * 9 * r + 9 * 9 * r
    assert cost.macs_full == height * width * (separable + learned + 9 * c * r + 45 * r)
    assert cost.params_full == 10 * c + r + c * r + 243 * r + 27 + 9 * c * r
    assert cost.macs_paper == height * width * (separable + learned)
    assert cost.params_paper == cost.params_full - 9 * c * r


@pytest.mark.parametrize(
    ("make", "params", "macs"),
    [
        (models.resnet18, 11_689_512, 1_819_065_856),
        (models.resnet34, 21_797_672, 3_671_262_720),
        (models.resnet50, 25_557_032, 4_111_512_576),
        pytest.param(models.resnet101, 44_549_160, 7_833_969_664, marks=pytest.mark.slow),
        (models.mobilenet_v2, 3_504_872, 314_193_216),
    ],
)
def test_plain_networks_have_fvcores_own_figures(
    make: type[nn.Module], params: int, macs: int
) -> None:
    """At 224 px; the handlers that we add change nothing where fvcore counts rightly."""
    cost = measure_cost(make(), (3, 224, 224))

    assert (cost.params_full, cost.macs_full, cost.uncounted) == (params, macs, {})


def test_convolutions_and_linear_layers_cost_half_of_torchs_own_flop_count() -> None:
    """A third counter, which knows contractions alone."""
    network = models.mobilenet_v2(num_classes=7).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 64, 48))

    by_operator = count_full(take_specimen(network, (3, 64, 48))).by_operator
    assert 2 * (by_operator["conv"] + by_operator["linear"]) == counter.get_total_flops()


def test_the_paper_convention_sees_four_kinds_of_modules() -> None:
    """Convolutions and linear layers without bias, batch norm 4 per element (2 without affine), pools in plus out."""
    seen = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1, groups=2),
        nn.BatchNorm2d(6),
        nn.BatchNorm2d(6, affine=False),
        nn.AdaptiveAvgPool2d((1, 5)),
        nn.Linear(5, 3),
    )
    unseen = [
        nn.ReLU(),
        nn.InstanceNorm2d(6),
        nn.GroupNorm(1, 6),
        nn.MaxPool2d(3, 1, 1),
        nn.PReLU(6),
    ]

    cost = measure_cost(nn.Sequential(*seen[:3], *unseen, *seen[3:]), (4, 8, 5))

    assert cost.macs_paper == 240 * 2 * 9 + 4 * 240 + 2 * 240 + (240 + 30) + 6 * 5 * 3
    assert cost.params_paper == (6 * 2 * 9 + 6) + 12 + 0 + (15 + 3)


@pytest.mark.parametrize("norm", ["bn", "in", "ln", "fn", "none"])
def test_a_norm_slot_is_outside_of_the_paper_convention_whatever_stands_in_it(norm: str) -> None:
    """By role, not by type: exchanging norms does not move the paper's count, a batch norm elsewhere is seen."""
    slot = NormSlot(6, norm=norm, affine=True)
    network = nn.Sequential(nn.Conv2d(3, 6, 1, bias=False), slot, nn.BatchNorm2d(6))

    cost = measure_cost(network, (3, 4, 4))

    assert (cost.params_paper, cost.macs_paper) == (18 + 12, 16 * 18 + 4 * 96)
    assert cost.uncounted == {}


def test_a_module_that_is_used_twice_costs_twice_and_is_owned_once() -> None:
    """Shared weights: parameters once, work per call, in both conventions and by module."""
    shared = nn.Conv2d(4, 4, 1, bias=False)
    network = nn.Sequential(shared, nn.ReLU(), shared)

    cost = measure_cost(network, (4, 3, 3))
    rows = {row.path: row for row in cost_by_module(network, (4, 3, 3))}

    assert (cost.params_full, cost.params_paper) == (16, 16)
    assert (cost.macs_full, cost.macs_paper) == (2 * 144, 2 * 144)
    assert (rows["0"].macs_full, rows["0"].macs_paper) == (2 * 144, 2 * 144)
    assert "2" not in rows


def test_costs_by_module_add_up_to_the_cost_of_the_model() -> None:
    """The first row is the model, and the top level sums to it where the model itself does no work."""
    network = models.resnet18(num_classes=10)

    rows = cost_by_module(network, (3, 64, 64), depth=1)

    model, *children = rows
    cost = measure_cost(network, (3, 64, 64))
    assert (model.path, model.kind) == ("", "ResNet")
    assert (model.params_full, model.macs_full) == (cost.params_full, cost.macs_full)
    assert (model.params_paper, model.macs_paper) == (cost.params_paper, cost.macs_paper)
    assert [row.path for row in children] == [name for name, _ in network.named_children()]
    for field in ("params_full", "macs_full", "params_paper", "macs_paper"):
        assert sum(getattr(row, field) for row in children) == getattr(cost, field)


def test_a_row_by_module_includes_everything_below_its_path_and_nothing_beside_it() -> None:
    """`layer1` does not take in `layer10`."""
    layers = {"layer1": nn.Sequential(nn.Conv2d(2, 2, 1)), "layer10": nn.Conv2d(2, 2, 1)}
    network = nn.Sequential()
    for name, layer in layers.items():
        network.add_module(name, layer)

    rows = {row.path: row for row in cost_by_module(network, (2, 3, 3))}

    assert rows["layer1"].macs_paper == rows["layer1"].macs_full == rows["layer1.0"].macs_full == 36
    assert rows[""].params_paper == 12


def test_paper_and_full_take_the_same_specimen() -> None:
    """One copy serves both: the first count leaves no hook behind."""
    specimen = take_specimen(busy_network(), (3, 8, 8))

    first = count_paper(specimen)
    count_full(specimen)

    assert count_paper(specimen) == first


def test_the_type_of_the_weights_and_autocast_do_not_move_the_count() -> None:
    """The image takes the model's type, and what surrounds the count is switched off inside of it."""
    network = busy_network()
    cost = measure_cost(network, (3, 8, 8))

    assert measure_cost(copy.deepcopy(network).double(), (3, 8, 8)) == cost
    assert measure_cost(copy.deepcopy(network).bfloat16(), (3, 8, 8)) == cost
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert measure_cost(network, (3, 8, 8)) == cost


def test_a_cost_names_its_size_and_its_tools() -> None:
    """What is needed to judge a figure later."""
    cost = measure_cost(nn.Conv2d(3, 4, 3), (3, 9, 8))

    assert cost.input_size == (3, 9, 8)
    assert set(cost.versions) == {"dasbench", "fvcore", "torch", "torchvision"}


@pytest.mark.parametrize("size", [(3, 8), (3, 8, 0), (3, 8, 8, 8)])
def test_a_size_that_is_none_is_refused(size: tuple[int, int, int]) -> None:
    """The message shows the size and what is expected."""
    with pytest.raises(ModelError, match=r"expected \(channels, height, width\)"):
        measure_cost(nn.Conv2d(3, 4, 3), size)
