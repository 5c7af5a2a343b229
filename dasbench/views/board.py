"""What a leaderboard shows, computed: summaries, rank intervals, the order of the lines, and what stands below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dasbench.analysis.families import RankInterval
from dasbench.analysis.power import planning_floor
from dasbench.analysis.stats import Direction, Summary, summarise_each
from dasbench.analysis.wording import one_seed_note
from dasbench.errors import UsageError, unknown_name
from dasbench.records import COST_FIELDS
from dasbench.views.grouping import group_entries
from dasbench.views.ranks import ALL_PAIRS_UP_TO, find_ranks
from dasbench.views.selection import Selection
from dasbench.views.units import better_direction, no_direction, score_unit
from dasbench.views.variants import VariantScores, by_score, is_cost, leaderboard

FLOOR_METRICS = ("top1", "top5")
"""Metrics of the test part whose noise can be planned from the number of its examples."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One variant with its statistics.

    Args:
        entry: its scores and costs.
        summaries: over its seeds, by metric.
        rank: the ranks that it may hold; None where nothing is known of its spread.
    """

    entry: VariantScores
    summaries: Mapping[str, Summary]
    rank: RankInterval | None

    def as_record(self) -> dict[str, Any]:
        """Flat plain data, as JSON and CSV show it."""
        entry, rank = self.entry, self.rank
        record: dict[str, Any] = {"variant": dict(entry.variant), "label": entry.label, "study": entry.study}
        record |= {"n": entry.num_done, "failed": entry.failed, "planned": entry.planned}
        record |= {"stopped": entry.states.get("stopped", 0), "seeds": sorted(entry.scores.get(entry.metric, ()))}
        record |= {"rank_low": rank and rank.low, "rank_high": rank and rank.high, "best": rank and rank.best}
        record |= {"ties_with_best": rank and rank.ties_with_best}
        for metric, summary in self.summaries.items():
            record |= _summary_record(metric, summary)
        record |= {f"{metric}_selected": value for metric, value in entry.selected.items()}
        record |= {name: getattr(entry.cost, name) if entry.cost else None for name in COST_FIELDS}
        record["uncounted"] = dict(entry.cost.uncounted) if entry.cost else None
        record["input_size"] = list(entry.cost.input_size) if entry.cost else None
        record |= {"seconds_mean": entry.seconds, "peak_memory": entry.peak_memory, "repeats": entry.repeats}
        return record | {"states": dict(entry.states), "probe": entry.probe, "keys": list(entry.keys)}


@dataclass(frozen=True, kw_only=True)
class Board:
    """A leaderboard.

    Args:
        question: what the studies ask.
        metric: the metric that ranks.
        unit: of the metric.
        lines: the variants that are shown, in their order.
        num_variants: how many there are in all.
        convention: of the costs that are shown, `full` or `paper`.
        notes: what has to be said below the table.
    """

    question: str
    metric: str
    unit: str
    lines: Sequence[Line]
    num_variants: int
    convention: str
    notes: Sequence[str]


def make_board(
    selection: Selection,
    *,
    convention: str = "full",
    sort: str | None = None,
    top: int | None = None,
    group_by: Sequence[str] = (),
    all_metrics: bool = True,
) -> Board:
    """Compute a leaderboard.

    Args:
        selection: rows of one study or of several.
        convention: of the costs, `full` or `paper`.
        sort: a column, with `asc` or `desc` after it or without; by the mean of the metric by default.
        top: how many variants to show; all by default.
        group_by: fields whose values are ranked, averaged over the other fields.
        all_metrics: sum up every metric, not only the one that ranks and its validation part.

    Raises:
        UsageError: if a field or the column to sort by is unknown, naming the nearest.
    """
    metric, direction = selection.metric, selection.direction
    only = None if all_metrics or sort else [metric, f"val_{metric}"]
    entries = leaderboard(selection.rows, metric=metric, maximise=direction == "max", only=only)
    notes = [f"Only what passes: {selection.where}"] if selection.where else []
    if group_by:
        entries, averaged = group_entries(entries, metric, group_by)
        entries = by_score(entries, metric=metric, maximise=direction == "max")
        notes.append(averaged)
    ranks: Sequence[RankInterval | None] = [None] * len(entries)
    if not is_cost(metric):
        shown = len(entries) if top is None or sort else top
        ranks = find_ranks([entry.scores.get(metric, {}) for entry in entries], shown=shown, direction=direction)
    cut = slice(None if sort else top)
    lines = _lines(entries[cut], ranks[cut], selection)
    lines = _sorted(lines, sort, selection, convention)[:top] if sort else lines
    board = Board(
        question=selection.question,
        metric=metric,
        unit=selection.unit,
        lines=lines,
        num_variants=len(entries),
        convention=convention,
        notes=notes,
    )
    return replace(board, notes=[*_statistics(board, selection), *_looks(selection), *notes, *_provisos(board)])


def _looks(selection: Selection) -> list[str]:
    """How the comparisons of a study that replicates until resolved stand, by the procedure of its plan."""
    if not selection.looks:
        return []
    last, plan = selection.looks[-1], ", ".join(map(str, selection.looks[-1].plan))
    spent = sum(look.level for look in selection.looks if look.plan == last.plan)
    stand = "; ".join(f"{label}: {state}" for label, state in last.states.items())
    doubt = " Exploratory: earlier looks followed another plan." if last.exploratory else ""
    return [
        f"Looks at {plan} seeds: {last.number} taken, {spent:.3g} of the error rate of 0.05 spent. {stand}.{doubt} "
        "The ranks above know nothing of the looks; `dasbench compare` judges at the level of the last one."
    ]


def noise_note(lines: Sequence[Line], selection: Selection) -> str:
    """What is said of single seeds, with the planning floor of the best score if the size of the test part is known."""
    metric, size = selection.metric, selection.num_test_examples
    means = [line.summaries[metric].mean for line in lines if line.entry.num_done == 1]
    floor = None
    if metric in FLOOR_METRICS and size and means and means[0] is not None and 0 <= means[0] <= 100:
        floor = planning_floor(means[0], size) or None
    return one_seed_note(floor, score_unit(metric, selection.metrics))


def _summary_record(metric: str, summary: Summary) -> dict[str, Any]:
    mean, half = summary.mean, summary.half_width
    low, high = (None, None) if mean is None or half is None else (mean - half, mean + half)
    return {
        f"{metric}_mean": mean,
        f"{metric}_sd": summary.sd,
        f"{metric}_ci95": half,
        f"{metric}_low": low,
        f"{metric}_high": high,
        f"{metric}_worst": summary.worst,
    }


def _lines(entries: Sequence[VariantScores], ranks: Sequence[RankInterval | None], selection: Selection) -> list[Line]:
    """The entries with a summary of every metric, the one that ranks first."""
    others = sorted({name for entry in entries for name in entry.scores} - {selection.metric})
    metrics = others if is_cost(selection.metric) else [selection.metric, *others]
    failed = [entry.failed for entry in entries]
    columns = []
    for metric in metrics:
        direction = _direction(metric, selection)
        values = [list(entry.scores.get(metric, {}).values()) for entry in entries]
        columns.append(summarise_each(values, failed, direction=direction))
    return [
        Line(
            entry=entry, summaries={name: column[row] for name, column in zip(metrics, columns, strict=True)}, rank=rank
        )
        for row, (entry, rank) in enumerate(zip(entries, ranks, strict=True))
    ]


def _sorted(lines: Sequence[Line], sort: str, selection: Selection, convention: str) -> list[Line]:
    """Lines by a column, the better end first; lines without a value last."""
    name, _, order = sort.strip().partition(" ")
    if order not in ("", "asc", "desc"):
        raise UsageError(f"--sort '{sort}': write a column, or a column with asc or desc, as in 'macs desc'")
    records = [line.as_record() for line in lines]
    column = _column(name, list(dict.fromkeys(key for record in records for key in record)), convention)
    falling = order == "desc" or (not order and _falls(column, name, selection))

    def value(record: Mapping[str, Any]) -> Any:
        found = record.get(column)
        return None if isinstance(found, dict | list) else found

    known = [place for place, record in enumerate(records) if value(record) is not None]
    known.sort(key=lambda place: value(records[place]), reverse=falling)
    unknown = [place for place, record in enumerate(records) if value(record) is None]
    return [lines[place] for place in (*known, *unknown)]


def _column(name: str, columns: Sequence[str], convention: str) -> str:
    """The key of a record that a column's name stands for."""
    short = {"variant": "label", "rank": "rank_low", "memory": "peak_memory", "time": "seconds_mean"}
    for full in (name, short.get(name, name), f"{name}_{convention}", f"{name}_mean"):
        if full in columns:
            return full
    if not columns:
        return name
    raise UsageError(f"--sort: {unknown_name('column', name, columns)}")


