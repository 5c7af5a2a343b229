"""What all gates share that relate distant parts of a map: they keep shapes, train, travel and can be counted."""

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.costs.measure import measure_cost
from dasbench.spec.parameters import check_parameters

NAMES = ("a2", "cc", "deform_attn", "dra", "gsop", "sa", "sp")
CHANNELS = 16
SIZES = ((8, 8), (7, 5), (5, 9), (1, 6), (6, 1), (1, 1))


def make(name: str, *, seed: int = 0, scrambled: bool = False, **params: Any) -> nn.Module:
    """A gate; scrambled, its zeros (a new gate's gammas) and its batch norms' statistics are random too."""
    torch.manual_seed(seed)
    gate: nn.Module = GATES[name].make(CHANNELS, **params)
    if scrambled:
        for key, tensor in gate.state_dict().items():
            if tensor.is_floating_point():
                values = torch.randn_like(tensor) * 0.2
                tensor.copy_(values.abs() + 0.5 if key.endswith("running_var") else tensor + values)
    return gate


def image(*size: int, batch: int = 2, seed: int = 7) -> Tensor:
    return torch.randn(batch, CHANNELS, *size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("train", [True, False])
def test_shape_and_type_are_kept_on_maps_of_any_size(
    name: str, size: tuple[int, int], train: bool
) -> None:
    gate = make(name, scrambled=True).train(train)
    x = image(*size)

    out = gate(x)

    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert bool(out.isfinite().all())


@pytest.mark.parametrize("size", [(7, 5), (1, 1)])
def test_every_gradient_is_there_and_finite(name: str, size: tuple[int, int]) -> None:
    gate = make(name).train()
    x = image(*size).requires_grad_()

    gate(x).square().sum().backward()

    grads = {"x": x.grad, **{key: parameter.grad for key, parameter in gate.named_parameters()}}
    assert [
        key for key, grad in grads.items() if grad is None or not bool(grad.isfinite().all())
    ] == []


def test_no_parameter_is_idle_once_training_has_begun(name: str) -> None:
    gate = make(name, scrambled=True).train()

    gate(image(9, 7, batch=3)).pow(3).sum().backward()

    assert [
        key
        for key, parameter in gate.named_parameters()
        if not bool(parameter.grad.abs().max() > 0)
    ] == []


def test_gradients_are_the_derivatives(name: str) -> None:
    gate = make(name, scrambled=True).double().eval()
    x = image(3, 4, batch=1).double().requires_grad_()

    assert torch.autograd.gradcheck(gate, (x,), eps=1e-7, atol=1e-4, fast_mode=True)


def test_the_layout_in_memory_does_not_matter(name: str) -> None:
    gate = make(name, scrambled=True).eval()
    x = image(7, 5)
    strided = torch.empty(2, CHANNELS, 7, 10)[..., ::2].copy_(x)

    torch.testing.assert_close(gate(x.contiguous(memory_format=torch.channels_last)), gate(x))
    torch.testing.assert_close(gate(strided), gate(x))
    assert not torch.allclose(gate(x.flip(1)), gate(x))


def test_the_input_is_left_alone(name: str) -> None:
    x = image(7, 5)
    before = x.clone()

    make(name, scrambled=True)(x)

    assert x.equal(before)


def test_autocast_gives_nearly_the_same(name: str) -> None:
    gate = make(name, scrambled=True).eval()
    x = image(7, 5).requires_grad_()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = gate(x)
    out.float().sum().backward()

    assert out.shape == x.shape
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
    change, expected = (out.float() - x).flatten(), (gate(x) - x).flatten()
    assert torch.cosine_similarity(change, expected, dim=0) > 0.99


def test_half_the_network_may_be_bfloat16(name: str) -> None:
    gate = make(name, scrambled=True).eval().bfloat16()

    out = gate(image(7, 5).bfloat16())

    assert out.dtype == torch.bfloat16
    assert bool(out.isfinite().all())


def test_copies_and_pickles_compute_the_same(name: str) -> None:
    gate = make(name, scrambled=True).eval()
    x = image(7, 5)

    assert copy.deepcopy(gate)(x).equal(gate(x))
    assert pickle.loads(pickle.dumps(gate))(x).equal(gate(x))


def test_weights_travel_by_state_dict(name: str) -> None:
    gate, other = make(name, scrambled=True).eval(), make(name, seed=1, scrambled=True).eval()
    other_before = other(image(7, 5))

    other.load_state_dict(gate.state_dict(), strict=True)

    assert not other_before.equal(gate(image(7, 5)))
    assert other(image(7, 5)).equal(gate(image(7, 5)))


def test_a_seed_decides_the_weights(name: str) -> None:
    first, again = make(name).state_dict(), make(name).state_dict()

    assert all(first[key].equal(again[key]) for key in first)


def test_an_image_in_evaluation_does_not_see_its_batch(name: str) -> None:
    gate = make(name, scrambled=True).eval()
    x = image(7, 5, batch=3)

    torch.testing.assert_close(gate(x), torch.cat([gate(alone) for alone in x.split(1)]))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_trace_computes_the_same_for_another_image(name: str) -> None:
    gate = make(name, scrambled=True).eval()
    traced = torch.jit.trace(gate, image(7, 5))

    other = image(7, 5, seed=8)

    torch.testing.assert_close(traced(other), gate(other))


@pytest.mark.parametrize("size", [(9, 6), (40, 40)])
def test_everything_is_counted(name: str, size: tuple[int, int]) -> None:
    cost = measure_cost(make(name), (CHANNELS, *size))

    assert dict(cost.uncounted) == {}
    assert cost.macs_full > 0
    assert cost.params_full == sum(parameter.numel() for parameter in make(name).parameters())


def test_the_signature_is_a_schema(name: str) -> None:
    entry = GATES[name]
    defaults, problems = check_parameters(entry.schema, {})

    assert problems == []
    assert json.loads(json.dumps(defaults)) == entry.defaults
    assert check_parameters(entry.schema, {"no_such_parameter": 1})[1]


PARAMETERS: Mapping[str, Mapping[str, int]] = {
    "a2": {"reduction": 4},
    "cc": {"reduction": 4, "passes": 1},
    "deform_attn": {"heads": 2, "points": 3},
    "dra": {"reduction": 2, "compact_reduction": 4},
    "gsop": {"hidden": 8, "stride": 2},
    "sa": {"groups": 2},
}


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, key) for name, params in PARAMETERS.items() for key in params]
)
def test_every_parameter_changes_the_gate_and_has_a_range(name: str, parameter: str) -> None:
    value = PARAMETERS[name][parameter]
    usual = make(name, scrambled=True).eval()(image(8, 6))

    changed = make(name, scrambled=True, **{parameter: value}).eval()(image(8, 6))

    assert not torch.allclose(changed, usual)
    assert check_parameters(GATES[name].schema, {parameter: value})[1] == []
    assert check_parameters(GATES[name].schema, {parameter: 0})[1]


def test_every_parameter_is_documented_and_tried_above(name: str) -> None:
    names = set(GATES[name].defaults)

    assert names == set(PARAMETERS.get(name, {}))
    documentation = GATES[name].make.__doc__ or ""
    assert [key for key in names if f"        {key}: " not in documentation] == []
