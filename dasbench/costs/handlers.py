"""What an operator costs in the `full` convention, where fvcore skips it or gets it wrong.

Every handler is a pure function `(inputs, outputs) -> number` over the values of a traced graph, as
fvcore wants them. A multiply-add counts once. The rules:

- contraction (convolution, matrix product, einsum, attention): one per pair of numbers that is
multiplied and summed;
- interpolation: one per neighbour that is read (bilinear 4, trilinear 8, bicubic 16);
- reduction (mean, sum, average pool, norm of a vector, the sum below a softmax): one per number
  that is summed; a variance or standard deviation sums twice (mean, then squares);
- deformable convolution: the matrix product, and for every input channel, tap and position 4 for
  the bilinear sample and 1 for the mask if there is one;
- normalisation layers, adaptive average pools and nearest or bilinear up-sampling: fvcore's own
  rule, so that a plain network's count is fvcore's integer. Norms in eval mode, per element: batch
  norm 1 (affine 2), instance, layer and group norm 4 (affine 5);
- element-wise maps, comparisons and data movement: free, by name, in `allow_list.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from dasbench.costs.einsum import einsum_macs

Values = Sequence[Any]
"""Inputs or outputs of a node of the graph: `torch._C.Value` objects."""

Handler = Callable[[Values, Values], "int | Counter[str]"]

_GRID_TAPS = {0: 4, 1: 1, 2: 16}
"""Neighbours that `grid_sample` reads on a plane, by torch's number of the mode.

They are bilinear, nearest and bicubic.
"""


def shape(value: Any) -> tuple[int, ...]:
    """Sizes of a traced tensor; `()` for what is no tensor (a `None` bias)."""
    return tuple(value.type().sizes()) if value.isCompleteTensor() else ()


def numel(value: Any) -> int:
    """Number of elements of a traced tensor."""
    return prod(shape(value))


def per_input(weight: int) -> Handler:
    """A reduction: `weight` multiply-adds for every element of the first input."""

    def count(inputs: Values, _outputs: Values) -> int:
        return weight * numel(inputs[0])

    return count


def per_output(weight: int) -> Handler:
    """An interpolation: `weight` multiply-adds for every element of the output."""

    def count(_inputs: Values, outputs: Values) -> int:
        return weight * numel(outputs[0])

    return count


def matrix_product(left: int) -> Handler:
    """A product of vectors, matrices or batches: every result sums over the axis that both share.

    Args:
        left: which input is the left operand; its last axis is the shared one.
    """

    def count(inputs: Values, outputs: Values) -> int:
        return numel(outputs[0]) * shape(inputs[left])[-1]

    return count


def einsum(inputs: Values, _outputs: Values) -> int:
    """`einsum`, its operands taken from left to right."""
    return einsum_macs(inputs[0].toIValue(), list(map(shape, inputs[1].node().inputs())))


def attention(inputs: Values, _outputs: Values) -> int:
    """`scaled_dot_product_attention`: queries by keys, the softmax's sum, weights by values."""
    (*batch, queries, width), (*_, keys, _), (*_, value_width) = map(shape, inputs[:3])
    return prod(batch) * queries * keys * (width + 1 + value_width)


def convolution_by_mode(inputs: Values, outputs: Values) -> int:
    """A convolution whose padding is a word (`padding="same"`), which fvcore does not know."""
    return numel(outputs[0]) * prod(shape(inputs[1])[1:])


def deform_conv(inputs: Values, outputs: Values) -> Counter[str]:
    """`torchvision::deform_conv2d`: the matrix product, and the sampling before it, as two entries.

    An unused mask arrives as an `[N, 1]` dummy, a mask in use as
    `[N, offset groups * kh * kw, H, W]`.
    """
    x, weight, _, mask = map(shape, inputs[:4])
    out = shape(outputs[0])
    samples = out[0] * prod(out[2:]) * x[1] * prod(weight[2:])
    return Counter(
        deform_conv=prod(out) * prod(weight[1:]),
        deform_sampling=samples * (5 if len(mask) == 4 else 4),
    )


def grid_sampler(inputs: Values, outputs: Values) -> int:
    """`grid_sample`: the neighbours that are read for every element of the output.

    They are twice the plane's in a volume.
    """
    taps = _GRID_TAPS[inputs[2].toIValue()]
    in_volume = len(shape(outputs[0])) == 5 and taps > 1
    return numel(outputs[0]) * taps * (2 if in_volume else 1)


def average_pool(inputs: Values, outputs: Values) -> int:
    """The window's size per output; one computed from `x.shape` is taken not to overlap."""
    window = [value.toIValue() for value in inputs[1].node().inputs()]
    if None in window:
        return numel(inputs[0])
    size: int = prod(window)
    return numel(outputs[0]) * size


def rms_norm(inputs: Values, _outputs: Values) -> int:
    """Squares summed, then scaled: 2 per element, affine 3."""
    return numel(inputs[0]) * (3 if shape(inputs[2]) else 2)


def roi_align(inputs: Values, outputs: Values) -> int:
    """`torchvision::roi_align`: bilinear samples per bin; an adaptive number is taken as one."""
    samples: int = max(inputs[5].toIValue(), 1)
    return numel(outputs[0]) * 4 * samples**2


def _aten(names: str) -> list[str]:
    """Operators as the tracer names them."""
    return [f"aten::{name}" for name in names.split()]


_SUMS = "mean sum nansum prod cumsum cumprod logsumexp softmax log_softmax"
_VECTOR_NORMS = "norm frobenius_norm linalg_norm linalg_vector_norm"
_SUMS_TWICE = "var std var_mean std_mean"
_AVERAGE_POOLS = "avg_pool1d avg_pool2d avg_pool3d"
_SCATTERED_SUMS = "col2im scatter_add scatter_reduce index_add"
_PRODUCTS = "matmul mm bmm mv dot vdot linear"
_PRODUCTS_ADDED = "addmm baddbmm addmv addbmm"

HANDLERS: Mapping[str, Handler] = {
    "torchvision::deform_conv2d": deform_conv,
    "torchvision::roi_align": roi_align,
    "aten::_convolution_mode": convolution_by_mode,
    **dict.fromkeys(_aten(_PRODUCTS), matrix_product(0)),
    **dict.fromkeys(_aten(_PRODUCTS_ADDED), matrix_product(1)),
    "aten::outer": per_output(1),
    "aten::einsum": einsum,
    "aten::scaled_dot_product_attention": attention,
    "aten::grid_sampler": grid_sampler,
    "aten::affine_grid_generator": per_output(3),
    "aten::upsample_linear1d": per_output(2),
    "aten::upsample_trilinear3d": per_output(8),
    "aten::upsample_bicubic2d": per_output(16),
    **dict.fromkeys(_aten(_AVERAGE_POOLS), average_pool),
    "aten::adaptive_avg_pool1d": per_input(1),
    "aten::adaptive_avg_pool3d": per_input(1),
    "aten::rms_norm": rms_norm,
    **dict.fromkeys(_aten(_SUMS), per_input(1)),
    **dict.fromkeys(_aten(_VECTOR_NORMS), per_input(1)),
    **dict.fromkeys(_aten(_SCATTERED_SUMS), per_input(1)),
    **dict.fromkeys(_aten(_SUMS_TWICE), per_input(2)),
}
"""Operator as the tracer names it -> its handler; the rest is fvcore's, free, or uncounted."""