def _falls(column: str, name: str, selection: Selection) -> bool:
    """Whether the larger values of a column come first.

    Raises:
        UsageError: if nobody said which end of a metric is the better one.
    """
    if column.endswith(("_sd", "_ci95")):
        return False
    ends = ("_mean", "_worst", "_low", "_high", "_selected")
    metric = next((column.removesuffix(end) for end in ends if column.endswith(end)), column)
    if metric in (column, "rank", "seconds"):
        return column in ("n", "planned", "best", "ties_with_best")
    direction = _direction(metric, selection)
    if direction is None:
        raise no_direction(metric, f"Write --sort '{name} desc' or --sort '{name} asc'", selection.metrics)
    return direction == "max"


def _direction(metric: str, selection: Selection) -> Direction | None:
    """In which direction a metric is better; None if nobody said so."""
    if metric == selection.metric:
        return selection.direction
    return better_direction(metric, selection.objectives, selection.metrics)


def _statistics(board: Board, selection: Selection) -> list[str]:
    """How the numbers of the metric are to be read."""
    if is_cost(board.metric):
        return []
    lines = board.lines
    notes = ["±: half of the 95 % t interval of the mean over n seeds. Only trials that are done give scores."]
    if any(line.rank for line in lines):
        tested = f"Holm over all pairs of {board.num_variants} variants"
        if board.num_variants > ALL_PAIRS_UP_TO:
            tested = f"Bonferroni over all pairs of {board.num_variants:,} variants; only the first lines were tested"
        notes.append(
            "Rank: the ranks that paired t tests over common seeds leave open "
            f"({tested}). ≈: not distinguishable from the best."
        )
    if any(line.entry.num_done == 1 for line in lines):
        notes.append(noise_note(lines, selection) + ".")
    seeds = {tuple(sorted(line.entry.scores.get(board.metric, ()))) for line in lines if line.entry.num_done}
    if len(seeds) > 1:
        notes.append("The variants have different seeds: any two are compared over the seeds that both have.")
    return notes


def _provisos(board: Board) -> list[str]:
    """What restricts the table."""
    entries = [line.entry for line in board.lines]
    notes = []
    if len(entries) < board.num_variants:
        notes.append(f"{len(entries)} of {board.num_variants:,} variants; --top {board.num_variants} shows all.")
    if any(entry.states.get("stopped") for entry in entries):
        notes.append("Stopped trials were ended by a scheduler; they are counted and give no score.")
    if any(entry.selected for entry in entries):
        notes.append("What a search picked was trained again: its scores are those of fresh seeds.")
    if again := [f"{entry.label} ({entry.repeats} of {entry.planned})" for entry in entries if entry.repeats]:
        notes.append(f"Trained again, the last result counts: {'; '.join(again)}. `dasbench show KEY` has the former.")
    if any(entry.probe for entry in entries):
        notes.append("Probe: scores are a formula's, nothing was trained.")
    if board.num_variants == 0:
        notes.append("There is no trial to show.")
    return notes
