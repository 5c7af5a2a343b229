"""The score and the cost of each placement of the gates, as in Section 4.3 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dasbench.errors import UsageError
from dasbench.spec.plain import Variant
from dasbench.views.figures.means import (
    SeedMean,
    axes_of,
    has_several_studies,
    mean_of,
    no_axis,
    variants_with_scores,
)
from dasbench.views.selection import Selection

MOST_PLACES = 60
"""Placements that one figure shows."""


@dataclass(frozen=True, kw_only=True)
class PlacementScore:
    """One placement.

    Args:
        study: the study that it belongs to, `""` if there is only one.
        variant: the varied fields and their values, the placement among them.
        label: what tables call it, without its study.
        mean: its mean score.
    """

    study: str = ""
    variant: Variant = field(default_factory=dict)
    label: str = ""
    mean: SeedMean


@dataclass(frozen=True, kw_only=True)
class PlacementInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score, `""` for none.
        places: one for each variant with a score, in the order of the study.
    """

    question: str
    metric: str
    unit: str
    places: Sequence[PlacementScore]

    @property
    def means(self) -> list[SeedMean]:
        """Every mean, in the order of the placements."""
        return [place.mean for place in self.places]


def info(selection: Selection) -> PlacementInfo:
    """Gather means by placement.

    Raises:
        UsageError: if the study does not vary the placement, naming what it varies; or too many to
            show.
    """
    if not any(axis.partition(".")[0] == "placement" for axis in axes_of(selection)):
        raise no_axis(selection, "placement", plot="placement")
    several = has_several_studies(selection)
    places = []
    for entry in variants_with_scores(selection):
        place = PlacementScore(
            variant=entry.variant,
            label=entry.label.removeprefix(f"{entry.study}: "),
            mean=mean_of(entry),
        )
        if several:
            place = replace(place, study=entry.study)
        places.append(place)
    if len(places) > MOST_PLACES:
        raise UsageError(
            f"plot placement: {len(places)} placements are more than the {MOST_PLACES} that fit; "
            "use `where`"
        )
    return PlacementInfo(
        question=selection.question, metric=selection.metric, unit=selection.unit, places=places
    )
