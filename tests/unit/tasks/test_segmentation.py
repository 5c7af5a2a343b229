"""The class of each pixel: maps that belong to their images, a network with any gate, trainings that repeat."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.segmentation.fcn import FCNHead

import dasbench.tasks.segmentation as segmentation
from dasbench.backbones.segmentation import FullyConvolutional
from dasbench.backbones.site import Site
from dasbench.catalog import BACKBONES, DATASETS, GATES, TASKS, known_names
from dasbench.checks import check_study
from dasbench.costs.measure import measure_cost
from dasbench.data_access import reading_data
from dasbench.datasets.annotations import IGNORED, ClassMaps
from dasbench.datasets.dataset import Dataset
from dasbench.datasets.memory import shift_and_flip
from dasbench.datasets.salient_shapes import salient_shapes
from dasbench.errors import ModelError, StudyError
from dasbench.records import Outcome
from dasbench.resolution import resolve
from dasbench.seeds import uniform
from dasbench.spec.load import load_study
from dasbench.spec.trial import Trial
from dasbench.tasks.learner import ImageLearner
from dasbench.tasks.segmentation import pixel_loss
from dasbench.tasks.task import Replica
from dasbench.testing import check_dataset
from dasbench.training.run_trial import Runtime, run_trial

FEW = {"num_train": 60, "num_val": 60, "num_test": 60}
TRIAL = Trial(
    task="segmentation",
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    gate="das",
    dataset={"name": "salient_shapes", "image_size": 32, "difficulty": 0.0, **FEW},
    training={"epochs": 2, "batch_size": 24, "optimizer": "adamw", "lr": 4e-3},
)
WITHOUT_GRADIENT = {"abn": {"gates.layer3.branch.classify.weight"}}
"""What only its own classification of the images would teach."""


def learner_of(trial: Trial, replica: Replica | None = None) -> ImageLearner:
    return (
        TASKS["segmentation"]
        .make()
        .build(resolve(trial), device=torch.device("cpu"), replica=replica)
    )


def science(outcome: Outcome) -> dict[str, object]:
    """What must be equal: everything but the clock and the memory."""
    assert outcome.status == "done", outcome.error
    used = ("seconds", "images_per_s", "peak_memory")
    curve = [
        {name: value for name, value in epoch.metrics.items() if name not in used}
        for epoch in outcome.epochs
    ]
    return {"curve": curve, "metrics": outcome.metrics}


# the maps


def test_a_pixel_has_the_class_of_its_image_where_the_object_is():
    train = salient_shapes(**FEW).train
    order = np.array([7, 0, 59, 7])

    maps, masks = train.class_maps(order), train.regions(order).masks

    assert maps.dtype == torch.uint8
    assert torch.equal(maps > 0, masks)
    for classes, mask, index in zip(maps, masks, order, strict=True):
        assert classes[mask].unique().tolist() == [train.labels[index] + 1]


def test_class_maps_move_as_their_images_do():
    train = salient_shapes(image_size=48, **FEW).train
    order = np.arange(40)
    rows, columns = torch.meshgrid(torch.arange(1, 49), torch.arange(1, 49), indexing="ij")
    places = (
        torch.stack([rows, columns, rows * 0]).to(torch.uint8).expand(60, -1, -1, -1)
    )  # each pixel says where it is
    draws = uniform(5, order, draws=train.num_draws)

    moved = replace(train.in_memory, images=places).batch(order, draws).long()
    found = train.class_maps(order, draws)

    come_from = train.class_maps(order)[
        torch.arange(40)[:, None, None], moved[:, 0] - 1, moved[:, 1] - 1
    ]
    assert torch.equal(found, torch.where(moved[:, 0] > 0, come_from, 0))
    assert not torch.equal(found, train.class_maps(order))


@dataclass(frozen=True)
class Painted:
    """Images that are read one by one, as files are, and whose red channel says the class of each pixel."""

    maps: Tensor
    num_draws: int = 3

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def labels(self) -> Tensor:
        return torch.arange(len(self.maps)) % 6

    def batch(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
        return self.shown(indices, draws)[:, None].expand(-1, 3, -1, -1) * 30

    def class_maps(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
        return self.shown(indices, draws)

    def shown(self, indices: np.ndarray, draws: np.ndarray | None) -> Tensor:
        maps = self.maps[torch.from_numpy(indices)]
        return (
            maps
            if draws is None
            else shift_and_flip(maps[:, None], draws, max_shift=3, flip=True)[:, 0]
        )


def random_maps(seed: int, number: int) -> Tensor:
    return torch.randint(
        0, 7, (number, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


@pytest.mark.parametrize("loaders", [0, 2])
def test_images_and_maps_reach_the_network_together(monkeypatch, loaders):
    maps = random_maps(0, 70)
    data = replace(salient_shapes(**FEW), train=Painted(maps), val=Painted(maps))
    monkeypatch.setattr(segmentation, "load_dataset", lambda _: data)
    batches = [np.arange(40), np.array([69, 3])]

    with reading_data(loaders=loaders):
        learner = learner_of(TRIAL)
        pairs = [
            *learner.load("train", batches, variation=9),
            *learner.load("val", batches, variation=None),
        ]

    for images, classes in pairs:
        red = (images[:, 0] * 0.25 + 0.5) * 255
        assert torch.equal((red / 30).round().long(), classes)
    assert torch.equal(pairs[3][1], maps[[69, 3]].long())
    assert not torch.equal(pairs[1][1], pairs[3][1])


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda maps: maps.long(), "not 8-bit"),
        (lambda maps: maps[:, 1:], "differ in size"),
        (lambda maps: maps + 1, "outside of the classes"),
        (lambda maps: maps * 0, "no pixel of a part has a class"),
        (lambda maps: maps.flip(0), "depends on its batch"),
    ],
    ids=["type", "size", "class", "empty", "batch"],
)
def test_the_contract_of_data_sets_finds_broken_class_maps(monkeypatch, broken, words):
    @dataclass(frozen=True)
    class Broken(Painted):
        def class_maps(self, indices: np.ndarray, draws: np.ndarray | None = None) -> Tensor:
            return broken(self.shown(indices, draws))

    def painted() -> Dataset:
        """Images whose red channel says the class of each pixel."""
        parts = {
            part: Broken(random_maps(seed, 30))
            for seed, part in enumerate(("train", "val", "test"))
        }
        return replace(salient_shapes(**FEW), **parts)

    monkeypatch.setattr(DATASETS, "_entries", dict(DATASETS._entries))
    DATASETS.register("painted", source="these tests", gives=("labels", "maps"))(painted)

    with pytest.raises(AssertionError, match=words):
        check_dataset("painted")


# the network


def network(levels: int = 3, **params: object) -> FullyConvolutional:
    net = BACKBONES["resnet18"].make(10, **{"width": 4, "stem": "small", **params})
    ends = [site for site in net.sites if site.after == "stage"]
    return FullyConvolutional(net.module, ends, num_classes=7, levels=levels)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(33, 47), (64, 31)], ids=str)
@pytest.mark.parametrize("stem", ["imagenet", "small"])
def test_there_is_a_score_for_each_pixel_of_an_image_of_any_size(levels, size, stem):
    assert network(levels, stem=stem)(torch.randn(2, 3, *size)).shape == (2, 7, *size)


def test_scores_of_one_level_are_those_of_the_head_enlarged():
    model = network(1).eval()
    x = torch.randn(2, 3, 40, 40)

    maps = model.body(x)["layer4"]

    expected = nn.functional.interpolate(
        model.head(maps), size=(40, 40), mode="bilinear", align_corners=False
    )
    assert torch.equal(model(x), expected)


def test_a_finer_level_adds_its_votes():
    model = network(2).eval()
    x = torch.randn(1, 3, 32, 32)
    before = model(x)

    nn.init.zeros_(model.scores["layer3"].weight)
    nn.init.zeros_(model.scores["layer3"].bias)

    assert not torch.allclose(model(x), before)


def test_more_levels_than_the_backbone_has_are_refused():
    with pytest.raises(
        ModelError, match=r"task\.levels: 4 .* the backbone has 3 \(of stride 1, 2, 4\)"
    ):
        network(4, last_stride=1)


@pytest.mark.parametrize("gate", GATES.names())
def test_every_gate_learns_from_pixels(gate):
    trial = TRIAL.with_values({"gate": gate, "backbone.width": 8, "training.batch_size": 4})
    learner = learner_of(trial)
    learner.model.train()

    loss = sum(learner.losses(next(iter(learner.batches(1)))))
    loss.backward()

    assert torch.isfinite(loss)
    untaught = {
        name for name, parameter in learner.model.named_parameters() if parameter.grad is None
    }
    assert untaught == WITHOUT_GRADIENT.get(gate, set())
    for name, parameter in learner.model.named_parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("gate", ["das", "bam", "se", "emca"])
def test_gates_act_and_without_them_the_network_is_the_plain_one(gate):
    plain, gated = (
        learner_of(TRIAL.with_values({"gate": name})).model.eval() for name in ("none", gate)
    )
    x = torch.randn(2, 3, 32, 32)
    expected, before = plain(x), gated(x)

    for module in gated.gates.children():
        module.forward = lambda x: x

    assert not torch.allclose(before, expected, atol=1e-3)
    assert torch.equal(gated(x), expected)


@pytest.mark.parametrize("gate", ["bam", "dra"])
def test_a_gate_has_learnt_nothing_before_the_training(gate):
    """Its statistics are those that a batch norm starts from."""
    for name, value in learner_of(TRIAL.with_values({"gate": gate})).model.named_buffers():
        if name.endswith("running_mean"):
            assert not value.any(), name


# what it costs


def test_a_tiny_network_costs_what_a_hand_counts():
    backbone = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )
    ends = (Site("0", 1, 4, "stage"), Site("1", 2, 8, "stage"))

    cost = measure_cost(FullyConvolutional(backbone, ends, num_classes=3, levels=2), (3, 16, 16))

    layers = (3 * 4 * 9 + 4) + (4 * 8 * 9 + 8)
    head = 8 * 2 * 9 + 2 * 2 + (2 * 3 + 3)  # convolution, batch norm, convolution
    vote = 4 * 3 + 3
    assert cost.params_full == layers + head + vote == 580
    in_layers = 8 * 8 * 4 * 27 + 4 * 4 * 8 * 36
    in_head = 16 * 2 * 72 + 2 * 16 * 2 + 16 * 3 * 2
    in_votes = 8 * 8 * 3 * 4
    enlarging = 4 * 3 * (8 * 8 + 16 * 16)  # bilinear: four neighbours for each number
    assert cost.macs_full == in_layers + in_head + in_votes + enlarging
    assert cost.uncounted == {}


def test_a_trial_costs_its_backbone_without_the_last_layer_and_the_head():
    trial = TRIAL.with_values({"gate": "none"})
    backbone = BACKBONES["resnet18"].make(6, width=4, stem="small").module

    cost = TASKS["segmentation"].make(levels=1).cost(resolve(trial))

    parts = (backbone, FCNHead(32, 7))
    numbers = sum(parameter.numel() for part in parts for parameter in part.parameters())
    assert cost.params_full == numbers - (32 * 6 + 6)


@pytest.mark.parametrize("gate", GATES.names())
def test_nothing_of_any_gate_is_taken_as_free(gate):
    plain, gated = (
        TASKS["segmentation"].make().cost(resolve(TRIAL.with_values({"gate": name})))
        for name in ("none", gate)
    )

    assert gated.uncounted == {}
    if gate in ("none", "asr"):  # ASR dissolves into the batch norm before it
        assert gated == plain
    else:
        assert gated.macs_full > plain.macs_full


# training


def test_a_batch_in_parts_has_the_loss_and_the_gradient_of_the_whole():
    found = []
    for parts in (1, 5):
        learner = learner_of(TRIAL.with_values({"gate": "se", "training.accumulate": parts}))
        learner.model.eval()  # without the statistics of a batch, and without dropout
        found.append(gradients(learner, next(iter(learner.batches(1)))))

    (loss, gradient), (expected_loss, expected) = found
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_where_nothing_is_ignored_the_loss_has_the_bits_of_torchs(smoothing):
    scores, maps = torch.randn(4, 7, 32, 32), random_maps(1, 4).long()

    loss = pixel_loss(scores, maps, label_smoothing=smoothing)

    assert torch.equal(loss, nn.functional.cross_entropy(scores, maps, label_smoothing=smoothing))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_mean_over_known_pixels_and_that_of_a_batch_the_mean_of_its_images(
    smoothing,
):
    scores, maps = torch.randn(3, 7, 32, 32), random_maps(2, 3).long()
    maps[1, :20] = IGNORED
    maps[2] = IGNORED

    loss = pixel_loss(scores, maps, label_smoothing=smoothing)

    known = [nn.functional.cross_entropy(scores[:1], maps[:1], label_smoothing=smoothing)]
    known.append(
        nn.functional.cross_entropy(scores[1:2, :, 20:], maps[1:2, 20:], label_smoothing=smoothing)
    )
    singly = [
        pixel_loss(scores[k : k + 1], maps[k : k + 1], label_smoothing=smoothing) for k in range(3)
    ]
    assert loss.item() == pytest.approx(sum(known).item() / 3, rel=1e-5)
    assert loss.item() == pytest.approx(sum(singly).item() / 3, rel=1e-6)


def test_a_batch_of_which_nothing_is_known_teaches_nothing():
    scores = torch.randn(2, 7, 8, 8, requires_grad=True)

    pixel_loss(scores, torch.full((2, 8, 8), IGNORED)).backward()

    assert torch.equal(scores.grad, torch.zeros_like(scores))


def test_pixels_that_are_ignored_change_no_score():
    learner = learner_of(TRIAL)
    maps = random_maps(0, 40)
    claimed, hidden = maps.clone(), maps.clone()
    claimed[:, :16] = 6 - maps[:, :16]
    hidden[:, :16] = IGNORED
    learner.parts["test"], learner.maps["test"] = Painted(maps), ClassMaps(Painted(hidden))
    learner.model.forward = lambda _: (
        nn.functional.one_hot(claimed.long(), 7).permute(0, 3, 1, 2).float() * 50
    )

    metrics = learner.evaluate("test").metrics

    assert metrics == pytest.approx({"loss": 0.0, "miou": 100.0, "pixel_accuracy": 100.0})


def test_two_replicas_share_out_the_loss_and_the_gradient():
    learners = [
        learner_of(TRIAL, Replica(rank, number)) for rank, number in ((0, 1), (0, 2), (1, 2))
    ]
    for learner in learners:
        learner.model.eval()

    (loss, whole), *shares = [
        gradients(learner, next(iter(learner.batches(1)))) for learner in learners
    ]

    assert sum(share[0] for share in shares) == pytest.approx(loss, rel=1e-5)
    assert torch.allclose(
        sum(share[1] for share in shares), whole, rtol=1e-3, atol=1e-4 * whole.abs().max().item()
    )


def gradients(learner: ImageLearner, batch: Sequence[object]) -> tuple[float, Tensor]:
    """Loss and gradient of a batch."""
    losses = []
    for loss in learner.losses(batch):
        loss.backward()
        losses.append(loss.item())
    return sum(losses), torch.cat([p.grad.flatten() for p in learner.model.parameters()])


def test_scores_do_not_depend_on_the_batches_they_are_computed_in(monkeypatch):
    learner = learner_of(TRIAL)
    whole = learner.evaluate("val").metrics

    monkeypatch.setattr(segmentation, "EVALUATION_BATCH", 7)

    assert learner.evaluate("val").metrics == pytest.approx(whole, abs=1e-4)


def test_a_network_that_knows_every_pixel_scores_100():
    learner = learner_of(TRIAL)
    maps = learner.annotated["test"].class_maps(np.arange(60)).long()
    learner.model.forward = lambda _: (
        nn.functional.one_hot(maps, 7).permute(0, 3, 1, 2).float() * 50
    )

    assert learner.evaluate("test").metrics == pytest.approx(
        {"loss": 0.0, "miou": 100.0, "pixel_accuracy": 100.0}
    )
    assert learner.evaluate("val").metrics["miou"] < 50


def test_an_interrupted_trial_ends_as_if_it_had_not_been(tmp_path):
    whole = run_trial(TRIAL)
    first = run_trial(TRIAL, lambda _: "interrupt", tmp_path)

    second = run_trial(TRIAL, workdir=tmp_path)

    assert first.status == "interrupted"
    assert len(first.epochs) == 1
    assert science(second) == science(whole)


@pytest.mark.slow
def test_a_short_training_finds_the_object():
    maps = salient_shapes(**FEW).test.class_maps(np.arange(60))
    all_background = 100 * float((maps == 0).float().mean())
    values = {
        "gate": "none",
        "backbone.width": 8,
        "dataset.num_train": 300,
        "training.batch_size": 12,
    }

    outcome = run_trial(TRIAL.with_values({**values, "training.epochs": 4, "training.lr": 6e-3}))

    metrics = science(outcome)["metrics"]
    assert metrics["pixel_accuracy"] > all_background
    assert (
        metrics["miou"] > all_background / 7 + 3
    )  # the mean over seven classes, one of which would be found
    assert metrics["train_loss"] < outcome.epochs[0].metrics["train_loss"] / 2
    assert outcome.cost.uncounted == {}


@pytest.mark.slow
def test_a_longer_training_tells_the_classes():
    values = {"dataset.num_train": 2400, "backbone.width": 8, "training.epochs": 8, "gate": "none"}

    outcome = run_trial(
        TRIAL.with_values({**values, "training.batch_size": 32, "training.warmup_epochs": 1})
    )

    assert (
        science(outcome)["metrics"]["miou"] > 50
    )  # 22 with the object found and its class guessed


WITHOUT_DROPOUT = '''
"""Segmentation by a head that drops nothing, as two replicas drop other features than one process."""

from torch import nn

from dasbench.catalog import TASKS
from dasbench.tasks.segmentation import Segmentation


@TASKS.register("without_dropout", needs="maps")
class WithoutDropout(Segmentation):
    """Tell the class of each pixel."""

    def build(self, trial, *, device, replica=None):
        """As the task does it, but for the dropout."""
        learner = super().build(trial, device=device, replica=replica)
        for module in learner.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        return learner
'''


@pytest.mark.slow
def test_two_replicas_have_the_losses_of_one_process(tmp_path):
    (tmp_path / "without_dropout.py").write_text(WITHOUT_DROPOUT)
    trial = TRIAL.with_values(
        {"task": "without_dropout", "training.lr": 0.002, "training.optimizer": "sgd"}
    )
    losses = []

    for replicas in (1, 2):
        runtime = Runtime(
            device="cpu", replicas=replicas, plugins=("without_dropout",), plugin_root=tmp_path
        )
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn")
        ) as apart:  # the task is registered there alone
            outcome = apart.submit(run_trial, trial, runtime=runtime).result()
        curve = science(outcome)["curve"]
        losses.append([epoch[name] for epoch in curve for name in ("train_loss", "val_loss")])

    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


# studies


STUDY = """\
name: pixels
question: Does the gate help to tell pixels apart?
base:
  task: segmentation
  backbone: {name: resnet18, width: 4, stem: small}
  dataset: {name: salient_shapes}
objectives: [miou max, macs min]
"""


def test_a_data_set_without_class_maps_is_refused_where_it_is_named(write_study, dasbench):
    path = write_study(STUDY.replace("salient_shapes", "digits"))

    done = dasbench("check", path)

    assert done.code == 2
    assert f"{path}:6: base.dataset" in done.err
    assert (
        "'digits' has no maps of its images for the task segmentation; these have: image_masks, salient_shapes"
        in done.err
    )


def test_an_accuracy_of_images_is_refused_as_the_objective(write_study):
    path = write_study(STUDY.replace("miou max", "top1 max"))

    with pytest.raises(StudyError) as error:
        check_study(load_study(path, known=known_names()))

    (line,) = str(error.value).splitlines()
    assert line.startswith(
        f"{path}:7: objectives[0]: 'top1' is not measured by the task segmentation"
    )
    assert line.endswith("these are: miou, pixel_accuracy")
