"""The words for test images: whose the verdict is, and what is known of new ones."""

from dataclasses import replace

import numpy as np
import pytest

from dasbench.analysis.images import compare_on_new_images
from dasbench.analysis.stats import paired
from dasbench.render.new_images import claim_note, new_images_note, new_images_word
from dasbench.views.comparisons.comparison import compare
from dasbench.views.comparisons.question import Question
from dasbench.views.variants import VariantScores


def answer(hits=None, *, metric="top1", confirmed=None, **fields):
    """A comparison of two variants that differ by nothing in particular, with hits on new images."""
    entries: list[VariantScores] = []
    for label in "ab":
        entry = VariantScores(
            variant={"gate": label}, label=label, planned=2, failed=0,
            scores={metric: {0: 80.0, 1: 81.0 + len(entries)}}, cost=None, seconds=0.0,
            peak_memory=0, confirmed=confirmed,
        )  # fmt: skip
        entries.append(entry)
    asked = {"entries": entries, "metric": metric, "unit": "pp", "direction": "max", **fields}
    found = compare(Question(**asked), "a", "b")
    if hits is None:
        return found
    here = paired(*(dict(enumerate(100 * rows.mean(axis=1))) for rows in hits))
    return replace(found, images=compare_on_new_images(hits[0], hits[1], here))


@pytest.mark.parametrize(
    ("number", "worth"), [(269, "0.37 pp"), (8580, "0.012 pp"), (50_000, "0.0020 pp")]
)
def test_an_image_is_worth_its_share_of_the_test_set(number, worth):
    (note,) = claim_note(answer(num_test_examples=number))

    assert note == (
        f"On this test set: one of its {number:,} images is {worth}; `new_images` asks about others."
    )


def test_only_what_counts_images_says_what_one_is_worth():
    assert list(claim_note(answer())) == []
    assert list(claim_note(answer(metric="loss", num_test_examples=269))) == []
    (note,) = claim_note(answer(metric="top5", num_test_examples=269))
    assert note == "On this test set: one of its 269 images is 0.37 pp."


def test_nothing_is_said_of_new_images_unless_asked():
    assert list(new_images_note(answer(num_test_examples=269))) == []


def test_seeds_without_spread_say_so():
    hits = np.ones((3, 9), dtype=np.uint8), np.zeros((3, 9), dtype=np.uint8)

    (note,) = new_images_note(answer(hits))

    assert note == (
        "On new images of the same kind: not resolved; no spread seen between 3 paired seeds."
    )


def test_what_a_search_chose_by_is_exploratory_on_new_images_too():
    random = np.random.default_rng(0)
    found = answer([random.random((3, 99)) < share for share in (0.9, 0.2)], confirmed=False)

    (note,) = new_images_note(found, "a search chose by these scores")

    assert note.startswith(
        "On new images of the same kind: resolved (exploratory: a search chose by these scores); a is"
    )
    assert new_images_word(found) == "resolved (exploratory)"


def test_where_images_add_nothing_more_seeds_help():
    hits = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], dtype=np.uint8)
    b = np.array([[0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], dtype=np.uint8)

    (note,) = new_images_note(answer([hits, b]))

    assert note.endswith("3 paired seeds x 4 images; all of the variance is between seeds.")
