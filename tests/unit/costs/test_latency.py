"""Time and memory, measured: that the figures say how they were taken, and that they measure what they say."""

import json
import subprocess
import sys
import time
from dataclasses import asdict

import pytest
import torch
from torch import Tensor, nn

from dasbench.costs import peak_memory as peak_memory_module
from dasbench.costs.latency import MeasuredCost, Timing, measure_latency
from dasbench.costs.peak_memory import peak_memory
from dasbench.errors import ModelError

MEGABYTE = 1 << 20


class Sleeper(nn.Module):
    """Takes a known time per call."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seconds = seconds
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        time.sleep(self.seconds)
        return self.weight * x


class Auxiliary(nn.Module):
    """Returns two heads, as networks with an auxiliary classifier do in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        return {"heads": (self.head(x), self.head(x))}


def measure(model: nn.Module, **options: float) -> MeasuredCost:
    settings = {"batch_size": 4, "runs": 4, "warmup": 1} | options
    return measure_latency(model, (3, 8, 8), **settings)


def test_a_call_takes_at_least_as_long_as_it_sleeps() -> None:
    """In milliseconds, with the quartiles' distance as spread and the throughput that follows."""
    cost = measure(Sleeper(0.01))

    for timing, batch_size in ((cost.single, 1), (cost.batched, 4), (cost.training_step, 4)):
        assert 10 <= timing.median_ms < 1000
        assert timing.iqr_ms >= 0
        assert (timing.batch_size, timing.runs, timing.warmup) == (batch_size, 4, 1)
        assert timing.images_per_s == pytest.approx(batch_size / timing.median_ms * 1000)


def test_a_slow_model_is_timed_three_times_at_least() -> None:
    """The budget ends a timing early, never before there is a spread."""
    cost = measure(Sleeper(0.01), runs=50, warmup=20, budget_s=0.001)

    assert (cost.single.runs, cost.single.warmup) == (3, 1)


def test_a_measurement_says_where_and_how_it_was_taken() -> None:
    """Device, threads, type, method of the memory figure: all of it as plain data."""
    cost = measure(nn.Conv2d(3, 4, 1).double())

    plain = json.loads(json.dumps(asdict(cost)))
    assert plain["device"] == "cpu"
    assert plain["device_name"]
    assert plain["threads"] == torch.get_num_threads()
    assert plain["precision"] == "float64"
    assert plain["training_memory"]["method"].startswith("resident set")
    assert plain["versions"] == {"torch": torch.__version__}


def test_measuring_leaves_the_model_and_the_random_state_alone() -> None:
    """Weights, statistics, flags, gradients, and what the next random number will be."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    weight, random_state = network[0].weight.clone(), torch.get_rng_state()

    measure(network)

    assert torch.equal(network[0].weight, weight)
    assert network[0].weight.grad is None
    assert network[1].num_batches_tracked == 0
    assert network.training
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_network_with_several_outputs_can_be_timed() -> None:
    """Its loss takes in all of them."""
    assert measure(Auxiliary()).training_step.median_ms > 0


def test_a_size_that_is_none_is_refused() -> None:
    """As for a count."""
    with pytest.raises(ModelError, match="expected"):
        measure_latency(nn.Conv2d(3, 4, 1), (3, 0, 8))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak restarts on Linux alone")
def test_peak_memory_is_what_the_work_held_at_its_largest() -> None:
    """Also what it gave back before it ended; repeated, it is the same to some per cent."""

    def work() -> None:
        torch.ones(64 * MEGABYTE // 4)
        torch.ones(16 * MEGABYTE // 4)

    taken = [peak_memory(work, torch.device("cpu")) for _ in range(3)]

    for peak in taken:
        assert 60 * MEGABYTE < peak.bytes < 96 * MEGABYTE
        assert peak.method == "resident set (VmHWM)"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak restarts on Linux alone")
def test_memory_of_a_training_step_covers_weights_gradients_momentum_and_activations() -> None:
    """16 MB of weights, thrice, and what the backward pass keeps; other tests leave free memory."""
    code = (
        "from torch import nn; from dasbench.costs.latency import measure_latency;"
        f"model = nn.Sequential(nn.Flatten(), nn.Linear(192, {16 * MEGABYTE // 4 // 192}, bias=False));"
        "cost = measure_latency(model, (3, 8, 8), batch_size=4, runs=4, warmup=1);"
        "print(cost.training_memory.bytes)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert 46 * MEGABYTE < int(done.stdout) < 120 * MEGABYTE


def test_without_a_peak_that_restarts_the_lifetime_peak_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Systems other than Linux, and containers that forbid it; the record says so."""
    monkeypatch.setattr(peak_memory_module, "_restart_resident_peak", lambda: False)

    peak = peak_memory(lambda: None, torch.device("cpu"))

    assert peak.method == "resident set (ru_maxrss)"
    assert peak.bytes >= 0


def test_a_timing_is_plain_data() -> None:
    """Two equal measurements are equal."""
    timing = Timing(batch_size=2, median_ms=4.0, iqr_ms=0.5, runs=3, warmup=1)

    assert timing == Timing(**asdict(timing))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_memory_is_the_allocators_and_the_device_is_named() -> None:
    """The exact figure, and the processor's own name."""
    cost = measure(nn.Linear(8, 4 * MEGABYTE // 4 // 8, bias=False).cuda())

    assert cost.device.startswith("cuda")
    assert cost.device_name == torch.cuda.get_device_name()
    assert cost.training_memory.method == "cuda max_memory_allocated"
    assert cost.training_memory.bytes >= 12 * MEGABYTE
