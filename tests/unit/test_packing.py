"""How many trials share a GPU: arithmetic here, and a refusal where there is no GPU."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dasbench.errors import UsageError
from dasbench.spec.trial import Trial
from dasbench.training.packing import CONTEXT, MARGIN, largest, measure_packing, pack
from dasbench.training.run_trial import Runtime

GIB = 2**30


@given(peak=st.integers(0, 200 * GIB), free=st.integers(CONTEXT, 300 * GIB))
def test_as_many_fit_as_the_fraction_lets_in_and_no_more(peak, free):
    needed = CONTEXT + int(peak * (1 + MARGIN))
    if needed > free:
        with pytest.raises(UsageError, match="gpus: auto"):
            pack(peak, free)
        return

    packing = pack(peak, free)

    assert packing.trials * packing.needed <= free
    assert packing.trials * packing.fraction <= 1 < (packing.trials + 1) * packing.fraction


def test_a_trial_that_fills_the_gpu_has_it_alone():
    assert pack(10 * GIB, 16 * GIB).fraction == 1


def test_a_gpu_that_does_not_hold_the_largest_trial_is_refused_with_both_sizes():
    with pytest.raises(UsageError, match=r"needs about 23\.6 GiB .* only 16\.0 GiB are free"):
        pack(20 * GIB, 16 * GIB)


def test_trials_that_differ_in_their_seed_alone_are_measured_once():
    base = Trial(backbone="resnet18", dataset="digits")
    trials = [base.with_values({"seed": seed, "gate": gate}) for seed in (3, 4) for gate in ("none", "das")]
    measured = []

    peak = largest(trials, lambda trial: (measured.append(trial), 5 if trial.gate.name == "das" else 2)[1])

    assert (peak, len(measured)) == (5, 2)


def test_no_trials_at_all_are_refused():
    with pytest.raises(UsageError, match="no trial"):
        largest([], lambda _: 0)


def test_without_a_gpu_auto_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UsageError, match="this machine has no CUDA device; write gpus: 0"):
        measure_packing([Trial(backbone="resnet18", dataset="digits")], Runtime())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_small_networks_share_a_gpu():
    trial = Trial(
        backbone={"name": "resnet18", "width": 4, "stem": "small"},
        gate="das",
        dataset={"name": "digits", "image_size": 16},
    )

    packing = measure_packing([trial], Runtime(device="cuda"))

    assert packing.trials > 1
    assert packing.needed > CONTEXT
