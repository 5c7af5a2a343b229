"""What holds for style-based recalibration, computed by hand."""

import math

import pytest
import torch
from built import built_network

from dasbench.errors import ModelError
from dasbench.gates.srm import StyleRecalibration
from dasbench.gates.traits import HasUndecayed
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def make_gate() -> StyleRecalibration:
    gate = StyleRecalibration(1).double()
    gate.style.data = torch.tensor([[0.5, 0.25]], dtype=torch.float64)
    return gate


def styles_of(*values: tuple[float, float]) -> list[float]:
    """Half the mean and a quarter of the unbiased standard deviation of maps of two pixels."""
    return [0.5 * (a + b) / 2 + 0.25 * math.sqrt((a - b) ** 2 / 2 + 1e-5) for a, b in values]


def test_a_channel_is_scaled_by_its_mean_and_unbiased_deviation() -> None:
    gate = make_gate().eval()

    out = gate(torch.tensor([[[[0.0, 2.0]]]], dtype=torch.float64))

    (style,) = styles_of((0.0, 2.0))
    assert out.flatten().tolist() == pytest.approx(
        [0.0, 2 * sigmoid(style / math.sqrt(1 + 1e-5))], abs=1e-12
    )


def test_in_training_the_styles_of_a_batch_are_normalised() -> None:
    maps = ((0.0, 2.0), (4.0, 10.0))

    out = make_gate()(torch.tensor(maps, dtype=torch.float64).view(2, 1, 1, 2))

    low, high = styles_of(*maps)
    deviate = (high - low) / 2 / math.sqrt(((high - low) / 2) ** 2 + 1e-5)
    expected = [
        value * sigmoid(sign * deviate)
        for pair, sign in zip(maps, (-1, 1), strict=True)
        for value in pair
    ]
    assert out.flatten().tolist() == pytest.approx(expected, abs=1e-12)


def test_it_starts_at_one_half() -> None:
    x = torch.randn(2, 3, 4, 5)

    torch.testing.assert_close(StyleRecalibration(3)(x), x / 2)


def test_none_of_its_parameters_gets_weight_decay() -> None:
    gate = StyleRecalibration(3)

    assert isinstance(gate, HasUndecayed)
    assert set(gate.undecayed_parameters()) == set(gate.parameters())


def test_training_on_one_image_is_refused_with_a_remedy() -> None:
    gate = StyleRecalibration(8)

    with pytest.raises(ModelError, match=r"batch of one image.*batches of 2 images or more"):
        gate(torch.randn(1, 8, 4, 4))
    assert gate.eval()(torch.randn(1, 8, 4, 4)).isfinite().all()


@pytest.mark.parametrize("train", [True, False])
def test_a_map_of_one_pixel_is_refused_at_its_site(train: bool) -> None:
    """ResNet-18 with the ImageNet stem turns images of 32 px into maps of 1x1."""
    trial = resolve(
        Trial.model_validate(
            {"backbone": {"name": "resnet18", "width": 4}, "gate": "srm", "dataset": "digits"}
        )
    )
    network = built_network(trial, num_classes=2).train(train)

    with pytest.raises(
        ModelError, match=r"site 'layer4\.0\.bn2': a map of 1x1 has no standard deviation.*stem"
    ):
        network(torch.randn(2, 3, 32, 32))
