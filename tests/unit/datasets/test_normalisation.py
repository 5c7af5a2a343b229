"""Pixels are normalised as the formula says, on a GPU in one step."""

import pytest
import torch

from dasbench.datasets.dataset import IMAGENET_MEAN, IMAGENET_STD
from dasbench.datasets.normalisation import Normalisation

CPU = torch.device("cpu")
EVERY_PIXEL = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, -1, -1)


def normalisation(dtype: torch.dtype = torch.float32) -> Normalisation:
    return Normalisation(IMAGENET_MEAN, IMAGENET_STD, device=CPU, dtype=dtype)


def formula(images: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images.float() / 255 - mean) / std


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_cpu_computes_the_formula_to_the_bit_in_any_precision(layout):
    images = EVERY_PIXEL.contiguous(memory_format=layout)

    out = normalisation(torch.bfloat16)(images)

    assert torch.equal(out, formula(images))
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_one_step_agrees_with_the_formula_to_the_rounding_of_fp32(layout):
    images = EVERY_PIXEL.contiguous(memory_format=layout)

    out = normalisation().in_one_step(images)

    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, formula(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_one_step_to_half_precision_rounds_once(dtype):
    out = normalisation(dtype).in_one_step(EVERY_PIXEL)

    assert out.dtype == dtype
    assert torch.equal(out, normalisation().in_one_step(EVERY_PIXEL).to(dtype))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_gpu_normalises_in_a_single_kernel(dtype):
    normalise = Normalisation(IMAGENET_MEAN, IMAGENET_STD, device=torch.device("cuda"), dtype=dtype)
    images = EVERY_PIXEL.cuda()
    normalise(images)

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        out = normalise(images)
        torch.cuda.synchronize()

    assert len([event for event in profile.events() if "elementwise" in event.name]) == 1
    close = max(1e-6, torch.finfo(dtype).eps)
    torch.testing.assert_close(out.cpu(), formula(EVERY_PIXEL).to(dtype), rtol=close, atol=1e-6)
