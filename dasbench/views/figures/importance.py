"""Which axis matters: what explains the differences between a study's scores."""

from dataclasses import dataclass, replace

from dasbench.analysis.importance import Importance, Method, importance
from dasbench.analysis.levels import Observation
from dasbench.errors import UsageError
from dasbench.views.figures.means import has_several_studies
from dasbench.views.selection import Selection
from dasbench.views.variants import gather_all


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
    rows = selection.rows
    if has_several_studies(selection):
        rows = [replace(row, variant={"study": row.study, **row.variant}) for row in rows]
    observations = []
    for entry in gather_all(rows, metric=selection.metric):
        for seed, score in entry.scores_of(selection.metric).items():
            observations.append(Observation(variant=entry.variant, seed=seed, score=score))
    planned = [(row.variant, row.seed) for row in rows]
    try:
        found = importance(observations, planned, method=method)
    except UsageError as error:
        raise UsageError(f"study '{selection.name}': {error}") from error
    return ImportanceInfo(question=selection.question, metric=selection.metric, found=found)
