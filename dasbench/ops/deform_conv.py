"""Deformable convolution: a function with several backends, and the layer that learns offsets."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from dasbench.errors import ModelError, UsageError, unknown_name
from dasbench.ops.deform_backends import BACKENDS, Backend, Geometry, without_autocast

_FAR = float(1 << 20)
"""Offsets are cut off at this many pixels, which lies outside of any map from anywhere in it."""


def deform_conv2d(
    x: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    backend: str = "auto",
) -> Tensor:
    """Convolve a map that is sampled at learned positions.

    `out(p) = sum_k w_k m_k(p) x(p + p_k + offset_k(p))`

    Samples between pixels are bilinear; outside of the map there are zeros. Half-precision inputs
    are computed in float32, also under autocast, and returned in their own type. An infinite offset
    samples outside of the map; a NaN among a sample's offsets makes that sample's whole output NaN
    (unguarded, it crashes torchvision's CPU kernel). There is no second derivative.

    Args:
        x: the map.
        offset: displacement of every tap in pixels, as (y, x) pairs: channel
            `2 * (g * kh * kw + tap) + axis` for the channels of `x` in offset group `g`; the number
            of offset groups follows from its shape.
        mask: factor of every tap, or None for 1 everywhere.
        weight: the kernel.
        bias: added to every output channel.
        stride: step of the kernel in pixels.
        padding: zeros around the map.
        dilation: distance between taps.
        groups: parts into which the channels are split; as many as channels for a depthwise kernel.
        backend: a key of `BACKENDS`, or `auto`: `torch` on a CPU and `torchvision` elsewhere,
            unless inside of `use_backend`.

    Shape:
        x: [B, C, H, W]; offset: [B, 2 * G * kh * kw, H', W']; mask: [B, G * kh * kw, H', W'];
        weight: [C', C / groups, kh, kw]; bias: [C']; returns [B, C', H', W'], contiguous.

    Raises:
        ModelError: if the shapes do not fit together.
        UsageError: if there is no such backend.

    Example:
        >>> x, weight = torch.ones(1, 2, 5, 5), torch.ones(4, 2, 3, 3)
        >>> out = deform_conv2d(x, torch.zeros(1, 18, 5, 5), None, weight, padding=1)
        >>> bool(torch.equal(out, nn.functional.conv2d(x, weight, padding=1)))
        True
    """
    geometry = Geometry(stride, padding, dilation, groups)
    # in a trace, each comparison of sizes would be traced, too
    if not torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        _check_shapes(x, offset, mask, weight, geometry)
    compute = _find_backend(backend, x.device)
    dtype = torch.promote_types(x.dtype, torch.float32)
    with without_autocast(x.device):
        wide, offset = _guard(x.to(dtype), offset.to(dtype))
        if mask is not None:
            mask = mask.to(dtype)
        out = compute(wide, offset, mask, weight.to(dtype), geometry)
        if bias is not None:
            out = out + bias.to(dtype).view(1, -1, 1, 1)
    return out.to(x.dtype)


_override: ContextVar[str | None] = ContextVar("deform_conv2d_backend", default=None)


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Decide what `backend="auto"` means inside of a `with` block, in this thread.

    Counting traces a model with `use_backend("torchvision")`: every deformable convolution is then
    one node `torchvision::deform_conv2d`, whatever the model trains with.

    Args:
        name: `auto` or a key of `BACKENDS`.

    Raises:
        UsageError: if there is no such backend.

    Example:
        >>> layer, x = DeformConv2d(2, 4), torch.randn(1, 2, 5, 5)
        >>> with use_backend("torchvision"):
        ...     out = layer(x)
        >>> bool(torch.allclose(out, layer(x), atol=1e-5))
        True
    """
    _find_backend(name, torch.device("cpu"))
    token = _override.set(name)
    try:
        yield
    finally:
        _override.reset(token)


class DeformConv2d(nn.Module):
    """A modulated deformable convolution (DCNv2) that makes its offsets and mask itself.

    It derives both from its input, and pads so that maps keep their size.

    Offsets and mask come from two convolutions of the same kernel size that start at zero: at first
    the layer is a regular convolution times 0.5, the sigmoid of zero (times 1 without a mask).
    Everything is computed in the type of the layer's weights, also under autocast: half precision
    places offsets too coarsely. In training on a GPU, a single convolution with the weights of both
    gives offsets and mask.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel: side of the kernel, odd.
        offset_groups: parts of the input channels that are sampled at positions of their own.
        groups: parts into which the channels are split; `in_channels` for a depthwise kernel.
        bias: whether to add a bias to every output channel.
        mask: whether every tap has a factor in (0, 1): DCNv2; without it, DCNv1.

    Shape:
        [B, in_channels, H, W] -> [B, out_channels, H, W]

    Raises:
        ModelError: if the kernel is even, or the groups do not divide the channels.

    Example:
        >>> layer = DeformConv2d(8, 16)
        >>> x = torch.randn(2, 8, 5, 7)
        >>> regular = nn.functional.conv2d(x, layer.weight, padding=1)
        >>> bool(torch.allclose(layer(x), 0.5 * regular, atol=1e-5))
        True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int = 3,
        offset_groups: int = 1,
        groups: int = 1,
        bias: bool = False,
        mask: bool = True,
    ) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ModelError(
                f"a deformable convolution needs an odd kernel to keep the map's size, not {kernel}"
            )
        for name, parts in (("offset_groups", offset_groups), ("groups", groups)):
            if parts < 1 or in_channels % parts:
                raise ModelError(
                    f"{name} {parts} does not divide the {in_channels} channels "
                    "that a deformable convolution reads"
                )
        if out_channels % groups:
            raise ModelError(
                f"groups {groups} does not divide the {out_channels} outputs "
                "of a deformable convolution"
            )
        self.kernel = kernel
        self.groups = groups
        regular = nn.Conv2d(in_channels, out_channels, kernel, groups=groups, bias=bias)
        self.weight = regular.weight
        self.bias = regular.bias
        self.offset = _zero_conv(in_channels, 2 * offset_groups * kernel**2, kernel)
        self.mask: nn.Conv2d | None = None
        if mask:
            self.mask = _zero_conv(in_channels, offset_groups * kernel**2, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x` at the positions that it asks for."""
        with without_autocast(x.device):
            wide = x.to(self.weight.dtype)
            convolve = self._by_two_convolutions
            if self.training and wide.is_cuda:
                convolve = self._by_one_convolution
            offset, mask = convolve(wide)
            if mask is not None:
                mask = mask.sigmoid()
            out = deform_conv2d(
                wide,
                offset,
                mask,
                self.weight,
                self.bias,
                padding=self.kernel // 2,
                groups=self.groups,
            )
        return out.to(x.dtype)

    def _by_two_convolutions(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Offsets, and the mask before its sigmoid, by a convolution each, as counters see it."""
        if self.mask is None:
            return self.offset(x), None
        # the mask first: the order decides how gradients of `x` add up
        mask = self.mask(x)
        return self.offset(x), mask

    def _by_one_convolution(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The same by a single convolution; it reads `x` once and rounds its gradient otherwise."""
        if self.mask is None:
            return self._by_two_convolutions(x)
        convs = (self.offset, self.mask)
        weight = torch.cat([conv.weight for conv in convs])
        bias = torch.cat([conv.bias for conv in convs if conv.bias is not None])
        both = nn.functional.conv2d(x, weight, bias, padding=self.kernel // 2)
        offset, mask = torch.split_with_sizes(both, [conv.out_channels for conv in convs], dim=1)
        return offset, mask

    def extra_repr(self) -> str:
        """The kernel's shape; the offset and mask convolutions are printed as children."""
        shape, has_bias = list(self.weight.shape), self.bias is not None
        return f"weight={shape}, groups={self.groups}, bias={has_bias}"


def _zero_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    for parameter in conv.parameters():
        nn.init.zeros_(parameter)
    return conv


def _find_backend(name: str, device: torch.device) -> Backend:
    if name == "auto":
        name = _override.get() or name
    if name == "auto":
        name = "torch" if device.type == "cpu" else "torchvision"
    if name not in BACKENDS:
        raise UsageError(unknown_name("deform_conv2d backend", name, ("auto", *BACKENDS)))
    return BACKENDS[name]


def _check_shapes(
    x: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, geometry: Geometry
) -> None:
    channels, (outputs, per_group, *kernel) = x.shape[1], weight.shape
    if channels != per_group * geometry.groups or outputs % geometry.groups:
        raise ModelError(
            f"deform_conv2d: weight {list(weight.shape)} in {geometry.groups} groups "
            f"does not fit {list(x.shape)}"
        )
    taps = kernel[0] * kernel[1]
    extent = [geometry.extent(size, side) for size, side in zip(x.shape[2:], kernel, strict=True)]
    offset_groups = max(offset.shape[1] // (2 * taps), 1)
    for name, tensor, per_tap in (("offset", offset, 2), ("mask", mask, 1)):
        wanted = [x.shape[0], per_tap * offset_groups * taps, *extent]
        if tensor is not None and list(tensor.shape) != wanted:
            raise ModelError(f"deform_conv2d: {name} is {list(tensor.shape)}, expected {wanted}")
    if channels % offset_groups:
        raise ModelError(
            f"deform_conv2d: {offset_groups} offset groups do not divide {channels} channels"
        )


def _guard(x: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Make offsets finite, but turn `x` into NaN in every sample that has a NaN offset."""
    offset = offset.clamp(-_FAR, _FAR)
    poison = 0.0 * offset.detach().amax((1, 2, 3), keepdim=True)
    return x + poison, offset.nan_to_num(0.0)
