"""The DAS gate: what each design is made of, and how its parts behave."""

import copy
import math
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from dasbench.catalog import GATES
from dasbench.errors import ModelError
from dasbench.gates.das.designs import DESIGNS, DesignName
from dasbench.gates.das.gate import Das
from dasbench.gates.das.mixers import Resampled, squeezed_channels
from dasbench.gates.das.norms import NORMS, NormName, NormSlot
from dasbench.gates.none import NoGate
from dasbench.ops.deform_conv import DeformConv2d
from dasbench.spec.parameters import check_parameters

pytestmark = pytest.mark.usefixtures("one_thread_and_seed")

OTHER_VALUES: dict[str, Any] = {
    "alpha": 0.5,
    "first_norm": "bn",
    "second_norm": "bn",
    "kernel": 5,
    "offset_groups": 2,
    "affine": True,
    "mask": False,
}


def num_params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def separable(inputs: int, outputs: int) -> int:
    """Parameters of a depthwise 3x3 and a pointwise convolution, both with bias."""
    return 10 * inputs + outputs + inputs * outputs


def deformable(inputs: int, outputs: int) -> int:
    """Parameters of a 3x3 deformable convolution: offsets, mask, dense kernel."""
    return 18 * (9 * inputs + 1) + 9 * (9 * inputs + 1) + 9 * inputs * outputs


CLOSED_FORMS: dict[str, Callable[[int, int], int]] = {
    "a": lambda c, _r: c * c + separable(c, 2) + separable(2 * c, c),
    "b": lambda c, r: separable(c, r) + separable(r, r) + separable(r, 2) + separable(c + r, 1),
    "c": lambda c, r: separable(c, r) + deformable(r, c),
    "d": lambda c, _r: deformable(c, c),
    "e": lambda c, _r: separable(c, c),
    "f": lambda c, r: separable(c, r) + separable(r, c),
    "g": lambda c, _r: deformable(c, c) + 2 * c,
    "h": lambda c, r: separable(c, r) + deformable(r, c) + 2 * c,
    "i": lambda c, r: separable(c, r) + deformable(r, 0) + 9 * r + (r + 1) * c,
    "j": lambda c, r: separable(c, r) + 9 * r * c,
}


@pytest.mark.parametrize("channels", [1, 8, 64])
@pytest.mark.parametrize("design", DESIGNS)
def test_a_design_has_the_parameters_of_its_closed_form(design: DesignName, channels: int) -> None:
    assert num_params(Das(channels, design=design)) == CLOSED_FORMS[design](
        channels, squeezed_channels(channels, 0.2)
    )


def test_affine_norms_add_two_parameters_for_every_channel_of_a_slot() -> None:
    assert num_params(Das(64, affine=True)) - num_params(Das(64)) == 2 * 13 + 2 * 64


@pytest.mark.parametrize("size", [(7, 5), (1, 3), (16, 16)])
@pytest.mark.parametrize("design", DESIGNS)
def test_a_gate_keeps_the_shape_and_gives_finite_gradients(
    design: DesignName, size: tuple[int, int]
) -> None:
    gate = Das(8, design=design)
    x = torch.randn(2, 8, *size, requires_grad=True)

    out = gate(x)
    out.square().sum().backward()

    assert out.shape == x.shape
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in gate.parameters())


@pytest.mark.parametrize("design", DESIGNS)
def test_a_gate_learns_with_every_parameter(design: DesignName) -> None:
    gate = Das(8, design=design)
    for layer in gate.modules():  # as after a few steps: nothing is zero any more
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.3)

    (gate(torch.randn(2, 8, 7, 5)) * torch.randn(2, 8, 7, 5)).sum().backward()

    assert [name for name, parameter in gate.named_parameters() if not parameter.grad.any()] == []


@pytest.mark.parametrize(
    "design", [name for name, row in DESIGNS.items() if row.finish.__name__ == "attend"]
)
def test_attention_weakens_features_and_keeps_their_sign(design: DesignName) -> None:
    x = torch.randn(2, 8, 7, 5)

    ratio = Das(8, design=design)(x) / x

    assert ((ratio > 0) & (ratio < 1)).all()


@pytest.mark.parametrize("design", ["a", "g", "h"])
def test_designs_without_attention_replace_features(design: DesignName) -> None:
    x = torch.randn(2, 8, 7, 5)

    out = Das(8, design=design)(x)

    assert (out * x < 0).any()


def test_the_proposed_gate_is_the_paper_s_equations() -> None:
    gate = Das(64).eval()
    x = torch.randn(2, 64, 8, 8)
    separable_conv, _, _ = gate.compress.children()
    deform = gate.mix.layer

    compressed = nn.GELU()(nn.InstanceNorm2d(13)(separable_conv(x)))
    attention = deform(compressed)

    torch.testing.assert_close(gate(x), x * layer_norm(attention, attention.shape[1:]).sigmoid())


