"""The section as data: what stands in it, before anything is drawn or written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dasbench.render.plots.captions import CaptionedPlot
from dasbench.render.questions import with_title
from dasbench.render.section.bibliography import Citation, Reference, make_citations, references_of
from dasbench.render.section.figures import make_figures
from dasbench.render.section.methods import methods
from dasbench.render.section.results import results, verdicts
from dasbench.render.section.tables import SectionTable, make_tables
from dasbench.views.evidence import Evidence


@dataclass(frozen=True, kw_only=True)
class Section:
    """An ablation section.

    Args:
        study: the study's name.
        question: what it asks.
        methods: how the results came about, a paragraph.
        citations: whom to cite for the components.
        results: what they say, a paragraph.
        verdicts: one sentence for each comparison with the baseline.
        tables: those that the study gives.
        figures: those that its axes and results allow.
        left_out: why the other figures are not there, by name.
    """

    study: str
    question: str
    methods: str
    citations: Sequence[Citation]
    results: str
    verdicts: Sequence[str]
    tables: Sequence[SectionTable]
    figures: Sequence[CaptionedPlot]
    left_out: Mapping[str, str]

    @property
    def references(self) -> Sequence[Reference]:
        """All that is cited, in the order of the text."""
        return references_of(self.citations)

    @property
    def reference_numbers(self) -> Mapping[str, int]:
        """The number of each reference, by its key, from 1."""
        return {reference.key: number for number, reference in enumerate(self.references, 1)}


def make_section(evidence: Evidence) -> Section:
    """Compute the section; nothing is drawn or written yet."""
    caveat = "Tests in this figure take the variants and their seeds as fixed in advance."
    if evidence.tests_hold:
        caveat = ""
    selection = with_title(evidence.selection)
    figures = make_figures(selection, convention=evidence.board.convention, caveat=caveat)
    return Section(
        study=evidence.selection.name,
        question=selection.question,
        methods=methods(evidence),
        citations=make_citations(evidence.components),
        results=results(evidence),
        verdicts=verdicts(evidence),
        tables=make_tables(evidence),
        figures=figures.drawn,
        left_out=figures.missing,
    )
