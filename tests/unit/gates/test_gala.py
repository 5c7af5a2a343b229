"""What holds for global-and-local attention, computed by hand: there is no independent implementation."""

import math
from typing import Literal

import pytest
import torch

from dasbench.gates.gala import GlobalLocalAttention
from dasbench.gates.traits import HasUndecayed


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_values_of_a_small_map(activation: Literal["tanh", "sigmoid"]) -> None:
    gate = GlobalLocalAttention(1, activation=activation)
    parameters = (*gate.global_.parameters(), *gate.local.parameters(), gate.alpha, gate.beta)
    values = (0.5, 0.25, 2.0, -0.5, 1.0, 0.5, -1.0, 0.75, 0.3, -0.2)
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data.fill_(value)
    x = torch.tensor([1.0, -2.0, 4.0])  # mean 1

    out = gate(x.view(1, 1, 1, 3)).flatten()

    overall = 2 * (0.5 * 1 + 0.25) - 0.5
    for value, scaled in zip(x.tolist(), out.tolist(), strict=True):
        local = -1 * max(0.0, value + 0.5) + 0.75
        logit = 0.3 * (overall + local) - 0.2 * overall * local
        attention = math.tanh(logit) if activation == "tanh" else 1 / (1 + math.exp(-logit))
        assert scaled == pytest.approx(value * attention, abs=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_every_channel_has_its_own_sum_and_product(activation: Literal["tanh", "sigmoid"]) -> None:
    torch.manual_seed(0)
    gate = GlobalLocalAttention(32, activation=activation).double()
    x = torch.randn(2, 32, 5, 3, dtype=torch.float64)

    overall = gate.global_(x.mean((2, 3)))[:, :, None, None].expand_as(x)
    local = gate.local(x).expand_as(x)
    logits = gate.alpha * (overall + local) + gate.beta * (overall * local)

    torch.testing.assert_close(gate(x), x * getattr(torch, activation)(logits))


def test_alpha_and_beta_start_with_unit_variance_and_biases_at_zero() -> None:
    torch.manual_seed(0)
    gate = GlobalLocalAttention(4096)

    for parameter in (gate.alpha, gate.beta):
        assert parameter.mean().item() == pytest.approx(0, abs=0.05)
        assert parameter.std().item() == pytest.approx(1, abs=0.05)
        assert parameter.abs().max().item() < 2.28
    assert all(
        not parameter.any() for name, parameter in gate.named_parameters() if name.endswith("bias")
    )


def test_none_of_its_parameters_gets_weight_decay() -> None:
    gate = GlobalLocalAttention(16)

    assert isinstance(gate, HasUndecayed)
    assert set(gate.undecayed_parameters()) == set(gate.parameters())
