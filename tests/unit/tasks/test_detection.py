"""Detectors on any backbone with any gate: what they cost, what they learn from, and what they start from."""

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from built import network_for
from fabricated_data import PARAMS, fabricate_coco
from PIL import Image
from tiny_trials import DETECTOR
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import FrozenBatchNorm2d

from dasbench.backbones.detection import FrozenNorm, Unrolled
from dasbench.catalog import GATES, TASKS
from dasbench.data_access import reading_data
from dasbench.datasets.choice import load_dataset
from dasbench.errors import DataError, StudyError, UsageError
from dasbench.paper.tables import table
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.tasks.detection import Detection
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime
from dasbench.training.weights import keep_weights

SHAPES = {
    "name": "salient_shapes",
    "difficulty": 0.0,
    "num_train": 60,
    "num_val": 60,
    "num_test": 60,
}
TRIAL = Trial(
    task={"name": "detection", **DETECTOR},
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    dataset=SHAPES,
    training={"epochs": 2, "batch_size": 16, "optimizer": "adamw", "lr": 0.002},
)
CPU = torch.device("cpu")


def learner_of(trial: Trial = TRIAL, **values):
    trial = resolve(trial.with_values(values))
    return TASKS["detection"].make(**trial.task.params).build(trial, device=CPU)


def loss_of(learner) -> torch.Tensor:
    learner.model.train()
    torch.manual_seed(0)  # of the boxes that are sampled
    (loss,) = learner.losses(next(iter(learner.batches(1))))
    return loss


def science(outcome) -> tuple:
    used = ("seconds", "images_per_s", "peak_memory")
    curve = [
        {key: value for key, value in epoch.metrics.items() if key not in used}
        for epoch in outcome.epochs
    ]
    return outcome.status, outcome.error, curve, outcome.metrics


# what it is


@pytest.mark.parametrize("row", table("table2").rows, ids=lambda row: row.label)
def test_the_published_detectors_have_their_parameters(row):
    trial = Trial.model_validate({**row.trial_fields(), "task": "detection", "dataset": "coco"})

    network = Detection().network(network_for(trial, num_classes=80))

    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == row.exact["full"].params
    if "paper" not in row.exact:
        assert found == pytest.approx(1e6 * row.published["params_m"].value, rel=1e-3)


@pytest.mark.parametrize("norms", ["frozen", "trained"])
@pytest.mark.parametrize("name", GATES.names())
def test_every_gate_acts_and_learns_in_a_detector(name, norms):
    learner = learner_of(gate={"name": name}, **{"task.norms": norms})
    seen = []
    for gate in learner.model.gates.children():
        gate.register_forward_hook(lambda *_: seen.append(1))

    loss = loss_of(learner)
    loss.backward()

    assert loss.isfinite()
    assert len(seen) >= len(learner.model.gates)
    own = {
        key
        for key, _ in learner.model.gates.named_parameters()
        if ".classify." not in key and ".branch" not in key
    }
    without = {
        key
        for key, value in learner.model.gates.named_parameters()
        if value.grad is None and key in own
    }
    assert without == set() or name == "abn"  # whose own classifier has nothing to classify here


def test_frozen_norms_keep_what_the_weights_say_and_gates_keep_theirs():
    learner = learner_of(gate={"name": "das"}, **{"task.norms": "frozen"})
    inside = [type(module) for module in learner.model.backbone.body.modules()]

    loss_of(learner).backward()

    assert nn.BatchNorm2d not in inside
    assert inside.count(FrozenNorm) == 20
    assert any(
        isinstance(module, nn.Module) and list(module.parameters())
        for module in learner.model.gates.values()
    )


def frozen_norms() -> tuple[FrozenNorm, FrozenBatchNorm2d]:
    """Ours and torchvision's, with the same weights and statistics."""
    ours, theirs = FrozenNorm(4), FrozenBatchNorm2d(4)
    state = {key: torch.rand(4) + 0.5 for key in theirs.state_dict()}
    ours.load_state_dict(state)
    theirs.load_state_dict(state)
    return ours, theirs


def test_a_frozen_norm_is_torchvisions_to_the_bit():
    ours, theirs = frozen_norms()
    x = torch.randn(2, 4, 5, 3)

    assert torch.equal(ours(x), theirs(x))
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_frozen_norm_answers_in_the_type_and_format_of_its_input(dtype):
    ours, theirs = frozen_norms()
    x = torch.randn(2, 4, 5, 3).to(dtype=dtype, memory_format=torch.channels_last)

    with torch.autocast("cpu", dtype):
        out = ours(x)

    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out.float(), theirs(x.float()), rtol=0.02, atol=0.02)


