"""How well networks look at what matters, as tables and as records."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan

from dasbench.render.tables.table import Column, Field, Table, table_of
from dasbench.render.text.numbers import number_text
from dasbench.spec.plain import Params, Record
from dasbench.views.saliency import SaliencyScore, Viewed

PER_IMAGE = "images"
"""The field of a record that holds a record for each image."""

OF_IMAGE = ("image", "label", "predicted", "sfd")
"""What each of those says."""

OVER_IMAGES = (
    "± is the 95 % half-width over images: how sure this is of these two networks, "
    "and nothing about other seeds (`dasbench compare` pairs seeds)."
)

NO_BASELINE = {"against": None, "difference": None, "difference_ci95": None, "pairs": 0}
"""What a record says of a network that was compared with none."""


def saliency_title(target: str, data: str) -> str:
    """What is asked of the networks.

    Example:
        >>> saliency_title("label", "salient_shapes")
        'Where do the networks look? Grad-CAM of the right class, salient_shapes'
    """
    whose = "the right class"
    if target == "predicted":
        whose = "the predicted class"
    return f"Where do the networks look? Grad-CAM of {whose}, {data}"


def saliency_tables(
    title: str, scores: Sequence[SaliencyScore], *, parameters: Params
) -> list[Table]:
    """The mean scores, then a table for each network and layer whose sensitivity was asked for.

    Args:
        title: what is asked.
        scores: from `saliency_scores`.
        parameters: of the score, by name.
    """
    tables = [_score_table(title, scores, parameters)]
    for score in scores:
        view = score.viewed
        if view.sensitivity:
            tables.append(_sensitivity_table(view))
    return tables


def saliency_records(scores: Sequence[SaliencyScore], *, parameters: Params) -> list[Record]:
    """A record for each network and layer, with the score of every image inside."""
    records = []
    for score in scores:
        record = {**_score_record(score), **parameters}
        if score.viewed.sensitivity:
            record["sensitivity"] = list(map(asdict, score.viewed.sensitivity))
        record[PER_IMAGE] = list(map(_own_fields, image_records([score.viewed])))
        records.append(record)
    return records


def image_records(views: Sequence[Viewed]) -> list[Record]:
    """A record for each image, network and layer: what stands in the CSV file beside the figure."""
    records: list[Record] = []
    for view in views:
        records += [_image_record(view, place) for place in range(len(view.images))]
    return records


def _own_fields(image: Record) -> Record:
    """What differs from image to image."""
    return {name: image[name] for name in OF_IMAGE}


def _image_record(view: Viewed, place: int) -> Record:
    sfd = None
    if view.scores is not None:
        sfd = _nan_as_none(float(view.scores[place]))
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
        "sfd": sfd,
    }


def _score_record(score: SaliencyScore) -> Record:
    view, against = score.viewed, score.against
    record: Record = {
        "trial": view.trial,
        "label": view.label,
        "seed": view.seed,
        "layer": view.layer,
        "part": view.part,
        "target": view.target,
        "sfd_mean": _nan_as_none(score.mean),
        "sfd_sd": _nan_as_none(score.sd),
        "n": score.n,
        "undefined": score.undefined,
    }
    if against is None:
        return record | NO_BASELINE
    record |= {"against": against.trial, "difference": _nan_as_none(against.difference)}
    return record | {"difference_ci95": _nan_as_none(against.half_width), "pairs": against.pairs}


def _score_table(title: str, scores: Sequence[SaliencyScore], parameters: Params) -> Table:
    fields, notes = list(FIELDS), [f"{_pairs(parameters)}."]
    if any(score.against and score.against.pairs for score in scores):
        fields.append(DIFFERENCE)
        notes.append(OVER_IMAGES)
    return table_of(fields, scores, title=title, notes=notes)


def _pairs(parameters: Params) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _sensitivity_table(view: Viewed) -> Table:
    """One line for each reading of the antilog and base, one column for each threshold."""
    thresholds: dict[float, Column] = {}
    lines: dict[tuple[str, float], list[str]] = defaultdict(list)
    for reading in view.sensitivity:
        at = reading.threshold
        thresholds[at] = Column(key=f"threshold_{at:g}", title=f"threshold {at:g}")
        lines[reading.antilog, reading.base].append(_score_text(reading.sfd_mean))
    rows = []
    for (antilog, base), scores in lines.items():
        name = antilog
        if base == 1:
            name = "none"
        rows.append((name, f"{base:g}", *scores))
    return Table(
        title=f"Mean sfd of {view.label} at {view.layer} by what the paper leaves open",
        columns=(
            Column(key="antilog", title="antilog", is_text=True),
            Column(key="base", title="base"),
            *thresholds.values(),
        ),
        rows=rows,
    )


def _difference(score: SaliencyScore) -> str:
    against = score.against
    if against is None or isnan(against.difference):
        return ""
    if isnan(against.half_width):
        return f"{against.difference:+.3f}"
    return f"{against.difference:+.3f} ± {against.half_width:.3f}"


def _score_text(value: float) -> str:
    return number_text(_nan_as_none(value), ".3f")


def _nan_as_none(value: float) -> float | None:
    if isnan(value):
        return None
    return value


FIELDS: Sequence[Field[SaliencyScore]] = (
    Field(Column(key="network", title="network", is_text=True), lambda score: score.viewed.label),
    Field(
        Column(key="trial", title="trial", is_text=True, priority=2),
        lambda score: score.viewed.trial,
    ),
    Field(Column(key="layer", title="layer", is_text=True), lambda score: score.viewed.layer),
    Field(Column(key="sfd", title="sfd"), lambda score: _score_text(score.mean)),
    Field(Column(key="sd", title="sd", priority=3), lambda score: _score_text(score.sd)),
    Field(Column(key="n", title="n", priority=1), lambda score: str(score.n)),
    Field(
        Column(key="undefined", title="no score", priority=3), lambda score: str(score.undefined)
    ),
)
DIFFERENCE = Field(Column(key="difference", title="difference"), _difference)
