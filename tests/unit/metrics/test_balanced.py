"""Scores in which every class counts the same, and which classes were taken for which."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score
from tiny_trials import tiny_trial

from dasbench.catalog import METRICS
from dasbench.checks import check_study
from dasbench.confusion import Confusion, Taken
from dasbench.metrics.accuracy import in_top, top1
from dasbench.metrics.balanced import balanced_accuracy, claims, macro_f1
from dasbench.records import Outcome
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial
from dasbench.views.units import score_unit

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=80)
"""Class and claim of each example; some classes never occur, some are claimed though they do not."""


def split(pairs):
    truth, found = np.array(pairs).T
    logits = torch.nn.functional.one_hot(torch.from_numpy(found), 6).float()
    return truth, found, logits, torch.from_numpy(truth)


@given(pairs=PAIRS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_is_that_of_scikit_learn(pairs):
    truth, found, logits, labels = split(pairs)

    assert balanced_accuracy(logits, labels) == pytest.approx(
        100 * balanced_accuracy_score(truth, found)
    )


@given(pairs=PAIRS)
def test_macro_f1_is_that_of_scikit_learn(pairs):
    truth, found, logits, labels = split(pairs)

    assert macro_f1(logits, labels) == pytest.approx(
        100 * f1_score(truth, found, average="macro", zero_division=0)
    )


@given(number=st.integers(1, 40))
def test_classes_of_equal_size_have_the_accuracy_of_top1(number):
    labels = torch.arange(5).repeat(number)
    logits = torch.randn(len(labels), 5, generator=torch.Generator().manual_seed(number))

    assert balanced_accuracy(logits, labels) == pytest.approx(top1(logits, labels))


def test_a_class_that_is_never_claimed_lowers_what_top1_hides():
    labels = torch.tensor([0] * 99 + [1])
    logits = torch.tensor([[1.0, 0.0]] * 100)

    assert top1(logits, labels) == pytest.approx(99)
    assert balanced_accuracy(logits, labels) == pytest.approx(50)
    assert macro_f1(logits, labels) == pytest.approx(100 * 198 / 199 / 2)


def test_of_equal_logits_the_class_counts_that_counts_for_top1():
    logits, labels = torch.zeros(40, 7), torch.arange(40) % 7

    assert torch.equal(claims(logits) == labels, in_top(logits, labels, k=1))


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_a_study_can_ask_for_it(name):
    base = Trial(backbone="resnet18", dataset="digits")
    study = Study(name="s", question="?", base=base, objectives=[f"{name} max", "macs min"])

    check_study(study)

    assert METRICS[name].traits.unit == "%"
    assert score_unit(f"val_{name}") == "pp"


class TestConfusion:
    @given(pairs=PAIRS)
    def test_its_matrix_is_that_of_scikit_learn(self, pairs):
        truth, found, _, _ = split(pairs)
        places, numbers = np.unique(truth * 6 + found, return_counts=True)

        confusion = Confusion.from_places("abcdef", places.tolist(), numbers.tolist())

        expected = confusion_matrix(truth, found, labels=range(6))
        assert confusion.matrix == expected.tolist()
        assert confusion.numbers == expected.sum(axis=1).tolist()
        assert confusion.right == expected.diagonal().tolist()
        assert (
            sum(mistake.number for mistake in confusion.mistakes)
            == expected.sum() - expected.trace()
        )

    @given(pairs=PAIRS, names=st.lists(st.text(), min_size=6, max_size=6))
    def test_it_comes_back_from_its_text(self, pairs, names):
        places, numbers = np.unique(
            [6 * truth + claim for truth, claim in pairs], return_counts=True
        )
        confusion = Confusion.from_places(names, places.tolist(), numbers.tolist())

        text = confusion.to_text()

        assert Confusion.from_text(text) == confusion
        assert text.isascii()

    def test_names_that_are_no_text_come_back_too(self):
        confusion = Confusion.from_places(["caf\udce9", "\0"], [0], [1])

        assert Confusion.from_text(confusion.to_text()) == confusion

    def test_no_example_at_all_is_a_confusion_too(self):
        confusion = Confusion.from_places(["a", "b"], [], [])

        assert Confusion.from_text(confusion.to_text()) == confusion
        assert confusion.matrix == [[0, 0], [0, 0]]

    def test_what_is_mistaken_most_often_comes_first(self):
        confusion = Confusion.from_places("abc", [0, 1, 3, 5, 8], [9, 2, 5, 2, 9])

        assert confusion.mistakes == [Taken(1, 0, 5), Taken(0, 1, 2), Taken(1, 2, 2)]

    def test_50_000_guesses_among_1000_classes_take_less_than_300_kilobytes(self):
        draw = np.random.default_rng(0)
        truth, found = draw.integers(0, 1000, (2, 50_000))
        places, numbers = np.unique(truth * 1000 + found, return_counts=True)
        names = [f"n{number:08d} {draw.bytes(8).hex()}" for number in range(1000)]

        text = Confusion.from_places(names, places.tolist(), numbers.tolist()).to_text()

        assert len(places) > 45_000
        assert len(text) < 300_000

    def test_a_sum_over_seeds_adds_cell_by_cell(self):
        seeds = [
            Confusion.from_places("ab", [0, 1, 3], [8, 2, 5]),
            Confusion.from_places("ab", [0, 2, 3], [7, 1, 4]),
        ]

        assert Confusion.total(seeds).matrix == [[15, 2], [1, 9]]

    def test_confusions_of_other_classes_have_no_sum(self):
        with pytest.raises(ValueError, match="other classes"):
            Confusion.total(
                [Confusion.from_places("ab", [0], [1]), Confusion.from_places("ba", [0], [1])]
            )


class TestOutcomes:
    def test_classification_keeps_what_its_scores_are_made_of(self):
        outcome = run_trial(tiny_trial("classification", "none"))

        confusion = Confusion.from_text(outcome.confusion)
        shares = [
            right / number
            for right, number in zip(confusion.right, confusion.numbers, strict=True)
            if number
        ]
        assert sum(confusion.numbers) == 60
        assert 100 * sum(confusion.right) / 60 == pytest.approx(outcome.metrics["top1"])
        assert 100 * np.mean(shares) == pytest.approx(outcome.metrics["balanced_accuracy"])
        assert {"val_balanced_accuracy", "val_macro_f1", "macro_f1"} <= set(outcome.metrics)
        assert Outcome.from_json(outcome.to_json()).confusion == outcome.confusion

    def test_segmentation_keeps_the_pixels_of_each_class_the_background_included(self):
        outcome = run_trial(tiny_trial("segmentation", "none"))

        confusion = Confusion.from_text(outcome.confusion)
        assert confusion.classes[0] == "background"
        assert sum(confusion.numbers) == 60 * 32 * 32
        assert 100 * sum(confusion.right) / sum(confusion.numbers) == pytest.approx(
            outcome.metrics["pixel_accuracy"]
        )

    def test_a_formula_has_none(self):
        outcome = run_trial(
            Trial(task="probe", backbone={"name": "resnet18", "width": 2}, dataset="digits")
        )

        assert (outcome.status, outcome.confusion) == ("done", "")
