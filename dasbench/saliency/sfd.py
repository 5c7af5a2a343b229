"""How well a network looks at what matters: Grad-CAM maps and sfd scores of some images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dasbench.datasets.dataset import IMAGENET_MEAN, IMAGENET_STD, Dataset, Split
from dasbench.datasets.loading import in_order
from dasbench.errors import ModelError, UsageError, unknown_name
from dasbench.metrics.sfd import Antilog, check_sfd, sfd
from dasbench.saliency.gradcam import Target, enlarge, find_layer, grad_cam
from dasbench.saliency.means import mean_over
from dasbench.saliency.regions import FindRegions, own_regions
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.plain import Record

ScoreSaliency = Callable[[Literal["val", "test"]], dict[str, float]]
"""Scores a network on a part of its data set: `sfd` and `sfd_n`."""

BATCH = 32
"""Images that go through the network at a time; the maps do not depend on it."""

BASES = (1.0, 2.0, 10.0, 100.0)
THRESHOLDS = (0.05, 0.15, 0.3, 0.5)
"""Where a sensitivity table looks, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What the paper leaves open of its score; see `metrics.sfd.sfd`.

    Args:
        base: of the antilog; 1 leaves weights as they are.
        threshold: share of a map's maximum from which a weight counts as salient.
        antilog: `shifted` or `plain`.
        target: the class whose evidence is looked for: `predicted` or `label`.

    Raises:
        UsageError: if a parameter is out of its range.
    """

    base: float = 10.0
    threshold: float = 0.15
    antilog: Antilog = "shifted"
    target: Target = "predicted"

    def __post_init__(self) -> None:
        check_sfd(base=self.base, threshold=self.threshold, antilog=self.antilog)
        if self.target not in get_args(Target):
            raise UsageError(unknown_name("target", self.target, get_args(Target)))

    def score(self, maps: Tensor, regions: Tensor) -> Tensor:
        """One score for each map, [B]; NaN for a map that is zero everywhere."""
        scores: Tensor = sfd(
            maps, regions, base=self.base, threshold=self.threshold, antilog=self.antilog
        )
        return scores


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a network sees in some images at one layer.

    Args:
        indices: of the images in their part, [B].
        maps: raw Grad-CAM maps, as large as the images: float32, [B, H, W].
        classes: the class that each map speaks for, [B].
        predicted: the class that the network predicts, [B].
        labels: the right class, [B].
        scores: sfd, [B], NaN for a map that is zero everywhere; None without regions.
    """

    indices: NDArray[np.int64]
    maps: Tensor
    classes: Tensor
    predicted: Tensor
    labels: Tensor
    scores: NDArray[np.float64] | None


def choose_images(length: int, number: int) -> NDArray[np.int64]:
    """A random sample of a part's images, in their order; all if there are fewer.

    It is the same for all networks and seeds.

    Example:
        >>> len(choose_images(600, 100)), choose_images(3, 100).tolist()
        (100, [0, 1, 2])
    """
    return np.sort(permutation(derive_seed("saliency"), length)[:number])


def look(
    network: nn.Module,
    split: Split,
    indices: NDArray[np.int64],
    *,
    layer: str,
    regions: Tensor | None,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    scoring: Scoring = Scoring(),
) -> Seen:
    """See what a network sees in some images.

    Args:
        network: images -> logits; looked at in eval mode, in fp32, and left as it was.
        split: the part of a data set that the images belong to.
        indices: which images, [B].
        layer: path of the module whose output is looked at (see `gradcam.find_layer`).
        regions: where their objects are, bool, [B, H, W]; None gives maps without scores.
        mean: of each channel, in [0, 1], that the network's images are normalised with.
        std: of each channel, likewise.
        scoring: the parameters of the score.

    Raises:
        ModelError: if the layer cannot be looked at.
        DataError: if an image cannot be read, or a region is empty.
        UsageError: if there is no image, or the regions are of another size.
    """
    if not len(indices):
        raise UsageError("no images to look at; ask for 1 or more")
    device = next(network.parameters()).device
    labels = split.labels.cpu()
    maps, classes, predicted = [], [], []
    for images, chosen in _normalised_batches(split, indices, mean=mean, std=std):
        wanted = None
        if scoring.target == "label":
            wanted = labels[torch.from_numpy(chosen)]
        heat = grad_cam(network, images.to(device), layer=layer, classes=wanted)
        maps.append(enlarge(heat.maps, images.shape[2:]).cpu())
        classes.append(heat.classes.cpu())
        predicted.append(heat.predicted.cpu())
    all_maps = torch.cat(maps)
    scores = None
    if regions is not None:
        scores = scoring.score(all_maps, regions).numpy()
    return Seen(
        indices=indices,
        maps=all_maps,
        classes=torch.cat(classes),
        predicted=torch.cat(predicted),
        labels=labels[torch.from_numpy(indices)],
        scores=scores,
    )


