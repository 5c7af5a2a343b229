"""Uneven classes in training: weights in the loss, and draws in which every class comes as often as another."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fabricated_data import photograph
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from dasbench.catalog import TASKS
from dasbench.data_access import reading_data
from dasbench.datasets.memory import MemorySplit
from dasbench.errors import StudyError
from dasbench.prepare import prepare
from dasbench.resolution import resolve
from dasbench.seeds import uniform
from dasbench.spec.load import load_study
from dasbench.spec.trial import Trial
from dasbench.tasks.balance import Repeatable, balanced_draw, class_weights
from dasbench.tasks.learner import ImageLearner
from dasbench.tasks.task import Replica
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime

UNEVEN = np.array([0] * 80 + [2] * 15 + [1] * 5)
LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(
    lambda labels: np.array(labels, dtype=np.int64)
)
NUMBERS = {"common": 60, "rare": 20, "scarce": 10}
"""Images of each class in a folder; 62 of them are trained on."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of images whose classes are uneven."""
    folder = tmp_path_factory.mktemp("photos")
    for label, (name, number) in enumerate(NUMBERS.items()):
        for image in range(number):
            photograph(folder / name / f"{image}.png", number=1000 * label + image, size=(24, 24))
    return folder


def trial_of(photos: Path, balance: str, **training: object) -> Trial:
    """A resolved trial on the folder; what is not given is small and quick."""
    return resolve(
        Trial(
            backbone={"name": "resnet18", "width": 4, "stem": "small"},
            dataset={"name": "image_folder", "root": str(photos), "image_size": 16},
            training={"epochs": 1, "batch_size": 70, "lr": 0.01, "balance": balance, **training},
        )
    )


def learner_of(trial: Trial, replica: Replica | None = None) -> ImageLearner:
    task = TASKS["classification"].make()
    learner = task.build(trial, device=torch.device("cpu"), replica=replica)
    assert isinstance(learner, ImageLearner)
    return learner


def first_batch(learner: ImageLearner) -> tuple[float, list[torch.Tensor | None]]:
    """Loss and gradients of the first batch; norms stand still, so that nothing else depends on its parts."""
    learner.model.eval()
    total = torch.zeros(())
    for loss in learner.losses(next(iter(learner.batches(1)))):
        loss.backward()
        total = total + loss.detach()
    return float(total), [weight.grad for weight in learner.model.parameters()]


class TestWeights:
    @given(labels=LABELS)
    def test_weights_are_those_of_scikit_learn(self, labels):
        weights = class_weights(labels, num_classes=8)

        present = np.unique(labels)
        assert np.allclose(
            weights[present], compute_class_weight("balanced", classes=present, y=labels)
        )
        assert weights[np.setdiff1d(np.arange(8), present)].sum() == 0

    @given(labels=LABELS)
    def test_every_class_weighs_the_same_and_an_image_1_on_average(self, labels):
        weights = class_weights(labels, num_classes=8)

        of_class = np.bincount(labels, weights=weights[labels], minlength=8)
        assert np.allclose(of_class[np.unique(labels)], len(labels) / len(np.unique(labels)))
        assert weights[labels].mean() == pytest.approx(1)

    @pytest.mark.parametrize("smoothing", [0.0, 0.2])
    @pytest.mark.parametrize("parts", [1, 3, 7])
    def test_the_loss_is_the_weighted_mean_of_torch_however_a_batch_is_cut(
        self, photos, parts, smoothing
    ):
        learner = learner_of(
            trial_of(photos, "weights", accumulate=parts, batch_size=70, label_smoothing=smoothing)
        )
        learner.model.eval().requires_grad_(False)
        batch = list(next(iter(learner.batches(1))))
        images, labels = (
            torch.cat([getattr(part.content, name) for part in batch])
            for name in ("images", "labels")
        )
        numbers = torch.bincount(learner.data.train.labels)
        weights = len(labels) / (len(numbers) * numbers)
        expected = functional.cross_entropy(
            learner.model(images), labels, weight=weights, label_smoothing=smoothing
        )

        found = sum(learner.losses(batch))

        assert len(batch) == parts
        assert float(found) == pytest.approx(float(expected), rel=1e-5)

    def test_gradients_do_not_depend_on_the_parts_of_a_batch(self, photos):
        whole, cut = (
            first_batch(learner_of(trial_of(photos, "weights", accumulate=n, batch_size=70)))
            for n in (1, 7)
        )

        assert cut[0] == pytest.approx(whole[0], rel=1e-5)
        for one, other in zip(whole[1], cut[1], strict=True):
            assert torch.allclose(one, other, atol=1e-5)

    @pytest.mark.parametrize(
        "batch_size", [70, 3]
    )  # 3 images are too few to share: each replica computes all
    @pytest.mark.parametrize("parts", [1, 2])
    def test_what_replicas_compute_adds_up_to_the_whole_batch(self, photos, parts, batch_size):
        trial = trial_of(photos, "weights", accumulate=parts, batch_size=batch_size)
        loss, gradients = first_batch(learner_of(trial))

        shares = [first_batch(learner_of(trial, Replica(rank, 2))) for rank in (0, 1)]

        assert sum(share[0] for share in shares) == pytest.approx(loss, rel=1e-5)
        for whole, *some in zip(gradients, *(share[1] for share in shares), strict=True):
            assert torch.allclose(whole, sum(some), atol=1e-5)

    def test_weights_change_what_is_learned_from_uneven_classes(self, photos):
        plain, weighted = (
            first_batch(learner_of(trial_of(photos, balance, batch_size=70)))
            for balance in ("none", "weights")
        )

        assert abs(plain[0] - weighted[0]) > 1e-3

    def test_scores_are_not_weighted(self, photos):
        scores = [
            learner_of(trial_of(photos, balance)).evaluate("val").metrics
            for balance in ("none", "weights", "sampling")
        ]

        assert scores[0] == scores[1] == scores[2]


