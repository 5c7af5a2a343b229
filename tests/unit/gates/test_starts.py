"""How every parameter of every gate starts, measured; what is not named here starts as torch starts its layer.

The starts of DAS, of ABN's branch and of EMCA's weights of maps are tested with these gates.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from math import ceil, prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dasbench.catalog import GATES

CHANNELS = 256
DRAWN = 4000
"""Values at least from which a deviation is estimated, to about 1 %."""

Deviation = Callable[[Tensor], float]
Start = float | Deviation
"""A constant, or the standard deviation of random values, as a function of the weight of the layer."""


def he_over_fan_out(weight: Tensor) -> float:
    return (2 / (weight.shape[0] * prod(weight.shape[2:]))) ** 0.5


def he_over_fan_in(weight: Tensor) -> float:
    return (2 / prod(weight.shape[1:])) ** 0.5


def xavier(weight: Tensor) -> float:
    outputs, inputs = weight.shape
    return (2 / (outputs + inputs)) ** 0.5


def unit_gain(weight: Tensor) -> float:
    return prod(weight.shape[1:]) ** -0.5


def gaussian(deviation: float) -> Deviation:
    return lambda _weight: deviation


def torchs_own(weight: Tensor) -> float:
    return (3 * prod(weight.shape[1:])) ** -0.5


STARTS: dict[str, dict[str, Start]] = {
    "a2": {},
    "asr": {"psi": 0.1},
    "bam": {"*.bias": 0.0, "spatial.[0369].weight": he_over_fan_out},
    "cbam": {"*.bias": 0.0, "spatial.weight": he_over_fan_out, "norm.weight": 0.0},
    "cc": {"gamma": 0.0},
    "deform_attn": {
        "offset.weight": 0.0,
        "weight.*": 0.0,
        "value.weight": xavier,
        "value.bias": 0.0,
        "project.weight": xavier,
        "project.bias": 0.0,
    },
    "dra": {"*.scale": 0.0},
    "eca": {},
    "emca": {},
    "gala": {
        "alpha": gaussian(1.0),
        "beta": gaussian(1.0),
        "global_.?.weight": xavier,
        "local.?.weight": unit_gain,
        "*.bias": 0.0,
    },
    "gc": {"attention.weight": he_over_fan_in, "attention.bias": 0.0, "transform.3.*": 0.0},
    "ge": {"gather.weight": he_over_fan_in, "excite.?.weight": gaussian(0.01), "*.bias": 0.0},
    "gsop": {
        "reduce.weight": he_over_fan_out,
        "rows.weight": he_over_fan_out,
        "expand.weight": he_over_fan_out,
    },
    "sa": {"*_weight": 0.0, "*_bias": 1.0},
    "se": {},
    "sp": {
        "rows.weight": he_over_fan_out,
        "columns.weight": he_over_fan_out,
        "fuse.weight": he_over_fan_out,
    },
    "srm": {"style": 0.0},
    "triplet": {"*.conv.weight": he_over_fan_out, "over_channels.norm.weight": 0.0},
}
PARAMS: Mapping[str, dict[str, Any]] = {"ge": {"variant": "theta_plus", "size": 7}}
ELSEWHERE = {"deform_attn": ["offset.bias"]}
"""A star of directions, which has a test of its own."""

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)


def expected_start(gate: nn.Module, name: str, starts: Mapping[str, Start]) -> Start:
    """What the table says of a parameter, or torch's own way."""
    for pattern, start in starts.items():
        if fnmatch(name, pattern):
            return start
    path, _, kind = name.rpartition(".")
    if isinstance(gate.get_submodule(path), NORMS):
        return 1.0 if kind == "weight" else 0.0
    return torchs_own


def layer_weight(gate: nn.Module, name: str) -> Tensor:
    """The weight of the layer that a parameter belongs to, or a bare parameter itself."""
    path, _, _ = name.rpartition(".")
    weight = getattr(gate.get_submodule(path), "weight", None) if path else None
    return gate.get_parameter(name) if weight is None else weight


def test_every_gate_is_in_the_table() -> None:
    assert set(STARTS) == set(GATES.names()) - {"none", "das", "abn"}


@pytest.mark.parametrize("gate", STARTS)
def test_parameters_start_as_the_authors_start_them(gate: str) -> None:
    torch.manual_seed(0)
    params = PARAMS.get(gate, {})
    fresh: nn.Module = GATES[gate].make(CHANNELS, **params)
    starts = {
        name: expected_start(fresh, name, STARTS[gate])
        for name, _ in fresh.named_parameters()
        if name not in ELSEWHERE.get(gate, [])
    }
    smallest = min(
        (fresh.get_parameter(name).numel() for name in starts if callable(starts[name])),
        default=DRAWN,
    )
    drawn = [GATES[gate].make(CHANNELS, **params) for _ in range(ceil(DRAWN / smallest))]

    for name, start in starts.items():
        values = torch.cat([one.get_parameter(name).detach().flatten() for one in drawn])
        if callable(start):
            assert values.std().item() == pytest.approx(
                start(layer_weight(fresh, name)), rel=0.05
            ), name
        else:
            assert values.eq(start).all(), name
