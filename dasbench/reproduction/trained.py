"""Trained trials that answer a row of the paper, found by what they are, not by their study."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from dasbench.analysis.stats import summarise
from dasbench.errors import DasbenchError
from dasbench.paper.figures import PaperColumn, PaperRow, PaperTable
from dasbench.records import Row
from dasbench.resolution import resolve_network
from dasbench.results.reading import read_store
from dasbench.spec.plain import Fields, Params, Record, Spec
from dasbench.spec.recipes import recipes
from dasbench.spec.trial import Training, Trial
from dasbench.views.variants import VariantScores, gather

MAX_DIFFERENCES = 3
"""Differences from the paper's setting that a reason names."""


@dataclass(frozen=True)
class Setting:
    """What the paper trains on a data set, as far as it states it, as the studies' profiles do.

    Args:
        recipe: name of the training recipe.
        image_size: side of the images in pixels.
        backbone: fields of the backbone that its table does not name.
    """

    recipe: str
    image_size: int
    backbone: Params


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

    spec: Spec
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
    groups: dict[str, list[Row]] = defaultdict(list)
    for key, spec in specs.items():
        groups[json.dumps({**spec, "seed": 0}, sort_keys=True)].append(rows[key])
    return [Trained(json.loads(text), gather(own)) for text, own in groups.items()]


def find_measured(
    table: PaperTable, row: PaperRow, column: PaperColumn, trained: Sequence[Trained]
) -> Measured | None:
    """What was measured of a row's network: in the paper's setting, or else in another.

    Returns:
        None if no trial of the row's backbone with the row's gate has ended.
    """
    if table.task != "classification" or row.gate is None or column.dataset not in SETTINGS:
        return None
    assert column.dataset is not None
    wanted = _fields_in_paper(row, column.dataset)
    candidates: list[tuple[list[str], Trained]] = []
    for one in filter(_has_ended, trained):
        fields = _resolved_fields(json.dumps(one.spec, sort_keys=True))
        if fields and _is_same_network(fields, wanted):
            candidates.append((list(_differences(fields, wanted)), one))
    if not candidates:
        return None

    def rank(candidate: tuple[list[str], Trained]) -> tuple[int, int]:
        differences, one = candidate
        return len(differences), -len(one.entry.scores_of(column.metric))

    differences, best = min(candidates, key=rank)
    return _measure(best, column.metric, differences)


def _has_ended(trained: Trained) -> bool:
    """Whether any of the trials has."""
    states = trained.entry.states
    return trained.entry.planned > states.get("pending", 0) + states.get("running", 0)


def _measure(trained: Trained, metric: str, differences: Sequence[str]) -> Measured:
    entry = trained.entry
    summary = summarise(list(entry.scores_of(metric).values()), failed=entry.failed)
    obstacle = ""
    if differences:
        obstacle = f"measured in another setting than the paper's: {_first_few(differences)}"
    elif not summary.n:
        obstacle = f"none of {entry.planned} trials has a score ({entry.failed} failed)"
    return Measured(
        mean=summary.mean, half_width=summary.half_width, n=summary.n, obstacle=obstacle
    )


def _first_few(differences: Sequence[str]) -> str:
    """Some differences, and how many more there are."""
    listed = ", ".join(differences[:MAX_DIFFERENCES])
    num_more = len(differences) - MAX_DIFFERENCES
    if num_more > 0:
        listed += f" and {num_more} more"
    return listed


def _fields_in_paper(row: PaperRow, dataset: str) -> Record:
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
    found = _resolved_fields(json.dumps(trial, sort_keys=True))
    assert found is not None, "the paper's own settings are sound"
    return found


@lru_cache(maxsize=4096)
def _resolved_fields(text: str) -> Record | None:
    """A trial's fields with all defaults of its network; None if this version cannot read it."""
    try:
        trial = Trial.model_validate(json.loads(text), context={"recipes": recipes()})
        return resolve_network(trial).model_dump(mode="json")
    except (ValidationError, DasbenchError):
        return None


def _is_same_network(fields: Fields, wanted: Fields) -> bool:
    """Whether it is the row's backbone with the row's gate; its width and stem may differ."""
    return bool(
        fields["backbone"]["name"] == wanted["backbone"]["name"]
        and fields["gate"] == wanted["gate"]
        and fields["placement"] == wanted["placement"]
    )


def _differences(fields: Fields, wanted: Fields) -> Iterator[str]:
    """What is not as in the paper, in the words of a study file."""
    own, theirs = fields["dataset"], wanted["dataset"]
    if own["name"] != theirs["name"]:
        yield f"dataset {own['name']}, not {theirs['name']}"
    if own.get("image_size", theirs["image_size"]) != theirs["image_size"]:
        yield f"images of {own['image_size']} px, not {theirs['image_size']}"
    defaults = {"backbone": {}, "training": Training().model_dump(mode="json")}
    for field, default in defaults.items():
        one, other = {**default, **fields[field]}, {**default, **wanted[field]}
        for name in dict.fromkeys([*wanted[field], *fields[field]]):
            if one.get(name) != other.get(name):
                yield f"{field}.{name} {one.get(name)}, not {other.get(name)}"
