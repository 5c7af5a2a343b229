"""The section's figures: those that a study's axes allow, each with its caption and the numbers behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dasbench.errors import UsageError
from dasbench.render.frontier import frontier_records
from dasbench.render.importance import headline, importance_records
from dasbench.render.plots import alpha, importance, norms, pareto, placement
from dasbench.render.plots.titles import how_standings_were_found
from dasbench.views.figures import alpha as alpha_views
from dasbench.views.figures import importance as importance_views
from dasbench.views.figures import norms as norms_views
from dasbench.views.figures import pareto as pareto_views
from dasbench.views.figures import placement as placement_views
from dasbench.views.figures.means import SeedMean, axes_of
from dasbench.views.selection import Selection

Records = Sequence[Mapping[str, Any]]

STANDINGS = {
    "front": "red: on the front of the means",
    "possibly": "hollow: possibly on the front",
    "dominated": "grey: significantly dominated",
    "tried": "pale: tried by the search and not confirmed",
}
"""What the points of a frontier mean, by their standing."""

_MEANS = "Means over seeds with their 95 % t intervals"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure.

    Args:
        name: of its files and its label.
        caption: what it shows, with what its intervals are and how many seeds they are over.
        records: every number behind it.
        draw: draws it to a PNG, SVG or PDF file.
        front: what an interactive page draws instead, of the frontier.
        why_not: why it would say nothing that the tables do not, `""` if it says something.
    """

    name: str
    caption: str
    records: Records
    draw: Callable[[Path], None]
    front: pareto_views.ParetoInfo | None = None
    why_not: str = ""


@dataclass(frozen=True)
class Figures:
    """The figures of a study.

    Args:
        drawn: those that apply.
        left_out: why the others do not, by name.
    """

    drawn: Sequence[Figure]
    left_out: Mapping[str, str]


def make_figures(selection: Selection, *, convention: str, caveat: str = "") -> Figures:
    """Compute every figure that the study's axes and results allow; nothing is drawn yet.

    Args:
        selection: all trials of a study.
        convention: of the costs, `full` or `paper`.
        caveat: what every caption has to say of the tests in the figures.
    """
    drawn, left_out = [], {}
    for name, make in FIGURES.items():
        try:
            figure = make(selection, convention)
        except UsageError as error:
            left_out[name] = str(error)
            continue
        why_not = figure.why_not if figure.records else "no trial has a result to show yet"
        if why_not:
            left_out[name] = f"plot {name}: {why_not}"
        else:
            drawn.append(replace(figure, caption=f"{figure.caption} {caveat}".strip()))
    return Figures(drawn, left_out)


def _frontier(selection: Selection, convention: str) -> Figure:
    front = pareto_views.info(selection, cost=f"macs_{convention}")
    counts, failed = [point.n for point in front.points], [point.failed for point in front.points]
    caption = f"{front.metric} against cost. {_legend(front)} {_spread(counts, failed)}"
    return Figure(
        name="pareto",
        caption=caption,
        records=frontier_records(front.points),
        draw=partial(pareto.draw, front),
        front=front,
        why_not=_why_no_frontier(front),
    )


def _legend(front: pareto_views.ParetoInfo) -> str:
    """What the kinds of points mean that the frontier shows."""
    shown = {point.standing for point in front.points}
    parts = [text for standing, text in STANDINGS.items() if standing in shown]
    return f"{'; '.join(parts).capitalize()}. Standings: {how_standings_were_found(front)}."


def _why_no_frontier(front: pareto_views.ParetoInfo) -> str:
    if len(front.points) == 1:
        return "one variant has a result, which is no trade"
    if len({point.cost for point in front.points}) == 1:
        return f"all variants have the same {front.cost}, so that nothing is traded for it"
    return ""


def _alpha(selection: Selection, convention: str) -> Figure:
    del convention  # its ticks name the costs of the full one
    sweep = alpha_views.info(selection)
    points = [
        (alpha.curve_name(curve), point.alpha, point.mean)
        for curve in sweep.curves
        for point in curve.points
    ]
    return Figure(
        name="alpha",
        caption=f"{sweep.metric} against the compression coefficient alpha. {_spread_of(sweep.means)}",
        records=[
            {"setting": name, "alpha": value, **_record(mean)} for name, value, mean in points
        ],
        draw=partial(alpha.draw, sweep),
        why_not=""
        if len({value for _, value, _ in points}) > 1
        else "one alpha has a result, which is no curve",
    )


def _norms(selection: Selection, convention: str) -> Figure:
    del convention  # it shows no costs
    pairs = norms_views.info(selection)
    ties = {pairs.best, *pairs.ties}
    records = []
    for (first, second), mean in pairs.cells.items():
        pair = (first, second)
        record = {"first_norm": first, "second_norm": second, **_record(mean)}
        records.append({**record, "best": pair == pairs.best, "ties_with_best": pair in ties})
    return Figure(
        name="norms",
        caption=f"{pairs.metric} by pair of norms. {_spread_of([*pairs.cells.values()])}",
        records=records,
        draw=partial(norms.draw, pairs),
        why_not=""
        if len(records) > 1
        else "one pair of norms has a result, which compares with nothing",
    )


def _placement(selection: Selection, convention: str) -> Figure:
    del convention  # its bars are the costs of the full one
    places = placement_views.info(selection)
    return Figure(
        name="placement",
        caption=f"{places.metric} and multiply-adds by placement of the gates. {_spread_of(places.means)}",
        records=[
            {"placement": placement.place_name(place), **_record(place.mean)}
            for place in places.places
        ],
        draw=partial(placement.draw, places),
        why_not=""
        if len(places.means) > 1
        else "one placement has a result, which compares with nothing",
    )


def _importance(selection: Selection, convention: str) -> Figure:
    del convention  # it shows no costs
    explained = importance_views.info(selection)
    axes = axes_of(selection)
    notes = "".join(f" Note: {note}." for note in explained.found.notes)
    return Figure(
        name="importance",
        caption=f"Share of the variance of {explained.metric} by axis. {headline(explained.found)}.{notes}",
        records=importance_records(explained.found),
        draw=partial(importance.draw, explained),
        why_not=_why_no_importance(explained, axes),
    )


def _why_no_importance(explained: importance_views.ImportanceInfo, axes: Sequence[str]) -> str:
    if len(axes) == 1:
        return f"the study varies {axes[0]} alone, which explains all but chance"
    fit = explained.found.fit
    if fit is not None and fit <= 0:
        return "a forest fitted to the scores explains nothing of those that it did not see"
    return ""


FIGURES: Mapping[str, Callable[[Selection, str], Figure]] = {
    "pareto": _frontier,
    "alpha": _alpha,
    "norms": _norms,
    "placement": _placement,
    "importance": _importance,
}
"""Every figure that a section may have, by the name of its files, in their order."""


def _record(mean: SeedMean) -> dict[str, Any]:
    plain = asdict(mean)
    return {"macs_full" if name == "cost" else name: value for name, value in plain.items()}


def _spread_of(means: Sequence[SeedMean]) -> str:
    return _spread([mean.n for mean in means], [mean.failed for mean in means])


def _spread(counts: Sequence[int], failed: Sequence[int]) -> str:
    """How many seeds the means are over, and what the intervals are."""
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    over = f"n = {low}" if low == high else f"n = {low} to {high}"
    text = f"{_MEANS}, {over}." if high > 1 else "One seed: no spread known."
    lost = sum(number > 0 for number in failed)
    return f"{text} {lost} of {len(counts)} variants lost seeds." if lost else text
