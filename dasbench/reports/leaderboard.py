"""The leaderboard: one line for each variant, scores over seeds, exact costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from dasbench.analysis.stats import summarise
from dasbench.records import COST_FIELDS, Cost, Reason, Row
from dasbench.reports.formats import console, print_records, text_table
from dasbench.reports.units import Unit, count_unit


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One variant of a study.

    Args:
        variant: the varied fields and their values.
        label: the same in a few words.
        planned: number of trials, one a seed.
        failed: how many of them failed.
        scores: value of each metric by seed, of the trials that are done.
        cost: exact cost, None before the first trial is done.
        seconds: mean training time of a trial.
        peak_memory: bytes at the most.
        states: number of trials by state or, for failures, by reason.
        probe: scores are a formula's, nothing was trained.
    """

    variant: Mapping[str, Any]
    label: str
    planned: int
    failed: int
    scores: Mapping[str, Mapping[int, float]]
    cost: Cost | None
    seconds: float
    peak_memory: int
    states: Mapping[str, int] = field(default_factory=dict)
    probe: bool = False

    def as_record(self) -> dict[str, Any]:
        """Flat plain data, as JSON and CSV show it."""
        record: dict[str, Any] = {"variant": dict(self.variant), "label": self.label}
        record |= {"n": self.num_done, "failed": self.failed, "planned": self.planned}
        for metric in sorted(self.scores):
            summary = summarise(list(self.scores[metric].values()), failed=self.failed)
            record |= {f"{metric}_mean": summary.mean, f"{metric}_sd": summary.sd}
        record |= {name: getattr(self.cost, name) if self.cost else None for name in COST_FIELDS}
        record["uncounted"] = dict(self.cost.uncounted) if self.cost else None
        record["input_size"] = list(self.cost.input_size) if self.cost else None
        return record | {"seconds_mean": self.seconds, "peak_memory": self.peak_memory, "states": dict(self.states)}

    @property
    def num_done(self) -> int:
        """Number of trials with a result."""
        return max((len(by_seed) for by_seed in self.scores.values()), default=0)


def leaderboard(rows: Sequence[Row], *, metric: str = "top1", maximise: bool = True) -> list[Ranked]:
    """Group rows by variant and sort them by the mean of a metric, variants without a result last.

    Args:
        rows: trials of one study.
        metric: a measured metric or a counted cost (`macs`, `params_paper`, ...).
        maximise: whether larger is better.

    Example:
        >>> rows = [
        ...     Row(study="s", key=g, variant={"gate": g}, label=g, seed=0, state="done", metrics={"top1": value})
        ...     for g, value in {"a": 1.5, "b": 4.0}.items()
        ... ]
        >>> [(ranked.label, ranked.as_record()["top1_mean"]) for ranked in leaderboard(rows)]
        [('b', 4.0), ('a', 1.5)]
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row.variant, sort_keys=True), []).append(row)
    ranked = [_ranked(group) for group in groups.values()]

    def position(entry: Ranked) -> tuple[bool, float]:
        value = score(entry, metric)
        return (value is None, 0.0 if value is None else -value if maximise else value)

    return sorted(ranked, key=position)


def score(entry: Ranked, metric: str) -> float | None:
    """The mean of a measured metric over seeds, or a counted cost; None if there is none yet."""
    if metric in entry.scores:
        return summarise(list(entry.scores[metric].values())).mean
    name = metric if metric.endswith(("_full", "_paper")) else f"{metric}_full"
    return float(getattr(entry.cost, name)) if entry.cost and name in COST_FIELDS else None


def print_leaderboard(question: str, entries: Sequence[Ranked], *, metric: str, convention: str, format_: str) -> None:
    """Print a leaderboard as a table, JSON or CSV."""
    if format_ != "table":
        print_records([entry.as_record() for entry in entries], format_=format_)
        return
    columns = ["variant", f"test {metric}", "sd", "validation", "n", "failed"]
    units = {kind: count_unit(kind, _counts(entries, f"{kind}_{convention}")) for kind in ("params", "macs")}
    columns += [units["params"].title, units["macs"].title, "s/trial"]
    caption = f"FLOPs: a multiply-add counts once. Costs in the '{convention}' convention."
    if any(entry.probe for entry in entries):
        caption += " Probe: scores are a formula's, nothing was trained."
    table = text_table(question, columns, caption=caption)
    for entry in entries:
        test, val = entry.scores.get(metric, {}), entry.scores.get(f"val_{metric}", {})
        summary = summarise(list(test.values())) if test else None
        table.add_row(
            entry.label,
            f"{summary.mean:.2f}" if summary else "-",
            f"{summary.sd:.2f}" if summary and summary.sd is not None else "-",
            f"{summarise(list(val.values())).mean:.2f}" if val else "-",
            f"{entry.num_done}/{entry.planned}",
            _failures(entry),
            *(_scaled(entry.cost, f"{kind}_{convention}", unit) for kind, unit in units.items()),
            f"{entry.seconds:.1f}" if entry.num_done else "-",
        )
    console().print(table)


def _ranked(rows: Sequence[Row]) -> Ranked:
    done = [row for row in rows if row.state == "done"]
    scores: dict[str, dict[int, float]] = {}
    for row in done:
        for name, value in row.metrics.items():
            scores.setdefault(name, {})[row.seed] = value
    states: dict[str, int] = {}
    for row in rows:
        name = row.reason or row.state
        states[name] = states.get(name, 0) + 1
    return Ranked(
        variant=rows[0].variant,
        label=rows[0].label,
        planned=len(rows),
        failed=sum(row.state == "failed" for row in rows),
        scores=scores,
        cost=next((row.cost for row in rows if row.cost), None),
        seconds=sum(row.seconds for row in done) / max(1, len(done)),
        peak_memory=max((row.peak_memory for row in rows), default=0),
        states=states,
        probe=any(row.task == "probe" for row in rows),
    )


def _failures(entry: Ranked) -> str:
    reasons = [f"{count} {name}" for name, count in entry.states.items() if name in get_args(Reason)]
    return ", ".join(reasons) or "0"


def _counts(entries: Sequence[Ranked], name: str) -> list[int]:
    return [getattr(entry.cost, name) for entry in entries if entry.cost]


def _scaled(cost: Cost | None, name: str, unit: Unit) -> str:
    return f"{getattr(cost, name) / unit.size:.3f}" if cost else "-"
