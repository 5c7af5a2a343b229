"""With which seeds a variant is trained: a list, or more of them until a comparison is resolved."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator

from dasbench.spec.plain import Spec
from dasbench.spec.trial import Frozen

MAX_SEEDS = 1000
"""The most seeds that a number or a look may ask for."""

UNTIL_RESOLVED = (3, 5, 8, 12, 20)
"""Seeds at the looks of a study that replicates until resolved; `max` moves the last of them."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Replication(Frozen):
    """The seeds of a study; written `3` (short for `[0, 1, 2]`), as a list, or with looks.

    Looks are written `{until: resolved, max: 20, min_effect: 0.5}`, or one by one:
    `{looks: [5, 10, 20], min_effect: 0.5}`.

    Args:
        values: the seeds; with looks the ones that the last look has.
        looks: numbers of seeds after which the variants are compared with the baseline, ascending;
            only what is still open gets the seeds of the next look.
        until: `resolved` plans the looks by itself, see `looks_until`.
        max: the most seeds that a variant gets; with `until` only.
        min_effect: smallest difference that matters, in the unit of the first objective; with looks
            only, and `until` needs it.
        baseline: the varied fields of the variant that the others are compared with; with looks
            only. By default the variant that is the base as it stands, else the first.

    Source:
        Looks: Mathieu et al., 2023, AdaStop, arXiv 2306.10882, with the error rate divided over
        planned looks.

    Example:
        >>> list(Replication.model_validate(3))
        [0, 1, 2]
        >>> Replication.model_validate({"looks": [2, 4], "min_effect": 0.5}).values
        (0, 1, 2, 3)
        >>> asked = {"until": "resolved", "max": 10, "min_effect": 0.5}
        >>> Replication.model_validate(asked).looks
        (3, 5, 8, 10)
    """

    values: tuple[Seed, ...] = Field(min_length=1)
    looks: tuple[int, ...] | None = Field(default=None, min_length=1)
    until: Literal["resolved"] | None = None
    max: int | None = Field(default=None, ge=UNTIL_RESOLVED[0], le=MAX_SEEDS)
    min_effect: float | None = Field(default=None, gt=0, allow_inf_nan=False, validate_default=True)
    baseline: Mapping[str, JsonValue] | None = None

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, data: Any) -> Any:
        if isinstance(data, int) and not isinstance(data, bool):
            if not 1 <= data <= MAX_SEEDS:
                raise ValueError(f"must be between 1 and {MAX_SEEDS} seeds, not {data}")
            return {"values": tuple(range(data))}
        if isinstance(data, list | tuple):
            return {"values": tuple(data)}
        if not isinstance(data, Mapping):
            wanted = "a number of seeds, a list of seeds, or a mapping with 'looks'"
            raise ValueError(f"must be {wanted}")  # noqa: TRY004
        return cls._from_mapping(data)

    @staticmethod
    def _from_mapping(data: Spec) -> Spec:
        data = dict(data)
        for key, part in data.items():
            if isinstance(part, list):
                data[key] = tuple(part)
        if "values" in data:  # as the database keeps it
            return data
        if data.get("until") is not None:
            return _with_planned_looks(data)
        looks = data.get("looks")
        if not isinstance(looks, tuple) or set(map(type, looks)) != {int}:
            raise ValueError(
                "needs 'looks', ascending numbers of seeds, for example [5, 10, 20], "
                "or 'until: resolved'"
            )
        return {**data, "values": tuple(range(min(max(looks), MAX_SEEDS)))}

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) < len(values):
            raise ValueError("holds a seed twice")
        return values

    @field_validator("min_effect")
    @classmethod
    def _named_with_until(cls, min_effect: float | None, info: ValidationInfo) -> float | None:
        if min_effect is None and info.data.get("until") is not None:
            raise ValueError(
                "'until' needs the smallest difference that matters, in the unit of the scores, "
                "for example 0.5"
            )
        return min_effect

    @model_validator(mode="after")
    def _planned_looks(self) -> Self:
        if self.max is not None and self.until is None:
            raise ValueError("'max' needs 'until: resolved'")
        if self.looks is None:
            if self.min_effect is not None or self.baseline is not None:
                raise ValueError("'min_effect' and 'baseline' need 'looks' or 'until: resolved'")
            return self
        ascending = all(later > earlier for earlier, later in pairwise(self.looks))
        if self.looks[0] < 2 or not ascending or self.looks[-1] > MAX_SEEDS:
            raise ValueError(
                f"looks are ascending numbers of seeds from 2 to {MAX_SEEDS}, "
                f"for example [5, 10, 20], not {list(self.looks)}"
            )
        return self

    def __iter__(self) -> Iterator[int]:  # type: ignore[override]
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)


def looks_until(most: int) -> tuple[int, ...]:
    """Seeds at the looks of a study that replicates until resolved.

    Args:
        most: the most seeds that a variant gets, at least 3; the last look is there.

    Example:
        >>> looks_until(20), looks_until(10), looks_until(3)
        ((3, 5, 8, 12, 20), (3, 5, 8, 10), (3,))
    """
    return (*(seeds for seeds in UNTIL_RESOLVED[:-1] if seeds < most), most)


def _with_planned_looks(data: Spec) -> Spec:
    """What `until` means, its looks and seeds filled in."""
    if "looks" in data or "values" in data:
        raise ValueError("'until' plans the looks itself; write either 'until' or 'looks'")
    most = data.get("max")
    if most is None:
        most = UNTIL_RESOLVED[-1]
    if type(most) is not int or not UNTIL_RESOLVED[0] <= most <= MAX_SEEDS:
        return {**data, "values": (0,)}  # 'max' is refused by its own field
    return {**data, "max": most, "looks": looks_until(most), "values": tuple(range(most))}