def test_frozen_stages_are_not_trained_but_their_gates_are():
    learner = learner_of(gate={"name": "se"}, **{"task.frozen_stages": 2})

    loss_of(learner).backward()

    weights = learner.model.backbone.body.named_parameters()
    assert {key.split(".")[0] for key, value in weights if value.requires_grad} == {
        "layer3",
        "layer4",
    }
    assert all(value.grad is not None for value in learner.model.gates.parameters())


def test_the_cost_holds_every_convolution_and_product_and_no_chance():
    task = TASKS["detection"].make(**TRIAL.task.params)
    costs = [task.cost(resolve(TRIAL.with_values({"seed": seed}))) for seed in (0, 1)]
    network = Unrolled(learner_of().model.eval(), boxes=16)
    counter = FlopCounterMode(display=False)

    with counter, torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))

    assert costs[0].macs_full == costs[1].macs_full
    assert costs[0].uncounted == {}
    norms = sum(
        2 * 32 * 32 * 4 for _ in range(5)
    )  # the first five of 20 norms, to show that these are beyond
    assert (
        counter.get_total_flops() // 2 + norms
        < costs[0].macs_full
        < 1.1 * counter.get_total_flops() // 2
    )


def test_a_gate_that_dissolves_costs_nothing_in_a_detector():
    task = TASKS["detection"].make(**TRIAL.task.params)
    plain, folded = (
        task.cost(resolve(TRIAL.with_values({"gate": gate}))) for gate in ("none", "asr")
    )

    assert folded.macs_full == plain.macs_full


def test_the_trial_is_built_without_touching_the_random_state():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    first, second = learner_of(), learner_of()

    assert torch.equal(torch.rand(1), expected)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )


def test_a_detector_can_be_copied_with_its_gates():
    learner = learner_of(gate={"name": "das"})
    learner.model.eval()
    image = [torch.rand(3, 32, 32)]
    with torch.no_grad():
        maps = learner.model.backbone(torch.stack(image))
        again = copy.deepcopy(learner.model).backbone(torch.stack(image))

    assert all(torch.equal(maps[key], again[key]) for key in maps)


# what it refuses


def test_data_without_objects_are_refused_with_those_that_have_them():
    with pytest.raises(
        StudyError,
        match=r"'digits' has no objects of its images .* these have: coco, salient_shapes",
    ):
        resolve(TRIAL.with_values({"dataset": "digits"}))


def test_a_compiled_detector_is_refused():
    with pytest.raises(UsageError, match="cannot be compiled"):
        learner_of(**{"training.compile": True})


# what it learns


@cache
def trained():
    return run_trial(TRIAL)


@pytest.mark.slow
def test_a_trial_goes_on_after_an_interruption_as_if_there_had_been_none(tmp_path):
    first = run_trial(
        TRIAL, lambda epoch: "interrupt" if epoch.number == 1 else "continue", tmp_path
    )

    assert first.status == "interrupted"
    assert science(run_trial(TRIAL, workdir=tmp_path)) == science(trained())


@pytest.mark.slow
def test_loader_threads_change_nothing_with_files(tmp_path):
    fabricate_coco(tmp_path)
    trial = TRIAL.with_values({"dataset": {"name": "coco", **PARAMS["coco"]}, "training.epochs": 1})

    alone, ahead = (
        run_trial(trial, runtime=Runtime(data_root=tmp_path, loaders=loaders)) for loaders in (0, 3)
    )

    assert alone.status == "done", alone.error
    assert science(alone) == science(ahead)


def test_scores_of_the_same_images_in_a_coco_folder_are_the_same(tmp_path):
    learner = learner_of()
    _write_as_coco(tmp_path / "coco")
    with reading_data(tmp_path):
        other = learner_of(dataset={"name": "coco", "num_classes": 6, "val_share": 0.2})
    other.model.load_state_dict(learner.model.state_dict())
    for each in (learner, other):
        each.model.transform.image_mean, each.model.transform.image_std = [0.5] * 3, [0.25] * 3

    assert other.evaluate("test") == learner.evaluate("test")


def _write_as_coco(folder: Path) -> None:
    """The train and the test part of salient_shapes as COCO distributes its images, without any loss."""
    data = load_dataset(resolve(TRIAL).dataset)
    for name, part, start in (("train2017", data.train, 1), ("val2017", data.test, 5000)):
        images, annotations = [], []
        (folder / name).mkdir(parents=True)
        for number, scene in enumerate(part.scenes(np.arange(len(part))), start=start):
            file = f"{number:012d}.png"
            Image.fromarray(scene.image.permute(1, 2, 0).numpy()).save(folder / name / file)
            images.append({"id": number, "file_name": file, "width": 32, "height": 32})
            (box,), (label,), (area,) = (
                scene.objects.boxes.tolist(),
                scene.objects.labels.tolist(),
                scene.objects.areas,
            )
            left, upper, right, lower = box
            annotations.append({
                "id": number, "image_id": number, "category_id": 10 + label, "iscrowd": 0, "area": float(area),
                "bbox": [left, upper, right - left, lower - upper],
            })  # fmt: skip
        categories = [{"id": 10 + label, "name": name} for label, name in enumerate(data.classes)]
        (folder / "annotations").mkdir(exist_ok=True)
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "annotations" / f"instances_{name}.json").write_text(json.dumps(content))


