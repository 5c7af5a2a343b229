"""The score at each compression coefficient alpha, as in Figure 3 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from dasbench.errors import UsageError
from dasbench.spec.plain import Fields
from dasbench.views.figures.means import (
    SeedMean,
    find_axis,
    has_several_studies,
    mean_of,
    variants_with_scores,
)
from dasbench.views.selection import Selection

MOST_CURVES = 8
"""Curves that can be told apart."""


@dataclass(frozen=True, kw_only=True)
class AlphaPoint:
    """The mean score at one alpha."""

    alpha: float
    mean: SeedMean


@dataclass(frozen=True, kw_only=True)
class AlphaCurve:
    """The scores of one setting of all else.

    Args:
        study: the study that it belongs to, `""` if there is only one.
        setting: value of every other field that varies.
        points: by rising alpha.
    """

    study: str = ""
    setting: Fields = field(default_factory=dict)
    points: Sequence[AlphaPoint]


@dataclass(frozen=True, kw_only=True)
class AlphaInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score, `""` for none.
        curves: one for each setting of the other axes, in the order of the study.
    """

    question: str
    metric: str
    unit: str
    curves: Sequence[AlphaCurve]

    @property
    def points(self) -> list[AlphaPoint]:
        """Every point, curve by curve."""
        points: list[AlphaPoint] = []
        for curve in self.curves:
            points += curve.points
        return points

    @property
    def means(self) -> list[SeedMean]:
        """Every mean, curve by curve."""
        return [point.mean for point in self.points]

    @property
    def alphas(self) -> list[float]:
        """Every alpha, rising."""
        return sorted({point.alpha for point in self.points})


def info(selection: Selection) -> AlphaInfo:
    """Gather means by alpha, one curve for each setting of the other axes.

    Variants without an alpha are left out.

    Raises:
        UsageError: if the study has no axis `alpha`, or varies so much else that the curves could
            not be told apart.
    """
    axis = find_axis(selection, "alpha", plot="alpha")
    several = has_several_studies(selection)
    settings: dict[str, tuple[str, Mapping[str, Any]]] = {}
    points: dict[str, list[AlphaPoint]] = {}
    for entry in variants_with_scores(selection):
        others = dict(entry.variant)
        alpha = others.pop(axis, None)
        if not isinstance(alpha, int | float) or isinstance(alpha, bool):
            continue
        study = ""
        if several:
            study = entry.study
        name = repr((study, others))
        settings.setdefault(name, (study, others))
        points.setdefault(name, []).append(AlphaPoint(alpha=float(alpha), mean=mean_of(entry)))
    if len(points) > MOST_CURVES:
        raise UsageError(
            f"plot alpha: study '{selection.name}' has {len(points)} settings beside {axis}, "
            f"more curves than can be told apart ({MOST_CURVES}); choose some with `where`"
        )
    curves = []
    for name, (study, setting) in settings.items():
        rising = sorted(points[name], key=attrgetter("alpha"))
        curves.append(AlphaCurve(study=study, setting=setting, points=rising))
    return AlphaInfo(
        question=selection.question, metric=selection.metric, unit=selection.unit, curves=curves
    )
