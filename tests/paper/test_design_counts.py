"""The designs of the gate against the integers behind Table 4, counted by a counter that is written out here."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from dasbench.gates.das.designs import DesignName
from dasbench.gates.das.gate import Das
from dasbench.gates.das.norms import NormName, NormSlot
from dasbench.paper.figures import Count, PaperRow
from dasbench.paper.tables import table

TABLE = table("table4")
SEEN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AdaptiveAvgPool2d)


def gated_resnet18(**params: object) -> nn.Module:
    """torchvision's ResNet-18 with a gate at the end of every stage."""
    network = resnet18(num_classes=TABLE.num_classes)
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        getattr(network, f"layer{stage}").append(Das(channels, **params))
    return network.eval()


def paper_count(network: nn.Module) -> Count:
    """What a counter sees that knows four kinds of modules, and no norm in a slot."""
    in_slots = {
        norm for slot in network.modules() if isinstance(slot, NormSlot) for norm in slot.modules()
    }
    seen = [
        module
        for module in network.modules()
        if isinstance(module, SEEN) and module not in in_slots
    ]
    macs = 0

    def add(module: nn.Module, inputs: tuple[Tensor], out: Tensor) -> None:
        nonlocal macs
        x = inputs[0]
        match module:
            case nn.Conv2d():
                macs += out.numel() * module.weight[0].numel()
            case nn.Linear():
                macs += out.numel() * module.in_features
            case nn.BatchNorm2d():
                macs += 4 * x.numel()
            case nn.AdaptiveAvgPool2d():
                window = (x.shape[2] // out.shape[2]) * (x.shape[3] // out.shape[3])
                macs += out.numel() * (window + 1)

    for module in seen:
        module.register_forward_hook(add)
    with torch.no_grad():
        network(torch.zeros(1, 3, TABLE.image_size, TABLE.image_size))
    return Count(
        params=sum(p.numel() for module in seen for p in module.parameters(recurse=False)),
        macs=macs,
    )


def test_every_design_of_the_table_can_be_built() -> None:
    assert [row.label for row in TABLE.rows] == [
        name for name in get_args(DesignName) if name not in ("i", "j")
    ]


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.label)
def test_a_design_has_the_published_counts_to_the_last_digit(row: PaperRow) -> None:
    count = paper_count(gated_resnet18(**row.gate.params))

    assert count == row.exact["paper"]
    assert row.published["params_m"].rounds(count.params)
    assert row.published["flops_g"].rounds(count.macs)


@pytest.mark.parametrize(
    "row", [row for row in TABLE.rows if "full" in row.exact], ids=lambda row: row.label
)
def test_the_published_counts_leave_parameters_out(row: PaperRow) -> None:
    network = gated_resnet18(**row.gate.params)

    params = sum(parameter.numel() for parameter in network.parameters())

    assert params == row.exact["full"].params > row.exact["paper"].params


@pytest.mark.parametrize(
    ("first", "second"), [("bn", "bn"), ("fn", "ln"), ("ln_c", "ln_c"), ("none", "none")]
)
@pytest.mark.parametrize("affine", [False, True])
def test_exchanging_norms_does_not_move_the_paper_s_count(
    first: NormName, second: NormName, affine: bool
) -> None:
    network = gated_resnet18(first_norm=first, second_norm=second, affine=affine)

    assert paper_count(network) == TABLE.row("c").exact["paper"]
