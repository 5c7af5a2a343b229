"""Options that say where trials run and change no result."""

from typing import TypedDict


class RunOptions(TypedDict):
    """Of `dasbench run`, by the names of their options."""

    executor: str
    workers: int | None
    loaders: int | None
    device: str
    deterministic: bool
    checkpoint_every: float
    address: str | None
