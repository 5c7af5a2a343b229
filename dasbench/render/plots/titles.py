"""The words around a figure: titles, labels of points, what standings rest on."""

from collections.abc import Mapping, Sequence

from dasbench.render.plots.figure import has_intervals, num_with_lost_seeds
from dasbench.render.plots.labels import short_labels
from dasbench.render.units import axis_unit, metric_title
from dasbench.views.figures.pareto import ParetoInfo
from dasbench.views.frontier import Grounds, Point
from dasbench.views.quantities import is_cost_name

PUBLISHED = "published, other data / recipe"
"""What the legend calls points that were trained elsewhere, on other data or in another way."""

_GROUNDS: Mapping[Grounds, str] = {
    "all_pairs": "tests over seeds, all pairs, corrected for all pairs",
    "best_cheaper": "paired t tests over seeds, each against the best that costs no more, "
    "corrected for all pairs",
    "means": "several objectives are measured: nothing is called dominated",
    "exact": "all objectives are taken as exact",
}


def how_standings_were_found(front: ParetoInfo) -> str:
    """What stands behind the word `dominated`, in a few words."""
    if front.grounds != "exact" and front.points and all(point.n < 2 for point in front.points):
        return "one seed: no test tells variants apart"
    return _GROUNDS[front.grounds]


def spread_title(metric: str, unit: str, *, spread: bool) -> str:
    """What an axis of scores shows: a mean and what its error bars are, or that no spread is known.

    Example:
        >>> spread_title("top1", "%", spread=True), spread_title("loss", "", spread=False)
        ('top1 (%), mean and its 95 % interval', 'loss, one seed: no spread known')
    """
    title = metric_title(metric, unit)
    if spread:
        return f"{title}, mean and its 95 % interval"
    return f"{title}, one seed: no spread known"


def vertical_title(front: ParetoInfo) -> str:
    """What the vertical axis shows, and what its error bars are."""
    if is_cost_name(front.metric):
        return axis_unit(front.metric, [], front.units.get(front.metric, "")).title
    unit = front.units.get(front.metric, "")
    if not front.points:
        return metric_title(front.metric, unit)
    return spread_title(front.metric, unit, spread=has_intervals(front.points))


def legend_title(front: ParetoInfo) -> str:
    """What the labels of the points mean, and what the figure would hide."""
    parts = []
    if front.points and (keys := _short_labels(front.points)[0]):
        parts.append(f"labels: {keys}")
    if short := num_with_lost_seeds(front.points):
        parts.append(f"{short} of {len(front.points)} variants lost seeds")
    if front.left_out:
        parts.append(f"{front.left_out} without a result")
    return "; ".join(parts)


def point_labels(points: Sequence[Point]) -> list[str]:
    """A short label for each point: values alone where its study always varies the same fields."""
    by_study: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        by_study.setdefault(point.study, []).append(index)
    labels = [""] * len(points)
    for some in by_study.values():
        _, texts = _short_labels([points[index] for index in some])
        for index, text in zip(some, texts, strict=True):
            labels[index] = text
    return labels


def _short_labels(points: Sequence[Point]) -> tuple[str, list[str]]:
    """What the labels of points mean, and the labels, without the names of their studies."""
    labels = [point.label.removeprefix(f"{point.study}: ") for point in points]
    return short_labels([point.variant for point in points], labels)
