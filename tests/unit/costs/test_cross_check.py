"""ptflops' second opinion: where it agrees, and what explains where it does not."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from dasbench.costs.cross_check import cross_check
from dasbench.errors import DasbenchError
from dasbench.ops.deform_conv import DeformConv2d


@pytest.mark.parametrize(
    ("make", "macs_ptflops"),
    [
        (models.resnet18, 1_822_177_768),
        (models.resnet50, 4_121_925_096),
        pytest.param(models.resnet101, 7_849_500_136, marks=pytest.mark.slow),
        (models.mobilenet_v2, 320_237_288),
    ],
)
def test_plain_networks_agree_with_ptflops(make: type[nn.Module], macs_ptflops: int) -> None:
    """What ptflops adds for activations and max pools is set apart; the rest agrees within 0.01 %."""
    check = cross_check(make(), (3, 224, 224))

    assert check.macs_ptflops == macs_ptflops
    assert check.params_full == check.params_ptflops
    assert check.agrees
    assert abs(check.unexplained) < 0.0001


@pytest.mark.parametrize("make", [models.resnet18, models.mobilenet_v2])
def test_small_images_agree_too(make: type[nn.Module]) -> None:
    """At 32 px the linear layer weighs more."""
    assert cross_check(make(num_classes=10), (3, 32, 32)).agrees


def test_a_deformable_kernel_is_named_as_what_ptflops_does_not_see() -> None:
    """Neither its product nor its sampling; the convolutions for offset and mask are seen."""
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), DeformConv2d(8, 8))

    check = cross_check(network, (3, 10, 10))

    assert check.unseen == {"DeformConv2d": 100 * 9 * 8 * (8 + 5)}
    assert check.difference < -0.29
    assert check.agrees
    assert "DeformConv2d 93,600 not seen by ptflops" in check.explain()


class MatrixProduct(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x @ x.mT


class Broken(nn.Module):
    """Can be traced, but not run."""

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_tracing():  # type: ignore[attr-defined] # documented, not exported
            raise RuntimeError("out of order")
        return x


def test_too_small_a_tolerance_is_not_met() -> None:
    """A layer's bias is counted by ptflops alone: 1 in 27 of this network."""
    network = nn.Conv2d(3, 8, 3)

    assert cross_check(network, (3, 8, 8), tolerance=0.04).agrees
    assert not cross_check(network, (3, 8, 8)).agrees


def test_work_outside_of_module_leaves_is_named_by_its_module() -> None:
    """ptflops does not see the `@` operator."""
    check = cross_check(nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), MatrixProduct()), (3, 6, 6))

    assert check.unseen == {"MatrixProduct": 4 * 6 * 6 * 6}
    assert check.unexplained == 0


def test_the_cross_check_is_silent_and_leaves_the_model_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """ptflops prints, hangs counters into modules and skips frozen parameters unless told otherwise."""
    network = (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Softplus())
        .requires_grad_(False)
        .train()
    )
    attributes = copy.copy(vars(network[0]))

    check = cross_check(network, (3, 6, 6))

    assert check.params_ptflops == check.params_full == 4 * 27 + 4 + 8
    assert vars(network[0]).keys() == attributes.keys()
    assert network.training
    assert not network[0].weight.requires_grad
    assert network[1].num_batches_tracked == 0
    assert capfd.readouterr() == ("", "")


def test_what_ptflops_cannot_count_is_an_error_with_its_words(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """ptflops itself prints a traceback and returns None."""
    with pytest.raises(DasbenchError, match="out of order"):
        cross_check(nn.Sequential(nn.Conv2d(3, 4, 3), Broken()), (3, 6, 6))

    assert capfd.readouterr() == ("", "")
