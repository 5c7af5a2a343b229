"""The counts behind the paper's tables, reproduced from networks that are built here."""

import pytest
import torch
from torch import nn
from torchvision import models

from dasbench.costs.full_count import FullCount, count_full
from dasbench.costs.measure import measure_cost
from dasbench.costs.specimen import take_specimen
from dasbench.gates.das.gate import Das
from dasbench.models import GatedNetwork
from dasbench.paper.tables import table
from dasbench.records import Cost

SIZE = (3, 224, 224)
RESNETS = {
    "resnet18": (models.resnet18, (64, 128, 256, 512)),
    "resnet50": (models.resnet50, (256, 512, 1024, 2048)),
    "resnet101": (models.resnet101, (256, 512, 1024, 2048)),
}
NORMS = ["bn", "in", "ln", "ln_c", "fn"]


def with_das(backbone: str, **options: object) -> nn.Module:
    """A torchvision ResNet with a gate behind each of its four stages."""
    make, widths = RESNETS[backbone]
    network = make()
    for stage, channels in enumerate(widths, start=1):
        getattr(network, f"layer{stage}").append(Das(channels, **options))
    return network


def cost_of(backbone: str, **options: object) -> Cost:
    return measure_cost(with_das(backbone, **options), SIZE)


def full_of(backbone: str, **options: object) -> FullCount:
    return count_full(take_specimen(with_das(backbone, **options), SIZE))


@pytest.mark.parametrize("label", list("abcdefgh"))
def test_each_design_has_the_counts_of_table4(label: str) -> None:
    """To the integer, by the paper's rules, and both round to what is printed."""
    row = table("table4").row(label)

    cost = cost_of("resnet18", design=label)

    assert (cost.params_paper, cost.macs_paper) == (
        row.exact["paper"].params,
        row.exact["paper"].macs,
    )
    assert row.published["params_m"].rounds(cost.params_paper)
    assert row.published["flops_g"].rounds(cost.macs_paper)
    assert cost.uncounted == {}


@pytest.mark.parametrize(
    ("backbone", "label"),
    [
        ("resnet18", "ResNet-18"),
        ("resnet50", "ResNet-50"),
        pytest.param("resnet101", "ResNet-101", marks=pytest.mark.slow),
    ],
)
def test_resnets_plain_and_with_das_have_the_counts_of_table1(backbone: str, label: str) -> None:
    """By the paper's rules; table 1 prints the plain networks' FLOPs by another counter."""
    plain, gated = table("table1").row(label), table("table1").row(f"{label} + DAS")

    without = measure_cost(RESNETS[backbone][0](), SIZE)
    cost = cost_of(backbone)

    assert (without.params_paper, without.macs_paper) == (
        plain.exact["paper"].params,
        plain.exact["paper"].macs,
    )
    assert (cost.params_paper, cost.macs_paper) == (
        gated.exact["paper"].params,
        gated.exact["paper"].macs,
    )
    assert gated.published["params_m"].rounds(cost.params_paper)
    assert gated.published["flops_g"].rounds(cost.macs_paper)


@pytest.mark.parametrize("label", [row.label for row in table("figure3").rows])
def test_alpha_moves_the_count_as_in_figure3(label: str) -> None:
    """From 0.01, where rounding down would leave no channel, to 1."""
    row = table("figure3").row(label)
    assert row.gate is not None

    cost = cost_of("resnet18", alpha=row.gate.params["alpha"])

    assert (cost.params_paper, cost.macs_paper) == (
        row.exact["paper"].params,
        row.exact["paper"].macs,
    )


@pytest.mark.parametrize(
    ("backbone", "design", "params", "macs", "sampling"),
    [
        ("resnet18", "c", 12_448_636, 1_950_379_388, 3_437_595),
        ("resnet18", "d", 15_056_340, 2_391_373_312, 16_934_400),
        ("resnet50", "c", 36_939_900, 5_873_677_624, 13_684_230),
        pytest.param(
            "resnet101", "c", 55_932_028, 9_596_134_712, 13_684_230, marks=pytest.mark.slow
        ),
    ],
)
def test_the_full_count_takes_in_the_deformable_kernel_and_its_sampling(
    backbone: str, design: str, params: int, macs: int, sampling: int
) -> None:
    """What the paper leaves out; without the sampling ResNet-18 has 1,946,941,793."""
    full = full_of(backbone, design=design)

    assert (full.params, full.macs, full.by_operator["deform_sampling"]) == (params, macs, sampling)
    assert full.uncounted == {}


