"""How well networks look at what matters, as records and as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.significance import t_tests
from dasbench.render.formats import console, text_table
from dasbench.render.plain import shown
from dasbench.render.records import print_records
from dasbench.saliency.means import mean_over

PER_IMAGE = "images"
"""The field of a record that holds a record for each image."""

OVER_IMAGES = (
    "± is the 95 % half-width over images: how sure this is of these two networks, and nothing about other seeds "
    "(`dasbench compare` pairs seeds)."
)


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
    sensitivity: Sequence[Mapping[str, Any]] = field(default=())


def saliency_records(views: Sequence[Viewed]) -> list[dict[str, Any]]:
    """A record for each network and layer: its mean sfd, and how it differs from that of the first network."""
    first = {view.layer: view for view in views if view.trial == views[0].trial}
    return [_record(view, None if view.trial == views[0].trial else first.get(view.layer)) for view in views]


def image_records(views: Sequence[Viewed]) -> list[dict[str, Any]]:
    """A record for each image, network and layer: what stands in the CSV file beside the figure."""
    return [
        {
            "part": view.part,
            "image": image,
            "label": view.labels[place],
            "trial": view.trial,
            "variant": view.label,
            "seed": view.seed,
            "layer": view.layer,
            "predicted": view.predicted[place],
            "target": view.target,
            "sfd": None if view.scores is None else _known(float(view.scores[place])),
        }
        for view in views
        for place, image in enumerate(view.images)
    ]


def print_saliency(title: str, views: Sequence[Viewed], *, parameters: Mapping[str, Any], format_: str) -> None:
    """Print the mean scores, as `table` or `json`; JSON holds the score of every image too."""
    records = saliency_records(views)
    if format_ != "table":
        scored = [{**record, **parameters} for record in records]
        for record, view in zip(scored, views, strict=True):
            if view.sensitivity:
                record["sensitivity"] = list(view.sensitivity)
            record[PER_IMAGE] = [
                {name: cell for name, cell in row.items() if name in ("image", "label", "predicted", "sfd")}
                for row in image_records([view])
            ]
        print_records(scored, format_=format_)
        return
    _print_means(title, records, parameters)
    for view in views:
        if view.sensitivity:
            _print_sensitivity(view)


def _print_means(title: str, records: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> None:
    compared = any(record["difference"] is not None for record in records)
    columns = ["network", "trial", "layer", "sfd", "sd", "n", "no score", *["difference"] * compared]
    described = ", ".join(f"{name} {value}" for name, value in parameters.items())
    table = text_table(title, columns, left=3, caption=f"{described}. {OVER_IMAGES}" if compared else described)
    for record in records:
        names = [shown(record["label"]), record["trial"], shown(record["layer"])]
        counts = [str(record["n"]), str(record["undefined"])]
        numbers = [_shown(record["sfd_mean"]), _shown(record["sfd_sd"]), *counts]
        table.add_row(*names, *numbers, *[_difference(record)] * compared)
    console().print(table)


def _record(view: Viewed, base: Viewed | None) -> dict[str, Any]:
    over_images = mean_over(view.scores if view.scores is not None else np.array([]))
    record = {
        "trial": view.trial,
        "label": view.label,
        "seed": view.seed,
        "layer": view.layer,
        "part": view.part,
        "target": view.target,
        "sfd_mean": _known(over_images.mean),
        "sfd_sd": _known(over_images.sd),
        "n": over_images.n,
        "undefined": over_images.undefined,
        "against": base.trial if base else None,
        "difference": None,
        "difference_ci95": None,
        "pairs": 0,
    }
    if base is not None and base.scores is not None and view.scores is not None:
        found = t_tests((view.scores - base.scores)[None, :])
        difference, half_width = float(found.mean[0]), float(found.half_width[0])
        record |= {"difference": _known(difference), "difference_ci95": _known(half_width), "pairs": int(found.n[0])}
    return record


def _print_sensitivity(view: Viewed) -> None:
    """One line for each reading of the antilog and base, one column for each threshold."""
    thresholds = list(dict.fromkeys(record["threshold"] for record in view.sensitivity))
    title = f"Mean sfd of {view.label} at {view.layer} by what the paper leaves open"
    table = text_table(title, ("antilog", "base", *(f"threshold {value:g}" for value in thresholds)), left=2)
    rows: dict[tuple[str, float], list[str]] = {}
    for record in view.sensitivity:
        rows.setdefault((record["antilog"], record["base"]), []).append(_shown(record["sfd_mean"]))
    for (antilog, base), cells in rows.items():
        table.add_row("none" if base == 1 else antilog, f"{base:g}", *cells)
    console().print(table)


def _difference(record: Mapping[str, Any]) -> str:
    if record["difference"] is None:
        return ""
    half_width = record["difference_ci95"]
    return f"{record['difference']:+.3f}" + (f" ± {half_width:.3f}" if half_width is not None else "")


def _shown(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.3f}"


def _known(value: float) -> float | None:
    return None if isnan(value) else value
