"""Would a difference be there on new images? Both seeds and images are drawn from many."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from drawn_hits import BETTER, CEILING, DIGITS, HARDER, TASTES
from scipy.stats import ttest_1samp

from dasbench.analysis.images import adjust_family, compare_on_new_images
from dasbench.analysis.stats import paired

DOCS = Path(__file__).parents[3] / "docs" / "comparisons.md"
SAMPLES = list(product((3, 5, 10), (269, 2000)))
"""Numbers of seeds and of images."""


def on_this_test_set(a, b, **options):
    """What the paired t test says of the same hits."""
    scores = [dict(enumerate(100 * hits.mean(axis=1))) for hits in (a, b)]
    return paired(*scores, **options)


def on_new_images(a, b, **options):
    """What is said of new images beside that."""
    return compare_on_new_images(a, b, on_this_test_set(a, b, **options))


def test_the_variance_is_that_of_the_three_mean_squares():
    # d = 0 0 0 -1 and 1 1 0 0 with the mean 1/8. In eighths, seeds are off by -3 and 3, images by
    # 3 3 -1 -5, and what is left is -1 -1 3 -1 and 1 1 -3 1.
    a = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], dtype=np.uint8)
    b = np.array([[1, 1, 1, 1], [0, 0, 1, 1]], dtype=np.uint8)

    found = on_new_images(a, b)

    seeds, images, rest = 4 * 18 / 64, 2 * 44 / 64 / 3, 24 / 64 / 3
    added = images - rest
    assert found.difference == pytest.approx(100 / 8)
    assert found.seed_variance == pytest.approx(1e4 * seeds / 8)
    assert found.image_variance == pytest.approx(1e4 * added / 8)
    assert found.image_share == pytest.approx(added / (seeds + added))
    df = (seeds + added) ** 2 / (seeds**2 + images**2 / 3 + rest**2 / 3)
    assert found.df == pytest.approx(df)
    assert 1 < df < 2
    assert found.least_half_width == pytest.approx(3.182446 * np.sqrt(1e4 * added / 8))


def test_seeds_that_agree_on_every_image_leave_the_t_test_over_images():
    random = np.random.default_rng(0)
    a, b = (np.tile(random.random(40) < 0.7, (8, 1)) for _ in "ab")

    found = on_new_images(a, b)

    over_images = ttest_1samp(100.0 * a[0] - 100.0 * b[0], 0)
    interval = over_images.confidence_interval(0.95)
    assert (found.seed_variance, found.image_share, found.df) == (0, 1, pytest.approx(39))
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)
    assert found.half_width == pytest.approx(found.least_half_width)
    assert found.p == pytest.approx(over_images.pvalue)


def test_images_on_which_nothing_but_luck_differs_add_nothing():
    hits = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], dtype=np.uint8)
    b = np.array([[0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], dtype=np.uint8)

    found, here = on_new_images(hits, b), on_this_test_set(hits, b)

    assert (found.image_variance, found.df) == (0, 2)
    assert found.half_width == pytest.approx(here.half_width)
    assert found.p == pytest.approx(here.p)


@pytest.mark.parametrize("population", [DIGITS, TASTES, BETTER])
def test_new_images_show_nothing_that_this_test_set_does_not(population):
    random = np.random.default_rng(0)
    differ = 0
    for _ in range(100):
        a, b = population.draw(random, 3, 100)
        found, here = on_new_images(a, b), on_this_test_set(a, b)
        if here.p is None:
            assert (found.p, found.half_width, found.resolved) == (None, None, False)
            continue
        assert found.p >= here.p - 1e-12
        assert found.half_width >= here.half_width - 1e-12
        differ += found.p > here.p + 1e-6

    assert differ > 5


def test_both_sides_may_be_exchanged():
    a, b = BETTER.draw(np.random.default_rng(0), 5, 100)

    one, other = on_new_images(a, b), on_new_images(b, a)

    assert one.difference == -other.difference
    assert (one.p, one.half_width, one.df) == (other.p, other.half_width, other.df)


@pytest.mark.parametrize("shape", [(0, 9), (1, 9), (3, 1)])
def test_one_seed_or_one_image_says_nothing_of_others(shape):
    hits = np.ones(shape, dtype=np.uint8)

    found = on_new_images(hits, 1 - hits)

    assert (found.half_width, found.p, found.df, found.seed_variance) == (None,) * 4
    assert (found.resolved, found.equivalent) == (False, False)
    assert found.difference == (None if shape[0] == 0 else 100)


def test_hits_of_other_images_are_refused():
    hits = np.ones((3, 9), dtype=bool)
    here = on_this_test_set(hits, hits)

    with pytest.raises(ValueError, match=r"same seeds and images .* \(3, 9\) and \(3, 8\)"):
        compare_on_new_images(hits, hits[:, :8], here)
    with pytest.raises(ValueError, match="for 3 seeds"):
        compare_on_new_images(hits[:2], hits[:2], here)


def test_an_interval_inside_of_what_matters_is_equivalent():
    a, b = TASTES.draw(np.random.default_rng(0), 10, 2000)
    half_width = on_new_images(a, b).half_width

    def is_equivalent(min_effect):
        return on_new_images(a, b, min_effect=min_effect).equivalent

    assert half_width < 0.5
    assert (is_equivalent(1.0), is_equivalent(half_width)) == (True, False)


def test_a_family_is_judged_by_its_adjusted_p_values():
    random = np.random.default_rng(0)
    pairs = [on_new_images(*BETTER.draw(random, 5, 500)) for _ in range(9)]
    one_seed = on_new_images(*BETTER.draw(random, 1, 500))

    family = adjust_family([*pairs, one_seed])

    p = np.array([pair.p for pair in pairs])
    assert min(filter(None, (pair.p_holm for pair in family))) == pytest.approx(9 * p.min())
    assert [one.resolved for one in family] == [
        one.p_holm is not None and one.p_holm <= 0.05 for one in family
    ]
    assert sum(one.resolved for one in family) < sum(pair.resolved for pair in pairs)
    assert family[-1].p_holm is None


def rates(population, seeds, images, draws):
    """How often a difference is found on the test set, on new images, and how often it is covered.

    Without a difference on all images, the first two are errors of who speaks of all images.
    """
    random = np.random.default_rng(seeds * images)
    on_these = on_new = covered = 0
    for _ in range(draws):
        a, b = population.draw(random, seeds, images)
        found = on_new_images(a, b)
        on_these += on_this_test_set(a, b).resolved
        on_new += found.resolved
        unknown = found.half_width is None
        covered += unknown or abs(found.difference - population.gap) <= found.half_width
    return on_these / draws, on_new / draws, covered / draws


def test_differences_on_these_images_alone_are_no_differences_on_new_ones():
    on_these, on_new, covered = rates(TASTES, 10, 269, draws=300)

    assert on_these > 0.15
    assert on_new < 0.09
    assert covered > 0.91


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "images"), SAMPLES)
@pytest.mark.parametrize("population", [DIGITS, TASTES, HARDER, BETTER])
def test_the_interval_covers_the_difference_on_all_images(population, seeds, images):
    _, on_new, covered = rates(population, seeds, images, draws=4000)

    assert 0.94 < covered < 0.975
    if population.gap == 0:
        assert 0.025 < on_new < 0.06


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "images"), SAMPLES)
def test_the_page_shows_the_rates_that_were_drawn(seeds, images):
    on_these, on_new, covered = rates(TASTES, seeds, images, draws=4000)

    row = f"| {seeds} | {images:,} | {on_these:.3f} | {on_new:.3f} | {covered:.3f} |"
    assert row in DOCS.read_text()


@pytest.mark.slow
def test_the_page_says_where_the_interval_is_too_short():
    _, _, covered = rates(CEILING, 10, 100, draws=4000)

    text = " ".join(DOCS.read_text().split())
    assert f"on 100 images it covers {covered:.3f} with 10 seeds" in text
