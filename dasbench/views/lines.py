"""The lines of a leaderboard, the columns that can order them, and the values there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from dasbench.analysis.families import RankInterval
from dasbench.analysis.moderated import Noise
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
        noise: that its rank rests on, of this variant alone; None for paired t tests.
    """

    entry: VariantScores
    summaries: Mapping[str, SeedSummary]
    rank: RankInterval | None
    noise: Noise | None = None

    @property
    def is_wild(self) -> bool:
        """Whether it is far noisier than most variants of its study."""
        return self.noise is not None and bool(self.noise.wild[0])


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


def rank_values(rank: RankInterval | None) -> dict[str, int | None]:
    """The ranks that a variant may hold by the names of their columns, None where not known.

    Example:
        >>> rank_values(RankInterval(low=1, high=3, best=False, ties_with_best=True))
        {'rank_low': 1, 'rank_high': 3, 'best': False, 'ties_with_best': True}
    """
    if rank is None:
        return dict.fromkeys(("rank_low", "rank_high", "best", "ties_with_best"))
    return {
        "rank_low": rank.low,
        "rank_high": rank.high,
        "best": rank.best,
        "ties_with_best": rank.ties_with_best,
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
            f"`sort` '{sort}': write a column, or a column with asc or desc, as in 'macs desc'"
        )
    if not lines:
        return []
    values = list(map(_values, lines))
    column = _column(name, list(dict.fromkeys(chain.from_iterable(values))), convention)
    falling = order == "desc" or (not order and _falls(column, name, selection))
    known: list[tuple[Value, Line]] = []
    unknown: list[Line] = []
    for line, own in zip(lines, values, strict=True):
        value = own.get(column)
        if value is None:
            unknown.append(line)
        else:
            known.append((value, line))
    known.sort(key=itemgetter(0), reverse=falling)
    return [line for _, line in known] + unknown


def _values(line: Line) -> dict[str, Value]:
    """Everything by which a line can be put in its place."""
    entry = line.entry
    values: dict[str, Value] = {
        "label": entry.label,
        "study": entry.study,
        "n": entry.num_done,
        "failed": entry.failed,
        "planned": entry.planned,
        "stopped": entry.states.get("stopped", 0),
        "seconds_mean": entry.seconds,
        "peak_memory": entry.peak_memory,
        "repeats": entry.repeats,
        "probe": entry.probe,
        "confirmed": entry.confirmed,
    }
    values |= rank_values(line.rank)
    for metric, summary in line.summaries.items():
        values |= summary_values(metric, summary)
    for metric, value in entry.selected.items():
        values[f"{metric}_selected"] = value
    return values | dict.fromkeys(COST_FIELDS) | known_counts(entry.cost)


def _column(name: str, columns: Sequence[str], convention: str) -> str:
    """The column that a name stands for."""
    for full in (name, _SHORT.get(name, name), f"{name}_{convention}", f"{name}_mean"):
        if full in columns:
            return full
    raise UsageError(
        f"`sort`: {unknown_name('column', name, [*columns, *_SHORT, 'params', 'macs'])}"
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
            metric, f"Write `sort` '{name} desc' or `sort` '{name} asc'", selection.metrics
        )
    return direction == "max"
