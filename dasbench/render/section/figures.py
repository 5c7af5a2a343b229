"""The section's figures: those of the registered plots that a study's axes and results allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.render.plots.captions import CaptionedPlot
from dasbench.views.selection import Selection


@dataclass(frozen=True)
class Figures:
    """The figures of a study.

    Args:
        drawn: those that apply.
        missing: why the others do not, by name.
    """

    drawn: Sequence[CaptionedPlot]
    missing: Mapping[str, str]


def make_figures(selection: Selection, *, convention: str, caveat: str = "") -> Figures:
    """Compute every figure that the study's axes and results allow; nothing is drawn yet.

    Args:
        selection: all trials of a study.
        convention: of the costs, `full` or `paper`.
        caveat: what every caption has to say of the tests in the figures.
    """
    drawn, missing = [], {}
    for name in report_plots():
        captioned = PLOTS[name].traits.captioned
        assert captioned is not None, f"plot '{name}' has a place in reports and no caption"
        try:
            plot = captioned(selection, convention)
        except UsageError as error:
            missing[name] = str(error)
            continue
        why_not = plot.why_not
        if not plot.records:
            why_not = "no trial has a result to show yet"
        if why_not:
            missing[name] = f"plot {name}: {why_not}"
        else:
            drawn.append(replace(plot, caption=f"{plot.caption} {caveat}".strip()))
    return Figures(drawn, missing)


def report_plots() -> list[str]:
    """The plots that are registered with a place in a report, in their order there."""
    places = {}
    for name, traits in PLOTS.written_traits().items():
        if traits.report_place is not None:
            places[name] = traits.report_place
    return sorted(places, key=lambda name: places[name])
