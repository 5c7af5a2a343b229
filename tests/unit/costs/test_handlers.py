"""What single operators cost in the `full` convention."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import DeformConv2d, roi_align

from dasbench.costs.allow_list import FREE_OPERATORS
from dasbench.costs.einsum import einsum_macs
from dasbench.costs.full_count import FullCount, count_full
from dasbench.costs.handlers import HANDLERS
from dasbench.costs.specimen import take_specimen

C, H, W = 8, 6, 4
MAP = H * W
ALL = C * MAP


class Calls(nn.Module):
    """A network that is one function of the image, with the modules that the function needs."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def full(function: Callable[..., Tensor], *modules: nn.Module) -> FullCount:
    return count_full(take_specimen(Calls(function, *modules), (C, H, W)))


def call(x: Tensor, module: nn.Module) -> Tensor:
    out: Tensor = module(x)
    return out


CONTRACTIONS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "matmul": (lambda x: x @ x.transpose(2, 3), C * H * W * H),
    "matrix by vector": (lambda x: x @ x[0, 0, 0], C * H * W),
    "broadcast batches": (lambda x: x[0, 0] @ x.transpose(2, 3), C * H * W * H),
    "bmm": (lambda x: torch.bmm(x[0], x[0].mT), C * H * W * H),
    "baddbmm": (lambda x: torch.baddbmm(x[0, :, :, :1], x[0], x[0].mT), C * H * W * H),
    "mm": (lambda x: torch.mm(x[0, 0], x[0, 0].t()), H * W * H),
    "addmm": (lambda x: torch.addmm(x[0, 0, 0, 0], x[0, 0], x[0, 0].t()), H * W * H),
    "dot": (lambda x: torch.dot(x[0, 0, 0], x[0, 0, 0]), W),
    "outer": (lambda x: torch.outer(x[0, 0, 0], x[0, 0, 0]), W * W),
    "einsum": (lambda x: torch.einsum("bchw,bdhw->bcd", x, x), C * C * H * W),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), C * H * H * (2 * W + 1)),
}
REDUCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "mean": (lambda x: x.mean((2, 3)), ALL),
    "sum": (lambda x: x.sum(1), ALL),
    "adaptive pool": (lambda x: F.adaptive_avg_pool2d(x, 1), ALL),
    "adaptive pool of rows": (lambda x: F.adaptive_avg_pool1d(x[0], 1), ALL),
    "pool without overlap": (lambda x: F.avg_pool2d(x, 2), ALL),
    "pool with overlap": (lambda x: F.avg_pool2d(x, 3, stride=1, padding=1), 9 * ALL),
    "pool over the map": (lambda x: F.avg_pool2d(x, (x.shape[2], x.shape[3])), ALL),
    "variance": (lambda x: x.var((2, 3)), 2 * ALL),
    "standard deviation": (lambda x: x.std((2, 3)), 2 * ALL),
    "feature norm": (lambda x: F.normalize(x, dim=1), ALL),
    "norm of a matrix's rows": (lambda x: torch.linalg.norm(x, dim=1), ALL),
    "softmax": (lambda x: x.softmax(1), ALL),
    "cumulative sum": (lambda x: x.cumsum(1), ALL),
}
INTERPOLATIONS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "bilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), 4 * 4 * ALL),
    "bicubic": (lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"), 4 * 16 * ALL),
    "grid": (lambda x: F.grid_sample(x, x[:, :5, :, :2], align_corners=False), 4 * C * 5 * H),
    "grid, nearest": (
        lambda x: F.grid_sample(x, x[:, :5, :, :2], mode="nearest", align_corners=False),
        C * 5 * H,
    ),
    "grid, volume": (
        lambda x: F.grid_sample(x[None], x[:, :5, :, :3, None].mT, align_corners=False),
        8 * 5 * H,
    ),
    "affine grid": (
        lambda x: F.affine_grid(x[:, 0, :2, :3], [1, C, 5, 7], align_corners=False),
        5 * 7 * 2 * 3,
    ),
    "regions": (
        lambda x: roi_align(x, [x[0, 0, :3]], (2, 2), sampling_ratio=2),
        3 * C * 2 * 2 * 4 * 2 * 2,
    ),
}
FREE: dict[str, Callable[[Tensor], Tensor]] = {
    "activations": lambda x: F.gelu(F.silu(x.sigmoid().tanh())).relu_(),
    "sums and products": lambda x: (x + x) * x - x / 2,
    "max pool": lambda x: F.max_pool2d(x, 2),
    "max over channels": lambda x: torch.cat([x.amax(1), x.max(1)[0]]),
    "data movement": lambda x: F.pixel_shuffle(
        F.pad(x, (1, 1, 0, 0)).repeat(1, 4, 1, 1).permute(0, 1, 3, 2), 2
    ),
    "guards": lambda x: x.nan_to_num().clamp(-1, 1).clamp_min(0),
}


@pytest.mark.parametrize(
    ("function", "macs"),
    [
        pytest.param(*case, id=name)
        for name, case in (CONTRACTIONS | REDUCTIONS | INTERPOLATIONS).items()
    ],
)
def test_an_operator_costs_what_its_rule_says(
    function: Callable[[Tensor], Tensor], macs: int
) -> None:
    """Contractions, reductions and interpolations are counted, and nothing beside them is left uncounted."""
    count = full(function)

    assert (count.macs, count.uncounted) == (macs, {})


@pytest.mark.parametrize(
    "name", ["matmul", "broadcast batches", "bmm", "baddbmm", "mm", "addmm", "einsum"]
)
def test_matrix_products_cost_half_of_torchs_own_flop_count(name: str) -> None:
    """torch counts a multiply-add as two."""
    function, macs = CONTRACTIONS[name]
    with FlopCounterMode(display=False) as counter:
        function(torch.zeros(1, C, H, W))

    assert counter.get_total_flops() == 2 * macs


