"""Networks with the attention methods of Table 1 have exactly the recounted numbers of parameters."""

import pytest
import torch
from built import built_network
from ptflops import get_model_complexity_info

from dasbench.catalog import GATES
from dasbench.models import GatedNetwork
from dasbench.paper.figures import UNITS, PaperRow
from dasbench.paper.tables import table
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

NAMES = ("se", "bam", "cbam", "gc", "gala", "srm", "triplet")
MOBILENET_BLOCKS = (16, *[24] * 2, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320)
"""Output channels of MobileNetV2's 17 inverted residuals."""


def rows(*, backbone: str) -> list[PaperRow]:
    return [
        row
        for row in table("table1").rows
        if row.backbone.startswith(backbone) and row.gate is not None and row.gate.name in NAMES
    ]


def build(row: PaperRow, *, device: str) -> GatedNetwork:
    fields = row.trial_fields()
    trial = resolve(Trial.model_validate({**fields, "dataset": {"name": "digits"}}))
    num_classes = table("table1").num_classes
    assert num_classes is not None
    with torch.device(device):
        return built_network(trial, num_classes=num_classes)


def num_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_every_method_has_a_row_to_be_checked_against() -> None:
    found = {row.gate.name for row in rows(backbone="resnet") if row.gate is not None}

    assert found == set(NAMES)


@pytest.mark.parametrize("row", rows(backbone="resnet"), ids=lambda row: row.label)
def test_resnets_have_the_exact_number_of_parameters(row: PaperRow) -> None:
    assert num_parameters(build(row, device="meta")) == row.params_exact


@pytest.mark.parametrize("row", rows(backbone="mobilenet_v2"), ids=lambda row: row.label)
def test_mobilenet_v2_has_the_exact_number_of_parameters(row: PaperRow) -> None:
    network = build(row, device="meta")

    assert [path.rpartition(":conv:")[0] for path in network.gates] == [
        f"features:{block}" for block in range(1, 18)
    ]
    assert num_parameters(network) == row.params_exact


@pytest.mark.parametrize("row", rows(backbone="mobilenet_v2"), ids=lambda row: row.label)
def test_gates_in_every_block_of_mobilenet_v2_add_up_to_the_exact_number_of_parameters(
    row: PaperRow,
) -> None:
    assert row.gate is not None
    make = GATES[row.gate.name].make
    plain = table("table1").row("MobileNetV2").params_exact
    assert plain is not None

    added = sum(num_parameters(make(channels, **row.gate.params)) for channels in MOBILENET_BLOCKS)

    assert plain + added == row.params_exact


def test_bam_stands_at_the_ends_of_the_first_three_stages() -> None:
    network = build(table("table1").row("ResNet-50 + BAM"), device="meta")

    assert list(network.gates) == ["layer1", "layer2", "layer3"]


@pytest.mark.parametrize("name", sorted({*NAMES, "eca", "ge"} - {"bam"}))
def test_all_others_stand_before_the_addition_in_every_block(name: str) -> None:
    trial = resolve(
        Trial.model_validate({"backbone": "resnet18", "gate": name, "dataset": "digits"})
    )

    with torch.device("meta"):
        network = built_network(trial, num_classes=10)

    assert list(network.gates) == [
        f"layer{stage}:{block}:bn2" for stage in (1, 2, 3, 4) for block in (0, 1)
    ]
    assert all(gate is not None for gate in network.gates.values())


@pytest.mark.parametrize(
    "row",
    [row for row in rows(backbone="resnet") if row.published["flops_g"] is not None],
    ids=lambda row: row.label,
)
def test_resnets_have_the_published_multiply_adds(row: PaperRow) -> None:
    """Within 0.3 % by the counter that the published figures come from; it sees leaf modules alone."""
    figure = row.published["flops_g"]
    assert figure is not None

    macs, _ = get_model_complexity_info(
        build(row, device="meta").eval(),
        (3, 224, 224),
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda size: torch.empty((1, *size), device="meta"),
        backend="pytorch",
        backend_specific_config={"count_functional": False},
    )

    assert macs == pytest.approx(figure.value * UNITS[figure.unit], rel=0.003)
