"""The rows that reports read, as fast as a hundred thousand of them ask for."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from dasbench.records import COST_FIELDS, Cost, Row, State
from dasbench.results.encoding import load_cost, load_each, load_metrics
from dasbench.results.schema import members, trials
from dasbench.spec.plain import Record

_STATES = {state.value: state for state in State}

_VARIANT, _METRICS, _CODE, _LOOKED_AT, _COST = 2, 7, 15, 17, 18
"""Where in a row of the query these stand; the numbers of the cost come last."""


def read_rows(connection: Connection, condition: ColumnElement[bool]) -> list[Row]:
    """The rows of one study or one trial; texts that repeat from row to row are decoded once."""
    m, t = members.c, trials.c
    query = (
        select(
            m.study,
            m.key,
            m.variant,
            m.label,
            m.seed,
            t.state,
            t.reason,
            t.metrics,
            t.seconds,
            t.peak_memory,
        )
        .add_columns(t.dataset, t.task, t.first_study, t.finished, m.role, t.code, t.repeats)
        .add_columns(m.looked_at)
        .add_columns(t.cost_details, *t[COST_FIELDS])
        .join_from(members, trials)
        .where(condition)
        .order_by(m.study, m.position)
    )
    found = connection.execute(query).all()
    variants = _decode_distinct(map(itemgetter(_VARIANT), found))
    codes = _decode_distinct(map(itemgetter(_CODE), found))
    looked_at = _decode_distinct(map(itemgetter(_LOOKED_AT), found))
    details = _decode_distinct(map(itemgetter(_COST), found))
    costs: dict[tuple[str | None, *tuple[int, ...]], Cost | None] = {}
    metrics = load_each(list(map(itemgetter(_METRICS), found)))
    rows = []
    for cells, values in zip(found, metrics, strict=True):
        cost = cells[_COST:]
        if cost not in costs:
            costs[cost] = load_cost(cost[1:], details.get(cost[0]))
        rows.append(
            _row(
                cells,
                variants[cells[_VARIANT]],
                values,
                costs[cost],
                codes[cells[_CODE]],
                looked_at[cells[_LOOKED_AT]],
            )
        )
    return rows


def _decode_distinct(texts: Iterable[str | None]) -> Record:
    """The values of texts, each distinct one decoded once."""
    distinct = list(filter(None, set(texts)))
    return dict(zip(distinct, load_each(distinct), strict=True))


def _row(
    cells: Any,
    variant: Record,
    metrics: Record,
    cost: Cost | None,
    code: dict[str, str],
    looked_at: list[list[int]],
) -> Row:
    study, key, _, label, seed, state, reason, text, seconds, peak_memory, dataset, task, *rest = (
        cells
    )
    first, finished, role, _, repeats, *_ = rest
    if ':"' in text:  # something is not finite
        metrics = load_metrics(text)
    row = Row.__new__(Row)
    # three times as fast as the constructor of a frozen class, which sets fields one by one
    row.__dict__.update(
        study=study,
        key=key,
        variant=variant,
        label=label,
        seed=seed,
        state=_STATES[state],
        reason=reason,
        metrics=metrics,
        cost=cost,
        seconds=seconds,
        peak_memory=peak_memory,
        dataset=dataset,
        task=task,
        reused=state != State.PENDING and first is not None and first != study,
        finished=finished,
        role=role,
        code=code,
        repeats=repeats,
        looked_at=looked_at,
    )
    return row