@pytest.mark.parametrize(
    "function", [pytest.param(function, id=name) for name, function in FREE.items()]
)
def test_what_sums_nothing_is_free_by_name(function: Callable[[Tensor], Tensor]) -> None:
    """Element-wise maps, comparisons and data movement cost nothing and are not listed as uncounted."""
    count = full(function)

    assert (count.macs, count.uncounted) == (0, {})


@pytest.mark.parametrize(
    ("norm", "macs"),
    [
        (nn.BatchNorm2d(C, affine=False), ALL),
        (nn.BatchNorm2d(C), 2 * ALL),
        (nn.InstanceNorm2d(C), 4 * ALL),
        (nn.InstanceNorm2d(C, affine=True), 5 * ALL),
        (nn.GroupNorm(1, C, affine=False), 4 * ALL),
        (nn.GroupNorm(1, C), 5 * ALL),
        (nn.LayerNorm([C, H, W], elementwise_affine=False), 4 * ALL),
        (nn.LayerNorm([C, H, W]), 5 * ALL),
        (nn.RMSNorm([W], elementwise_affine=False), 2 * ALL),
        (nn.RMSNorm([W]), 3 * ALL),
    ],
    ids=repr,
)
def test_a_norm_costs_by_its_kind_and_whether_it_is_affine(norm: nn.Module, macs: int) -> None:
    """Statistics and scaling count per element; batch norm in eval mode has no statistics to take."""
    assert full(call, norm).macs == macs


@pytest.mark.parametrize(
    ("convolution", "macs"),
    [
        (nn.Conv2d(C, 5, 3, padding=1), 9 * C * 5 * MAP),
        (nn.Conv2d(C, 5, 3, padding="same"), 9 * C * 5 * MAP),
        (nn.Conv2d(C, C, 3, padding=1, groups=C, padding_mode="reflect"), 9 * C * MAP),
        (nn.ConvTranspose2d(C, 5, 2, stride=2), 4 * C * 5 * MAP),
        (nn.Linear(W, 5), ALL * 5),
    ],
    ids=repr,
)
def test_convolutions_and_linear_layers_are_counted_without_bias(
    convolution: nn.Module, macs: int
) -> None:
    """Whatever their padding: fvcore alone would take `padding="same"` as free."""
    count = full(call, convolution)

    assert (count.macs, count.uncounted) == (macs, {})


sizes = st.integers(1, 6)


@settings(max_examples=25)
@given(
    per_group=st.tuples(sizes, sizes),
    groups=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 2),
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    with_mask=st.booleans(),
)
def test_a_deformable_convolution_follows_its_closed_form(
    per_group: tuple[int, int],
    groups: int,
    kernel: tuple[int, int],
    stride: int,
    size: tuple[int, int],
    with_mask: bool,
) -> None:
    """Positions by (taps by inputs of a group by outputs, and per input and tap 4 for the sample, 1 for the mask)."""
    inputs, outputs = per_group[0] * groups, per_group[1] * groups
    taps = kernel[0] * kernel[1]
    layer = DeformConv2d(inputs, outputs, kernel, stride=stride, groups=groups)
    height, width = (
        (extent - side) // stride + 1 for extent, side in zip(size, kernel, strict=True)
    )
    offset = torch.zeros(1, 2 * taps, height, width)
    mask = torch.ones(1, taps, height, width) if with_mask else None

    count = count_full(
        take_specimen(Calls(lambda x, layer: layer(x, offset, mask), layer), (inputs, *size))
    )

    assert count.by_operator == {
        "deform_conv": height * width * taps * inputs * per_group[1],
        "deform_sampling": height * width * taps * inputs * (5 if with_mask else 4),
    }


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,jk->ik", [(2, 3), (3, 5)], 30),
        ("ij, jk", [(2, 3), (3, 5)], 30),
        ("b...ij,b...jk->b...ik", [(7, 4, 2, 3), (7, 4, 3, 5)], 28 * 30),
        ("...ij,...jk", [(4, 2, 3), (1, 3, 5)], 4 * 30),
        ("ij,jk,kl->il", [(2, 3), (3, 5), (5, 7)], 2 * 3 * 5 + 2 * 5 * 7),
        ("ij->ji", [(2, 3)], 0),
        ("ij->i", [(2, 3)], 6),
        ("ii->", [(3, 3)], 3),
        ("bchw,bc->bchw", [(2, 3, 4, 5), (2, 3)], 120),
    ],
)
def test_an_einsum_costs_the_product_of_its_axes(
    equation: str, shapes: list[tuple[int, ...]], macs: int
) -> None:
    """Contracted from left to right, exactly, with ellipses, implied results and broadcast axes."""
    assert einsum_macs(equation, shapes) == macs


@settings(max_examples=40)
@given(batch=sizes, rows=sizes, inner=st.integers(1, 400), columns=st.integers(1, 400))
def test_an_einsum_costs_as_much_as_the_matrix_product_it_stands_for(
    batch: int, rows: int, inner: int, columns: int
) -> None:
    """No rounding: fvcore's own figure has four digits."""
    macs = einsum_macs("bij,bjk->bik", [(batch, rows, inner), (batch, inner, columns)])

    assert macs == batch * rows * inner * columns


def test_no_operator_is_both_free_and_counted() -> None:
    """An operator in two lists would be decided by the order of two lines."""
    assert not set(FREE_OPERATORS) & set(HANDLERS)


def test_every_free_operator_has_a_reason() -> None:
    """The allow-list says why."""
    assert all(reason.strip() for reason in FREE_OPERATORS.values())
    assert all("::" in name for name in FREE_OPERATORS)