def test_a_fresh_resampling_reads_the_input_where_it_is() -> None:
    gate = Das(8, design="a")
    x = torch.randn(2, 8, 7, 5)
    assert isinstance(gate.mix, Resampled)

    expected = gate.mix.mix(torch.cat((x, x), dim=1))

    torch.testing.assert_close(gate(x), expected, rtol=1e-4, atol=1e-4)


def test_a_flow_of_one_pixel_moves_the_sampled_input_by_one_pixel() -> None:
    mixer = Das(2, design="a").mix
    mixer.mix = nn.Identity()
    mixer.flow[-1][-1].bias.data = torch.tensor([2 / 5, 0.0])
    x = torch.randn(1, 2, 7, 5)

    sampled = mixer(x, x)[:, 2:]

    torch.testing.assert_close(sampled[..., :-1], x[..., 1:], rtol=1e-4, atol=1e-5)
    assert (sampled[..., -1].abs() < 1e-5).all()


def test_the_design_of_our_own_has_a_depthwise_deformable_kernel() -> None:
    kernels = [
        module for module in Das(64, design="i").modules() if isinstance(module, DeformConv2d)
    ]

    assert [list(kernel.weight.shape) for kernel in kernels] == [[13, 1, 3, 3]]


@pytest.mark.parametrize("parameter", OTHER_VALUES)
@pytest.mark.parametrize("design", DESIGNS)
def test_a_parameter_changes_a_design_if_it_is_one_of_its_parts(
    design: DesignName, parameter: str
) -> None:
    plain = Das(16, design=design, alpha=0.25)

    changed = Das(16, **{"design": design, "alpha": 0.25, parameter: OTHER_VALUES[parameter]})

    assert (repr(changed) != repr(plain)) == (parameter in DESIGNS[design].parts)


def test_the_parts_of_designs_are_parameters_of_the_gate() -> None:
    names = {parameter.name for parameter in GATES["das"].parameters}

    assert names == {"design", *DESIGNS["c"].parts}
    assert all(row.parts <= names for row in DESIGNS.values())


@pytest.mark.parametrize(("names", "table"), [(DesignName, DESIGNS), (NormName, NORMS)])
def test_the_names_that_a_study_may_write_are_the_table_s_keys(
    names: Any, table: dict[str, Any]
) -> None:
    assert get_args(names) == tuple(table)


@pytest.mark.parametrize(
    ("given_parameters", "problem"),
    [
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1.5}, "alpha"),
        ({"design": "z"}, "design"),
        ({"first_norm": "gn"}, "first_norm"),
        ({"kernel": 4}, "kernel"),
        ({"offset_groups": 0}, "offset_groups"),
    ],
)
def test_a_study_s_parameters_are_checked_against_the_constructor(
    given_parameters: dict[str, Any], problem: str
) -> None:
    _, problems = check_parameters(GATES["das"].schema, given_parameters)

    assert [place for place, _ in problems] == [(problem,)]


def test_the_gate_is_registered_with_its_source_and_the_paper_s_defaults() -> None:
    entry = GATES["das"]

    assert entry.make is Das
    assert "equations 1 to 4" in entry.source
    assert entry.traits.placement == {"after": "stage"}
    assert entry.defaults["design"] == "c"
    assert (
        entry.defaults["alpha"],
        entry.defaults["first_norm"],
        entry.defaults["second_norm"],
    ) == (0.2, "in", "ln")


def test_squeezed_channels_are_rounded_up_but_never_past_a_whole_number() -> None:
    assert [squeezed_channels(c, 0.2) for c in (64, 128, 256, 512)] == [13, 26, 52, 103]
    assert [squeezed_channels(c, 0.01) for c in (64, 128, 256, 512)] == [1, 2, 3, 6]
    assert squeezed_channels(100, 0.07) == 7
    assert squeezed_channels(1, 0.001) == 1


