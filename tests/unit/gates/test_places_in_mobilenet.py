"""In MobileNetV2 a gate ends the branch of an inverted residual: the block computes x + gate(branch(x))."""

import pytest
import torch
import torch.nn.functional as F
from built import built_network
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual

from dasbench.catalog import GATES, TASKS
from dasbench.models import GatedNetwork, inference_form
from dasbench.paper.tables import table
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

IN_THE_BRANCH = [
    name
    for name in GATES.names()
    if GATES[name].traits.placement.get("after") in ("before_add", "inside")
]
"""Gates that stand inside of a ResNet's residual branch, at its end or in its middle."""

WITHOUT_SKIP, WITH_SKIP = "features.2", "features.3"
"""The two blocks of the second stage: a stride of 2 has no skip connection."""


def make_network(gate: object, **backbone: object) -> GatedNetwork:
    fields = {"backbone": {"name": "mobilenet_v2", **backbone}, "gate": gate, "dataset": "digits"}
    return built_network(Trial.model_validate(fields), num_classes=10)


def scramble(module: nn.Module) -> None:
    """Draw everything anew, so that no gate is a constant and no norm the identity."""
    torch.manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            values = torch.rand_like(tensor)
            tensor.copy_(values + 0.5 if name.endswith("running_var") else values - 0.5)


def convolved(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(
        x, layer.weight, stride=layer.stride, padding=layer.padding, groups=layer.groups
    )


def normalised(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return F.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )


def branch(block: InvertedResidual, x: Tensor) -> Tensor:
    """The branch by hand: widen, one convolution for each channel, narrow; without the gate, which is a hook."""
    widen, depthwise, narrow, norm = block.conv
    for layer in (widen, depthwise):
        x = F.relu6(normalised(layer[1], convolved(layer[0], x)))
    return normalised(norm, convolved(narrow, x))


@pytest.mark.parametrize("name", [name for name in IN_THE_BRANCH if name != "emca"])
@torch.no_grad()
def test_the_gate_is_the_last_of_the_branch_before_the_addition(name: str) -> None:
    chosen = (
        {"name": name, "reduction": 4} if name == "gc" else name
    )  # layer norm of one hidden value is a constant
    network = make_network(chosen, width_mult=0.5).double().eval()
    scramble(network)
    block = network.backbone.get_submodule(WITH_SKIP)
    gate = network.gates[f"{WITH_SKIP}.conv.3".replace(".", ":")]
    x = torch.randn(2, 16, 10, 6, dtype=torch.float64)

    out = block(x)

    torch.testing.assert_close(out, x + gate(branch(block, x)), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(out, gate(x + branch(block, x)), rtol=1e-3)


@torch.no_grad()
def test_a_block_without_skip_connection_ends_with_the_gate() -> None:
    network = make_network("se", width_mult=0.5).double().eval()
    scramble(network)
    block = network.backbone.get_submodule(WITHOUT_SKIP)
    x = torch.randn(2, 8, 10, 6, dtype=torch.float64)

    out = block(x)

    torch.testing.assert_close(
        out, network.gates["features:2:conv:3"](branch(block, x)), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("name", IN_THE_BRANCH)
def test_every_gate_of_a_residual_branch_stands_at_the_end_of_one(name: str) -> None:
    with torch.device("meta"):
        network = make_network(name, width_mult=0.5)

    blocks = {path.replace(":", ".").rpartition(".conv.")[0] for path in network.gates}
    usual = GATES[name].traits.placement.get("blocks", "all")
    assert len(blocks) == len(network.gates) == {"all": 17, "first": 7, "last": 7}[usual]
    assert all(
        isinstance(network.backbone.get_submodule(path), InvertedResidual) for path in blocks
    )


def test_emca_reads_the_ends_of_the_branches_of_the_stage_before() -> None:
    gates = make_network("emca", width_mult=0.1).gates

    depths = [gate.num_earlier for gate in gates.values()]

    assert depths == [1, 1, 2, 3, 4, 3, 3]  # the stem, then the blocks of each stage


def test_asr_dissolves_into_the_last_norm_of_every_branch() -> None:
    network = make_network("asr", width_mult=0.1, stem="small").double().eval()
    scramble(network)
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)

    fused = inference_form(network)

    assert (len(network.gates), len(fused.gates)) == (17, 0)
    assert not torch.equal(
        network(x), make_network("none", width_mult=0.1, stem="small").double().eval()(x)
    )
    torch.testing.assert_close(fused(x), network(x), rtol=1e-12, atol=1e-12)


def test_asr_has_31517_parameters_in_training_that_the_network_in_use_has_not() -> None:
    fields = {"backbone": "mobilenet_v2", "gate": "asr", "dataset": "digits"}
    with torch.device("meta"):
        network = built_network(Trial.model_validate(fields), num_classes=1000)

    trained = sum(parameter.numel() for parameter in network.parameters())
    used = sum(parameter.numel() for parameter in inference_form(network).parameters())

    assert used == table("table1").row("MobileNetV2").params_exact
    assert trained - used == 31_517


def test_asr_costs_what_the_plain_network_costs() -> None:
    task = TASKS["classification"].make()
    fields = {"backbone": {"name": "mobilenet_v2", "width_mult": 0.1}, "dataset": "digits"}

    with_gate, plain = (
        task.cost(resolve(Trial.model_validate({**fields, "gate": gate})))
        for gate in ("asr", "none")
    )

    assert with_gate == plain
