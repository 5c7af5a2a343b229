"""The layers of a frontier: its points by standing and study, and where they are drawn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import NamedTuple

from dasbench.render.plots.style import LOOKS, PointLook
from dasbench.render.plots.titles import point_labels
from dasbench.views.figures.published import PublishedPoint
from dasbench.views.frontier import Point

Place = tuple[float, float]
"""A cost in the unit of the axis, and a score."""


class Marker(NamedTuple):
    """What the points of a study look like.

    Args:
        character: what matplotlib calls it.
        symbol: what plotly calls it.
    """

    character: str
    symbol: str


MARKERS = (
    Marker("o", "circle"),
    Marker("s", "square"),
    Marker("^", "triangle-up"),
    Marker("D", "diamond"),
    Marker("v", "triangle-down"),
    Marker("P", "cross"),
    Marker("X", "x"),
    Marker("<", "triangle-left"),
)
"""One for each study."""


class Layer(NamedTuple):
    """The points of one standing and one study.

    Args:
        look: of the standing.
        study: its name.
        marker: of the study.
        points: of which there is at least one.
        labels: what stands beside each.
    """

    look: PointLook
    study: str
    marker: Marker
    points: Sequence[Point]
    labels: Sequence[str]


def study_markers(points: Iterable[Point]) -> dict[str, Marker]:
    """A marker for each study, in the order in which they come."""
    studies = dict.fromkeys(point.study for point in points)
    return dict(zip(studies, cycle(MARKERS), strict=False))


def layers(points: Sequence[Point]) -> Iterator[Layer]:
    """The layers that have points, the lowest first."""
    groups: dict[tuple[str, str], list[tuple[Point, str]]] = defaultdict(list)
    for point, text in zip(points, point_labels(points), strict=True):
        groups[point.standing, point.study].append((point, text))
    markers = study_markers(points)
    for standing, look in LOOKS.items():
        for study, marker in markers.items():
            if (standing, study) in groups:
                own, labels = zip(*groups[standing, study], strict=True)
                yield Layer(look, study, marker, own, labels)


def places_of(points: Iterable[Point], size: float) -> list[Place]:
    """Where points are drawn.

    Args:
        points: of a frontier.
        size: of the unit of costs.
    """
    return [(point.cost / size, point.mean) for point in points]


def published_places(points: Iterable[PublishedPoint], size: float) -> list[Place]:
    """Where published points are drawn, as for those of a frontier."""
    return [(point.cost / size, point.value) for point in points]


def columns(places: Iterable[Place]) -> tuple[list[float], list[float]]:
    """The costs and the scores of some places."""
    costs, scores = [], []
    for cost, score in places:
        costs.append(cost)
        scores.append(score)
    return costs, scores
