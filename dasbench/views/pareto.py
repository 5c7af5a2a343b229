"""What the figure of accuracy against cost shows: its points, where each stands, and the words around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dasbench.render.plots.labels import short_labels
from dasbench.spec.study import Objective
from dasbench.views.frontier import Point, frontier, how_standings_were_found
from dasbench.views.published import PublishedPoint
from dasbench.views.quantities import axis_unit, is_cost_name, score_title, spread_title
from dasbench.views.selection import Selection
from dasbench.views.variants import leaderboard


@dataclass(frozen=True, kw_only=True)
class ParetoInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: what the vertical axis shows.
        cost: what the horizontal axis shows, a count with its convention (`macs_full`).
        points: every variant with a result, by falling score.
        objectives: all objectives of the front.
        units: unit of each objective that is a metric, `""` for none.
        published: what others printed, a layer of its own.
        how: how standings were found, in one sentence.
        left_out: variants that have no result to be a point with.
    """

    question: str
    metric: str
    cost: str
    points: Sequence[Point]
    objectives: Sequence[Objective] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    published: Sequence[PublishedPoint] = ()
    how: str = ""
    left_out: int = 0

    @property
    def costs(self) -> list[float]:
        """Every value on the horizontal axis."""
        return [point.cost for point in self.points] + [point.cost for point in self.published]

    @property
    def has_steps(self) -> bool:
        """Whether the front is a line of steps: of two objectives, with costs to keep low."""
        return len(self.objectives) == 2 and Objective(metric=self.cost, direction="min") in self.objectives


def info(
    selection: Selection,
    *,
    cost: str = "macs_full",
    objectives: Sequence[Objective] = (),
    published: Sequence[PublishedPoint] = (),
) -> ParetoInfo:
    """Compute the points of the figure and where each stands.

    Args:
        selection: rows of one study or of several.
        cost: `macs_full`, `macs_paper`, `params_full`, `params_paper`, `memory`, `seconds` or a metric; less is better.
        objectives: two or more to use instead of the selection's metric and `cost`; the figure shows the first two.
        published: points that others printed.
    """
    if not objectives:
        score = Objective(metric=selection.metric, direction=selection.direction)
        objectives = [score, Objective(metric=cost, direction="min")]
    noisy = next((objective for objective in objectives if not is_cost_name(objective.metric)), None)
    y, x = objectives[:2] if noisy in (objectives[0], None) else (objectives[1], objectives[0])
    entries = leaderboard(selection.rows, metric=(noisy and noisy.metric) or selection.metric)
    points = sorted(
        frontier(entries, objectives, x=x, y=y),
        key=lambda point: point.mean if y.direction == "min" else -point.mean,
    )
    return ParetoInfo(
        question=selection.question,
        metric=y.metric,
        cost=x.metric,
        points=points,
        objectives=tuple(objectives),
        units={objective.metric: selection.unit_of(objective.metric) for objective in objectives},
        published=published,
        how=how_standings_were_found(len(points), objectives),
        left_out=len(entries) - len(points),
    )


def point_labels(points: Sequence[Point]) -> list[str]:
    """A short label for each point: values alone where all variants of its study vary the same fields."""
    by_study: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        by_study.setdefault(point.study, []).append(index)
    labels = [""] * len(points)
    for some in by_study.values():
        for index, text in zip(some, short_labels([points[index].variant for index in some])[1], strict=True):
            labels[index] = text
    return labels


def front_steps(front: ParetoInfo, size: float) -> list[tuple[float, float]]:
    """The corners of the front by rising cost; none where it is no line of steps."""
    if not front.has_steps:
        return []
    return sorted((point.cost / size, point.mean) for point in front.points if point.on_front)


def vertical_title(front: ParetoInfo) -> str:
    """What the vertical axis shows, and what its error bars are."""
    if is_cost_name(front.metric):
        return axis_unit(front.metric, []).title
    unit = front.units.get(front.metric)
    if not front.points:
        return score_title(front.metric, unit)
    return spread_title(front.metric, unit, spread=any(point.ci95 is not None for point in front.points))


def legend_title(front: ParetoInfo) -> str:
    """What the labels of the points mean, and what the figure would hide."""
    keys = short_labels([point.variant for point in front.points])[0] if front.points else ""
    short = sum(point.failed > 0 for point in front.points)
    lost = f"{short} of {len(front.points)} variants lost seeds" if short else ""
    absent = f"{front.left_out} without a result" if front.left_out else ""
    return "; ".join(part for part in (keys and f"labels: {keys}", lost, absent) if part)
