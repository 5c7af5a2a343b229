"""The operators that the `full` convention takes as free, by name, each with its reason.

What is neither here, nor in `handlers.py`, nor known to fvcore is reported as uncounted.
"""

from collections.abc import Iterator, Mapping

_ELEMENT_WISE = (
    "element-wise: each result comes from one element of every operand, "
    "nothing is summed over an axis"
)

_BY_REASON: Mapping[str, str] = {
    _ELEMENT_WISE: """
        add sub rsub mul div true_divide addcmul addcdiv lerp pow square sqrt rsqrt reciprocal neg
        abs sign sgn
        exp exp2 expm1 log log2 log10 log1p erf sin cos tan tanh atan atan2 sigmoid log_sigmoid
        logit hypot
        relu relu6 leaky_relu prelu rrelu elu celu selu gelu silu mish glu softplus softsign
        softshrink hardshrink
        hardtanh hardswish hardsigmoid threshold
        round ceil floor trunc frac fmod floor_divide remainder nan_to_num
        bitwise_and bitwise_or logical_and logical_or logical_not logical_xor __or__ __xor__""",
    "comparison: picks elements, adds none": """
        max min amax amin aminmax maximum minimum fmax fmin argmax argmin clamp_min clamp_max
        max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices
        max_pool3d_with_indices
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
        topk sort argsort kthvalue median where lt le ne isnan isinf isfinite any all searchsorted
        bucketize""",
    "moves or copies data": """
        pad reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d im2col unfold
        pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle
        squeeze transpose masked_fill fill_diagonal
        clone alias expand_as view_as reshape_as as_strided unflatten ravel movedim moveaxis
        swapaxes swapdims
        numpy_T mT repeat repeat_interleave tile flip rot90 broadcast_to broadcast_tensors meshgrid
        index_select index_copy take take_along_dim scatter masked_select masked_scatter diagonal
        diag diag_embed
        tril triu tensor_split hsplit hstack vstack dstack concat concatenate
        real imag float half double type lift_fresh lift_fresh_copy detach_copy""",
    "makes a constant or reads a size": """
        ones_like empty_like new_ones rand rand_like randn randn_like bernoulli
        linspace eye scalar_tensor tensor item fill zero one_hot is_floating_point
        numel dim sym_size _shape_as_tensor""",
    "does nothing in eval mode": """
        feature_dropout alpha_dropout feature_alpha_dropout native_dropout""",
}


def _every_operator() -> Iterator[tuple[str, str]]:
    for reason, names in _BY_REASON.items():
        for name in names.split():
            yield f"aten::{name}", reason
            yield f"aten::{name}_", f"{reason} (in place)"


FREE_OPERATORS: Mapping[str, str] = {
    **dict(_every_operator()),
    "torchvision::nms": "comparison: picks boxes",
    "prim::CallFunction._batched_nms_coordinate_trick": (
        "comparison: picks boxes (torchvision's, scripted)"
    ),
    "profiler::_record_function_enter": "bookkeeping",
    "profiler::_record_function_exit": "bookkeeping",
}
"""Operator as the tracer names it -> why it is free; fvcore's shape operators add to it."""