@pytest.mark.slow
def test_a_trained_detector_is_far_better_than_an_untrained_one():
    values = {
        "task.pyramid": 32,
        "task.features": 64,
        "backbone.width": 8,
        "dataset.num_train": 480,
    }
    trial = TRIAL.with_values({**values, "training.epochs": 8, "training.warmup_epochs": 0.5})

    outcome = run_trial(trial)

    assert outcome.status == "done", outcome.error
    assert outcome.metrics["ap50"] > 15 + learner_of(trial).evaluate("test").metrics["ap50"]


# what it starts from


@pytest.fixture
def earlier(tmp_path, monkeypatch) -> Trial:
    """A classification trial whose weights were kept, in the folder that one stands in."""
    monkeypatch.chdir(tmp_path)
    values = {"task": "classification", "gate": "das", "training.epochs": 1}
    trial = resolve(TRIAL.with_values(values))
    assert run_trial(trial, workdir=tmp_path / "work").status == "done"
    keep_weights(trial, workdir=tmp_path / "work", folder=tmp_path / ".dasbench" / "weights")
    return trial


def test_a_detector_starts_from_the_backbone_and_the_gates_of_an_earlier_trial(earlier, tmp_path):
    learner = learner_of(gate={"name": "das"}, **{"backbone.weights": earlier.key})
    kept = torch.load(tmp_path / f".dasbench/weights/{earlier.key}.pt", weights_only=True)["model"]

    own = learner.model.state_dict()
    backbone = {
        key: value
        for key, value in kept.items()
        if key.startswith("backbone.") and ".fc." not in key
    }
    assert len(backbone) > 100
    assert all(
        torch.equal(own[key.replace("backbone.", "backbone.body.", 1)], value)
        for key, value in backbone.items()
    )
    gates = {key: value for key, value in kept.items() if key.startswith("gates.")}
    assert len(gates) > 10
    assert all(torch.equal(own[key], value) for key, value in gates.items())


def test_a_plain_detector_does_not_start_from_a_gated_backbone(earlier):
    with pytest.raises(DataError, match="holds other gates: 'layer1"):
        learner_of(**{"backbone.weights": earlier.key})


def test_a_gated_detector_starts_from_a_plain_backbone_with_fresh_gates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trial = resolve(TRIAL.with_values({"task": "classification", "training.epochs": 1}))
    run_trial(trial, workdir=tmp_path / "work")
    keep_weights(trial, workdir=tmp_path / "work", folder=tmp_path / ".dasbench" / "weights")

    fresh, started = (
        learner_of(gate={"name": "das"}, **values)
        for values in ({}, {"backbone.weights": trial.key})
    )

    gates = zip(fresh.model.gates.parameters(), started.model.gates.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in gates)
    assert not torch.equal(
        fresh.model.backbone.body.conv1.weight, started.model.backbone.body.conv1.weight
    )


def test_weights_that_nobody_kept_are_refused_with_the_way_to_keep_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=r"trial 0123456789ab are expected at .*--keep-weights"):
        resolve(TRIAL.with_values({"backbone.weights": "0123456789ab"}))


# a start that is trained twice


@pytest.mark.slow
def test_training_begins_anew_after_the_start():
    values = {
        "training.optimizer": "sgd",
        "training.schedule": "constant",
        "training.epochs": 2,
        "training.lr": 0.01,
    }
    through = run_trial(TRIAL.with_values(values))
    anew = run_trial(TRIAL.with_values({**values, "training.start_epochs": 1}))

    first, second = (
        [epoch.metrics["train_loss"] for epoch in outcome.epochs] for outcome in (through, anew)
    )
    assert first[0] == second[0]
    assert first[1] != second[1]  # without the momentum of the first epoch


@pytest.mark.slow
def test_an_interruption_at_the_start_changes_nothing(tmp_path):
    trial = TRIAL.with_values({"training.start_epochs": 1, "training.warmup_epochs": 0.5})

    run_trial(trial, lambda epoch: "interrupt" if epoch.number == 1 else "continue", tmp_path)

    assert science(run_trial(trial, workdir=tmp_path)) == science(run_trial(trial))
