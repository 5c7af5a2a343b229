"""The layer around deformable convolution: its parts, its types, what it is traced and counted as."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from dasbench.errors import ModelError
from dasbench.ops.deform_backends import BACKENDS, _chunks
from dasbench.ops.deform_conv import DeformConv2d, use_backend

pytestmark = pytest.mark.usefixtures("one_thread_and_seed")


def operators(layer: nn.Module) -> set[str]:
    """The kinds of nodes of a traced graph."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return {
            node.kind()
            for node in torch.jit.trace(layer, torch.randn(1, 4, 6, 5)).inlined_graph.nodes()
        }


def test_the_override_holds_inside_of_its_block_alone() -> None:
    layer = DeformConv2d(4, 6)

    with use_backend("torchvision"):
        inside = operators(layer)
        with use_backend("auto"):
            nested = operators(layer)

    assert "torchvision::deform_conv2d" in inside
    assert "torchvision::deform_conv2d" not in nested | operators(layer)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_a_traced_layer_computes_the_same(backend: str) -> None:
    layer = lively(DeformConv2d(4, 6, offset_groups=2, groups=2, bias=True))
    x = torch.randn(2, 4, 6, 5)

    with use_backend(backend):
        traced = torch.jit.trace(layer, x)

    torch.testing.assert_close(traced(x), layer(x))


def lively(layer: nn.Module) -> nn.Module:
    """Give the offset and mask convolutions of a layer weights, as training does."""
    for module in layer.modules():
        if isinstance(module, DeformConv2d):
            for conv in filter(None, (module.offset, module.mask)):
                nn.init.normal_(conv.weight, std=0.3)
                nn.init.normal_(conv.bias, std=0.3)
    return layer


@pytest.mark.parametrize(("mask", "factor"), [(True, 0.5), (False, 1.0)])
@pytest.mark.parametrize("groups", [1, 4])
def test_a_fresh_layer_is_a_regular_convolution_times_the_mask(
    mask: bool, factor: float, groups: int
) -> None:
    layer = DeformConv2d(4, 8, kernel=5, groups=groups, mask=mask)
    x = torch.randn(2, 4, 7, 5)

    out = layer(x)

    torch.testing.assert_close(
        out, factor * conv2d(x, layer.weight, padding=2, groups=groups), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("kernel", "offset_groups", "groups", "bias", "mask"),
    [(3, 1, 1, False, True), (5, 2, 4, True, False)],
)
def test_a_layer_has_the_parameters_of_its_parts(
    kernel: int, offset_groups: int, groups: int, bias: bool, mask: bool
) -> None:
    layer = DeformConv2d(
        8, 12, kernel=kernel, offset_groups=offset_groups, groups=groups, bias=bias, mask=mask
    )

    taps = kernel**2
    positions = (3 if mask else 2) * offset_groups * taps
    expected = 8 // groups * 12 * taps + 12 * bias + positions * (8 * taps + 1)
    assert sum(parameter.numel() for parameter in layer.parameters()) == expected


def test_every_parameter_of_a_layer_learns() -> None:
    layer = lively(DeformConv2d(4, 6, bias=True))

    layer(torch.randn(2, 4, 7, 5)).square().sum().backward()

    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_a_copied_layer_computes_the_same_with_weights_of_its_own() -> None:
    layer = lively(DeformConv2d(4, 6))
    x = torch.randn(2, 4, 7, 5)

    twin = copy.deepcopy(layer)
    twin.load_state_dict(layer.state_dict())

    assert torch.equal(twin(x), layer(x))
    assert twin.weight is not layer.weight


def test_a_layer_under_autocast_places_its_samples_in_single_precision() -> None:
    layer = lively(DeformConv2d(4, 6))
    x = torch.randn(2, 4, 7, 5).bfloat16()

    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x)

    assert out.dtype == torch.bfloat16
    assert torch.equal(out, layer(x.float()).bfloat16())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_converted_layer_works_in_its_type(dtype: torch.dtype) -> None:
    layer = DeformConv2d(4, 6).to(dtype)

    assert layer(torch.randn(2, 4, 7, 5, dtype=dtype)).dtype == dtype


def test_a_layer_can_be_counted_on_the_meta_device() -> None:
    layer = DeformConv2d(4, 6).to("meta")

    with FlopCounterMode(display=False) as counter:
        out = layer(torch.empty(1, 4, 7, 5, device="meta"))

    assert out.shape == (1, 6, 7, 5)
    assert counter.get_total_flops() == 2 * 35 * 4 * 9 * (18 + 9)


class OnGpu(Tensor):
    """Lies in the memory of the CPU and says that it is on a GPU."""

    is_cuda = True


def convolutions(layer: nn.Module, x: Tensor) -> int:
    """How many the layer calls for its offsets and mask."""
    with torch.profiler.profile() as profile, use_backend("torchvision"):
        layer(x)
    return sum(event.count for event in profile.key_averages() if event.key == "aten::conv2d")


def with_gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What a layer gives, and the gradients of its input and its parameters."""
    out = layer(x)
    factors = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    return out, list(torch.autograd.grad((out * factors).sum(), [x, *layer.parameters()]))


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("offset_groups", [1, 2])
def test_one_convolution_for_offsets_and_mask_computes_what_two_do(
    offset_groups: int, mask: bool
) -> None:
    layer = lively(DeformConv2d(4, 6, offset_groups=offset_groups, mask=mask)).double()
    x = torch.randn(2, 4, 7, 5, dtype=torch.float64).requires_grad_()

    apart, gradients_apart = with_gradients(layer, x)
    joined, gradients_joined = with_gradients(layer, x.as_subclass(OnGpu))

    torch.testing.assert_close(joined.as_subclass(Tensor), apart, rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients_joined, gradients_apart, strict=True):
        torch.testing.assert_close(one.as_subclass(Tensor), other, rtol=1e-12, atol=1e-12)


def test_a_layer_joins_its_convolutions_where_it_trains_on_a_gpu_alone() -> None:
    layer = DeformConv2d(4, 6)
    x = torch.randn(1, 4, 6, 5)

    assert convolutions(layer, x) == 2
    assert convolutions(layer, x.as_subclass(OnGpu)) == 1
    assert convolutions(layer.eval(), x.as_subclass(OnGpu)) == 2


def test_a_gpu_takes_many_images_at_a_time() -> None:
    lattice = torch.zeros(9, 32, 32, 2)
    x = torch.zeros(64, 16, 32, 32)

    on_cpu, on_gpu = (list(_chunks(each, lattice)) for each in (x, x.as_subclass(OnGpu)))

    assert len(on_cpu) == 10  # 7 images, 4 MiB of samples, at a time
    assert on_gpu == [slice(0, 455)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kernel": 4}, "needs an odd kernel to keep the map's size, not 4"),
        ({"offset_groups": 3}, "offset_groups 3 does not divide the 4 channels"),
        ({"groups": 3}, "groups 3 does not divide the 4 channels"),
        ({"groups": 4}, "groups 4 does not divide the 6 outputs"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(params: dict[str, int], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        DeformConv2d(4, 6, **params)
