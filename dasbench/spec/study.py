"""A study: one question, and the set of trials that answers it."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, PrivateAttr, ValidationInfo, field_validator, model_validator

from dasbench.errors import unknown_name
from dasbench.spec.constraints import COSTS, Constraint
from dasbench.spec.document import Document
from dasbench.spec.fields import flatten
from dasbench.spec.labels import label
from dasbench.spec.plain import Record, Variant
from dasbench.spec.replication import Replication
from dasbench.spec.space import Axes, enumerate_axes
from dasbench.spec.trial import Choice, Frozen, Trial, known

MAX_TRIALS = 100_000
"""The most trials that one study may list."""

SHORT_NAMES = {"latency": "latency_ms"}
"""What an objective may be called, and the metric that is meant."""


class Objective(Frozen):
    """A metric and the direction in which it is better; written `top1 max`.

    An objective is optimised on the validation part and reported on the test part.

    Example:
        >>> Objective.model_validate("macs min").direction
        'min'
    """

    metric: str
    direction: Literal["min", "max"]

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        metric, _, direction = data.partition(" ")
        if direction not in ("min", "max"):
            raise ValueError(f"write a metric and 'min' or 'max', as in 'top1 max', not '{data}'")
        return {"metric": SHORT_NAMES.get(metric, metric), "direction": direction}

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get("known", {}).get("metric")
        if names is not None and metric not in names:
            raise ValueError(unknown_name("metric", metric, names))
        return metric

    def __str__(self) -> str:
        return f"{self.metric} {self.direction}"


class Resources(Frozen):
    """What one trial gets; it changes no result.

    Args:
        cpus: threads of a trial.
        gpus: GPUs of a trial; a fraction shares one, `auto` measures how many trials one holds, 0
            trains on the CPU. Left out, it is `auto` on a machine that has a GPU, and 0 on others.
        timeout_s: seconds after which a trial ends as failed (`timeout`), or None.
    """

    cpus: int = Field(default=1, ge=1, le=1024)
    gpus: Annotated[float, Field(ge=0, le=64)] | Literal["auto"] | None = None
    timeout_s: float | None = Field(default=None, gt=0)

    @field_validator("gpus")
    @classmethod
    def _part_of_one_or_several(cls, gpus: float | str | None) -> float | str | None:
        if isinstance(gpus, float) and gpus > 1 and not gpus.is_integer():
            raise ValueError(f"{gpus:g}: write a part of one GPU (0.25), or a whole number of them")
        return gpus


class Confirm(Frozen):
    """What happens once a search has spent its trials.

    The winners are trained again, on seeds that chose nothing.

    Args:
        top: how many variants, at the most, are called in: the best of one objective, the front of
            several.
        seeds: fresh seeds for each of them, and for the base as it stands.
    """

    top: int = Field(default=1, ge=1, le=100)
    seeds: int = Field(default=5, ge=2, le=1000)


class Study(Frozen):
    """A question and the trials that answer it.

    Args:
        name: letters, digits, `-` and `_`; the results of the study are found under it.
        question: what the study asks; it stands above every table and figure.
        base: the trial that the axes start from.
        axes: what varies.
        space: name (or file) of a search space, whose axes are added to these.
        seeds: every variant is trained once for each; with looks, only while its comparison is
            open.
        sampler: who chooses among the variants; `grid` runs them all.
        scheduler: who stops trials early that look hopeless; `none` lets all run to their end.
        trials: how many distinct trials a sampler may propose, in all; also after the study was
            interrupted.
        constraints: what every trial has to keep; who does not is never trained.
        confirm: how the winners of a search are trained again before they are called winners.
        callbacks: who else hears of epochs and results (`tensorboard`, `mlflow`, `wandb`).
        objectives: metrics to rank by, the most important first.
        resources: what one trial gets.
        profiles: changes of the study by name, see `load_study`.
        imports: modules of the user's own components: names, or paths from the folder of the
            study's file. They change no trial's key by themselves.

    Example:
        >>> study = Study(
        ...     name="alpha",
        ...     question="How much compression?",
        ...     base=Trial(backbone="resnet18", gate="das", dataset="digits"),
        ...     axes=[{"key": "gate.alpha", "values": [0.1, 0.2]}],
        ...     seeds=2,
        ... )
        >>> list(study.variants()), list(study.seeds)
        ([{'gate.alpha': 0.1}, {'gate.alpha': 0.2}], [0, 1])
    """

    name: str
    question: str = Field(min_length=1, max_length=500)
    base: Trial
    axes: Axes = ()
    space: str | None = None
    seeds: Replication = Replication(values=(0,))
    sampler: Annotated[Choice, known("sampler")] = Choice(name="grid")
    scheduler: Annotated[Choice, known("scheduler")] = Choice(name="none")
    trials: int | None = Field(default=None, ge=1, le=MAX_TRIALS, validate_default=True)
    constraints: tuple[Constraint, ...] = Field(default=(), max_length=50)
    confirm: Confirm | None = None
    objectives: tuple[Objective, ...] = Field(
        default=(Objective(metric="top1", direction="max"),), min_length=1
    )
    resources: Resources = Resources()
    callbacks: tuple[Annotated[Choice, known("callback")], ...] = ()
    profiles: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)
    imports: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), max_length=100)

    _document: Document = PrivateAttr(default=Document("", None))

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(
            r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_-]{0,63})?", name
        ):
            raise ValueError(f"must be 1 to 64 letters, digits, '-' or '_', not '{name[:40]}'")
        return name

    @field_validator("axes")
    @classmethod
    def _distinct_axes(cls, axes: Axes) -> Axes:
        for one, other in combinations(axes, 2):
            if one.key == other.key and one.overlaps(other):
                raise ValueError(
                    f"axes vary '{one.key}' twice; give each a 'when' that excludes the other's"
                )
        return axes

    @field_validator("sampler", "scheduler")
    @classmethod
    def _fits_what_varies(cls, choice: Choice, info: ValidationInfo) -> Choice:
        plain = "grid" if info.field_name == "sampler" else "none"
        if choice.name == plain:
            return choice
        if "seeds" in info.data and info.data["seeds"].looks:
            fixed = "looks compare fixed variants, all trained to the end"
            raise ValueError(f"{fixed}: {info.field_name} is {plain}")
        if info.field_name == "sampler" and "axes" in info.data and not info.data["axes"]:
            raise ValueError(
                f"sampler '{choice.name}' has nothing to vary; give 'axes' or a 'space'"
            )
        return choice

    @field_validator("trials", "confirm")
    @classmethod
    def _belongs_to_a_search(cls, value: Any, info: ValidationInfo) -> Any:
        sampler = info.data.get("sampler")
        if sampler is None:
            return value
        if sampler.name == "grid" and value is not None:
            grid = "'grid' trains every variant on every seed"
            raise ValueError(f"needs a sampler that proposes; {grid}")
        if sampler.name != "grid" and value is None and info.field_name == "trials":
            wanted = "a number of trials that it may propose"
            raise ValueError(f"sampler '{sampler.name}' needs {wanted}")
        return value

    @field_validator("objectives")
    @classmethod
    def _distinct_metrics(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        metrics = [objective.metric for objective in objectives]
        if len(set(metrics)) < len(metrics):
            raise ValueError("holds a metric twice")
        return objectives

    @property
    def is_searched(self) -> bool:
        """Whether a sampler proposes its variants one after another."""
        return self.sampler.name != "grid"

    @property
    def score(self) -> Objective:
        """The first objective that is measured, not counted; accuracy if all are counted."""
        measured = (objective for objective in self.objectives if objective.metric not in COSTS)
        return next(measured, Objective(metric="top1", direction="max"))

    def range_of(self, key: str) -> tuple[Any, ...]:
        """Every value that a dotted field of the trial takes; its two ends if it is sampled."""
        varied: list[Any] = []
        for axis in self.axes:
            if axis.key == key:
                varied += axis.points() or axis.ends()
        return (*varied, self.base_fields[key])

    @property
    def base_fields(self) -> Record:
        """Dotted fields of the base and their values, for conditions on axes."""
        return trial_fields(self.base)

    def variants(self) -> Iterator[dict[str, JsonValue]]:
        """Every combination of the axes' values, as dotted fields; an empty one if none varies."""
        return enumerate_axes(self.axes, self.base_fields)

    def holds(self, variant: Variant) -> bool:
        """Whether a variant is one of this study's: it sets just the axes that apply."""
        base, assigned = self.base_fields, Record()
        for axis in self.axes:
            if axis.applies(base, assigned):
                if axis.key not in variant or not axis.holds(variant[axis.key]):
                    return False
                assigned[axis.key] = variant[axis.key]
        return variant.keys() == assigned.keys()

    def label_of(self, variant: Variant) -> str:
        """What a variant is called: by the labels of its values, else by fields and values.

        Example:
            >>> gates = ["none", {"name": "das", "alpha": 0.2, "label": "DAS"}]
            >>> study = Study(
            ...     name="gates",
            ...     question="Which gate?",
            ...     base=Trial(backbone="resnet18", dataset="digits"),
            ...     axes=[
            ...         {"key": "gate", "values": gates},
            ...         {"key": "training.lr", "values": [0.1, 0.2]},
            ...     ],
            ... )
            >>> [study.label_of(variant) for variant in study.variants()][1:3]
            ['none, lr=0.2', 'DAS, lr=0.1']
        """
        if not any(axis.has_labels for axis in self.axes):
            return label(variant)
        base = self.base_fields
        assigned: Record = {}
        names: dict[str, str] = {}
        for axis in self.axes:
            if axis.key in variant and axis.applies(base, assigned):
                value = assigned[axis.key] = variant[axis.key]
                if name := axis.name_of(value):
                    names[axis.key] = name
        return label(variant, names)

    @property
    def document(self) -> Document:
        """The file that the study was read from; an empty document for one built in Python."""
        return self._document

    def located(self, document: Document) -> Self:
        """The same study, knowing the file that it was read from."""
        study = self.model_copy()
        study._document = document
        return study


def trial_fields(trial: Trial) -> Record:
    """Every dotted field of a trial and its value, parts before what is in them.

    Example:
        >>> gate = {"name": "das", "alpha": 0.1}
        >>> fields = trial_fields(Trial(backbone="resnet18", gate=gate, dataset="digits"))
        >>> fields["gate.alpha"], fields["backbone"]
        (0.1, {'name': 'resnet18'})
    """
    return dict(flatten(trial.model_dump(mode="json", exclude_none=True)))
