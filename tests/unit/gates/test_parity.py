"""Gates against independent implementations: equal weights give equal outputs and equal gradients."""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation as TorchvisionSE

from dasbench.gates.cbam import ConvolutionalBlockAttention
from dasbench.gates.eca import EfficientChannelAttention
from dasbench.gates.gc import GlobalContext
from dasbench.gates.ge import GatherExcite
from dasbench.gates.se import SqueezeExcitation

CHANNELS = 64


class Pair(NamedTuple):
    """Our gate and its peer with the same weights; `blind` names weights of ours that cannot change the output."""

    ours: nn.Module
    theirs: nn.Module
    blind: frozenset[str] = frozenset()


def randomise(module: nn.Module) -> None:
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(
                    torch.rand_like(tensor) + 0.5
                    if tensor.dim() == 1
                    else torch.randn_like(tensor) * 0.3
                )


def copy_weights(*pairs: tuple[nn.Module, nn.Module]) -> None:
    """Copy layer by layer; a linear layer takes the weights of a 1x1 convolution."""
    for ours, theirs in pairs:
        weights = {
            name: value.flatten(1) if isinstance(ours, nn.Linear) and name == "weight" else value
            for name, value in theirs.state_dict().items()
        }
        ours.load_state_dict(weights)


def timm_layers() -> ModuleType:
    return pytest.importorskip("timm.layers")


def se_of_torchvision() -> Pair:
    ours, theirs = SqueezeExcitation(CHANNELS, bias=True), TorchvisionSE(CHANNELS, CHANNELS // 16)
    randomise(theirs)
    copy_weights((ours.reduce, theirs.fc1), (ours.expand, theirs.fc2))
    return Pair(ours, theirs)


def se_of_timm() -> Pair:
    ours, theirs = (
        SqueezeExcitation(CHANNELS),
        timm_layers().SEModule(CHANNELS, rd_divisor=1, bias=False),
    )
    randomise(theirs)
    copy_weights((ours.reduce, theirs.fc1), (ours.expand, theirs.fc2))
    return Pair(ours, theirs)


def cbam_of_timm() -> Pair:
    """The peer stacks mean before max, we stack max before mean, as the authors do."""
    ours, theirs = (
        ConvolutionalBlockAttention(CHANNELS),
        timm_layers().cbam.CbamModule(CHANNELS, mlp_bias=True),
    )
    randomise(theirs)
    copy_weights(
        (ours.mlp[0], theirs.channel.fc1),
        (ours.mlp[2], theirs.channel.fc2),
        (ours.norm, theirs.spatial.conv.bn),
    )
    ours.spatial.weight.data = theirs.spatial.conv.conv.weight.data.flip(1)
    return Pair(ours, theirs)


def eca_of_timm() -> Pair:
    ours, theirs = EfficientChannelAttention(CHANNELS), timm_layers().EcaModule(CHANNELS)
    copy_weights((ours.conv, theirs.conv))
    return Pair(ours, theirs)


def gc_of_timm(fusion: str) -> Pair:
    """The peer's layer norm has another epsilon. The bias below a softmax has no effect."""
    ours = GlobalContext(CHANNELS, fusion=fusion)
    theirs = timm_layers().GlobalContext(
        CHANNELS, rd_ratio=1 / 16, fuse_add=fusion == "add", fuse_scale=fusion == "scale"
    )
    mlp = theirs.mlp_add or theirs.mlp_scale
    randomise(theirs)
    ours.transform[1].eps = mlp.norm.eps
    copy_weights(
        (ours.attention, theirs.conv_attn),
        (ours.transform[0], mlp.fc1),
        (ours.transform[3], mlp.fc2),
    )
    ours.transform[1].weight.data = mlp.norm.weight.data[:, None, None].clone()
    ours.transform[1].bias.data = mlp.norm.bias.data[:, None, None].clone()
    return Pair(ours, theirs, blind=frozenset({"attention.bias"}))


PAIRS: dict[str, Callable[[], Pair]] = {
    "se-torchvision": se_of_torchvision,
    "se-timm": se_of_timm,
    "cbam-timm": cbam_of_timm,
    "eca-timm": eca_of_timm,
    "gc-add-timm": lambda: gc_of_timm("add"),
    "gc-scale-timm": lambda: gc_of_timm("scale"),
}

# importing timm takes several seconds
each_pair = pytest.mark.parametrize(
    "pair", [pytest.param(name, marks=[pytest.mark.slow] * name.endswith("timm")) for name in PAIRS]
)
each_mode = pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])


def behaviour(module: nn.Module, *, train: bool) -> Tensor:
    """A module's outputs, and the gradients of a fixed function of them with respect to the input."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, CHANNELS, 7, 5, dtype=torch.float64, generator=generator).requires_grad_()
    out = module.train(train)(x)
    (gradient,) = torch.autograd.grad(
        out, x, torch.randn(out.shape, dtype=torch.float64, generator=generator)
    )
    return torch.stack([out.detach(), gradient])


def prepare(name: str) -> Pair:
    torch.manual_seed(0)
    pair = PAIRS[name]()
    pair.ours.double()
    pair.theirs.double()
    return pair


@each_pair
@each_mode
def test_equal_weights_give_equal_outputs_and_gradients(pair: str, train: bool) -> None:
    ours, theirs, _ = prepare(pair)

    torch.testing.assert_close(
        behaviour(ours, train=train), behaviour(theirs, train=train), rtol=1e-10, atol=1e-10
    )


@each_pair
@each_mode
def test_the_comparison_detects_a_change_of_any_weight(pair: str, train: bool) -> None:
    ours, theirs, blind = prepare(pair)
    expected = behaviour(theirs, train=train)

    for name, parameter in ours.named_parameters():
        intact = parameter.data.clone()
        parameter.data += 1e-4 * torch.randn_like(parameter)
        difference = (behaviour(ours, train=train) - expected).abs().max()
        parameter.data = intact
        assert (difference > 1e-9) == (name not in blind), name


@pytest.mark.slow
@each_mode
def test_gather_excite_without_parameters_equals_that_of_timm(train: bool) -> None:
    layers = timm_layers()
    theirs = layers.GatherExcite(CHANNELS, use_mlp=False, extra_params=False)
    other = layers.GatherExcite(CHANNELS, use_mlp=False, extra_params=False, add_maxpool=True)

    ours = behaviour(GatherExcite(CHANNELS), train=train)

    torch.testing.assert_close(ours, behaviour(theirs, train=train), rtol=1e-12, atol=1e-12)
    assert (ours - behaviour(other, train=train)).abs().max() > 1e-3
