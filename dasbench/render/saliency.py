"""How well networks look at what matters, as tables and as records."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

from dasbench.render.tables.table import Column, Table
from dasbench.views.saliency import Reading, SaliencyScore, Viewed

PER_IMAGE = "images"
"""The field of a record that holds a record for each image."""

OF_IMAGE = ("image", "label", "predicted", "sfd")
"""What each of those says."""

OVER_IMAGES = (
    "± is the 95 % half-width over images: how sure this is of these two networks, and nothing about other seeds "
    "(`dasbench compare` pairs seeds)."
)

COLUMNS = (
    Column(key="network", title="network", is_text=True),
    Column(key="trial", title="trial", is_text=True, priority=2),
    Column(key="layer", title="layer", is_text=True),
    Column(key="sfd", title="sfd"),
    Column(key="sd", title="sd", priority=3),
    Column(key="n", title="n", priority=1),
    Column(key="undefined", title="no score", priority=3),
)
DIFFERENCE = Column(key="difference", title="difference")


def saliency_title(target: str, data: str) -> str:
    """What is asked of the networks.

    Example:
        >>> saliency_title("label", "salient_shapes")
        'Where do the networks look? Grad-CAM of the right class, salient_shapes'
    """
    whose = "the predicted class" if target == "predicted" else "the right class"
    return f"Where do the networks look? Grad-CAM of {whose}, {data}"


def saliency_tables(
    title: str, scores: Sequence[SaliencyScore], *, parameters: Mapping[str, Any]
) -> list[Table]:
    """The mean scores, then a table for each network and layer whose sensitivity was asked for.

    Args:
        title: what is asked.
        scores: from `saliency_scores`.
        parameters: of the score, by name.
    """
    viewed = [score.viewed for score in scores]
    sensitivities = [_sensitivity_table(view) for view in viewed if view.sensitivity]
    return [_score_table(title, scores, parameters), *sensitivities]


def saliency_records(
    scores: Sequence[SaliencyScore], *, parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A record for each network and layer, with the score of every image inside."""
    records = []
    for score in scores:
        record = {**_score_record(score), **parameters}
        if score.viewed.sensitivity:
            record["sensitivity"] = [asdict(reading) for reading in score.viewed.sensitivity]
        images = image_records([score.viewed])
        record[PER_IMAGE] = [{name: image[name] for name in OF_IMAGE} for image in images]
        records.append(record)
    return records


def image_records(views: Sequence[Viewed]) -> list[dict[str, Any]]:
    """A record for each image, network and layer: what stands in the CSV file beside the figure."""
    records: list[dict[str, Any]] = []
    for view in views:
        records += [_image_record(view, place) for place in range(len(view.images))]
    return records


def _image_record(view: Viewed, place: int) -> dict[str, Any]:
    return {
        "part": view.part,
        "image": view.images[place],
        "label": view.labels[place],
        "trial": view.trial,
        "variant": view.label,
        "seed": view.seed,
        "layer": view.layer,
        "predicted": view.predicted[place],
        "target": view.target,
        "sfd": None if view.scores is None else _known(float(view.scores[place])),
    }


def _score_record(score: SaliencyScore) -> dict[str, Any]:
    view, against = score.viewed, score.against
    return {
        "trial": view.trial,
        "label": view.label,
        "seed": view.seed,
        "layer": view.layer,
        "part": view.part,
        "target": view.target,
        "sfd_mean": _known(score.mean),
        "sfd_sd": _known(score.sd),
        "n": score.n,
        "undefined": score.undefined,
        "against": against.trial if against else None,
        "difference": _known(against.difference) if against else None,
        "difference_ci95": _known(against.half_width) if against else None,
        "pairs": against.pairs if against else 0,
    }


def _score_table(
    title: str, scores: Sequence[SaliencyScore], parameters: Mapping[str, Any]
) -> Table:
    compared = any(score.against and score.against.pairs for score in scores)
    rows = []
    for score in scores:
        names = (score.viewed.label, score.viewed.trial, score.viewed.layer)
        numbers = (_number(score.mean), _number(score.sd), str(score.n), str(score.undefined))
        rows.append((*names, *numbers, *([_difference(score)] if compared else [])))
    described = ", ".join(f"{name} {value}" for name, value in parameters.items())
    return Table(
        title=title,
        columns=(*COLUMNS, DIFFERENCE) if compared else COLUMNS,
        rows=rows,
        notes=[f"{described}.", OVER_IMAGES] if compared else [f"{described}."],
    )


def _sensitivity_table(view: Viewed) -> Table:
    """One line for each reading of the antilog and base, one column for each threshold."""
    thresholds = list(dict.fromkeys(reading.threshold for reading in view.sensitivity))
    lines: dict[tuple[str, float], list[Reading]] = {}
    for reading in view.sensitivity:
        lines.setdefault((reading.antilog, reading.base), []).append(reading)
    rows = []
    for (antilog, base), readings in lines.items():
        cells = [_number(reading.sfd_mean) for reading in readings]
        rows.append(("none" if base == 1 else antilog, f"{base:g}", *cells))
    return Table(
        title=f"Mean sfd of {view.label} at {view.layer} by what the paper leaves open",
        columns=(
            Column(key="antilog", title="antilog", is_text=True),
            Column(key="base", title="base"),
            *(
                Column(key=f"threshold_{value:g}", title=f"threshold {value:g}")
                for value in thresholds
            ),
        ),
        rows=rows,
    )


def _difference(score: SaliencyScore) -> str:
    against = score.against
    if against is None or isnan(against.difference):
        return ""
    half_width = "" if isnan(against.half_width) else f" ± {against.half_width:.3f}"
    return f"{against.difference:+.3f}{half_width}"


def _number(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _known(value: float) -> float | None:
    return None if isnan(value) else value
