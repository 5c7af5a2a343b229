"""A study: one question, and the set of trials that answers it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, PrivateAttr, ValidationInfo, field_validator, model_validator

from dasbench.errors import unknown_name
from dasbench.spec.document import Document
from dasbench.spec.space import Axes, enumerate_axes
from dasbench.spec.trial import Choice, Frozen, Trial, known

MAX_TRIALS = 100_000
"""The most trials that one study may list."""


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
        return {"metric": metric, "direction": direction}

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
        gpus: GPUs of a trial; a fraction shares one.
        timeout_s: seconds after which a trial ends as failed (`timeout`), or None.
    """

    cpus: int = Field(default=1, ge=1, le=1024)
    gpus: float = Field(default=0, ge=0, le=64)
    timeout_s: float | None = Field(default=None, gt=0)


def _seed_list(value: Any) -> Any:
    """`seeds: 3` is short for `seeds: [0, 1, 2]`."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1000:
            raise ValueError(f"must be between 1 and 1000 seeds, not {value}")
        return tuple(range(value))
    return tuple(value) if isinstance(value, list) else value


class Study(Frozen):
    """A question and the trials that answer it.

    Args:
        name: letters, digits, `-` and `_`; the results of the study are found under it.
        question: what the study asks; it stands above every table and figure.
        base: the trial that the axes start from.
        axes: what varies.
        space: name (or file) of a search space, whose axes are added to these.
        seeds: every variant is trained once for each.
        sampler: who chooses among the variants; `grid` runs them all.
        objectives: metrics to rank by, the most important first.
        resources: what one trial gets.
        profiles: changes of the study by name (`--profile`), see `load_study`.

    Example:
        >>> study = Study(
        ...     name="alpha",
        ...     question="How much compression?",
        ...     base=Trial(backbone="resnet18", gate="das", dataset="digits"),
        ...     axes=[{"key": "gate.alpha", "values": [0.1, 0.2]}],
        ...     seeds=2,
        ... )
        >>> [(str(trial.gate), trial.seed) for trial in study.trials()]
        [('das(alpha=0.1)', 0), ('das(alpha=0.2)', 0), ('das(alpha=0.1)', 1), ('das(alpha=0.2)', 1)]
    """

    name: str
    question: str = Field(min_length=1, max_length=500)
    base: Trial
    axes: Axes = ()
    space: str | None = None
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], BeforeValidator(_seed_list), Field(min_length=1)
    ] = (0,)
    sampler: Annotated[Choice, known("sampler")] = Choice(name="grid")
    objectives: tuple[Objective, ...] = Field(default=(Objective(metric="top1", direction="max"),), min_length=1)
    resources: Resources = Resources()
    profiles: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)

    _document: Document = PrivateAttr(default=Document("", None))

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_-]{0,63})?", name):
            raise ValueError(f"must be 1 to 64 letters, digits, '-' or '_', not '{name[:40]}'")
        return name

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("holds a seed twice")
        return seeds

    @model_validator(mode="after")
    def _distinct_axes(self) -> Self:
        keys = [axis.key for axis in self.axes]
        twice = sorted(
            {key for key in keys if keys.count(key) > 1 and not any(a.when for a in self.axes if a.key == key)}
        )
        if twice:
            raise ValueError(f"axes vary '{twice[0]}' twice")
        return self

    @property
    def base_fields(self) -> dict[str, Any]:
        """Dotted fields of the base and their values, for conditions on axes."""
        return dict(_flatten(self.base.model_dump(mode="json", exclude_none=True)))

    def variants(self) -> Iterator[dict[str, JsonValue]]:
        """Every combination of the axes' values, as dotted fields; one empty one if nothing varies."""
        return enumerate_axes(self.axes, self.base_fields)

    def trials(self) -> Iterator[Trial]:
        """Every variant at every seed, all variants of a seed before the next seed."""
        for seed in self.seeds:
            for values in self.variants():
                yield self.base.with_values({**values, "seed": seed})

    @property
    def document(self) -> Document:
        """The file that the study was read from; an empty document for one built in Python."""
        return self._document

    def located(self, document: Document) -> Self:
        """The same study, knowing the file that it was read from."""
        self._document = document
        return self


def label(values: Mapping[str, Any]) -> str:
    """A variant in a few words: the last parts of its keys with their values.

    Example:
        >>> label({"gate.first_norm": "in", "backbone": {"name": "resnet18", "width": 16}})
        'first_norm=in backbone=resnet18(width=16)'
        >>> label({"placement": {"stages": [1, 2], "after": "stage"}})
        'placement=(stages=1,2 after=stage)'
        >>> label({})
        'base'
    """
    parts = [f"{key.rpartition('.')[2]}={_short(value)}" for key, value in values.items()]
    return " ".join(parts) or "base"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        return str(Choice.model_validate(value))
    if isinstance(value, Mapping):
        return f"({' '.join(f'{key}={_short(inner)}' for key, inner in value.items())})"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def _flatten(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        yield prefix + key, value
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
