"""Which axis matters: what explains the differences between a study's scores."""

from dataclasses import dataclass

from dasbench.analysis.importance import Importance, Method, importance
from dasbench.analysis.levels import Observation
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.spec.plain import Variant
from dasbench.views.figures.means import has_several_studies
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores, gather_all


@dataclass(frozen=True, kw_only=True)
class ImportanceInfo:
    """What the axes of a study explain.

    Args:
        question: what the study asks.
        metric: the score that is explained.
        found: what explains it.
    """

    question: str
    metric: str
    found: Importance


def info(selection: Selection, *, method: Method = "auto") -> ImportanceInfo:
    """Explain the scores of a study by its axes; with several studies the study is an axis too.

    Args:
        selection: rows of one study or of several.
        method: `anova`, `fanova`, or whichever the study carries.

    Raises:
        UsageError: if the study does not carry it.
    """
    several = has_several_studies(selection)
    observations = []
    for entry in gather_all(selection.rows, metric=selection.metric):
        variant = _with_study(entry, several=several)
        for seed, score in entry.scores_of(selection.metric).items():
            observations.append(Observation(variant=variant, seed=seed, score=score))
    planned = [(_with_study(row, several=several), row.seed) for row in selection.rows]
    try:
        found = importance(observations, planned, method=method)
    except UsageError as error:
        raise UsageError(f"study '{selection.name}': {error}") from error
    return ImportanceInfo(question=selection.question, metric=selection.metric, found=found)


def _with_study(entry: Row | VariantScores, *, several: bool) -> Variant:
    """A variant; of several studies, its study is a field of it."""
    if not several:
        return entry.variant
    return {"study": entry.study, **entry.variant}
