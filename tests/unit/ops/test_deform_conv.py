"""Deformable convolution: every backend against torchvision's kernel, and the layer around it."""

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from dasbench.errors import ModelError, UsageError
from dasbench.ops.deform_backends import BACKENDS, _chunks
from dasbench.ops.deform_conv import DeformConv2d, deform_conv2d, use_backend


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sizes of one deformable convolution."""

    channels: int = 4
    outputs: int = 6
    size: tuple[int, int] = (7, 5)
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    groups: int = 1
    offset_groups: int = 1
    masked: bool = True

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)

    @property
    def out_size(self) -> list[int]:
        sides = zip(self.size, self.kernel, strict=True)
        return [
            (s + 2 * self.padding - self.dilation * (k - 1) - 1) // self.stride + 1
            for s, k in sides
        ]

    def tensors(
        self, offset: Callable[..., Tensor], dtype: torch.dtype = torch.float64
    ) -> list[Tensor | None]:
        """x, offset, mask, weight and bias, all but an absent mask with gradients."""
        x = torch.randn(2, self.channels, *self.size, dtype=dtype)
        shift = offset(2, 2 * self.offset_groups * self.taps, *self.out_size).to(dtype)
        mask = torch.rand(2, self.offset_groups * self.taps, *self.out_size, dtype=dtype)
        weight = torch.randn(self.outputs, self.channels // self.groups, *self.kernel, dtype=dtype)
        bias = torch.randn(self.outputs, dtype=dtype)
        tensors = [x, shift, mask if self.masked else None, weight, bias]
        return [tensor if tensor is None else tensor.requires_grad_() for tensor in tensors]

    def convolve(self, tensors: list[Tensor | None], backend: str) -> Tensor:
        return deform_conv2d(
            *tensors,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            backend=backend,
        )


CASES = {
    "plain": Case(),
    "power_of_two": Case(size=(8, 4)),
    "one_pixel": Case(size=(1, 1)),
    "one_row": Case(size=(1, 9)),
    "no_mask": Case(masked=False),
    "groups": Case(groups=2),
    "depthwise": Case(outputs=4, groups=4),
    "offset_groups": Case(offset_groups=2),
    "groups_and_offset_groups": Case(channels=8, outputs=4, groups=4, offset_groups=2),
    "pointwise": Case(kernel=(1, 1), padding=0),
    "oblong_kernel": Case(kernel=(3, 1)),
    "large_kernel": Case(kernel=(5, 5), padding=2),
    "stride": Case(size=(9, 8), stride=2),
    "dilation": Case(dilation=2, padding=2),
    "no_padding": Case(padding=0),
    "wide_map": Case(size=(12, 11), groups=2, offset_groups=2),
}


def fractions(*shape: int) -> Tensor:
    """Up to three pixels away, and never close to a whole one, where the slope changes."""
    return torch.randint(-3, 3, shape) + 0.1 + 0.8 * torch.rand(shape, dtype=torch.float64)


def whole(*shape: int) -> Tensor:
    return torch.randint(-2, 3, shape).double()


OFFSETS: dict[str, Callable[..., Tensor]] = {
    "fractions": fractions,
    "zero": torch.zeros,
    "whole": whole,
    "half": lambda *shape: whole(*shape) + 0.5,
    "border": lambda *shape: 8.0 * whole(*shape).sign() - 1.0,
    "far": lambda *shape: 1e7 * torch.randn(shape),
}


def gradients(out: Tensor, tensors: list[Tensor | None]) -> list[Tensor]:
    inputs = [tensor for tensor in tensors if tensor is not None]
    return list(
        torch.autograd.grad(
            out, inputs, torch.linspace(-1, 1, out.numel()).view_as(out).to(out.dtype)
        )
    )


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("offset", OFFSETS.values(), ids=OFFSETS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_backends_agree_in_value_and_gradient(case: Case, offset: Callable[..., Tensor]) -> None:
    tensors = case.tensors(offset)

    ours, theirs = case.convolve(tensors, "torch"), case.convolve(tensors, "torchvision")

    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(ours, tensors), gradients(theirs, tensors))


@pytest.mark.parametrize("size", [(7, 7), (14, 9), (28, 28), (56, 33)])
@pytest.mark.parametrize("offset", [torch.zeros, whole], ids=["zero", "whole"])
def test_backends_agree_on_the_slope_at_whole_pixels_in_single_precision(
    offset: Callable[..., Tensor], size: tuple[int, int]
) -> None:
    case = Case(size=size)
    tensors = case.tensors(offset, torch.float32)

    ours, theirs = case.convolve(tensors, "torch"), case.convolve(tensors, "torchvision")

    torch.testing.assert_close(
        gradients(ours, tensors), gradients(theirs, tensors), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    "case",
    [
        Case(
            channels=2,
            outputs=2,
            size=(3, 4),
            masked=masked,
            groups=groups,
            offset_groups=offset_groups,
        )
        for masked, groups, offset_groups in [(True, 1, 1), (False, 1, 2), (True, 2, 2)]
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_are_the_numerical_ones(case: Case, backend: str) -> None:
    tensors = case.tensors(fractions)

    assert torch.autograd.gradcheck(
        lambda *inputs: case.convolve(list(inputs), backend), tensors, fast_mode=False
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_zero_offsets_make_a_regular_convolution(backend: str) -> None:
    case = Case(masked=False)
    x, offset, _, weight, bias = case.tensors(torch.zeros)

    out = case.convolve([x, offset, None, weight, bias], backend)

    torch.testing.assert_close(out, conv2d(x, weight, bias, padding=1))


def test_a_batch_of_several_chunks_is_what_its_images_are_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dasbench.ops.deform_backends._CHUNK_BYTES", 1)
    case = Case(offset_groups=2)
    tensors = case.tensors(fractions)

    ours, theirs = case.convolve(tensors, "torch"), case.convolve(tensors, "torchvision")

    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(ours, tensors), gradients(theirs, tensors))


def test_the_torch_backend_keeps_no_samples_for_the_backward_pass() -> None:
    case = Case(channels=16)
    tensors = case.tensors(fractions)
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        case.convolve(tensors, "torch")

    samples = 2 * case.channels * case.taps * math.prod(case.out_size)
    assert 0 < max(kept) < samples / 4


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("masked", [True, False])
def test_a_nan_offset_makes_its_sample_nan_and_no_other(backend: str, masked: bool) -> None:
    case = Case(masked=masked)
    tensors = case.tensors(fractions)
    healthy = case.convolve(tensors, backend)
    broken = tensors[1].detach().clone()
    broken[0, 3, 2, 1] = math.nan
    tensors[1] = broken.requires_grad_()

    out = case.convolve(tensors, backend)
    out.sum().backward()

    assert out[0].isnan().all()
    assert torch.equal(out[1], healthy[1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e38])
def test_offsets_of_a_diverged_network_do_not_crash(backend: str, value: float) -> None:
    case = Case()
    tensors = case.tensors(lambda *shape: torch.full(shape, value), torch.float32)

    out = case.convolve(tensors, backend)
    out.sum().backward()

    assert (
        out.isnan().all()
        if math.isnan(value)
        else torch.equal(out, tensors[4].view(1, -1, 1, 1).expand_as(out))
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_nan_in_the_map_stays_visible(backend: str) -> None:
    tensors = Case().tensors(torch.zeros)
    tensors[0] = torch.full_like(tensors[0], math.nan)

    assert Case().convolve(tensors, backend).isnan().all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single_and_returned_in_half(
    backend: str, dtype: torch.dtype
) -> None:
    case = Case()
    half = [tensor.detach().to(dtype) for tensor in case.tensors(fractions, torch.float32)]

    out = case.convolve(half, backend)

    assert out.dtype == dtype
    assert torch.equal(out, case.convolve([tensor.float() for tensor in half], backend).to(dtype))


@pytest.mark.parametrize("backend", BACKENDS)
def test_autocast_changes_nothing(backend: str) -> None:
    case = Case()
    tensors = case.tensors(fractions, torch.float32)
    expected = case.convolve(tensors, backend)

    with torch.autocast("cpu", torch.bfloat16):
        out = case.convolve(tensors, backend)

    assert out.dtype == torch.float32
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(gradients(out, tensors), gradients(expected, tensors))


def test_autocast_changes_nothing_in_the_backward_pass_of_the_torch_backend() -> None:
    case = Case()
    tensors = case.tensors(fractions, torch.float32)
    out = case.convolve(tensors, "torch")
    expected = gradients(case.convolve(tensors, "torch"), tensors)

    with torch.autocast("cpu", torch.bfloat16):
        grads = gradients(out, tensors)

    torch.testing.assert_close(grads, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_layout_of_the_input_does_not_matter(backend: str) -> None:
    case = Case(offset_groups=2)
    tensors = case.tensors(fractions)
    nhwc = [tensor.detach() for tensor in tensors]
    nhwc[:3] = [
        tensor.to(memory_format=torch.channels_last).requires_grad_() for tensor in nhwc[:3]
    ]
    nhwc[3:] = [tensor.requires_grad_() for tensor in nhwc[3:]]

    out = case.convolve(nhwc, backend)

    assert out.is_contiguous()
    torch.testing.assert_close(out, case.convolve(tensors, backend))
    torch.testing.assert_close(
        gradients(out, nhwc),
        gradients(case.convolve(tensors, backend), tensors),
        check_stride=False,
    )


def test_an_empty_batch_gives_an_empty_result() -> None:
    tensors = [
        tensor.detach()[:0] if tensor.ndim == 4 else tensor
        for tensor in Case().tensors(torch.zeros)
    ]
    tensors[3] = torch.randn(6, 4, 3, 3, dtype=torch.float64)

    assert Case().convolve(tensors, "torch").shape == (0, 6, 7, 5)


@pytest.mark.parametrize("frozen", range(4))
def test_an_input_without_gradient_leaves_the_others_theirs(frozen: int) -> None:
    case = Case()
    tensors = case.tensors(fractions)
    expected = gradients(case.convolve(tensors, "torch"), tensors)
    tensors[frozen] = tensors[frozen].detach()

    out = case.convolve(tensors, "torch")
    out.backward(torch.linspace(-1, 1, out.numel()).view_as(out).to(out.dtype))

    for i, tensor in enumerate(tensors):
        if i == frozen:
            assert tensor.grad is None
        else:
            torch.testing.assert_close(tensor.grad, expected[i])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({1: torch.zeros(2, 17, 7, 5)}, "offset is [2, 17, 7, 5], expected [2, 18, 7, 5]"),
        ({1: torch.zeros(2, 18, 7, 6)}, "offset is [2, 18, 7, 6], expected [2, 18, 7, 5]"),
        ({2: torch.zeros(2, 18, 7, 5)}, "mask is [2, 18, 7, 5], expected [2, 9, 7, 5]"),
        ({3: torch.zeros(6, 3, 3, 3)}, "weight [6, 3, 3, 3] in 1 groups does not fit [2, 4, 7, 5]"),
        ({1: torch.zeros(2, 54, 7, 5), 2: None}, "3 offset groups do not divide 4 channels"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change: dict[int, Tensor | None], message: str) -> None:
    tensors = Case().tensors(torch.zeros)
    for i, tensor in change.items():
        tensors[i] = tensor

    with pytest.raises(ModelError) as error:
        Case().convolve(tensors, "auto")

    assert message in str(error.value)


def test_an_unknown_backend_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        UsageError, match=r"unknown deform_conv2d backend 'trch'\. Did you mean 'torch'"
    ):
        Case().convolve(Case().tensors(torch.zeros), "trch")
    with (
        pytest.raises(UsageError, match="unknown deform_conv2d backend 'cuda'"),
        use_backend("cuda"),
    ):
        pass


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

    @property
    def is_cuda(self) -> bool:
        return True


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_backends_agree_on_a_gpu(case: Case) -> None:
    tensors = [
        tensor if tensor is None else tensor.detach().cuda().requires_grad_()
        for tensor in case.tensors(fractions)
    ]

    ours, theirs = case.convolve(tensors, "torch"), case.convolve(tensors, "torchvision")

    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        ours.cpu(), case.convolve([t if t is None else t.cpu() for t in tensors], "torch")
    )