@given(channels=st.integers(1, 4096), percent=st.integers(1, 100))
def test_squeezed_channels_are_the_exact_share_rounded_up(channels: int, percent: int) -> None:
    assert squeezed_channels(channels, percent / 100) == -(-channels * percent // 100)


@pytest.mark.parametrize("design", ["b", "c", "f", "h", "i"])
def test_the_strongest_compression_of_the_paper_leaves_a_working_gate(design: DesignName) -> None:
    assert Das(8, design=design, alpha=0.01)(torch.randn(2, 8, 7, 5)).isfinite().all()


@pytest.mark.parametrize("second", NORMS)
@pytest.mark.parametrize("first", NORMS)
def test_every_pair_of_norms_trains_and_evaluates(first: NormName, second: NormName) -> None:
    gate = Das(8, first_norm=first, second_norm=second, affine=True)
    x = torch.randn(2, 8, 7, 5)

    gate(x).sum().backward()

    assert gate.eval()(x).isfinite().all()
    assert len([module for module in gate.modules() if isinstance(module, NormSlot)]) == 2


def test_the_norms_normalise_over_their_own_axes() -> None:
    x = 3 + 2 * torch.randn(4, 8, 7, 5)
    axes = {"bn": (0, 2, 3), "in": (2, 3), "ln": (1, 2, 3), "ln_c": (1,)}

    for name, over in axes.items():
        out = NormSlot(8, norm=name)(x)
        torch.testing.assert_close(
            out.mean(over), torch.zeros_like(out.mean(over)), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            out.var(over, correction=0), torch.ones_like(out.mean(over)), atol=1e-4, rtol=0
        )

    torch.testing.assert_close(NormSlot(8, norm="fn")(x).norm(dim=1), torch.ones(4, 7, 5))
    assert NormSlot(8, norm="none")(x) is x


@pytest.mark.parametrize("norm", ["ln", "ln_c"])
def test_layer_norm_is_not_tied_to_the_size_of_the_map(norm: NormName) -> None:
    gate = Das(8, second_norm=norm, affine=True)

    assert [gate(torch.randn(1, 8, side, side)).shape[-1] for side in (4, 9)] == [4, 9]


def test_layer_norm_over_the_channels_looks_at_one_position_at_a_time() -> None:
    slot = NormSlot(3, norm="ln_c", affine=True)
    slot.norm.weight.data, slot.norm.bias.data = (
        torch.tensor([1.0, 2.0, 3.0]),
        torch.tensor([0.5, 0.0, -0.5]),
    )
    x = torch.tensor([[[[1.0, 4.0]], [[2.0, 4.0]], [[3.0, 10.0]]]])

    out = slot(x)

    deviation, other = (2 / 3) ** 0.5, 8**0.5  # of 1, 2, 3 and of 4, 4, 10
    expected = [
        [-1 / deviation + 0.5, 0.0, 3 / deviation - 0.5],
        [-2 / other + 0.5, -4 / other, 12 / other - 0.5],
    ]
    torch.testing.assert_close(out[0, :, 0].T, torch.tensor(expected), atol=1e-4, rtol=0)
    assert torch.equal(slot(x.contiguous(memory_format=torch.channels_last)), out)


@pytest.mark.parametrize("slot", ["first_norm", "second_norm"])
def test_layer_norm_over_a_single_channel_is_refused_with_a_remedy(slot: str) -> None:
    fields: dict[str, Any] = {"first_norm": "ln", "second_norm": "ln", slot: "ln_c"}
    channels, alpha = (4, 0.2) if slot == "first_norm" else (1, 1.0)

    with pytest.raises(ModelError, match=r"ln_c.*one channel.*larger alpha.*another norm"):
        Das(channels, alpha=alpha, **fields)


@pytest.mark.parametrize("slot", ["first_norm", "second_norm"])
@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_refuses_a_single_pixel_and_says_what_to_do(
    slot: str, training: bool
) -> None:
    gate = Das(8, **{"first_norm": "ln", "second_norm": "ln", slot: "in"}).train(training)

    with pytest.raises(
        ModelError, match=r"instance norm cannot normalise a map of 1x1.*stem small.*another norm"
    ):
        gate(torch.randn(4, 8, 1, 1))


def test_a_single_pixel_passes_without_instance_norm() -> None:
    assert Das(8, first_norm="bn")(torch.randn(4, 8, 1, 1)).isfinite().all()


def test_offset_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ModelError, match="offset_groups 2 does not divide the 13 channels"):
        Das(64, offset_groups=2)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_nan_in_the_input_neither_crashes_nor_hides(design: DesignName) -> None:
    gate = Das(8, design=design)
    x = torch.randn(2, 8, 7, 5)
    x[0, 3, 2, 2] = math.nan

    loss = gate(x).sum()
    loss.backward()

    assert loss.isnan()


@pytest.mark.parametrize("part", ["offset", "mask"])
def test_diverged_weights_neither_crash_nor_hide(part: str) -> None:
    gate = Das(8)
    getattr(gate.mix.layer, part).weight.data.fill_(math.nan)

    assert gate(torch.randn(2, 8, 7, 5)).isnan().all()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_gate_works_under_autocast(design: DesignName) -> None:
    gate = Das(8, design=design)
    x = torch.randn(2, 8, 7, 5)

    with torch.autocast("cpu", torch.bfloat16):
        out = gate(x)
    out.float().sum().backward()

    torch.testing.assert_close(out.float(), gate(x), atol=0.1, rtol=0.1)


@pytest.mark.parametrize("design", DESIGNS)
def test_layout_of_the_input_does_not_matter(design: DesignName) -> None:
    gate = Das(8, design=design).eval()
    x = torch.randn(2, 8, 7, 5)

    torch.testing.assert_close(
        gate(x.to(memory_format=torch.channels_last)), gate(x), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_a_copy_with_the_same_weights_computes_the_same(design: DesignName) -> None:
    gate, other = Das(8, design=design).eval(), Das(8, design=design).eval()
    x = torch.randn(2, 8, 7, 5)

    other.load_state_dict(gate.state_dict())

    assert torch.equal(other(x), gate(x))
    assert torch.equal(copy.deepcopy(gate)(x), gate(x))


def test_no_gate_is_nothing_at_all() -> None:
    gate = GATES["none"].make(8)
    x: Tensor = torch.randn(2, 8, 4, 4)

    assert isinstance(gate, NoGate)
    assert gate(x) is x
    assert num_params(gate) == 0
