"""Which GPUs the trials of a run get: what is meant, what is refused, what is measured, and what is said."""

import pytest
import torch

from dasbench import cores, devices
from dasbench.cli.running.gpus import GpuShare, loaders_of, share_of_gpu, wanted_gpus
from dasbench.cli.running.place import make_runtime
from dasbench.devices import check_device
from dasbench.errors import UsageError
from dasbench.prepare import prepare
from dasbench.spec.study import Resources, Study
from dasbench.spec.trial import Trial
from dasbench.training import packing

GIB = 2**30
BASE = Trial(
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    gate="das",
    dataset={"name": "digits"},
)


def study(gpus=None, cpus=1, **fields) -> Study:
    wanted = Resources() if gpus is None else Resources(gpus=gpus)
    resources = wanted.model_copy(update={"cpus": cpus})
    return Study(name="s", question="?", base=BASE, resources=resources, **fields)


def place(**options):
    usual = {"executor": "ray", "workers": None, "loaders": None, "device": "auto", "address": None}
    return {**usual, "deterministic": False, "checkpoint_every": 30.0, **options}


@pytest.fixture
def machine(monkeypatch):
    """A machine with some GPUs of 80 GiB and 16 cores, as far as these decisions look at it."""

    def with_gpus(count, free=80 * GIB, capability=(9, 0)):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 80 * GIB))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla V100")
        for module in ("dasbench.cli.running.workers", "dasbench.cores"):
            monkeypatch.setattr(f"{module}.usable_cores", lambda: 16)

    return with_gpus


@pytest.fixture
def measured(monkeypatch):
    """Memory by the width of the backbone and the share alpha; the trials that were measured."""
    seen = []

    def measure(trial, device, deterministic):
        seen.append(trial)
        return int(trial.backbone.params["width"] * trial.gate.params.get("alpha", 0) * GIB)

    monkeypatch.setattr(packing, "_measure", measure)
    return seen


@pytest.mark.parametrize(
    ("there", "gpus", "options", "wanted"),
    [
        (0, None, {}, 0),
        (2, None, {}, "auto"),
        (2, None, {"device": "cuda"}, "auto"),
        (2, None, {"device": "cpu"}, 0),
        (2, 0, {}, 0),
        (2, 0.25, {}, 0.25),
        (2, 2, {}, 2),
        (2, None, {"executor": "inline"}, 1),
        (0, None, {"executor": "inline"}, 0),
        (2, "auto", {"executor": "inline"}, 1),
        (2, 1, {"executor": "inline", "device": "cuda:1"}, 1),
        (0, None, {"address": "auto"}, 0),
        (2, None, {"address": "auto"}, 0),
        (0, 4, {"address": "auto"}, 4),
    ],
)
def test_what_a_study_and_the_options_ask_for(machine, there, gpus, options, wanted):
    machine(there)

    assert wanted_gpus(study(gpus), place(**options)) == wanted


@pytest.mark.parametrize(
    ("there", "gpus", "options", "complaint"),
    [
        (0, 1, {}, "resources.gpus: 1 are asked for, but this machine has 0 CUDA devices"),
        (1, 2, {}, "resources.gpus: 2 are asked for, but this machine has 1 CUDA device"),
        (0, None, {"device": "cuda"}, "this machine has 0 CUDA devices; use `device` cpu"),
        (2, None, {"device": "cuda:1"}, "under Ray each trial sees its own GPU alone; write cuda"),
        (2, 2, {"device": "cuda:1", "executor": "inline"}, "takes the first ones; write cuda"),
        (
            2,
            None,
            {"device": "cuda:2", "executor": "inline"},
            "`device` cuda:2: this machine has 2 CUDA devices",
        ),
        (2, 0, {"device": "cuda"}, "the study has resources.gpus: 0"),
        (2, 1, {"device": "cpu"}, "the study has resources.gpus: 1; write"),
        (
            0,
            "auto",
            {},
            "gpus: auto measures how many trials fit on a GPU, but this machine has 0 CUDA devices",
        ),
        (2, "auto", {"device": "cpu"}, "the study has resources.gpus: auto"),
    ],
)
def test_what_cannot_be_meant_or_had_is_refused(machine, there, gpus, options, complaint):
    machine(there)

    with pytest.raises(UsageError, match=complaint):
        wanted_gpus(study(gpus), place(**options))


@pytest.mark.parametrize("name", ["cudda", "cuda:", "cuda:x", "cuda1", "cuda:-1", "tpu", ""])
def test_what_is_no_device_is_refused(machine, name):
    machine(2)

    with pytest.raises(UsageError, match="`device`"):
        check_device(name)


def test_a_part_above_one_gpu_is_refused_in_the_study():
    with pytest.raises(ValueError, match=r"1\.5: write a part of one GPU"):
        Resources(gpus=1.5)


