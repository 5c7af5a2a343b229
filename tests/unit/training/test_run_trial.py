"""A trial is a pure function of its fields: the same curve always, also after an interruption."""

import gc
import threading
import warnings
import weakref
from pathlib import Path

import pytest
import torch
import torch.utils.deterministic

from dasbench.catalog import TASKS
from dasbench.costs.structure import structure_of
from dasbench.models import GatedNetwork
from dasbench.records import Outcome
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.tasks import classification
from dasbench.training.run_trial import forget_checkpoints, run_trial
from dasbench.training.runtime import Runtime

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    gate="das",
    dataset={"name": "digits", "image_size": 16},
    training={"epochs": 3, "lr": 0.05, "batch_size": 128},
)
SMALL = TRIAL.with_values({"gate": "none", "dataset.image_size": 8, "training.epochs": 1})
OFTEN = Runtime(checkpoint_s=0)
"""Keeps a checkpoint after each epoch."""


def science(outcome: Outcome) -> dict[str, object]:
    """What must be equal: everything but the clock and the memory."""
    used = ("seconds", "images_per_s", "peak_memory")
    curve = [
        {name: value for name, value in epoch.metrics.items() if name not in used}
        for epoch in outcome.epochs
    ]
    return {
        "status": outcome.status,
        "curve": curve,
        "metrics": outcome.metrics,
        "correct": outcome.correct,
    }


def interrupt_after(epoch_number):
    return lambda epoch: "interrupt" if epoch.number == epoch_number else "continue"


@pytest.fixture(scope="module")
def reference() -> Outcome:
    return run_trial(TRIAL)


def test_a_trial_learns_and_says_what_it_cost(reference):
    assert reference.status == "done", reference.error
    assert [epoch.number for epoch in reference.epochs] == [1, 2, 3]
    assert reference.epochs[-1].metrics["train_loss"] < reference.epochs[0].metrics["train_loss"]
    assert set(reference.metrics) >= {"top1", "top5", "val_top1", "loss"}
    assert reference.cost is not None
    assert reference.cost.uncounted == {}
    assert reference.peak_memory > 0
    assert reference.environment["threads"] == 1


def test_the_bits_of_right_answers_agree_with_the_accuracy(reference):
    right = int(reference.correct, 16).bit_count()

    assert reference.metrics["top1"] == pytest.approx(100 * right / 269)


def test_the_same_trial_gives_the_same_curve_bit_for_bit(reference):
    torch.manual_seed(123)

    assert science(run_trial(TRIAL)) == science(reference)


def test_a_cost_that_is_known_is_not_counted_again(reference, monkeypatch):
    monkeypatch.setattr(classification, "measure_cost", lambda *_: pytest.fail("it was counted"))

    outcome = run_trial(TRIAL, cost=reference.cost)

    assert outcome.error == ""
    assert (outcome.cost, science(outcome)) == (reference.cost, science(reference))


def test_another_network_than_the_counted_one_is_not_trained(reference):
    wider = SMALL.with_values({"backbone.width": 8})

    outcome = run_trial(wider, cost=reference.cost)

    assert (outcome.status, outcome.epochs) == ("failed", ())
    assert "are not those of the network that was counted" in outcome.cause


@pytest.mark.parametrize("gate", ["none", "das", "asr", "abn"])
def test_what_is_counted_is_what_is_trained(gate):
    trial = resolve(SMALL.with_values({"gate": gate, "dataset.image_size": 32}))
    task = TASKS["classification"].create()

    learner = task.build(trial, device=torch.device("cpu"))

    assert task.cost(trial).structure == structure_of(learner.model)


def test_another_seed_gives_another_curve(reference):
    assert (
        science(run_trial(TRIAL.with_values({"seed": 1})))["curve"] != science(reference)["curve"]
    )


@pytest.mark.parametrize("stop", [1, 2])
def test_an_interrupted_trial_goes_on_and_ends_as_if_it_had_not_been(tmp_path, reference, stop):
    first = run_trial(TRIAL, interrupt_after(stop), tmp_path)
    seen = []
    second = run_trial(TRIAL, lambda epoch: (seen.append(epoch.number), "continue")[1], tmp_path)

    assert first.status == "interrupted"
    assert len(first.epochs) == stop
    assert seen == list(range(stop + 1, 4))
    assert science(second) == science(reference)