def score_saliency(
    network: nn.Module,
    split: Split,
    find_regions: FindRegions,
    *,
    layer: str,
    num_images: int = 100,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    scoring: Scoring = Scoring(),
) -> dict[str, float]:
    """The sfd of a network as a trial's metrics.

    They are `sfd`, and `sfd_n`, the number of images that it is the mean of. The images are a
    random sample, as in the paper, but always the same one. Arguments as for `look`; 100 images in
    the paper. `sfd_n` falls short of `num_images` where maps are zero everywhere; without any
    score, `sfd` is NaN.
    """
    indices = choose_images(len(split), num_images)
    seen = look(
        network,
        split,
        indices,
        layer=layer,
        regions=find_regions(indices),
        mean=mean,
        std=std,
        scoring=scoring,
    )
    assert seen.scores is not None
    found = mean_over(seen.scores)
    return {"sfd": found.mean, "sfd_n": float(found.n)}


def part_scorer(
    network: nn.Module, data: Dataset, *, layer: str, num_images: int = 100
) -> ScoreSaliency:
    """What scores a network on a part of its data set by the data set's masks (`score_saliency`).

    Args:
        network: of a trial.
        data: the trial's data set.
        layer: a stage (`stage4`), or a module's path.
        num_images: how many images are scored; 100 in the paper.

    Raises:
        ModelError: if there is no such layer, or the data set does not say where its objects are.
    """
    path = find_layer(network, layer)
    regions = {"val": own_regions(data.val), "test": own_regions(data.test)}

    def score(part: Literal["val", "test"]) -> dict[str, float]:
        find_regions = regions[part]
        assert find_regions is not None
        return score_saliency(
            network,
            getattr(data, part),
            find_regions,
            layer=path,
            num_images=num_images,
            mean=data.mean,
            std=data.std,
        )

    if None in regions.values():
        raise ModelError(
            f"task.saliency: the data set {data.name} does not say where its objects are; "
            "salient_shapes does"
        )
    return score


def sensitivity(
    maps: Tensor,
    regions: Tensor,
    *,
    bases: Sequence[float] = BASES,
    thresholds: Sequence[float] = THRESHOLDS,
) -> list[Record]:
    """How far the mean score moves with what the paper leaves open.

    Args:
        maps: raw Grad-CAM maps, [B, H, W].
        regions: of the same images, bool, [B, H, W].
        bases: of the antilog; where base 1 is among them, it stands for weights as they are.
        thresholds: shares of a map's maximum from which a weight counts as salient.

    Returns:
        A record for each combination: `antilog`, `base`, `threshold`, `sfd_mean`, `sfd_sd`, `n`.

    Example:
        >>> maps = torch.tensor([[[1.0, 0.5, 0.0]]])
        >>> regions = torch.tensor([[[True, False, False]]])
        >>> records = sensitivity(maps, regions, bases=(1, 10), thresholds=(0.5,))
        >>> [round(record["sfd_mean"], 2) for record in records]
        [0.67, 0.81, 0.76]
    """
    readings: list[tuple[Antilog, float]] = [("shifted", base) for base in bases]
    readings += [("plain", base) for base in bases if base > 1]  # 1^w would call every map even
    records = []
    for antilog, base in readings:
        for threshold in thresholds:
            scores = sfd(maps, regions, base=base, threshold=threshold, antilog=antilog)
            found = mean_over(scores.numpy())
            record = {"antilog": antilog, "base": base, "threshold": threshold}
            records.append({**record, "sfd_mean": found.mean, "sfd_sd": found.sd, "n": found.n})
    return records


def _normalised_batches(
    split: Split, indices: NDArray[np.int64], *, mean: Sequence[float], std: Sequence[float]
) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    """Images as the network takes them, a batch at a time, with their indices."""
    centre, spread = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
    for places in in_order(len(indices), BATCH):
        chosen = indices[places]
        yield (split.batch(chosen).cpu().float() / 255 - centre) / spread, chosen
