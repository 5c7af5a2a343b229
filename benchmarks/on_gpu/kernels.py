"""The check of the deformable convolution: its time, memory and error at the shapes of the DAS gate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

from dasbench.gates.das.mixers import squeezed_channels
from dasbench.ops.deform_conv import deform_conv2d
from dasbench.training.arithmetic import set_arithmetic
from on_gpu.loops import wait_for
from on_gpu.setting import Row, Setting, failing, rounded

STAGES = {
    "resnet18": ((64, 56), (128, 28), (256, 14), (512, 7)),
    "resnet50": ((256, 56), (512, 28), (1024, 14), (2048, 7)),
}
"""Channels and side of the maps after each stage, on images of 224 px."""

WAYS = (
    ("torchvision", "fp32", 0.0),
    ("torchvision", "tf32", 1e-2),
    ("torch", "fp32", 1e-3),
    ("torch", "tf32", 1e-2),
)
"""Backend, precision, and how far it may lie from the first of these, as a part of the norm."""


@dataclass(frozen=True)
class Inputs:
    """What a deformable convolution reads, and the gradient of what it writes.

    Shape:
        x: [B, R, H, W]; offset: [B, 18, H, W]; mask: [B, 9, H, W]; weight: [C, R, 3, 3]; grad: [B,
            C, H, W]
    """

    x: Tensor
    offset: Tensor
    mask: Tensor
    weight: Tensor
    grad: Tensor

    @classmethod
    def drawn(cls, batch: int, channels: int, side: int, device: torch.device) -> "Inputs":
        """Random inputs at a DAS gate with the paper's compression."""
        stream = torch.Generator(device).manual_seed(0)
        squeezed = squeezed_channels(channels, 0.2)
        normal = partial(torch.randn, device=device, generator=stream)
        return cls(
            x=normal(batch, squeezed, side, side).requires_grad_(),
            offset=normal(batch, 18, side, side).requires_grad_(),
            mask=torch.rand(batch, 9, side, side, device=device, generator=stream).requires_grad_(),
            weight=(normal(channels, squeezed, 3, 3) / (3 * squeezed**0.5)).requires_grad_(),
            grad=normal(batch, channels, side, side),
        )

    def forward(self, backend: str) -> Tensor:
        """What a backend makes of them."""
        return deform_conv2d(
            self.x, self.offset, self.mask, self.weight, padding=1, backend=backend
        )

    def both(self, backend: str) -> list[Tensor]:
        """Output and gradients of a backend."""
        out = self.forward(backend)
        gradients = torch.autograd.grad(
            out, (self.x, self.offset, self.mask, self.weight), self.grad
        )
        return [out.detach(), *gradients]

    def plain(self) -> object:
        """The forward and backward pass of a convolution that samples where the taps are."""
        out = nn.functional.conv2d(self.x, self.weight, padding=1)
        return torch.autograd.grad(out, (self.x, self.weight), self.grad)


def deform(setting: Setting) -> Iterator[Row]:
    """The deformable convolution at the shapes of DAS: time, memory and error of its backends, a plain one beside."""
    batch = 1 if setting.small else 256
    torch.set_num_threads(1)
    for network, stages in STAGES.items():
        for channels, side in stages:
            inputs = Inputs.drawn(batch, channels, side, setting.torch_device)
            right = None
            for backend, precision, far in WAYS:
                set_arithmetic(
                    setting.digits(precision=precision), setting.torch_device, deterministic=False
                )
                figures, values = _measured(inputs, backend, setting)
                right = right or values
                errors = [_distance(one, exact) for one, exact in zip(values, right, strict=True)]
                yield {
                    "network": network,
                    "shape": [*inputs.x.shape],
                    "channels": channels,
                    "way": f"{backend}, {precision}",
                    **figures,
                    "errors_of_out_x_offset_mask_weight": errors,
                    **failing(
                        (
                            max(errors) <= far,
                            f"{backend} in {precision} lies {max(errors)} from the first way",
                        )
                    ),
                }
            plain_ms = _median_ms(inputs.plain, setting)
            yield {
                "network": network,
                "shape": [*inputs.x.shape],
                "way": "a plain convolution",
                "both_ms": plain_ms,
            }


def _measured(inputs: Inputs, backend: str, setting: Setting) -> tuple[Row, list[Tensor]]:
    """Milliseconds and memory of a backend, and what it computed."""
    figures: Row = {}
    if setting.on_gpu:
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() if setting.on_gpu else 0
    values = inputs.both(backend)
    if setting.on_gpu:
        figures["mib"] = (torch.cuda.max_memory_allocated() - before) >> 20
    with torch.no_grad():
        figures["forward_ms"] = _median_ms(partial(inputs.forward, backend), setting)
    figures["both_ms"] = _median_ms(partial(inputs.both, backend), setting)
    return figures, values


def _distance(found: Tensor, right: Tensor) -> float:
    return rounded(float((found - right).norm() / right.norm()))


def _median_ms(call: Callable[[], object], setting: Setting) -> float:
    """The median time of a call, in milliseconds, after some to warm up."""
    warm, timed = (0, 1) if setting.small else (2, 7)
    for _ in range(warm):
        call()
    times = []
    for _ in range(timed):
        wait_for(setting.torch_device)
        start = perf_counter()
        call()
        wait_for(setting.torch_device)
        times.append(1e3 * (perf_counter() - start))
    return rounded(median(times))