@pytest.mark.slow
def test_the_best_epoch_survives_an_interruption(tmp_path):
    best = TRIAL.with_values({"training.select": "best", "training.lr": 0.5})
    whole = run_trial(best)

    run_trial(best, interrupt_after(2), tmp_path)

    assert science(run_trial(best, workdir=tmp_path)) == science(whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        {"training.precision": "bf16", "training.accumulate": 3},
        {"backbone": {"name": "mobilenet_v2", "width_mult": 0.25, "stem": "small"}},  # dropout
        {"training.optimizer": "adamw", "training.lr": 0.002, "training.warmup_epochs": 1},
    ],
    ids=["bf16 in parts", "dropout", "adamw"],
)
def test_any_recipe_goes_on_bit_for_bit(tmp_path, values):
    trial = TRIAL.with_values(
        {"gate": "se", "dataset.image_size": 8, "training.epochs": 2, **values}
    )
    whole = run_trial(trial)

    run_trial(trial, interrupt_after(1), tmp_path)

    assert whole.status == "done", whole.error
    assert science(run_trial(trial, workdir=tmp_path)) == science(whole)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, reference, caplog):
    run_trial(TRIAL, interrupt_after(2), tmp_path, runtime=OFTEN)
    newest = max(tmp_path.rglob("epoch-*.pt"))
    newest.write_bytes(newest.read_bytes()[:-100])

    outcome = run_trial(TRIAL, workdir=tmp_path)

    assert "damaged" in caplog.text
    assert science(outcome) == science(reference)


@pytest.mark.slow
def test_with_all_checkpoints_damaged_a_trial_starts_from_scratch(tmp_path, reference):
    run_trial(TRIAL, interrupt_after(2), tmp_path, runtime=OFTEN)
    for path in tmp_path.rglob("epoch-*.pt"):
        path.write_bytes(b"")

    assert science(run_trial(TRIAL, workdir=tmp_path)) == science(reference)


def test_a_trial_that_is_done_says_so_again_without_training(tmp_path, reference):
    run_trial(TRIAL, workdir=tmp_path)
    seen = []

    again = run_trial(TRIAL, lambda epoch: (seen.append(epoch), "continue")[1], tmp_path)

    assert seen == []
    assert science(again) == science(reference)


@pytest.mark.slow
def test_only_the_last_two_checkpoints_are_kept(tmp_path):
    run_trial(TRIAL, workdir=tmp_path, runtime=OFTEN)

    assert len(list(tmp_path.rglob("*"))) == 3  # the trial's folder and two files
    forget_checkpoints(tmp_path, next(tmp_path.iterdir()).name)
    assert list(tmp_path.iterdir()) == []


def kept(folder: Path) -> list[int]:
    """The epochs of which there is a checkpoint."""
    return sorted(int(path.name[6:11]) for path in folder.rglob("epoch-*.pt"))


def test_between_checkpoints_there_is_time_and_the_last_epoch_always_has_one(tmp_path):
    seen = []

    run_trial(TRIAL, lambda _: (seen.append(kept(tmp_path)), "continue")[1], tmp_path)

    assert seen == [[], [], [3]]


@pytest.mark.slow
def test_with_no_time_between_them_each_epoch_has_a_checkpoint_before_it_is_reported(tmp_path):
    seen = []

    run_trial(
        TRIAL, lambda _: (seen.append(kept(tmp_path)), "continue")[1], tmp_path, runtime=OFTEN
    )

    assert seen == [[1], [1, 2], [2, 3]]


@pytest.mark.slow
def test_an_attempt_that_is_cut_off_by_its_time_limit_goes_on_where_it_was(tmp_path):
    long = TRIAL.with_values({"gate": "none", "training.epochs": 10_000})

    first = run_trial(long, workdir=tmp_path, runtime=Runtime(timeout_s=6))
    second = run_trial(long, workdir=tmp_path, runtime=Runtime(timeout_s=2))

    assert (first.reason, second.reason) == ("timeout", "timeout")
    assert second.epochs[: len(first.epochs) // 2] == first.epochs[: len(first.epochs) // 2]
    assert len(first.epochs) > 2


@pytest.mark.slow
def test_a_failed_trial_lets_go_of_its_network_at_once():
    networks: list[weakref.ref[GatedNetwork]] = []

    def report(epoch):
        found = [each for each in gc.get_objects() if type(each) is GatedNetwork]
        networks.extend(map(weakref.ref, found))
        raise RuntimeError("CUDA out of memory, or whatever")

    gc.collect()
    before = sum(type(each) is GatedNetwork for each in gc.get_objects())
    gc.disable()  # what lets go is the trial, not a collection that happens to run
    try:
        outcome = run_trial(TRIAL, report)
        alive = [reference for reference in networks if reference() is not None]
    finally:
        gc.enable()

    assert (outcome.status, outcome.reason) == ("failed", "oom")
    assert "Traceback" in outcome.error
    assert len(networks) > before
    assert len(alive) <= before


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_machine_without_cuda_is_a_failure_of_the_trial_and_no_exception():
    outcome = run_trial(TRIAL, runtime=Runtime(device="cuda"))

    assert (outcome.status, outcome.reason) == ("failed", "error")
    assert "this machine has 0 CUDA devices" in outcome.error
    assert outcome.environment["device"] == "cuda"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", "oom"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "oom"),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "oom"),
        ("CUDA error: out of memory", "oom"),
        ("CUDA error: device-side assert triggered", "error"),
        ("CUDA error: an illegal memory access was encountered", "error"),
    ],
)
def test_a_gpu_without_memory_is_told_from_a_broken_one(message, reason):
    def report(epoch):
        raise RuntimeError(message)

    assert run_trial(SMALL, report).reason == reason


