"""What holds for gather-excite; the variant without parameters is compared with another's in test_parity.py."""

import math
from typing import Literal

import pytest
import torch
from built import built_network

from dasbench.errors import ModelError
from dasbench.gates.ge import GatherExcite
from dasbench.spec.trial import Trial

Kernelled = Literal["theta", "theta_plus"]
each_kernelled = pytest.mark.parametrize("variant", ["theta", "theta_plus"])


def test_theta0_scales_by_the_sigmoid_of_the_mean_and_has_no_parameters() -> None:
    gate = GatherExcite(1)
    x = torch.tensor([1.0, 2.0, 6.0]).view(1, 1, 1, 3)

    torch.testing.assert_close(gate(x), x / (1 + math.exp(-3)))
    assert not list(gate.parameters())


@each_kernelled
def test_a_kernel_gathers_the_whole_map(variant: Kernelled) -> None:
    gate = GatherExcite(1, variant=variant, size=2).double().eval()
    gate.gather.weight.data = torch.tensor([[1.0, -1.0], [0.5, 2.0]], dtype=torch.float64).view(
        1, 1, 2, 2
    )
    x = torch.tensor([[1.0, 2.0], [4.0, 0.5]], dtype=torch.float64)
    logit = (1 - 2 + 2 + 1) / math.sqrt(1 + 1e-5)
    if variant == "theta_plus":
        for layer, weight, bias in ((gate.excite[1], 3.0, -1.0), (gate.excite[3], -0.25, 0.5)):
            layer.weight.data.fill_(weight)
            layer.bias.data.fill_(bias)
        logit = -0.25 * (3 * logit - 1) + 0.5

    torch.testing.assert_close(gate(x[None, None])[0, 0], x / (1 + math.exp(-logit)))


@each_kernelled
def test_a_kernel_needs_a_size(variant: Kernelled) -> None:
    with pytest.raises(ModelError, match=f"variant '{variant}'.*give its side as 'size'.*'theta0'"):
        GatherExcite(8, variant=variant)


@pytest.mark.parametrize("shape", [(8, 8), (7, 8), (1, 1), (14, 14)])
def test_another_map_than_the_kernels_is_refused(shape: tuple[int, int]) -> None:
    height, width = shape

    with pytest.raises(ModelError, match=f"expected a map of 7x7.*got {height}x{width}"):
        GatherExcite(8, variant="theta", size=7).eval()(torch.randn(2, 8, height, width))


@each_kernelled
def test_training_on_one_image_is_refused_with_a_remedy(variant: Kernelled) -> None:
    gate = GatherExcite(8, variant=variant, size=3)

    with pytest.raises(ModelError, match=r"batch of one image.*batches of 2 images or more"):
        gate(torch.randn(1, 8, 3, 3))
    assert gate.eval()(torch.randn(1, 8, 3, 3)).isfinite().all()


def test_the_layers_start_as_the_authors_filled_them() -> None:
    torch.manual_seed(0)
    gate = GatherExcite(512, variant="theta_plus", size=14)

    assert gate.gather.weight.std().item() == pytest.approx((2 / 14**2) ** 0.5, rel=0.02)
    for layer in (gate.excite[1], gate.excite[3]):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert layer.bias.eq(0).all()


def test_biases_learn_twice_as_fast_and_neither_they_nor_the_norm_decay() -> None:
    gate = GatherExcite(8, variant="theta_plus", size=3)
    biases = [gate.excite[1].bias, gate.excite[3].bias]

    assert gate.rate_factors() == dict.fromkeys(biases, 2.0)
    assert set(gate.undecayed_parameters()) == {*gate.norm.parameters(), *biases}


@pytest.mark.parametrize(("variant", "undecayed"), [("theta0", 0), ("theta", 2)])
def test_without_a_channel_mlp_no_rate_is_changed(
    variant: Literal["theta0", "theta"], undecayed: int
) -> None:
    gate = GatherExcite(8, variant=variant, size=3)

    assert gate.rate_factors() == {}
    assert len(list(gate.undecayed_parameters())) == undecayed


@pytest.mark.parametrize(
    ("size", "base_channels", "sizes"),
    [
        (56, 256, [56, 28, 14, 7]),
        (57, 256, [57, 29, 15, 8]),
        (7, 2048, [56, 28, 14, 7]),
        (9, None, [9, 9, 9, 9]),
    ],
)
def test_the_size_halves_as_the_channels_double(
    size: int, base_channels: int | None, sizes: list[int]
) -> None:
    with torch.device("meta"):
        gates = [
            GatherExcite(channels, variant="theta", size=size, base_channels=base_channels)
            for channels in (256, 512, 1024, 2048)
        ]

    assert [gate.size for gate in gates] == sizes


def test_a_kernel_can_stand_in_all_stages_of_a_resnet() -> None:
    fields = {
        "backbone": {"name": "resnet18", "width": 4, "stem": "small"},
        "gate": {"name": "ge", "variant": "theta_plus", "size": 18, "base_channels": 4},
        "dataset": "digits",
    }

    network = built_network(Trial.model_validate(fields), num_classes=3)

    assert network(torch.randn(2, 3, 18, 18)).shape == (2, 3)
