"""The plan of a study: its trials, their costs, what is done, how long the rest takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dasbench.records import Cost, Row, State
from dasbench.results.planning import Member
from dasbench.spec.plain import Variant
from dasbench.views.forecast import Forecast

ENDED = tuple(state for state in State if state.has_result)
"""States of trials that a run leaves as they are."""


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """One planned trial.

    Args:
        key: the trial's key.
        label: its variant in a few words.
        seed: its seed.
        state: what the database knows of it: `new`, `pending`, `running`, `done`, `failed` or
            `stopped`.
        variant: the varied fields and their values.
        params_full, macs_full, params_paper, macs_paper: its model's cost.
    """

    key: str
    label: str
    seed: int
    state: str
    variant: Variant
    params_full: int
    macs_full: int
    params_paper: int
    macs_paper: int


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """What a run would do.

    Args:
        question: what the study asks.
        rows: the trials that are planned so far.
        seconds: how long those will take that have no result, None if no trial of the database
            tells.
        to_come: trials that a search has yet to propose.
        sampler: who proposes them.
        forecast: what the study can resolve, None where nothing can be said.
    """

    question: str
    rows: Sequence[PlanRow]
    seconds: float | None
    to_come: int = 0
    sampler: str = ""
    forecast: Forecast | None = None

    @property
    def missing(self) -> Sequence[PlanRow]:
        """The trials that have no result."""
        return missing_rows(self.rows)


def missing_rows(rows: Sequence[PlanRow]) -> list[PlanRow]:
    """Planned trials that have no result, so that a run would train them."""
    return [row for row in rows if row.state not in ENDED]


def plan_rows(
    members: Sequence[Member], costs: Mapping[str, Cost], states: Mapping[str, str]
) -> list[PlanRow]:
    """Planned trials with their costs and states."""
    rows = []
    for member in members:
        row = PlanRow(
            key=member.key,
            label=member.label,
            seed=member.seed,
            state=states.get(member.key, "new"),
            variant=member.variant,
            **costs[member.key].counts,
        )
        rows.append(row)
    return rows


def expected_seconds(
    left: Sequence[tuple[str, int]],
    costs: Mapping[str, Cost],
    history: Sequence[Row],
    *,
    workers: int,
) -> float | None:
    """How long the missing trials will take, from the speed of the trials that the database has.

    Time is taken as proportional to full MACs of an epoch: the median over finished trials on data
    of the same input size.

    Args:
        left: key and number of epochs of each missing trial.
        costs: cost by key.
        history: finished trials, of any study.
        workers: trials at once.

    Returns:
        Seconds, or None if no trial of this input size was ever finished.
    """
    sizes = {cost.input_size for cost in costs.values()}
    speeds = []
    for row in history:
        epochs = row.metrics.get("epochs")
        if row.is_done and row.cost and row.cost.input_size in sizes and epochs:
            speeds.append(row.seconds / (row.cost.macs_full * epochs))
    if not speeds:
        return None
    work = sum(costs[key].macs_full * epochs for key, epochs in left)
    return float(np.median(speeds)) * work / max(1, min(workers, len(left)))
