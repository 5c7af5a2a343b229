"""What stands out of an analysis of variance when variants are not equally noisy."""

import numpy as np
import pytest

from dasbench.analysis.anova import anova


def study(sd, random, effect=0.0):
    """Levels, scores and seeds of four by four variants at three seeds; one level of x differs."""
    x, y, seed = (part.ravel() for part in np.meshgrid(range(4), range(4), range(3), indexing="ij"))
    noise = np.asarray(sd).reshape(4, 4)[x, y] * random.normal(size=48)
    levels = {"x": list(map(str, x)), "y": list(map(str, y))}
    return levels, noise + random.normal(size=3)[seed] + effect * (x == 0), seed.tolist()


def resolved(sd, *, draws, effect=0.0):
    """How often anything is resolved, and how often x is."""
    random, found = np.random.default_rng(0), []
    for _ in range(draws):
        effects = anova(*study(sd, random, effect))
        found.append((any(one.resolved for one in effects), effects[0].resolved))
    return np.mean(found, axis=0)


ONE_WILD = [4.0, *[1.0] * 15]


@pytest.mark.slow
@pytest.mark.parametrize("sd", [[1.0] * 16, ONE_WILD, [1.0, 4.0] * 8])
def test_noise_that_differs_from_variant_to_variant_makes_no_axis_important(sd):
    any_resolved, _ = resolved(sd, draws=2000)

    assert any_resolved <= 0.07 + 2 * (0.07 * 0.93 / 2000) ** 0.5


def test_one_wild_variant_makes_hardly_anything_important():
    any_resolved, _ = resolved(ONE_WILD, draws=300)

    assert any_resolved < 0.11  # equal noise taken for granted: .14


def test_an_axis_that_matters_is_resolved():
    _, x_resolved = resolved([1.0] * 16, draws=60, effect=1.5)

    assert x_resolved > 0.6


def test_the_ratio_of_a_whole_table_is_the_textbooks():
    levels, scores, seeds = study([1.0] * 16, np.random.default_rng(1), 1.0)

    effects = {effect.name: effect for effect in anova(levels, scores, seeds)}

    rest = effects["residual"]
    for name in ("x", "y", "x x y"):
        one = effects[name]
        textbook = (one.sum_squares / one.df) / (rest.sum_squares / rest.df)
        assert one.f == pytest.approx(textbook)
