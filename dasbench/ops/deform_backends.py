"""The kernels behind `deform_conv2d`: functions of one type, in a table.

They agree in value and in gradient, but that `torch` rounds the position of a sample to about 1e-6
of a pixel:

- `torch`: samples with `grid_sample`, then multiplies matrices, a few images at a time. On a CPU 5
  to 10 times as fast as torchvision's kernel, which uses one thread, and as sparing: only the
  inputs are kept for the backward pass.
- `torchvision`: torchvision's kernel, one operator in a traced graph. The faster one on a GPU,
  where its backward pass is not deterministic.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchvision.ops import deform_conv2d

_CHUNK_BYTES = 4 << 20
"""Samples that a single thread works on at a time: few enough for the caches."""

_SHARED_CHUNK_BYTES = 16 << 20
"""Samples for each of several threads: they wait for one another after every operation."""

_GPU_CHUNK_BYTES = 256 << 20
"""Samples on a GPU, whose kernels want many at a time: no more than a part of its memory."""

_NARROW = 128
"""Pixels below which the maps of several images are multiplied as one matrix."""


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves over a map, and how its channels are split."""

    stride: int
    padding: int
    dilation: int
    groups: int

    def extent(self, size: int, kernel: int) -> int:
        """Length of the output along an axis of the input.

        Example:
            >>> Geometry(stride=2, padding=1, dilation=1, groups=1).extent(7, 3)
            4
        """
        return (size + 2 * self.padding - self.dilation * (kernel - 1) - 1) // self.stride + 1


Backend = Callable[[Tensor, Tensor, Tensor | None, Tensor, Geometry], Tensor]
"""(x, offset, mask, weight, geometry) -> out, in one floating-point type, offsets finite."""


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Keep tensors of a device in their own type, where there is an autocast that would not."""
    if device.type in {"cpu", "cuda"}:
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def _torchvision(
    x: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, geometry: Geometry
) -> Tensor:
    out: Tensor = deform_conv2d(
        x,
        offset,
        weight,
        stride=geometry.stride,
        padding=geometry.padding,
        dilation=geometry.dilation,
        mask=mask,
    )
    return out


def _torch(
    x: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, geometry: Geometry
) -> Tensor:
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return _plain(x, offset, mask, weight, geometry)
    out: Tensor = _ChunkedConvolution.apply(x, offset, mask, weight, geometry)
    return out


def _plain(
    x: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, geometry: Geometry
) -> Tensor:
    """The whole computation at once, without chunks and without Python in its graph."""
    samples = _sample(x, offset, _lattice(weight, offset, geometry))
    if mask is not None:
        samples = samples * _as_factor(mask, samples)
    out = torch.matmul(_as_matrices(weight, geometry), _as_columns(samples, geometry.groups))
    return out.reshape(x.shape[0], weight.shape[0], *offset.shape[2:])


class _ChunkedConvolution(torch.autograd.Function):
    """Samples and multiplies a few images at a time; samples again in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, geometry: Geometry
    ) -> Tensor:
        ctx.save_for_backward(x, offset, mask, weight)
        ctx.geometry = geometry
        matrices, lattice = _as_matrices(weight, geometry), _lattice(weight, offset, geometry)
        out = x.new_empty(x.shape[0], *matrices.shape[:2], offset.shape[2] * offset.shape[3])
        for part in _chunks(x, lattice):
            samples = _sample(x[part], offset[part], lattice)
            masked = _times_mask(samples, mask, part)
            out[part] = _multiply(matrices, _as_columns(masked, geometry.groups))
        return out.view(x.shape[0], weight.shape[0], *offset.shape[2:])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, offset, mask, weight = ctx.saved_tensors
        matrices = _as_matrices(weight, ctx.geometry)
        lattice = _lattice(weight, offset, ctx.geometry)
        grad = grad.reshape(x.shape[0], *matrices.shape[:2], offset.shape[2] * offset.shape[3])
        grad_x, grad_offset = x.new_empty(x.shape), offset.new_empty(offset.shape)
        grad_mask = None
        if mask is not None:
            grad_mask = mask.new_empty(mask.shape)
        grad_matrices = torch.zeros_like(matrices)
        with without_autocast(x.device):
            for part in _chunks(x, lattice):
                leaves = [x[part].detach().requires_grad_(), offset[part].detach().requires_grad_()]
                with torch.enable_grad():
                    graph = _sample(leaves[0], leaves[1], lattice)
                samples = graph.detach()
                masked = _times_mask(samples, mask, part)
                columns = _as_columns(masked, ctx.geometry.groups)
                grad_matrices += torch.einsum("bgol,bgkl->gok", grad[part], columns)
                grad_samples = _multiply(matrices.mT, grad[part]).reshape(samples.shape)
                if grad_mask is not None:
                    grad_mask[part] = (grad_samples * samples).sum(2).view_as(grad_mask[part])
                    factor = _as_factor(mask[part], samples)
                    grad_samples = torch.mul(grad_samples, factor, out=samples)
                grad_x[part], grad_offset[part] = torch.autograd.grad(graph, leaves, grad_samples)
        return grad_x, grad_offset, grad_mask, grad_matrices.view_as(weight), None


