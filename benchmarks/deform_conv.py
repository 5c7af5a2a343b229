"""How much faster the `torch` backend of the deformable convolution is than torchvision's kernel on this CPU.

    python benchmarks/deform_conv.py --threads 2

Forward and backward pass at the shapes of a DAS gate after the four stages of a ResNet-18 on
224-pixel images. The two backends take turns, so that what disturbs one disturbs both. Two threads
on a busy machine wait for each other most of the time; the environment variable
OMP_WAIT_POLICY=passive makes that several times shorter.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch

from dasbench.gates.das.mixers import squeezed_channels
from dasbench.ops.deform_conv import deform_conv2d

STAGES = ((64, 56), (128, 28), (256, 14), (512, 7))
BACKENDS = ("torchvision", "torch")


@dataclass(frozen=True)
class Timing:
    """Median milliseconds of one forward and backward pass.

    Args:
        shape: what was computed, for the table.
        torchvision_ms: with torchvision's kernel.
        torch_ms: with `grid_sample` and a matrix product.
    """

    shape: str
    torchvision_ms: float
    torch_ms: float

    @property
    def ratio(self) -> float:
        """How many times as fast `torch` is."""
        return self.torchvision_ms / self.torch_ms


def make_pass(
    backend: str, *, batch: int, inputs: int, outputs: int, side: int
) -> Callable[[], None]:
    """A function that runs one forward and backward pass on the same random tensors every time."""
    torch.manual_seed(0)
    x = torch.randn(batch, inputs, side, side, requires_grad=True)
    offset = torch.randn(batch, 18, side, side, requires_grad=True)
    mask = torch.rand(batch, 9, side, side, requires_grad=True)
    weight = torch.randn(outputs, inputs, 3, 3, requires_grad=True)
    grad = torch.randn(batch, outputs, side, side)

    def run() -> None:
        out = deform_conv2d(x, offset, mask, weight, padding=1, backend=backend)
        torch.autograd.grad(out, (x, offset, mask, weight), grad)

    return run


def measure(*, batch: int, inputs: int, outputs: int, side: int, runs: int) -> Timing:
    """Time both backends at one shape, in turns, after one pass each to warm up."""
    passes = {
        name: make_pass(name, batch=batch, inputs=inputs, outputs=outputs, side=side)
        for name in BACKENDS
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in BACKENDS}
    for name in BACKENDS * (runs + 1):
        start = perf_counter()
        passes[name]()
        milliseconds[name].append(1e3 * (perf_counter() - start))
    medians = {name: median(values[1:]) for name, values in milliseconds.items()}
    return Timing(
        f"{inputs} -> {outputs} at {side}x{side}", medians["torchvision"], medians["torch"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--threads", type=int, choices=(1, 2), default=1, help="threads of torch (default: 1)"
    )
    parser.add_argument(
        "--runs", type=int, default=5, help="timed passes per backend and shape (default: 5)"
    )
    parser.add_argument("--batch", type=int, default=32, help="images per pass (default: 32)")
    parser.add_argument(
        "--alpha",
        type=float,
        default=0.2,
        help="the gate's compression (default: 0.2, the paper's)",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, {options.threads} thread(s), batch {options.batch}, forward + backward, medians"
    )
    print(f"{'shape':<20} {'torchvision':>12} {'torch':>10} {'ratio':>7}")
    timings = []
    for channels, side in STAGES:
        inputs = squeezed_channels(channels, options.alpha)
        timings.append(
            measure(
                batch=options.batch, inputs=inputs, outputs=channels, side=side, runs=options.runs
            )
        )
        print_row(timings[-1])
    print_row(
        Timing("all four", sum(t.torchvision_ms for t in timings), sum(t.torch_ms for t in timings))
    )


def print_row(timing: Timing) -> None:
    """Print one row of the table, at once."""
    times = f"{timing.torchvision_ms:>9.1f} ms {timing.torch_ms:>7.1f} ms"
    print(f"{timing.shape:<20} {times} {timing.ratio:>6.1f}x", flush=True)


if __name__ == "__main__":
    main()