def test_what_has_no_deterministic_form_is_recorded_and_said_to_nobody(recwarn):
    def report(epoch):
        warnings.warn(
            "grid_sampler_2d_backward_cuda does not have a deterministic implementation, but",
            stacklevel=1,
        )
        warnings.warn("a warning of another kind", stacklevel=1)
        return "interrupt"

    outcome = run_trial(SMALL, report)

    assert [str(each.message) for each in recwarn if "warning of another" in str(each.message)]
    assert not [each for each in recwarn if "deterministic" in str(each.message)]
    assert outcome.environment["deterministic"] is False


def test_a_cpu_is_deterministic_and_fills_no_new_tensors():
    outcome = run_trial(SMALL)

    assert outcome.environment["deterministic"] is True
    assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined] # as in arithmetic.py


def test_tf32_is_fp32_on_a_cpu():
    fp32, tf32 = run_trial(SMALL), run_trial(SMALL.with_values({"training.precision": "tf32"}))

    assert science(tf32) == science(fp32)
    assert tf32.key != fp32.key


def test_a_loss_that_is_not_finite_ends_the_trial_as_failed_with_its_curve():
    outcome = run_trial(
        TRIAL.with_values(
            {"training.lr": 100.0, "training.epochs": 5, "training.schedule": "constant"}
        )
    )

    assert (outcome.status, outcome.reason) == ("failed", "nan")
    assert "loss is" in outcome.error
    assert outcome.cost is not None


def test_a_time_limit_ends_the_trial_as_failed():
    outcome = run_trial(TRIAL, runtime=Runtime(timeout_s=1e-9))

    assert (outcome.status, outcome.reason) == ("failed", "timeout")


def test_an_exception_in_a_trial_is_an_outcome():
    outcome = run_trial(TRIAL.with_values({"backbone.stem": "imagenet", "dataset.image_size": 32}))

    assert (outcome.status, outcome.reason) == ("failed", "error")
    assert "site 'layer4'" in outcome.error
    assert "Traceback" in outcome.error


def test_a_keyboard_interrupt_passes_through():
    def press(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(TRIAL, press)


def test_an_outcome_travels_as_plain_data(reference):
    assert Outcome.from_json(reference.to_json()) == reference


def test_a_trial_runs_outside_of_the_main_thread(reference):
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(run_trial(TRIAL)))

    thread.start()
    thread.join()

    assert science(outcomes[0]) == science(reference)


def test_a_trial_that_was_planned_with_other_code_is_not_trained():
    planned = resolve(TRIAL).model_copy(
        update={"code": {"gate": "3f9a2c81d0be", "training": "0" * 12}}
    )

    outcome = run_trial(planned)

    assert (outcome.key, outcome.status, outcome.epochs) == (planned.key, "interrupted", ())
    assert "gate das is dasbench's own as released" in outcome.error
    assert "was 3f9a2c81d0be when the trial was planned" in outcome.error
    assert "the training loop" in outcome.error


def test_a_planned_trial_whose_code_cannot_be_imported_here_waits_for_a_machine_that_can(tmp_path):
    (tmp_path / "own_torn.py").write_text("def half(:\n")
    runtime = Runtime(plugins=("own_torn.py",), plugin_root=tmp_path)

    planned, direct = (run_trial(trial, runtime=runtime) for trial in (resolve(TRIAL), TRIAL))

    assert (planned.status, direct.status) == ("interrupted", "failed")
    assert "cannot be imported: SyntaxError" in planned.error
