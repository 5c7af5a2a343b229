"""The lines of a leaderboard, the columns that can order them, and the values there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from dasbench.analysis.families import RankInterval
from dasbench.analysis.stats import SeedSummary
from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS
from dasbench.views.selection import Selection
from dasbench.views.units import no_direction
from dasbench.views.variants import VariantScores, known_counts

Value = float | str | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One variant with its statistics.

    Args:
        entry: its scores and costs.
        summaries: over its seeds, by metric.
        rank: the ranks that it may hold; None where nothing is known of its spread, or its scores
            took part in a choice.
    """

    entry: VariantScores
    summaries: Mapping[str, SeedSummary]
    rank: RankInterval | None


_PLAIN: Mapping[str, Callable[[Line], Value]] = {
    "label": lambda line: line.entry.label,
    "study": lambda line: line.entry.study,
    "n": lambda line: line.entry.num_done,
    "failed": lambda line: line.entry.failed,
    "planned": lambda line: line.entry.planned,
    "stopped": lambda line: line.entry.states.get("stopped", 0),
    "rank_low": lambda line: line.rank.low if line.rank else None,
    "rank_high": lambda line: line.rank.high if line.rank else None,
    "best": lambda line: line.rank.best if line.rank else None,
    "ties_with_best": lambda line: line.rank.ties_with_best if line.rank else None,
    "seconds_mean": lambda line: line.entry.seconds,
    "peak_memory": lambda line: line.entry.peak_memory,
    "repeats": lambda line: line.entry.repeats,
    "probe": lambda line: line.entry.probe,
    "confirmed": lambda line: line.entry.confirmed,
}
"""What every line has."""

_SHORT = {"variant": "label", "rank": "rank_low", "memory": "peak_memory", "time": "seconds_mean"}
_LESS_FIRST = ("_sd", "_ci95")
_LIKE_THE_METRIC = ("_mean", "_worst", "_low", "_high", "_selected")
_MORE_FIRST = ("n", "planned", "best", "ties_with_best", "confirmed")


def interval_ends(
    middle: float | None, half_width: float | None
) -> tuple[float | None, float | None]:
    """The lower and the upper end of an interval; None where it is not known.

    Example:
        >>> interval_ends(5.0, 0.5), interval_ends(5.0, None)
        ((4.5, 5.5), (None, None))
    """
    if middle is None or half_width is None:
        return None, None
    return middle - half_width, middle + half_width


def summary_values(metric: str, summary: SeedSummary) -> dict[str, float | None]:
    """A summary by the names of its columns.

    Example:
        >>> summary = SeedSummary(n=1, failed=0, mean=5.0, sd=None, half_width=None, worst=5.0)
        >>> summary_values("top1", summary)["top1_mean"]
        5.0
    """
    low, high = interval_ends(summary.mean, summary.half_width)
    return {
        f"{metric}_mean": summary.mean,
        f"{metric}_sd": summary.sd,
        f"{metric}_ci95": summary.half_width,
        f"{metric}_low": low,
        f"{metric}_high": high,
        f"{metric}_worst": summary.worst,
    }


def sort_lines(
    lines: Sequence[Line], sort: str, selection: Selection, convention: str
) -> list[Line]:
    """Lines by a column, the better end first; lines without a value last.

    Args:
        lines: in any order.
        sort: a column, with `asc` or `desc` after it or without.
        selection: which says what ranks, and in which direction.
        convention: of the costs, `full` or `paper`.

    Raises:
        UsageError: if there is no such column, naming the nearest, or the order is neither of the
            two.
    """
    name, _, order = sort.strip().partition(" ")
    if order not in ("", "asc", "desc"):
        raise UsageError(
            f"--sort '{sort}': write a column, or a column with asc or desc, as in 'macs desc'"
        )
    if not lines:
        return []
    values = [_values(line) for line in lines]
    column = _column(name, list(dict.fromkeys(chain.from_iterable(values))), convention)
    falling = order == "desc" or (not order and _falls(column, name, selection))
    known: list[tuple[Any, Line]] = []
    unknown: list[Line] = []
    for line, own in zip(lines, values, strict=True):
        value = own.get(column)
        if value is None:
            unknown.append(line)
        else:
            known.append((value, line))
    known.sort(key=itemgetter(0), reverse=falling)
    return [*(line for _, line in known), *unknown]


def _values(line: Line) -> dict[str, Value]:
    """Everything by which a line can be put in its place."""
    values = {name: value_of(line) for name, value_of in _PLAIN.items()}
    for metric, summary in line.summaries.items():
        values |= summary_values(metric, summary)
    for metric, value in line.entry.selected.items():
        values[f"{metric}_selected"] = value
    return values | dict.fromkeys(COST_FIELDS) | known_counts(line.entry.cost)


def _column(name: str, columns: Sequence[str], convention: str) -> str:
    """The column that a name stands for."""
    for full in (name, _SHORT.get(name, name), f"{name}_{convention}", f"{name}_mean"):
        if full in columns:
            return full
    raise UsageError(
        f"--sort: {unknown_name('column', name, [*columns, *_SHORT, 'params', 'macs'])}"
    )


def _falls(column: str, name: str, selection: Selection) -> bool:
    """Whether the larger values of a column come first.

    Raises:
        UsageError: if nobody said which end of a metric is the better one.
    """
    if column.endswith(_LESS_FIRST):
        return False
    metric = column
    for end in _LIKE_THE_METRIC:
        metric = metric.removesuffix(end)
    if metric in (column, "rank", "seconds") and metric != selection.metric:
        return column in _MORE_FIRST
    direction = selection.direction_of(metric)
    if direction is None:
        raise no_direction(
            metric, f"Write --sort '{name} desc' or --sort '{name} asc'", selection.metrics
        )
    return direction == "max"
