"""With which seeds a variant is trained: a list, or more of them until a comparison is resolved."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from dasbench.spec.plain import Spec
from dasbench.spec.trial import Frozen

MAX_SEEDS = 1000
"""The most seeds that a number or a look may ask for."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Replication(Frozen):
    """The seeds of a study; written `3` (short for `[0, 1, 2]`), as a list, or with `looks`.

    Args:
        values: the seeds; with looks the ones that the last look has.
        looks: numbers of seeds after which the variants are compared with the baseline, ascending;
            only what is still open gets the seeds of the next look.
        min_effect: smallest difference that matters, in the unit of the first objective; with looks
            only.
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
    """

    values: tuple[Seed, ...] = Field(min_length=1)
    looks: tuple[int, ...] | None = Field(default=None, min_length=1)
    min_effect: float | None = Field(default=None, gt=0)
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
        looks = data.get("looks")
        if not isinstance(looks, tuple) or set(map(type, looks)) != {int}:
            raise ValueError("needs 'looks', ascending numbers of seeds, for example [5, 10, 20]")
        return {**data, "values": tuple(range(min(max(looks), MAX_SEEDS)))}

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) < len(values):
            raise ValueError("holds a seed twice")
        return values

    @model_validator(mode="after")
    def _planned_looks(self) -> Self:
        if self.looks is None:
            if self.min_effect is not None or self.baseline is not None:
                raise ValueError("'min_effect' and 'baseline' need 'looks'")
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