def _chunks(x: Tensor, lattice: Tensor) -> Iterator[slice]:
    """Slices of the batch that are worked on at a time."""
    per_image = x.shape[1] * lattice.numel() // 2 * x.element_size()
    threads, chunk_bytes = torch.get_num_threads(), _SHARED_CHUNK_BYTES
    if x.is_cuda:
        threads, chunk_bytes = 1, _GPU_CHUNK_BYTES
    elif threads == 1:
        chunk_bytes = _CHUNK_BYTES
    images = threads * max(1, chunk_bytes // per_image)
    for start in range(0, x.shape[0], images):
        yield slice(start, start + images)


def _lattice(weight: Tensor, offset: Tensor, geometry: Geometry) -> Tensor:
    """Where the taps of every output lie without offsets: (y, x), [kh * kw, H', W', 2]."""
    kernel_height, kernel_width = weight.shape[2:]
    height, width = offset.shape[2:]
    y = _places_of_taps(kernel_height, height, geometry, offset.device)
    x = _places_of_taps(kernel_width, width, geometry, offset.device)
    lattice = offset.new_empty(kernel_height, kernel_width, height, width, 2)
    lattice[..., 0] = y[:, None, :, None]
    lattice[..., 1] = x[None, :, None, :]
    return lattice.view(kernel_height * kernel_width, height, width, 2)


def _places_of_taps(taps: int, extent: int, geometry: Geometry, device: torch.device) -> Tensor:
    """Where the taps of every output lie along an axis: [taps, extent]."""
    along_kernel = torch.arange(taps, device=device)[:, None] * geometry.dilation
    along_map = torch.arange(extent, device=device) * geometry.stride
    return along_kernel + along_map - geometry.padding


def _sample(x: Tensor, offset: Tensor, lattice: Tensor) -> Tensor:
    """The map at every tap of every output.

    [B, offset groups, C / offset groups, kh * kw, H' * W']

    `grid_sample` wants positions from -1 to 1. With sides that are powers of two, their way there
    and back is exact for whole pixels; otherwise a sample at a pixel can slip to the other side of
    it, where the slope is another one.
    """
    batch, _, height, width = x.shape
    taps, out_height, out_width, _ = lattice.shape
    offset_groups = offset.shape[1] // (2 * taps)
    folded = batch * offset_groups
    sides = [1 << (int(side) - 1).bit_length() for side in (height, width)]
    channels = x.shape[1] // offset_groups
    image = F.pad(x, (0, sides[1] - width, 0, sides[0] - height)).reshape(folded, channels, *sides)
    # made where it is used, not copied there
    scale = torch.cat([lattice.new_full((1,), 2 / side) for side in sides])
    shift = offset.reshape(folded, taps, 2, out_height, out_width).permute(0, 1, 3, 4, 2)
    grid = torch.addcmul((lattice + 0.5) * scale - 1, shift, scale)
    grid = grid.view(folded, taps * out_height, out_width, 2)
    # grid_sample reads the grid as (x, y); of the transposed map, that is (y, x)
    samples = F.grid_sample(
        image.mT, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return samples.view(batch, offset_groups, channels, taps, out_height * out_width)


def _as_factor(mask: Tensor, samples: Tensor) -> Tensor:
    """The mask as [B, offset groups, 1, kh * kw, H' * W']."""
    return mask.reshape(*samples.shape[:2], 1, *samples.shape[3:])


def _times_mask(samples: Tensor, mask: Tensor | None, part: slice) -> Tensor:
    """The samples of some images times their mask, in memory as `_multiply` wants them."""
    if mask is None:
        return samples
    batch, *channels, pixels = samples.shape
    out = torch.empty_like(samples)
    if pixels < _NARROW:
        out = samples.new_empty(*channels, batch, pixels).permute(3, 0, 1, 2, 4)
    return torch.mul(samples, _as_factor(mask[part], samples), out=out)


def _as_columns(samples: Tensor, groups: int) -> Tensor:
    """Samples as one column per output: [B, groups, C / groups * kh * kw, H' * W']."""
    batch, offset_groups, channels, taps, pixels = samples.shape
    return samples.reshape(batch, groups, offset_groups * channels * taps // groups, pixels)


def _as_matrices(weight: Tensor, geometry: Geometry) -> Tensor:
    """The kernel as one matrix per group: [groups, C' / groups, C / groups * kh * kw]."""
    return weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)


def _multiply(matrices: Tensor, columns: Tensor) -> Tensor:
    """One matrix per group times the columns of every image: [B, groups, rows, pixels]."""
    if columns.shape[3] < _NARROW:
        return torch.einsum("gmk,bgkn->bgmn", matrices, columns)
    return torch.matmul(matrices, columns)


BACKENDS: Mapping[str, Backend] = {"torch": _torch, "torchvision": _torchvision}
"""Name -> function; what `backend=` and `use_backend` accept beside `auto`."""
