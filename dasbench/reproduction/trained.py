"""Trained trials of a database that answer a row of the paper, found by what they are, not by their study's name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from dasbench.analysis.stats import summarise
from dasbench.errors import DasbenchError
from dasbench.paper.figures import PaperColumn, PaperRow, PaperTable
from dasbench.resolution import resolve_model
from dasbench.results.reading import read_store
from dasbench.spec.recipes import recipes
from dasbench.spec.trial import Training, Trial
from dasbench.views.variants import VariantScores, gather

MAX_DIFFERENCES = 3
"""Differences from the paper's setting that a reason names."""


@dataclass(frozen=True)
class Setting:
    """What the paper trains on a data set, as far as it states it; the profiles of the studies hold the same.

    Args:
        recipe: name of the training recipe.
        image_size: side of the images in pixels.
        backbone: fields of the backbone that its table does not name.
    """

    recipe: str
    image_size: int
    backbone: Mapping[str, Any]


SETTINGS: Mapping[str, Setting] = {
    "imagenet": Setting("imagenet_resnet", 224, {}),
    "cifar100": Setting(
        "cifar100", 32, {"stem": "small"}
    ),  # the paper states no stem; this one is ours
    "stanford_dogs": Setting("stanford_dogs", 224, {}),
}
RECIPES = {("imagenet", "mobilenet_v2"): "imagenet_mobilenet"}
"""Recipes of single backbones, where they differ from the data set's."""


@dataclass(frozen=True)
class Trained:
    """The trials of one spec, seeds apart.

    Args:
        spec: all that decides the outcome but the seed.
        entry: their scores.
    """

    spec: Mapping[str, Any]
    entry: VariantScores


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What trained trials say about a printed figure.

    Args:
        mean: mean score, None if every trial failed.
        half_width: half of its 95 % interval, None for one seed.
        n: seeds.
        obstacle: why it cannot be put beside the printed figure; `""` if it can.
    """

    mean: float | None
    half_width: float | None
    n: int
    obstacle: str = ""


def read_trained(db: str, *, study: str | None = None) -> list[Trained]:
    """Every trained spec of a database, or of one of its studies.

    Raises:
        UsageError: if there is no such study.
        StoreError: if there is no database.
    """
    with read_store(db) as reader:
        rows = {row.key: row for row in reader.rows(study) if row.task == "classification"}
        specs = reader.specs(list(rows))
    groups: dict[str, list[str]] = {}
    for key, spec in specs.items():
        groups.setdefault(json.dumps({**spec, "seed": 0}, sort_keys=True), []).append(key)
    return [
        Trained(json.loads(text), gather([rows[key] for key in keys]))
        for text, keys in groups.items()
    ]


def find_measured(
    table: PaperTable, row: PaperRow, column: PaperColumn, trained: Sequence[Trained]
) -> Measured | None:
    """What was measured of a row's network: in the paper's setting if possible, else in another, which is then said.

    Returns:
        None if no trial of the row's backbone with the row's gate has ended.
    """
    if (
        table.task != "classification"
        or row.gate is None
        or column.dataset is None
        or column.dataset not in SETTINGS
    ):
        return None
    wanted = _wanted(row, column.dataset)
    candidates = []
    for one in trained:
        fields = _resolved(json.dumps(one.spec, sort_keys=True)) if _has_ended(one.entry) else None
        if fields and _is_same_network(fields, wanted):
            num_scores = len(one.entry.scores.get(column.metric, ()))
            candidates.append((list(_differences(fields, wanted)), num_scores, one))
    if not candidates:
        return None
    differences, _, best = min(candidates, key=lambda candidate: (len(candidate[0]), -candidate[1]))
    return _measured(best, column.metric, differences)


def _has_ended(entry: VariantScores) -> bool:
    """Whether any of the trials has."""
    return entry.planned > entry.states.get("pending", 0) + entry.states.get("running", 0)


def _measured(trained: Trained, metric: str, differences: Sequence[str]) -> Measured:
    scores = trained.entry.scores.get(metric, {})
    summary = summarise(list(scores.values()), failed=trained.entry.failed)
    obstacle = ""
    if differences:
        more = (
            f" and {len(differences) - MAX_DIFFERENCES} more"
            if len(differences) > MAX_DIFFERENCES
            else ""
        )
        obstacle = f"measured in another setting than the paper's: {', '.join(differences[:MAX_DIFFERENCES])}{more}"
    elif not scores:
        obstacle = (
            f"none of {trained.entry.planned} trials has a score ({trained.entry.failed} failed)"
        )
    return Measured(
        mean=summary.mean, half_width=summary.half_width, n=summary.n, obstacle=obstacle
    )


def _wanted(row: PaperRow, dataset: str) -> dict[str, Any]:
    """The fields of a trial in the paper's setting, all defaults filled in."""
    setting = SETTINGS[dataset]
    fields = row.trial_fields()
    recipe = RECIPES.get((dataset, row.backbone), setting.recipe)
    trial = {
        **fields,
        "backbone": {**fields["backbone"], **setting.backbone},
        "dataset": {"name": dataset, "image_size": setting.image_size},
        "training": {"recipe": recipe},
    }
    found = _resolved(json.dumps(trial, sort_keys=True))
    assert found is not None, "the paper's own settings are sound"
    return found


@lru_cache(maxsize=4096)
def _resolved(text: str) -> dict[str, Any] | None:
    """A trial's fields with all defaults of its network; None for one that this version cannot read."""
    try:
        trial = Trial.model_validate(json.loads(text), context={"recipes": recipes()})
        return resolve_model(trial).model_dump(mode="json")
    except (ValidationError, DasbenchError):
        return None


def _is_same_network(fields: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether it is the row's backbone with the row's gate; its width and stem may differ."""
    return bool(
        fields["backbone"]["name"] == wanted["backbone"]["name"]
        and fields["gate"] == wanted["gate"]
        and fields["placement"] == wanted["placement"]
    )


def _differences(fields: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """What is not as in the paper, in the words of a study file."""
    own, theirs = fields["dataset"], wanted["dataset"]
    if own["name"] != theirs["name"]:
        yield f"dataset {own['name']}, not {theirs['name']}"
    if own.get("image_size", theirs["image_size"]) != theirs["image_size"]:
        yield f"images of {own['image_size']} px, not {theirs['image_size']}"
    for field in ("backbone", "training"):
        default = Training().model_dump(mode="json") if field == "training" else {}
        one, other = {**default, **fields[field]}, {**default, **wanted[field]}
        for name in dict.fromkeys([*wanted[field], *fields[field]]):
            if one.get(name) != other.get(name):
                yield f"{field}.{name} {one.get(name)}, not {other.get(name)}"