def test_gpus_that_nobody_uses_are_mentioned(machine, capsys):
    machine(2)

    wanted_gpus(study(0), place())

    assert (
        "resources.gpus: 0: trials are trained on the CPU; this machine has 2 CUDA devices"
        in capsys.readouterr().err
    )


def test_gpus_that_torch_cannot_use_are_mentioned(machine, capsys, monkeypatch, tmp_path):
    machine(0)
    (tmp_path / "0000:01:00.0").mkdir()
    monkeypatch.setattr(devices, "_DRIVER_SEES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    wanted_gpus(study(), place())

    assert "this machine has 1 GPU that torch" in capsys.readouterr().err


def share(asked, options, **more) -> GpuShare:
    return share_of_gpu(asked, prepare(asked).plan, wanted_gpus(asked, options), options, **more)


def test_a_grid_is_packed_by_its_largest_trial_and_says_so(machine, measured, capsys):
    machine(1)
    asked = study(axes=[{"key": "gate.alpha", "values": [0.25, 0.5]}], seeds=3)

    found = share(asked, place())

    assert len(measured) == 2
    # 1 + 2 * 1.15 GiB each: memory would hold 24, the cores 16
    assert found.gpus == pytest.approx(1 / 16)
    said = capsys.readouterr().err
    assert "gpus: auto (left out in the study): 16 trials on each GPU at once" in said
    assert "takes about 3.3 GiB, of which its memory holds 24" in said


def test_a_search_is_packed_by_the_largest_corner_of_its_space(machine, measured):
    machine(1)
    asked = study(
        "auto",
        axes=[
            {"key": "backbone.width", "values": [8, 64, 16]},
            {"key": "gate", "values": ["none", "das"]},
            {"key": "gate.alpha", "low": 0.1, "high": 0.5, "when": {"gate": "das"}},
            {"key": "training.lr", "low": 0.01, "high": 0.1, "log": True},
        ],
        sampler={"name": "random"},
        trials=50,
    )

    found = share(asked, place())

    largest = max(
        measured,
        key=lambda trial: trial.backbone.params["width"] * trial.gate.params.get("alpha", 0),
    )
    assert (largest.backbone.params["width"], largest.gate.params["alpha"]) == (64, 0.5)
    assert found.gpus == 0.5  # 0.6 + 32 * 1.15 GiB
    assert len(measured) < 10


def test_trials_that_the_cores_allow_are_on_all_gpus(machine, measured):
    machine(8)

    assert share(study("auto"), place()).gpus == 0.5
    assert share(study("auto", cpus=4), place()).gpus == 1
    assert share(study("auto"), place(workers=2)).gpus == 1
    assert share(study(0.05), place()).gpus == 0.5


def test_neighbours_keep_what_they_hold(machine, measured):
    machine(1, free=20 * GIB)

    found = share(study("auto"), place())

    assert found.memory == pytest.approx(found.gpus * 20 / 80)


def test_a_finished_study_measures_nothing(machine, measured):
    machine(1)
    asked = study("auto")

    share_of_gpu(asked, prepare(asked).plan.without(prepare(asked).plan.items), "auto", place())

    assert measured == []


def test_a_trial_without_a_gpu_is_trained_on_the_cpu(machine):
    machine(2)

    assert make_runtime(study(0), place(), GpuShare(0)).device == "cpu"
    assert make_runtime(study(), place(), GpuShare(0.5, memory=0.5)).device == "auto"
    assert make_runtime(study(), place(), GpuShare(2.0)).replicas == 2


def test_a_gpu_is_fed_by_its_part_of_all_cores(machine):
    machine(2)

    assert cores.usable_cores() == 16
    assert loaders_of(study(), GpuShare(0), place()) == 1
    assert loaders_of(study(1), GpuShare(1.0), place()) == 8
    assert loaders_of(study(0.25), GpuShare(0.25), place()) == 2
    assert (
        loaders_of(study(1, cpus=10), GpuShare(1.0), place()) == 16
    )  # one at a time: cores for no more
    assert loaders_of(study(1), GpuShare(1.0), place(executor="inline")) == 16
    assert loaders_of(study(1), GpuShare(1.0), place(loaders=3)) == 3


@pytest.mark.parametrize(("capability", "said"), [((7, 0), True), ((8, 0), False)])
def test_a_precision_that_a_gpu_lacks_is_mentioned(machine, capsys, capability, said):
    machine(1, capability=capability)
    asked = study(1).model_copy(update={"base": BASE.with_values({"training.precision": "bf16"})})

    share(asked, place())

    assert ("bf16: Tesla V100 has no units for it" in capsys.readouterr().err) == said
