"""How many trials share a GPU: arithmetic, and what is measured of which trials."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dasbench.devices import CONTEXT
from dasbench.errors import UsageError
from dasbench.search.executors.share import part_of_gpu
from dasbench.spec.trial import Trial
from dasbench.training import packing as module
from dasbench.training.packing import MARGIN, Peaks, footprint, pack, pack_on_fullest

GIB = 2**30


BASE = Trial(backbone="resnet18", dataset="digits")


@given(peak=st.integers(0, 200 * GIB), free=st.integers(CONTEXT, 300 * GIB))
def test_as_many_fit_as_the_fraction_lets_in_and_no_more(peak, free):
    needed = CONTEXT + int(peak * (1 + MARGIN))
    if needed > free:
        with pytest.raises(UsageError, match="gpus: auto"):
            pack(peak, free=free, total=free)
        return

    packing = pack(peak, free=free, total=free)

    assert packing.trials * packing.needed <= free
    fraction = part_of_gpu(packing.trials)
    assert packing.trials * fraction <= 1 < (packing.trials + 1) * fraction


def test_a_trial_that_fills_the_gpu_has_it_alone():
    assert pack(10 * GIB, free=16 * GIB, total=24 * GIB).trials == 1


def test_a_gpu_that_does_not_hold_the_largest_trial_is_refused_with_both_sizes():
    with pytest.raises(UsageError, match=r"needs about 24\.0 GiB .* only 16\.0 GiB are free"):
        pack(20 * GIB, free=16 * GIB, total=24 * GIB)


def test_the_gpu_with_least_memory_left_decides(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.cuda,
        "mem_get_info",
        lambda index: [(80 * GIB, 80 * GIB), (10 * GIB, 80 * GIB)][index],
    )

    packing = pack_on_fullest(GIB)

    assert (packing.free, packing.total) == (10 * GIB, 80 * GIB)
    assert packing.trials == 4


@pytest.fixture
def measured(monkeypatch) -> list[Trial]:
    """The trials that were measured, on a machine of which CUDA is pretended."""
    seen = []

    def measure(trial, device, deterministic):
        seen.append(trial)
        return 5 if trial.gate.name == "das" else 2

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module, "_measure", measure)
    return seen


def test_a_grid_of_rates_and_seeds_is_measured_once_for_each_network(measured):
    rates = [
        BASE.with_values({"training.lr": lr, "seed": seed})
        for lr in (0.1, 0.2, 0.3)
        for seed in (3, 4)
    ]
    trials = [trial.with_values({"gate": gate}) for trial in rates for gate in ("none", "das")]

    peak = Peaks().largest(trials)

    assert (peak, len(measured)) == (5, 2)


@pytest.mark.parametrize(
    "values",
    [
        {"training.batch_size": 32},
        {"training.accumulate": 2},
        {"training.optimizer": "adamw"},
        {"training.precision": "bf16"},
        {"training.compile": True},
        {"dataset": "cifar10"},
        {"backbone": "resnet50"},
        {"placement": {"stages": [1]}},
    ],
)
def test_what_changes_memory_is_measured_anew(values):
    assert footprint(BASE.with_values(values)) != footprint(BASE)


@pytest.mark.parametrize(
    "values",
    [
        {"training.epochs": 9},
        {"training.weight_decay": 0.1},
        {"training.schedule": "constant"},
        {"seed": 7},
    ],
)
def test_what_changes_no_memory_is_not(values):
    assert footprint(BASE.with_values(values)) == footprint(BASE)


def test_no_trials_at_all_are_refused(measured):
    with pytest.raises(UsageError, match="no trial"):
        Peaks().largest([])


def test_without_a_gpu_auto_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UsageError, match="this machine has no CUDA device; write gpus: 0"):
        Peaks()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_small_networks_share_a_gpu():
    trial = Trial(
        backbone={"name": "resnet18", "width": 4, "stem": "small"},
        gate="das",
        dataset={"name": "digits", "image_size": 16},
    )

    packing = pack_on_fullest(Peaks("cuda").largest([trial]))

    assert packing.trials > 1
    assert packing.needed > CONTEXT
