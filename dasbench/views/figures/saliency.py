"""Where networks look: the heat maps of a few images, as in Figure 4 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dasbench.saliency.means import mean_over
from dasbench.views.saliency import Viewed

HeatMaps = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeatMapColumn:
    """The heat maps of one network at one layer.

    Args:
        network: what it is called.
        layer: the layer's name.
        maps: from 0 to 1, as large as the images, [B, H, W].
        scores: sfd of each image, [B]; empty where there is none.
        mean: of the scores over all images, shown or not; NaN where there is none.
        n: how many images that is.
    """

    network: str
    layer: str
    maps: HeatMaps
    scores: Sequence[float] = ()
    mean: float = float("nan")
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class SaliencyInfo:
    """All that the figure shows.

    Args:
        images: uint8, [B, H, W, 3].
        names: the right class of each image.
        columns: heat maps, from left to right.
        regions: where the objects are, bool, [B, H, W]; None where nobody knows.
    """

    images: NDArray[np.uint8]
    names: Sequence[str]
    columns: Sequence[HeatMapColumn]
    regions: NDArray[np.bool_] | None = None


def info(views: Sequence[Viewed], *, images: NDArray[np.uint8]) -> SaliencyInfo:
    """The heat maps of the first images, which are shown, each as a share of its own maximum.

    Args:
        views: what was found of each network at each layer, in more images.
        images: those that are shown, uint8, [B, H, W, 3].
    """
    shown = len(images)
    regions = views[0].regions
    if regions is not None:
        regions = regions[:shown]
    return SaliencyInfo(
        images=images,
        names=views[0].labels[:shown],
        columns=[_column(view, shown) for view in views],
        regions=regions,
    )


def _column(view: Viewed, shown: int) -> HeatMapColumn:
    """What was found of one network at one layer, in the images that are shown."""
    maps = _shares_of_peak(view.maps[:shown].astype(np.float64))
    if view.scores is None:
        return HeatMapColumn(network=view.label, layer=view.layer, maps=maps)
    over_images = mean_over(view.scores)
    return HeatMapColumn(
        network=view.label,
        layer=view.layer,
        maps=maps,
        scores=view.scores[:shown].tolist(),
        mean=over_images.mean,
        n=over_images.n,
    )


def _shares_of_peak(maps: HeatMaps) -> HeatMaps:
    """Each map divided by its maximum; one that is zero everywhere stays so."""
    peak = maps.max(axis=(1, 2), keepdims=True)
    shares: HeatMaps = np.divide(maps, peak, out=np.zeros_like(maps), where=peak > 0)
    return shares
