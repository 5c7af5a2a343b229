"""GSoP: the covariance of the channels, the factors read off it, and what the published network has of it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from built import built_network
from ptflops import get_model_complexity_info
from torch import Tensor, nn

from dasbench.errors import ModelError
from dasbench.gates.gsop import GsopGate, covariance
from dasbench.models import GatedNetwork
from dasbench.paper.tables import published, table
from dasbench.spec.trial import Trial

SITES = ("layer1.2.bn3", "layer2.3.bn3", "layer3.5.bn3", "layer4.2.bn3")
"""The last block of each stage of ResNet-50, before the addition."""


def scramble(module: nn.Module) -> nn.Module:
    """Random weights and statistics everywhere, so that no term of a formula hides behind a zero."""
    torch.manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            values = torch.randn_like(tensor) * 0.5
            tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)
    return module


def slow_factors(gate: GsopGate, x: np.ndarray) -> np.ndarray:
    """The factors of one image, in loops over numpy arrays; batch norms in eval mode."""
    state = {name: tensor.numpy() for name, tensor in gate.state_dict().items()}

    def norm(name: str, channel: int, value: np.ndarray) -> np.ndarray:
        spread = np.sqrt(state[f"{name}.running_var"][channel] + 1e-5)
        scaled = (value - state[f"{name}.running_mean"][channel]) / spread
        return scaled * state[f"{name}.weight"][channel] + state[f"{name}.bias"][channel]

    positions = np.maximum(x, 0).reshape(len(x), -1)
    reduced = state["reduce.weight"][:, :, 0, 0] @ positions + state["reduce.bias"][:, None]
    reduced = np.stack(
        [np.maximum(norm("reduce_norm", i, row), 0) for i, row in enumerate(reduced)]
    )
    rows = [norm("row_norm", i, row) for i, row in enumerate(np.cov(reduced, bias=True))]
    squeezed = [
        state["rows.weight"][4 * i + k, 0, :, 0] @ row + state["rows.bias"][4 * i + k]
        for i, row in enumerate(rows)
        for k in range(4)
    ]
    logits = state["expand.weight"][:, :, 0, 0] @ np.array(squeezed) + state["expand.bias"]
    return 1 / (1 + np.exp(-logits))


def make_network(
    num_classes: int = 10, *, gate: object = "gsop", **backbone: object
) -> GatedNetwork:
    fields = {"backbone": {"name": "resnet50", **backbone}, "gate": gate, "dataset": "digits"}
    return built_network(Trial.model_validate(fields), num_classes=num_classes)


def module_macs(network: nn.Module) -> float:
    """Multiply-adds of all module leaves at 224 px, as the published figures count them."""
    macs, _ = get_model_complexity_info(
        network.eval(),
        (3, 224, 224),
        as_strings=False,
        print_per_layer_stat=False,
        backend="pytorch",
        backend_specific_config={"count_functional": False},
    )
    return float(macs)


def test_the_covariance_is_numpys_with_division_by_the_number_of_positions() -> None:
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    flat = x.flatten(2).numpy()

    for ours, values in zip(covariance(x).numpy(), flat, strict=True):
        np.testing.assert_allclose(ours, np.cov(values, bias=True))
        assert not np.allclose(ours, np.cov(values))


def test_the_covariance_of_a_single_pixel_is_zero() -> None:
    assert covariance(torch.rand(2, 3, 1, 1)).equal(torch.zeros(2, 3, 3))


def test_factors_are_those_of_a_slow_computation() -> None:
    gate = scramble(GsopGate(6, hidden=5).double()).eval()
    x = torch.randn(3, 6, 4, 3, dtype=torch.float64)

    factors = gate.factors(x).detach().numpy()

    for ours, image in zip(factors[:, :, 0, 0], x.numpy(), strict=True):
        np.testing.assert_allclose(ours, slow_factors(gate, image))
        assert not np.allclose(ours, slow_factors(gate, np.abs(image))), (
            "the gate rectifies, it takes no absolute value"
        )


def test_the_gate_scales_channels_by_the_factors() -> None:
    gate = scramble(GsopGate(6, hidden=5)).eval()
    x = torch.randn(2, 6, 4, 3)

    factors = gate.factors(x)

    torch.testing.assert_close(gate(x), x * factors.expand_as(x))
    assert bool(((factors > 0) & (factors < 1)).all())


def test_factors_do_not_depend_on_where_things_are_but_on_what_is_together() -> None:
    gate = scramble(GsopGate(6, hidden=5)).eval()
    x = torch.randn(1, 6, 4, 3)
    order = torch.randperm(12)
    moved = x.flatten(2)[:, :, order].view_as(x)
    torn_apart = torch.cat((moved[:, :3], x[:, 3:]), dim=1)

    torch.testing.assert_close(gate.factors(moved), gate.factors(x))
    assert not torch.allclose(gate.factors(torn_apart), gate.factors(x), atol=1e-3)


@pytest.mark.parametrize("side", [32, 128, 224, 320])
def test_maps_of_the_first_stage_are_thinned_and_no_others_whatever_their_size(side: int) -> None:
    network = make_network(width=4).eval()
    seen: list[tuple[int, ...]] = []
    for gate in network.gates.values():
        gate.reduce.register_forward_hook(
            lambda _module, _inputs, output: seen.append(output.shape[-2:])
        )

    network(torch.randn(1, 3, side, side))

    assert (
        seen == [(side // 8, side // 8)] * 2 + [(side // 16, side // 16)] * 2
    )  # the last stage keeps stride 1


def test_a_given_stride_holds_in_every_stage() -> None:
    strides = [
        gate.stride
        for gate in make_network(gate={"name": "gsop", "stride": 3}, width=4).gates.values()
    ]

    assert strides == [3, 3, 3, 3]


def test_without_a_first_stage_among_the_chosen_no_map_is_thinned() -> None:
    fields = {
        "backbone": {"name": "resnet50", "width": 4},
        "placement": {"stages": [2, 4]},
        "dataset": "digits",
    }
    network = built_network(Trial.model_validate({**fields, "gate": "gsop"}), num_classes=10)

    assert [gate.stride for gate in network.gates.values()] == [None, None]


def test_a_gate_that_stands_in_no_backbone_reads_every_pixel() -> None:
    gate = GsopGate(4, hidden=3).eval()
    scramble(gate)
    x = torch.randn(1, 4, 56, 56)
    by_default = gate.factors(x)
    gate.stride = 1

    assert gate.factors(x).equal(by_default)


def test_thinning_is_the_stride_of_the_reduction() -> None:
    gate = scramble(GsopGate(4, hidden=3, stride=2)).eval()
    x = torch.randn(2, 4, 7, 6)
    seen: list[Tensor] = []
    gate.reduce.register_forward_hook(lambda *call: seen.append(call[-1]))
    gate(x)

    strided = F.conv2d(x.relu(), gate.reduce.weight, gate.reduce.bias, stride=2)

    torch.testing.assert_close(seen[0], strided)


def test_convolutions_start_from_hes_distribution_over_the_fan_out() -> None:
    torch.manual_seed(0)
    gate = GsopGate(512)

    deviations = [conv.weight.std().item() for conv in (gate.reduce, gate.rows, gate.expand)]

    assert deviations == pytest.approx(
        [(2 / 128) ** 0.5, (2 / (512 * 128)) ** 0.5, (2 / 512) ** 0.5], rel=0.05
    )


def test_training_on_one_pixel_is_refused_with_a_remedy() -> None:
    gate = GsopGate(4)
    pixel = torch.rand(1, 4, 1, 1)

    with pytest.raises(ModelError, match="batches of 2"):
        gate(pixel)
    assert gate(torch.rand(2, 4, 1, 1)).isfinite().all()
    assert gate(torch.rand(1, 4, 1, 2)).isfinite().all()
    assert gate.eval()(pixel).isfinite().all()


def test_resnet50_has_the_published_parameters() -> None:
    with torch.device("meta"):
        network = make_network(1000)

    assert [path.replace(":", ".") for path in network.gates] == list(SITES)
    exact = table("table1").row("ResNet-50 + GSoP-Net").exact["full"].params
    assert sum(parameter.numel() for parameter in network.parameters()) == exact


@pytest.mark.slow
def test_resnet50_has_the_published_multiply_adds_once_its_last_stage_keeps_stride_1() -> None:
    figure = published("table1", "ResNet-50 + GSoP-Net", "flops_g")

    by_stride = {
        stride: module_macs(make_network(1000, last_stride=stride)) / 1e9 for stride in (1, 2)
    }

    assert by_stride[1] == pytest.approx(float(figure.printed), rel=0.003)
    assert by_stride[2] < 0.8 * float(figure.printed)
