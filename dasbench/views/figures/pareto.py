"""What the figure of accuracy against cost shows: its points, and where each stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from dasbench.analysis.standings import MOST_PLACED_BY_ALL_PAIRS
from dasbench.spec.study import Objective
from dasbench.views.comparisons.noise import noise_of_arms
from dasbench.views.figures.published import PublishedPoint
from dasbench.views.frontier import Grounds, Point, frontier, grounds_of, measured_objectives
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
        published: what others printed, a layer of its own.
        grounds: what standings rest on.
        left_out: variants that have no result to be a point with.
        units: unit of each objective that is a metric, `""` for none.
    """

    question: str
    metric: str
    cost: str
    points: Sequence[Point]
    objectives: Sequence[Objective] = ()
    published: Sequence[PublishedPoint] = ()
    grounds: Grounds = "all_pairs"
    left_out: int = 0
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def costs(self) -> list[float]:
        """Every value on the horizontal axis."""
        return [point.cost for point in self.points] + [point.cost for point in self.published]

    @property
    def scores(self) -> list[float]:
        """Every value on the vertical axis."""
        return [point.mean for point in self.points] + [point.value for point in self.published]

    @property
    def standings(self) -> set[str]:
        """Those that any point has."""
        return {point.standing for point in self.points}

    @property
    def has_steps(self) -> bool:
        """Whether the front is a line of steps: of two objectives, with costs to keep low."""
        return (
            len(self.objectives) == 2
            and Objective(metric=self.cost, direction="min") in self.objectives
        )


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
        cost: `macs_full`, `macs_paper`, `params_full`, `params_paper`, `memory`, `seconds` or a
            metric; less is better.
        objectives: two or more to use instead of the selection's metric and `cost`; the figure
            shows the first two.
        published: points that others printed.
    """
    if not objectives:
        score = Objective(metric=selection.metric, direction=selection.direction)
        objectives = [score, Objective(metric=cost, direction="min")]
    measured = measured_objectives(objectives)
    y, x = objectives[:2]
    metric = selection.metric
    if measured:
        metric = measured[0].metric
        if measured[0] != y:
            y, x = x, y
    entries = leaderboard(selection.rows, metric=metric)
    noise = None
    if len(measured) == 1 and len(entries) <= MOST_PLACED_BY_ALL_PAIRS:
        noise = noise_of_arms(selection, entries, metric)
    points = frontier(entries, objectives, x=x, y=y, noise=noise)
    points.sort(key=attrgetter("mean"), reverse=y.direction == "max")
    return ParetoInfo(
        question=selection.question,
        metric=y.metric,
        cost=x.metric,
        points=points,
        objectives=tuple(objectives),
        published=published,
        grounds=grounds_of(sum(point.standing != "tried" for point in points), objectives),
        left_out=len(entries) - len(points),
        units={objective.metric: selection.unit_of(objective.metric) for objective in objectives},
    )


def front_steps(front: ParetoInfo, size: float) -> list[tuple[float, float]]:
    """The corners of the front by rising cost; none where it is no line of steps."""
    if not front.has_steps:
        return []
    return sorted((point.cost / size, point.mean) for point in front.points if point.on_front)
