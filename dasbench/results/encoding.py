"""How values become text in the database and come back: JSON, times, outcomes."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import RowMapping

from dasbench.records import COST_FIELDS, Cost, Epoch, Outcome, State
from dasbench.spec.metrics import Metric, Metrics
from dasbench.spec.plain import Record

COST_DETAILS = ("uncounted", "input_size", "versions")


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""What Python calls a number -> the text that stands for it in JSON."""


def dump(value: object) -> str:
    """A value as strict JSON, which every database reads; what is not finite becomes a text.

    Example:
        >>> dump({"loss": float("nan"), "top1": 91.5})
        '{"loss":"NaN","top1":91.5}'
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=str)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"), default=str)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE[str(value)]
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def dump_metrics(metrics: Mapping[str, float]) -> str:
    """Metrics as JSON.

    Example:
        >>> dump_metrics({"top1": 91})
        '{"top1":91.0}'
    """
    return dump({name: float(value) for name, value in metrics.items()})


def load_metrics(text: str) -> dict[str, float]:
    """The metrics that `dump_metrics` wrote.

    Example:
        >>> load_metrics('{"loss":"NaN","top1":91.5}')
        {'loss': nan, 'top1': 91.5}
    """
    metrics: dict[str, float | str] = json.loads(text)
    return {name: float(value) for name, value in metrics.items()}


def dump_plan(seeds: Sequence[int], levels: Sequence[float]) -> str:
    """Planned looks as JSON, with what each may spend where that is not the usual.

    Example:
        >>> dump_plan([3, 5], []), dump_plan([3, 5], [0.02, 0.02])
        ('[3,5]', '{"levels":[0.02,0.02],"seeds":[3,5]}')
    """
    if not levels:
        return dump(list(seeds))
    return dump({"levels": list(levels), "seeds": list(seeds)})


def load_plan(text: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The seeds and the levels of planned looks.

    Example:
        >>> load_plan(dump_plan([3, 5], [0.02, 0.02]))
        ((3, 5), (0.02, 0.02))
    """
    plan = json.loads(text)
    if isinstance(plan, list):
        return tuple(plan), ()
    return tuple(plan["seeds"]), tuple(plan["levels"])


def dump_traits(metrics: Metrics) -> str:
    """What is known of metrics, as JSON.

    Example:
        >>> dump_traits({"top1": Metric("%", "max")})
        '{"top1":{"unit":"%","direction":"max"}}'
    """
    return dump({name: asdict(metric) for name, metric in metrics.items()})


def load_traits(text: str) -> dict[str, Metric]:
    """What `dump_traits` wrote.

    Example:
        >>> load_traits('{"top1":{"unit":"%","direction":"max"}}')
        {'top1': Metric(unit='%', direction='max')}
    """
    return {
        name: Metric(traits["unit"], traits["direction"])
        for name, traits in json.loads(text).items()
    }


def load_each(texts: Sequence[str]) -> list[Any]:
    """Many values at once, which is several times faster than one by one.

    Example:
        >>> load_each(['{"loss":"NaN"}', "[3]"])
        [{'loss': 'NaN'}, [3]]
    """
    values: list[Any] = json.loads(f"[{','.join(texts)}]")
    return values


def load_by_key(texts: Mapping[str, str]) -> Record:
    """Many values at once, under the keys of their texts.

    Example:
        >>> load_by_key({"ab12": '{"seed":0}'})
        {'ab12': {'seed': 0}}
    """
    return dict(zip(texts, load_each(list(texts.values())), strict=True))


def plain_text(text: str) -> str:
    r"""A text that every database stores.

    Characters that have no UTF-8, or that PostgreSQL refuses, are escaped.

    Example:
        >>> plain_text("bad \x00 byte \ud800")
        'bad \\x00 byte \\ud800'
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def stamp(moment: datetime) -> str:
    """A time in ISO 8601; in one time zone, such texts sort as their times do.

    Example:
        >>> from datetime import UTC
        >>> stamp(datetime(2025, 1, 31, 12, tzinfo=UTC))
        '2025-01-31T12:00:00.000+00:00'
    """
    return moment.isoformat(timespec="milliseconds")


def outcome_columns(outcome: Outcome) -> Record:
    """What a trial's row keeps of its outcome: all but the key, the status and the curve."""
    return {
        "reason": outcome.reason,
        "error": plain_text(outcome.error),
        "metrics": dump_metrics(outcome.metrics),
        **cost_columns(outcome.cost),
        "seconds": outcome.seconds,
        "peak_memory": outcome.peak_memory,
        "device": plain_text(outcome.device),
        "environment": dump(outcome.environment),
        "correct": outcome.correct,
        "confusion": outcome.confusion,
    }


def cost_columns(cost: Cost | None) -> Record:
    """What a row keeps of a cost."""
    if cost is None:
        return dict.fromkeys((*COST_FIELDS, "cost_details"))
    details = {name: getattr(cost, name) for name in COST_DETAILS}
    return {**cost.counts, "cost_details": dump(details)}


def load_cost(numbers: Sequence[int], details: Record | None) -> Cost | None:
    """The cost of a trial's row, None if it was never counted.

    Args:
        numbers: the columns `COST_FIELDS`, in that order.
        details: the column `cost_details`, decoded.

    Example:
        >>> details = {"uncounted": {}, "input_size": [3, 32, 32], "versions": {}}
        >>> load_cost([10, 200, 9, 190], details).input_size
        (3, 32, 32)
    """
    if details is None:
        return None
    return Cost.from_json({**dict(zip(COST_FIELDS, numbers, strict=True)), **details})


def load_outcome(row: RowMapping, epochs: tuple[Epoch, ...]) -> Outcome | None:
    """The outcome of a trial's row, None for one that is pending or running."""
    state = State(row["state"])
    if not state.ended:
        return None
    return Outcome(
        key=row["key"],
        status=state,
        epochs=epochs,
        metrics=load_metrics(row["metrics"]),
        cost=load_cost(
            itemgetter(*COST_FIELDS)(row),
            row["cost_details"] and json.loads(row["cost_details"]),
        ),
        seconds=row["seconds"],
        peak_memory=row["peak_memory"],
        device=row["device"],
        environment=json.loads(row["environment"]),
        reason=row["reason"],
        error=row["error"],
        correct=row["correct"],
        confusion=row["confusion"],
    )
