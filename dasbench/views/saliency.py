"""How well networks look at what matters: what was seen of each image, and scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.significance import t_tests
from dasbench.saliency.means import mean_over


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The mean score by one reading of what the paper leaves open.

    Args:
        antilog: `shifted` or `plain`.
        base: of the antilog; 1 stands for weights as they are.
        threshold: share of a map's maximum from which a weight counts as salient.
        sfd_mean: mean over images; NaN if no image has a score.
        sfd_sd: standard deviation over images; NaN below two.
        n: images with a score.
    """

    antilog: Literal["shifted", "plain"]
    base: float
    threshold: float
    sfd_mean: float
    sfd_sd: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Viewed:
    """What was found of one network at one layer.

    Args:
        trial: the trial's key.
        label: the variant in a few words.
        seed: the trial's seed.
        layer: the layer's name.
        part: the part of the data set.
        images: number of each image in its part.
        labels: the right class of each, in words.
        predicted: what the network takes it for.
        target: whose evidence was looked for, `predicted` or `label`.
        maps: the raw Grad-CAM maps, as large as the images, [B, H, W].
        regions: where the objects are, bool, [B, H, W]; None where nobody knows.
        scores: sfd of each image, NaN for a map that is zero everywhere; None without regions.
        sensitivity: how far the mean moves with base and threshold, if that was asked for.
    """

    trial: str
    label: str
    seed: int
    layer: str
    part: str
    images: Sequence[int]
    labels: Sequence[str]
    predicted: Sequence[str]
    target: str
    maps: NDArray[np.float32]
    regions: NDArray[np.bool_] | None
    scores: NDArray[np.float64] | None
    sensitivity: Sequence[Reading] = ()


@dataclass(frozen=True, kw_only=True)
class Against:
    """How the scores of a network differ from those of the first one on the same images.

    Args:
        trial: key of the first network's trial.
        difference: mean over images that have both scores; NaN if none has.
        half_width: half of its 95 % interval over images; NaN below two.
        pairs: images that have both scores.
    """

    trial: str
    difference: float = float("nan")
    half_width: float = float("nan")
    pairs: int = 0


@dataclass(frozen=True, kw_only=True)
class SaliencyScore:
    """The score of one network at one layer.

    Args:
        viewed: what was found of it.
        mean: mean sfd over images; NaN if no image has a score.
        sd: standard deviation over images; NaN below two.
        n: images with a score.
        undefined: images without, as the network's map is zero everywhere.
        against: the comparison with the first network; None of that one.
    """

    viewed: Viewed
    mean: float
    sd: float
    n: int
    undefined: int
    against: Against | None


def saliency_scores(views: Sequence[Viewed]) -> list[SaliencyScore]:
    """The mean sfd of each network and layer, and how it differs from that of the first network."""
    first = {view.layer: view for view in views if view.trial == views[0].trial}
    return [_score(view, first.get(view.layer)) for view in views]


def _score(view: Viewed, base: Viewed | None) -> SaliencyScore:
    scores = view.scores
    if scores is None:
        scores = np.array([])
    over_images = mean_over(scores)
    return SaliencyScore(
        viewed=view,
        mean=over_images.mean,
        sd=over_images.sd,
        n=over_images.n,
        undefined=over_images.undefined,
        against=_against(view, base),
    )


def _against(view: Viewed, base: Viewed | None) -> Against | None:
    """How the scores of a network differ from those of the first; None of that one."""
    if base is None or base.trial == view.trial:
        return None
    if base.scores is None or view.scores is None:
        return Against(trial=base.trial)
    found = t_tests((view.scores - base.scores)[None, :])
    return Against(
        trial=base.trial,
        difference=float(found.mean[0]),
        half_width=float(found.half_width[0]),
        pairs=int(found.n[0]),
    )
