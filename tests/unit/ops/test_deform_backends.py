"""Deformable convolution: every backend against torchvision's kernel."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from dasbench.errors import ModelError, UsageError
from dasbench.ops.deform_backends import BACKENDS
from dasbench.ops.deform_conv import deform_conv2d, use_backend

pytestmark = pytest.mark.usefixtures("one_thread_and_seed")


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
