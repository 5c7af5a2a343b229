"""ASR: factors that no image changes, and a trained network in which they have dissolved."""

import copy
import math

import pytest
import torch
from built import built_network
from torch import nn

from dasbench.catalog import TASKS
from dasbench.gates.asr import AttentionAlike
from dasbench.models import GatedNetwork, inference_form
from dasbench.paper.figures import PaperRow
from dasbench.paper.tables import table
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

ROWS = [row for row in table("table1").rows if row.gate is not None and row.gate.name == "asr"]


def make_network(**fields: object) -> GatedNetwork:
    backbone = {"name": "resnet18", "width": 4, "stem": "small"}
    asked = {"backbone": backbone, "gate": "asr", "dataset": "digits", **fields}
    return built_network(Trial.model_validate(asked), num_classes=10)


def scramble(module: nn.Module) -> None:
    """Draw everything anew, so that no norm is the identity."""
    torch.manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            values = torch.rand_like(tensor)
            tensor.copy_(values + 0.5 if name.endswith("running_var") else values - 0.5)


def test_values_of_a_small_map() -> None:
    gate = AttentionAlike(2, reduction=2)
    gate.psi.data = torch.tensor([1.0, -2.0])
    gate.reduce.weight.data, gate.reduce.bias.data = (
        torch.tensor([[2.0, 0.25]]),
        torch.tensor([0.5]),
    )
    gate.expand.weight.data, gate.expand.bias.data = (
        torch.tensor([[1.0], [-0.5]]),
        torch.tensor([0.1, 0.2]),
    )
    x = torch.tensor([[3.0, -1.0], [5.0, 7.0]]).view(1, 2, 1, 2)

    out = gate(x)

    hidden = 2 * 1 + 0.25 * -2 + 0.5
    factors = [1 / (1 + math.exp(-logit)) for logit in (hidden + 0.1, -0.5 * hidden + 0.2)]
    assert out.flatten().tolist() == pytest.approx(
        [3 * factors[0], -factors[0], 5 * factors[1], 7 * factors[1]]
    )


def test_no_image_changes_the_factors() -> None:
    gate = AttentionAlike(16)
    x = torch.rand(2, 16, 3, 4) + 1

    ratios = gate(x) / x

    torch.testing.assert_close(ratios, gate.factors()[None, :, None, None].expand_as(x))


def test_the_learnt_vector_starts_at_a_tenth() -> None:
    torch.testing.assert_close(AttentionAlike(8).psi.data, torch.full((8,), 0.1))


def test_folding_into_a_batch_norm_is_exact() -> None:
    gate, norm = AttentionAlike(32).double(), nn.BatchNorm2d(32).double()
    scramble(nn.ModuleList([gate, norm]))
    norm.eval()
    x = torch.rand(4, 32, 5, 3, dtype=torch.float64) - 0.5  # gated values below 1
    expected = gate(norm(x))

    folded = gate.fold(norm)

    assert folded
    assert expected.abs().max() < 1
    assert (norm(x) - expected).abs().max() <= torch.finfo(torch.float64).eps


@pytest.mark.parametrize(
    "before", [nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8, affine=False), nn.Sequential()]
)
def test_what_is_no_batch_norm_with_weights_is_left_alone(before: nn.Module) -> None:
    state = copy.deepcopy(before.state_dict())

    assert not AttentionAlike(8).fold(before)
    assert all(torch.equal(before.state_dict()[key], value) for key, value in state.items())


def test_the_inference_form_is_the_plain_network_and_computes_the_same() -> None:
    network = make_network().double().eval()
    scramble(network)
    x = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    before = network(x)

    fused = inference_form(network)

    assert list(fused.state_dict()) == list(make_network(gate="none").state_dict())
    torch.testing.assert_close(fused(x), before, rtol=1e-14, atol=1e-14)
    assert torch.equal(network(x), before)
    assert len(network.gates) == 8


def test_a_fused_network_is_the_plain_one_with_its_weights() -> None:
    network = make_network().eval()
    scramble(network)
    fused, plain = inference_form(network), make_network(gate="none").eval()
    x = torch.rand(2, 3, 16, 16)

    plain.load_state_dict(fused.state_dict())

    assert torch.equal(plain(x), fused(x))
    assert torch.equal(inference_form(fused)(x), fused(x))


@pytest.mark.parametrize("gate", ["se", "das", "none"])
def test_gates_that_look_at_the_image_stay_in_the_inference_form(gate: str) -> None:
    network = make_network(gate=gate, placement={"after": "stage"}).eval()
    x = torch.rand(2, 3, 16, 16)

    same = inference_form(network)

    assert list(same.gates) == list(network.gates)
    assert torch.equal(same(x), network(x))


def test_at_a_place_without_a_batch_norm_before_it_the_gate_stays() -> None:
    network = make_network(placement={"after": "block"}).eval()
    x = torch.rand(2, 3, 16, 16)

    same = inference_form(network)

    assert len(same.gates) == 8
    assert torch.equal(same(x), network(x))


def test_copies_of_a_network_fold_too() -> None:
    network = make_network().eval()
    x = torch.rand(2, 3, 16, 16)

    twice = inference_form(copy.deepcopy(network))

    assert len(twice.gates) == 0
    torch.testing.assert_close(twice(x), network(x))


def test_it_costs_what_the_plain_network_costs() -> None:
    task = TASKS["classification"].make()
    fields = {"backbone": {"name": "resnet18", "width": 4}, "dataset": "digits"}

    with_gate, plain = (
        task.cost(resolve(Trial.model_validate({**fields, "gate": gate})))
        for gate in ("asr", "none")
    )

    assert with_gate == plain


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_the_fused_network_has_the_exact_number_of_parameters(row: PaperRow) -> None:
    trial = resolve(Trial.model_validate({**row.trial_fields(), "dataset": "digits"}))

    with torch.device("meta"):
        network = built_network(trial, num_classes=table("table1").num_classes or 0)

    assert (
        sum(parameter.numel() for parameter in inference_form(network).parameters())
        == row.params_exact
    )


def test_in_training_every_block_has_a_vector_and_two_layers_more() -> None:
    channels, hidden = 64, 4

    added = sum(parameter.numel() for parameter in AttentionAlike(channels).parameters())

    assert added == channels + 2 * channels * hidden + hidden + channels