def test_the_full_count_of_the_gates_is_their_closed_form() -> None:
    """H W [9c + cr + 162r + 81r + 9cr + 45r] and the norms' 4 per element; 10c + r + cr + 243r + 27 + 9cr weights."""
    plain, cost = measure_cost(models.resnet18(), SIZE), cost_of("resnet18")

    macs = params = 0
    for c, r, side in zip((64, 128, 256, 512), (13, 26, 52, 103), (56, 28, 14, 7), strict=True):
        macs += side**2 * (
            9 * c + c * r + 18 * 9 * r + 9 * 9 * r + 9 * c * r + 45 * r + 4 * (r + c)
        )
        params += 10 * c + r + c * r + 243 * r + 27 + 9 * c * r
    assert cost.macs_full - plain.macs_full == macs
    assert cost.params_full - plain.params_full == params


def test_mobilenet_has_the_counts_of_table1_with_a_gate_after_each_of_its_seven_stages() -> None:
    """The sites are inferred; the published figures, 3.57 M and 0.35 G, are met to 0.2 % and when rounded."""
    row = table("table1").row("MobileNetV2 + DAS")
    widths = {1: 16, 3: 24, 6: 32, 10: 64, 13: 96, 16: 160, 17: 320}
    gates = {f"features.{index}": Das(channels) for index, channels in widths.items()}

    cost = measure_cost(GatedNetwork(models.mobilenet_v2(), gates), SIZE)

    assert (cost.params_full, cost.params_paper) == (
        row.exact["full"].params,
        row.exact["paper"].params,
    )
    assert cost.params_paper == pytest.approx(row.published["params_m"].value * 1e6, rel=0.002)
    assert row.published["flops_g"].rounds(cost.macs_paper)
    assert cost.uncounted == {}


@pytest.mark.parametrize("second", NORMS)
@pytest.mark.parametrize("first", NORMS)
def test_no_pair_of_norms_moves_the_papers_count(first: str, second: str) -> None:
    """Norms in a slot are left out by their role, a batch norm too; the full count sees them all."""
    gate = Das(64, first_norm=first, second_norm=second, affine=True)

    cost = measure_cost(gate, (64, 7, 9))

    assert (cost.params_paper, cost.macs_paper) == (
        640 + 13 + 64 * 13 + 243 * 13 + 27,
        63 * (576 + 832 + 243 * 13),
    )
    assert cost.params_full == sum(parameter.numel() for parameter in gate.parameters())
    assert cost.uncounted == {}


@pytest.mark.parametrize("affine", [False, True])
def test_both_readings_of_layer_norm_cost_the_same_in_both_conventions(affine: bool) -> None:
    """In full 4 multiply-adds per element, with a scale and a shift 5 and two parameters per channel."""
    none, over_all, over_channels = (
        measure_cost(Das(64, second_norm=norm, affine=affine), (64, 7, 9))
        for norm in ("none", "ln", "ln_c")
    )

    assert over_channels == over_all
    assert over_channels.macs_full - none.macs_full == (5 if affine else 4) * 64 * 7 * 9
    assert over_channels.params_full - none.params_full == (2 * 64 if affine else 0)
    assert (over_channels.macs_paper, over_channels.params_paper) == (
        none.macs_paper,
        none.params_paper,
    )


def test_a_fresh_and_a_trained_gate_cost_the_same() -> None:
    """Offsets that point anywhere change nothing."""
    gate = Das(16)
    before = measure_cost(gate, (16, 8, 8))
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.normal_(std=10)

    assert measure_cost(gate, (16, 8, 8)) == before