class TestSampling:
    def test_every_class_that_occurs_is_drawn_equally_often(self):
        drawn = [
            UNEVEN[balanced_draw(UNEVEN, seed=0, epoch=epoch) % 100] for epoch in range(1, 201)
        ]

        shares = np.bincount(np.concatenate(drawn), minlength=4) / 20_000
        assert shares == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=0.02)

    def test_every_image_of_a_class_is_drawn_equally_often(self):
        drawn = np.concatenate(
            [balanced_draw(UNEVEN, seed=0, epoch=epoch) % 100 for epoch in range(1, 401)]
        )

        times = np.bincount(drawn, minlength=100)
        assert times[95:] == pytest.approx(40_000 / 15, rel=0.1)
        assert times[80:95] == pytest.approx(40_000 / 45, rel=0.2)

    def test_a_draw_depends_on_the_seed_and_the_epoch_alone(self):
        first = balanced_draw(UNEVEN, seed=3, epoch=2)

        assert np.array_equal(first, balanced_draw(UNEVEN, seed=3, epoch=2))
        assert not np.array_equal(first, balanced_draw(UNEVEN, seed=3, epoch=3))
        assert not np.array_equal(first, balanced_draw(UNEVEN, seed=4, epoch=2))

    @given(labels=LABELS, epoch=st.integers(1, 10_000))
    def test_a_draw_has_as_many_images_as_there_are_and_no_number_twice(self, labels, epoch):
        numbers = balanced_draw(labels, seed=0, epoch=epoch)

        assert len(numbers) == len(np.unique(numbers)) == len(labels)
        assert numbers.min() >= 0

    def test_an_image_that_is_drawn_again_is_the_same_image_varied_differently(self):
        pixels = torch.from_numpy(
            np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
        )
        part = Repeatable(MemorySplit(pixels, torch.tensor([0, 1]), max_shift=8, flip=True))
        again = np.array([1, 3, 5])

        plain = part.batch(again)
        varied = part.batch(again, uniform(7, again, draws=part.num_draws))

        assert all(torch.equal(image, pixels[1]) for image in plain)
        assert not torch.equal(varied[0], varied[1])
        assert not torch.equal(varied[1], varied[2])

    def test_labels_are_those_of_the_images_that_were_drawn(self, photos):
        learner = learner_of(trial_of(photos, "sampling", augment=False))
        train = learner.data.train
        images = torch.cat(list(learner.images(train, [np.arange(len(train))], variation=None)))
        pixels = [image.numpy().tobytes() for image in images]
        known = dict(zip(pixels, train.labels.tolist(), strict=True))

        contents = [part.content for parts in learner.batches(1) for part in parts]

        assert sum(len(content.labels) for content in contents) == len(known)
        for content in contents:
            for image, label in zip(content.images, content.labels, strict=True):
                assert known[image.numpy().tobytes()] == int(label)

    @pytest.mark.parametrize("loaders", [1, 4])
    def test_the_draws_are_the_same_bits_for_any_number_of_loaders(self, photos, loaders):
        trial = trial_of(photos, "sampling")
        contents = []
        for number in (0, loaders):
            with reading_data(loaders=number):
                learner = learner_of(trial)
                contents.append([part.content for parts in learner.batches(2) for part in parts])

        for one, other in zip(*contents, strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_an_interrupted_trial_goes_on_bit_for_bit(photos, tmp_path, balance):
    trial = trial_of(photos, balance, epochs=3)
    whole = run_trial(trial)

    run_trial(trial, lambda epoch: "interrupt" if epoch.number == 2 else "continue", tmp_path)
    resumed = run_trial(trial, workdir=tmp_path)

    losses = [
        [epoch.metrics["train_loss"] for epoch in outcome.epochs] for outcome in (whole, resumed)
    ]
    assert losses[0] == losses[1]
    assert (whole.correct, whole.confusion) == (resumed.correct, resumed.confusion)


@pytest.mark.slow
@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_two_replicas_come_to_the_result_of_one_process(photos, balance):
    trial = trial_of(photos, balance, batch_size=30, lr=0.002)

    alone, together = (
        run_trial(trial, runtime=Runtime(device="cpu", replicas=number)) for number in (1, 2)
    )

    assert together.status == "done", together.error
    assert together.epochs[0].metrics["train_loss"] == pytest.approx(
        alone.epochs[0].metrics["train_loss"], rel=4e-4
    )


class TestRefusals:
    @pytest.mark.parametrize(("task", "dataset"), [("probe", "digits"), ("segmentation", "salient_shapes"),
                                                   ("detection", "salient_shapes")])  # fmt: skip
    @pytest.mark.parametrize("balance", ["weights", "sampling"])
    def test_a_task_without_balance_is_refused(self, task, dataset, balance):
        trial = Trial(
            task=task, backbone="resnet18", dataset=dataset, training={"balance": balance}
        )

        with pytest.raises(
            StudyError, match=f"'{balance}' is not done by the task {task}.*: classification"
        ) as found:
            resolve(trial)

        assert [complaint.key for complaint in found.value.complaints] == ["training.balance"]

    def test_the_complaint_stands_on_its_line(self, tmp_path):
        file = tmp_path / "study.yaml"
        file.write_text(
            "name: s\nquestion: Which?\nbase:\n  task: probe\n  backbone: resnet18\n  dataset: digits\n"
            "  training:\n    balance: sampling\n"
        )

        with pytest.raises(
            StudyError, match=r"study\.yaml:8: base\.training\.balance: 'sampling' is not done by"
        ):
            prepare(load_study(file))
