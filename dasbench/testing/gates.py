"""What every gate keeps: shape, finite gradients, copies, exact costs, documentation."""

import copy
import pickle

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES
from dasbench.costs.measure import measure_cost
from dasbench.errors import ModelError
from dasbench.models import GatedNetwork, build_model
from dasbench.resolution import resolve_network
from dasbench.spec.network import Network
from dasbench.spec.plain import Params
from dasbench.spec.trial import Choice
from dasbench.testing.documentation import check_documentation

BACKBONE = Choice(name="resnet18", params={"width": 16, "stem": "small"})
SIZES = ((32, 32), (37, 41), (24, 48))
"""Heights and widths: square, odd, not square."""


def check_gate(
    name: str,
    *,
    params: Params | None = None,
    sizes: tuple[tuple[int, int], ...] = SIZES,
) -> None:
    """Check a gate in a narrow ResNet-18, at the sites where it stands by default.

    Args:
        name: a registered gate.
        params: its parameters, defaults otherwise.
        sizes: heights and widths of images that it must accept; a gate that is bound to one size
            names that.

    Raises:
        AssertionError: naming the first part of the contract that is broken.

    Example:
        >>> check_gate("das", sizes=((16, 16),))
    """
    check_documentation(GATES[name])
    network = _network(name, params or {})
    for height, width in sizes:
        x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
        _check_gradients(network, x)
        _check_memory_layout(network, x)
    x = torch.randn(1, 3, *sizes[0], generator=torch.Generator().manual_seed(1))
    _check_single_image(network, x)
    _check_copies(network, x)
    _check_autocast(network, x)
    _check_cost(network, (3, *sizes[0]))


def _network(name: str, params: Params) -> GatedNetwork:
    gate = Choice(name=name, params=dict(params))
    asked = Network(backbone=BACKBONE, gate=gate, num_classes=10, input_size=(3, 32, 32))
    network = build_model(resolve_network(asked))
    assert name == "none" or len(network.gates) > 0, f"gate '{name}' stands nowhere"
    return network


def _check_gradients(network: GatedNetwork, x: Tensor) -> None:
    network.train()
    x = x.clone().requires_grad_()
    logits = network(x)
    assert logits.shape == (len(x), 10), "the network's output changed its shape"
    logits.square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all(), "the gradient of the input is not finite"
    for path, parameter in network.gates.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), f"the gradient of {path} is not finite"
    network.zero_grad()
    network.eval()


def _check_memory_layout(network: GatedNetwork, x: Tensor) -> None:
    with torch.no_grad():
        expected = network(x)
        again = network(x)
        channels_last = network(x.contiguous(memory_format=torch.channels_last))
    assert torch.equal(expected, again), "two evaluations of the same images differ"
    assert torch.allclose(expected, channels_last, atol=1e-4), "channels_last changes the result"


def _check_single_image(network: GatedNetwork, x: Tensor) -> None:
    with torch.no_grad():
        is_finite = network.eval()(x).isfinite().all()
    assert is_finite, "a single image in evaluation gives no finite result"
    try:
        network.train()(x)
    except ModelError:
        return  # a clear error is all that a gate which needs a batch can give
    finally:
        network.eval()


def _check_copies(network: GatedNetwork, x: Tensor) -> None:
    with torch.no_grad():
        expected = network(x)
        thawed = pickle.loads(pickle.dumps(network))  # noqa: S301 - our own bytes
        for twin in (copy.deepcopy(network), thawed):
            assert torch.equal(twin(x), expected), "a copy of the network gives another result"
        other = copy.deepcopy(network)
        for parameter in other.parameters():
            nn.init.normal_(parameter)
        other.load_state_dict(network.state_dict())
        assert torch.equal(other(x), expected), "a state_dict round trip changes the result"


def _check_autocast(network: GatedNetwork, x: Tensor) -> None:
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(x).isfinite().all(), "bfloat16 autocast gives no finite result"


def _check_cost(network: GatedNetwork, input_size: tuple[int, int, int]) -> None:
    cost = measure_cost(network, input_size)
    parameters = [*network.backbone.parameters(), *network.gates.parameters()]
    num_params = sum(parameter.numel() for parameter in parameters)
    assert cost.params_full == num_params, "the full count of parameters is not the network's"
    assert cost.macs_full > 0, "a network that costs nothing was not counted"
    free = dict(cost.uncounted)
    assert not free, f"operators were taken as free: {free}; add a handler to costs/handlers.py"
