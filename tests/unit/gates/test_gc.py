"""What holds for global context; its values are compared with others' in test_parity.py."""

import pytest
import torch
from built import built_network

from dasbench.gates.gc import GlobalContext
from dasbench.paper.tables import published
from dasbench.spec.trial import Trial


def test_it_starts_as_the_identity() -> None:
    x = torch.randn(2, 32, 5, 3)

    torch.testing.assert_close(GlobalContext(32)(x), x, rtol=0, atol=0)


def test_the_attention_starts_from_hes_distribution_over_the_fan_in_without_bias() -> None:
    torch.manual_seed(0)
    attention = GlobalContext(8192).attention

    assert attention.weight.std().item() == pytest.approx((2 / 8192) ** 0.5, rel=0.05)
    assert attention.bias.item() == 0


@pytest.mark.parametrize(("stages", "params"), [(None, 28_105_032), ([2, 3, 4], 28_078_773)])
def test_resnet50_has_the_published_parameters_with_gates_in_all_stages_or_in_the_last_three(
    stages: list[int] | None, params: int
) -> None:
    """The row prints 28.10 M."""
    fields = {
        "backbone": "resnet50",
        "gate": "gc",
        "placement": {"stages": stages},
        "dataset": "digits",
    }
    with torch.device("meta"):
        network = built_network(Trial.model_validate(fields), num_classes=1000)

    assert sum(parameter.numel() for parameter in network.parameters()) == params
    assert published("table1", "ResNet-50 + GCNet", "params_m").value * 1e6 == pytest.approx(
        params, rel=0.001
    )


def test_scaling_starts_at_one_half() -> None:
    x = torch.randn(2, 32, 5, 3)

    torch.testing.assert_close(GlobalContext(32, fusion="scale")(x), x / 2, rtol=0, atol=0)


def test_the_context_is_that_of_the_position_with_most_attention() -> None:
    gate = GlobalContext(2, reduction=1)
    gate.attention.weight.data = torch.tensor([0.0, 1e4]).view(1, 2, 1, 1)
    gate.transform[3].weight.data = torch.eye(2).view(2, 2, 1, 1)
    x = torch.tensor([[5.0, -7.0, 2.0], [0.0, 3.0, 1.0]]).view(
        1, 2, 1, 3
    )  # channel 1 chooses the second position

    change = gate.transform(torch.tensor([-7.0, 3.0]).view(1, 2, 1, 1))

    torch.testing.assert_close(gate(x), x + change)
