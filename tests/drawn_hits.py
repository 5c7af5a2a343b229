"""Which images two variants have right, drawn as networks behave: some images are hard for all."""

from dataclasses import dataclass
from functools import cache
from math import hypot

import numpy as np
from scipy.special import expit

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
"""Of the integral over a normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """Two variants on all images of a kind; log-odds of a hit are a sum of normal effects.

    Args:
        top1: of the second variant on all images, over all seeds, in percent.
        gap: how much more the first one has there.
        hard: spread of how hard the images are, for both variants alike.
        taste: spread of what single images are to one variant alone, whatever the seed.
        luck: spread of what a seed is to one variant on all images.
        shared: spread of what a seed does on single images, to both variants alike.
    """

    top1: float
    gap: float = 0.0
    hard: float
    taste: float
    luck: float
    shared: float

    def draw(self, random, seeds, images):
        """Which of some images both variants have right: two arrays of shape [seeds, images]."""
        both = random.normal(0, self.hard, images) + random.normal(0, self.shared, (seeds, images))
        hits = []
        for top1 in (self.top1 + self.gap, self.top1):
            odds = both + mean_odds(top1, self._spread) + random.normal(0, self.taste, images)
            odds += random.normal(0, self.luck, (seeds, 1))
            hits.append(random.random((seeds, images)) < expit(odds))
        return hits

    @property
    def _spread(self):
        return hypot(self.hard, self.taste, self.luck, self.shared)


@cache
def mean_odds(top1, spread):
    """The mean of normal log-odds that gives this top-1 over all images and seeds."""
    means = np.linspace(-20, 60, 20_001)
    scores = 100 * expit(means[:, None] + spread * POINTS) @ WEIGHTS / WEIGHTS.sum()
    return np.interp(top1, scores, means)


DIGITS = Population(top1=97.8, hard=3.0, taste=0.0, luck=0.2, shared=2.0)
"""As the variants of the study of norms on digits are: which images are missed is the seeds' luck."""

TASTES = Population(top1=97.8, hard=3.0, taste=1.5, luck=0.1, shared=1.0)
"""Equally good variants, each of which has images of its own that it misses with every seed."""

HARDER = Population(top1=80.0, hard=2.0, taste=1.0, luck=0.05, shared=1.0)
"""The same on a harder kind of images."""

BETTER = Population(top1=80.0, gap=3.0, hard=2.0, taste=0.7, luck=0.03, shared=1.0)
"""One of the variants is better by three points."""

CEILING = Population(top1=97.8, gap=1.5, hard=3.0, taste=1.5, luck=0.1, shared=1.0)
"""One of the variants is so good that hardly an image is missed."""
